"""Items that are not there to collect: gold among the rest, and a person's own earlier ones again."""

import hashlib
from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef

from labeling.actions.draws import draw
from labeling.actions.leases import FREE_AGAIN, Taking
from labeling.models import Assignment, Comparison, GoldAnswer, PersonTally, Project

Kind, State = Assignment.Kind, Assignment.State
LOOK = 100


def pick_gold(person: Any, project: Project, lanes: Sequence[int]) -> Taking | None:
    """The hidden gold item that the person's own shuffle brings next; None when they have had all of it.

    Had as work, as gold, or as practice, which has shown them the answer.
    """
    had = Assignment.objects.filter(comparison=OuterRef("comparison"), annotator=person)
    left = GoldAnswer.objects.filter(
        project=project,
        use=GoldAnswer.Use.HIDDEN,
        comparison__state=Comparison.State.OPEN,
        comparison__lane__in=list(lanes),
    ).filter(~Exists(had.exclude(state__in=FREE_AGAIN)))
    ids = left.values_list("comparison", flat=True)

    def place(pk: int) -> bytes:
        return hashlib.sha256(f"{project.seed}:{person.pk}:gold:{pk}".encode()).digest()

    chosen = min(ids, key=place, default=None)
    return None if chosen is None else Taking(chosen, Kind.GOLD)


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
        may_repeat = set(still_open.values_list("pk", flat=True))
        found = next((pk for pk in near if pk in may_repeat), None)
        if found is not None:
            return Taking(found, Kind.REPEAT, attempt=1)
    return None
