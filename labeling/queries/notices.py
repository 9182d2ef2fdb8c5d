"""What waits for the leads of a project. Cheap however much was settled: an index holds only what is open."""

from django.db.models import QuerySet

from labeling.models import Notice, Project

MOST_COUNTED = 100


def open_notices(project: Project) -> QuerySet[Notice]:
    """What is not settled, newest first."""
    return notices_of(project).filter(settled__isnull=True).order_by("-id")


def settled_notices(project: Project) -> QuerySet[Notice]:
    """What is settled, the latest first."""
    return notices_of(project).filter(settled__isnull=False).order_by("-settled")


def notices_of(project: Project) -> QuerySet[Notice]:
    return Notice.objects.filter(project=project).select_related("comparison__prompt", "person", "settled_by")


def count_open(project: Project) -> int:
    """How many are not settled; no more than MOST_COUNTED are counted."""
    return len(Notice.objects.filter(project=project, settled__isnull=True).values_list("pk")[:MOST_COUNTED])
