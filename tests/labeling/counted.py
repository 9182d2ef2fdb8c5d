"""The counts that are kept, compared with the rows that they count."""

from django.db.models import Count, F, Q, QuerySet, Sum

from labeling.actions.queue import level_of
from labeling.models import Assignment, Comparison, Judgment, PersonTally, Project, ProjectTally

BY_KIND = {"judged": "collect", "gold": "gold", "repeats": "repeat", "practice": "practice"}


def assert_tallies_are_true(project: Project) -> None:
    """Every kept count of the project and its people is what counting gives."""
    project = Project.objects.get(pk=project.pk)
    assert_project_is_counted(project)
    people = set(Assignment.objects.filter(project=project).values_list("annotator", flat=True))
    kept = {tally.person_id: tally for tally in PersonTally.objects.filter(project=project)}
    assert people <= set(kept)
    for person_id, tally in kept.items():
        assert_person_is_counted(project, person_id, tally)
    for comparison in counted_comparisons(project):
        assert_comparison_is_counted(project, comparison)


def assert_project_is_counted(project: Project) -> None:
    kept = ProjectTally.objects.filter(project=project).first() or ProjectTally(project=project)
    wanted = project.comparisons.exclude(state="retired").filter(gold=False)
    assert kept.prompts == project.prompts.count()
    assert kept.prompts_heldout == project.prompts.filter(split="heldout").count()
    assert kept.prompts_compared == project.prompts.filter(comparisons__isnull=False).distinct().count()
    assert kept.comparisons == wanted.count()
    assert kept.wanted == wanted.aggregate(all=Sum("overlap", default=0))["all"]
    assert kept.done == wanted.filter(judged__gte=F("overlap")).count()
    aside = project.comparisons.exclude(pk__in=wanted.values("pk"))
    assert kept.set_aside == aside.aggregate(all=Sum("judged", default=0))["all"]


def assert_person_is_counted(project: Project, person_id: int, tally: PersonTally) -> None:
    mine = Assignment.objects.filter(project=project, annotator=person_id)
    counted = {name: mine.filter(state="judged", kind=kind).count() for name, kind in BY_KIND.items()}
    counted |= {state: mine.filter(state=state).count() for state in ("leased", "skipped", "surplus")}
    assert {name: getattr(tally, name) for name in counted} == counted
    judgments = Judgment.objects.filter(assignment__in=mine)
    assert tally.revisions == judgments.count()
    seconds = judgments.aggregate(all=Sum("active_seconds", default=0))["all"]
    assert abs(tally.active_seconds - seconds) < 1e-6 * max(1, seconds)


def counted_comparisons(project: Project) -> QuerySet[Comparison]:
    """With the rows counted beside the kept counts, all in one query."""
    held, mine = Q(assignments__slot__isnull=False), Comparison.objects.filter(project=project)
    return mine.annotate(
        held=Count("assignments", filter=held),
        filled=Count("assignments", filter=held & Q(assignments__state="judged")),
        skipped=Count("assignments", filter=Q(assignments__state="skipped")),
    )


def assert_comparison_is_counted(project: Project, counted: Comparison) -> None:
    """`counted` is one of `counted_comparisons`."""
    assert (counted.live, counted.judged, counted.skips) == (counted.held, counted.filled, counted.skipped)
    assert counted.level == level_of(project.order, counted.priority, counted.live)
