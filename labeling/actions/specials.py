"""Items that are not there to collect: gold among the rest, and a person's own earlier ones again."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef

from labeling.actions.draws import draw
from labeling.actions.leases import FREE_AGAIN, Taking
from labeling.models import Assignment, Comparison, GoldAnswer, PersonTally, Project

Kind, State = Assignment.Kind, Assignment.State
LOOK, GOLD_LOOK = 100, 16


def pick_gold(person: Any, project: Project, lanes: Sequence[int], tally: PersonTally) -> Taking | None:
    """A hidden gold item: the first from a place drawn for the person and the item. None when they have had all of it,
    or what is near has a prompt that they had lately: an item that came too soon would be known by it.

    Had as work, as gold, or as practice, which has shown them the answer. However much gold there is, it takes as long.
    """
    hidden = GoldAnswer.objects.filter(project=project, use=GoldAnswer.Use.HIDDEN)
    ends = [
        hidden.order_by(order).values_list("comparison", flat=True).first() for order in ("comparison", "-comparison")
    ]
    if ends[0] is None:
        return None
    start = ends[0] + draw(f"{project.seed}:{person.pk}:gold:{tally.opened}", ends[1] - ends[0] + 1)
    had = Assignment.objects.filter(comparison=OuterRef("comparison"), annotator=person)
    left = hidden.filter(comparison__state=Comparison.State.OPEN, comparison__lane__in=list(lanes)).filter(
        ~Exists(had.exclude(state__in=FREE_AGAIN))
    )
    lately = set(tally.recent[: project.spacing])
    for part in (
        left.filter(comparison__gte=start).order_by("comparison"),
        left.filter(comparison__lt=start).order_by("-comparison"),
    ):
        for pk, prompt in part.values_list("comparison", "comparison__prompt")[:GOLD_LOOK]:
            if prompt not in lately:
                return Taking(pk, Kind.GOLD)
    return None


def pick_repeat(person: Any, project: Project, tally: PersonTally) -> Taking | None:
    """One of the person's own items from at least `repeat_gap` items ago, drawn evenly, and never one twice.

    The nearest to a place that is drawn, at most LOOK away: it costs the same whatever the person has judged.
    """
    newest = tally.opened - project.repeat_gap
    if newest <= 0:
        return None
    start = draw(f"{project.seed}:{person.pk}:repeat:{tally.opened}", newest)
    own = Assignment.objects.filter(
        project=project,
        annotator=person,
        kind=Kind.COLLECT,
        state=State.JUDGED,
        number__lt=newest,
    )
    again = Assignment.objects.filter(comparison=OuterRef("pk"), annotator=person, attempt=1)
    for part in (own.filter(number__gte=start).order_by("number"), own.filter(number__lt=start).order_by("-number")):
        near = list(part.values_list("comparison", flat=True)[:LOOK])
        still_open = Comparison.objects.filter(pk__in=near, state=Comparison.State.OPEN).filter(~Exists(again))
        # one that came sooner than others of its prompt may would be known by it
        apart = still_open.exclude(prompt__in=tally.recent[: project.spacing])
        may_repeat = set(apart.values_list("pk", flat=True))
        found = next((pk for pk in near if pk in may_repeat), None)
        if found is not None:
            return Taking(found, Kind.REPEAT, attempt=1)
    return None
