"""What follows from a project's judgments, computed once for a state of them and then kept."""

from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache
from django.db.models import Sum

from labeling.models import PersonTally, Project

T = TypeVar("T")
KEPT_SECONDS = 24 * 3600


def state_of_judgments(project: Project) -> str:
    """A name for everything that has been said in the project so far, from one row a person."""
    revisions = PersonTally.objects.filter(project=project).aggregate(all=Sum("revisions", default=0))["all"]
    return f"{project.pk}:{project.created.timestamp()}:{revisions}"


def kept(key: str, compute: Callable[[], T]) -> T:
    """What was computed under this key before, or is now. `key` names the state that the value follows from."""
    value = cache.get(key)
    if value is None:
        value = compute()
        cache.set(key, value, KEPT_SECONDS)
    return value
