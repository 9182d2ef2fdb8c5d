"""Comparisons whose answer is known: said by an expert, or promoted because everybody who judged them agrees."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from labeling.actions.content import check_text
from labeling.actions.errors import ActionError
from labeling.actions.leases import free_leases
from labeling.actions.prompts import check_choice
from labeling.actions.submitting import Ranks, check_ranks
from labeling.actions.tallies import count_change, weight
from labeling.models import Assignment, Comparison, GoldAnswer, Project
from labeling.queries.quality import agreed_on

MAX_EXPLANATION = 20_000
Use, Source = GoldAnswer.Use, GoldAnswer.Source


@dataclass(frozen=True)
class Answer:
    """A checked answer: `ranks` by canonical position, dense."""

    ranks: Ranks
    use: str
    source: str
    explanation: str


def check_answer(
    *, ranks: Any, k: int, allow_ties: bool, use: Any = Use.HIDDEN, source: Any = Source.EXPERT, explanation: Any = ""
) -> Answer:
    """The answer, if it is legal. Raises ActionError naming the field."""
    answer = Answer(
        ranks=check_ranks(ranks, k=k, allow_ties=allow_ties),
        use=check_choice(use, "use", Use.values),
        source=check_choice(source, "source", Source.values),
        explanation=check_text(explanation, "explanation", empty=True, longest=MAX_EXPLANATION).strip(),
    )
    if answer.use == Use.HIDDEN and len({rank for rank in answer.ranks if rank is not None}) < 2:
        raise ActionError(
            "A hidden item must prefer something: nobody can be right or wrong about ties alone. Use it for practice, "
            "or rank one completion above another.",
            field="ranks",
        )
    return answer


@transaction.atomic
def mark_gold(
    *,
    comparison: Comparison,
    ranks: Any,
    use: str = Use.HIDDEN,
    source: str = Source.EXPERT,
    explanation: str = "",
    by: Any = None,
) -> GoldAnswer:
    """Say what is right about a comparison, or say it anew. From now on it collects no judgments of its own.

    What it has collected stays, and who has it open may still submit: that is kept as an extra judgment. People who
    have had it never get it as gold. Raises ActionError "invalid" (with `field`), "conflict" for a comparison that is
    retired or compares two models.
    """
    locked = locked_comparison(comparison.pk)
    if locked.state == Comparison.State.RETIRED:
        raise ActionError("This comparison is retired; resume it before you make it gold.", "conflict")
    if locked.purpose == Comparison.Purpose.EVALUATE:
        raise ActionError("This comparison is there to compare two models; its answer is what people say.", "conflict")
    allow_ties = locked.project.allow_ties
    answer = check_answer(
        ranks=ranks, k=locked.k, allow_ties=allow_ties, use=use, source=source, explanation=explanation
    )
    return store_answer(locked, answer, by)


def store_answer(locked: Comparison, answer: Answer, by: Any = None) -> GoldAnswer:
    """The checked answer, stored. The caller has locked the comparison."""
    _set_gold(locked, True)
    said = {"ranks": answer.ranks, "use": answer.use, "source": answer.source, "explanation": answer.explanation}
    stored, _ = GoldAnswer.objects.update_or_create(
        comparison=locked, defaults={"project_id": locked.project_id, "author": by, **said}
    )
    return stored


@transaction.atomic
def unmark_gold(*, comparison: Comparison) -> Comparison:
    """Forget the known answer: the comparison collects judgments again. What people said about it as gold stays
    stored, measures nobody any more, and is not counted among its judgments. Unmarking twice changes nothing."""
    locked = locked_comparison(comparison.pk)
    GoldAnswer.objects.filter(comparison=locked).delete()
    if locked.gold:
        _set_gold(locked, False)
    return locked


@transaction.atomic
def promote_agreed(
    *, project: Project, at_least: int, most: int = 50, use: str = Use.HIDDEN, by: Any = None
) -> list[GoldAnswer]:
    """Make gold of comparisons about which at least so many people have said the very same, at most `most` of them.

    Programs that judge are not counted: they agree with themselves. Comparisons that are all ties stay as they are.
    """
    if isinstance(at_least, bool) or not isinstance(at_least, int) or not 2 <= at_least <= 1000:
        raise ActionError(
            "at_least must be a whole number from 2: one judge alone agrees with nobody.", field="at_least"
        )
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= 500:
        raise ActionError("most must be a whole number from 1 to 500.", field="most")
    check_choice(use, "use", Use.values)
    found = agreed_on(project, at_least=at_least, most=most)
    # locked in the order of their ids: two leads who promote at once do not wait for each other crosswise
    return [_promoted(pk, at_least, use, by) for pk in sorted(found)]


@transaction.atomic
def promote_one(*, comparison: Comparison, use: str = Use.HIDDEN, explanation: str = "", by: Any = None) -> GoldAnswer:
    """Make gold of this comparison what all its judges, at least two, have said. "conflict" when they do not agree."""
    ranks = agreed_on(comparison.project, at_least=2, only=comparison.pk).get(comparison.pk)
    if ranks is None:
        raise ActionError("Not everybody who judged it says the same, or fewer than two people have.", "conflict")
    return mark_gold(comparison=comparison, ranks=ranks, use=use, source=Source.AGREED, explanation=explanation, by=by)


def _promoted(comparison_id: int, at_least: int, use: str, by: Any) -> GoldAnswer:
    """Looked at again under the lock: somebody may have differed meanwhile."""
    locked = locked_comparison(comparison_id)
    ranks = agreed_on(locked.project, at_least=at_least, only=comparison_id).get(comparison_id)
    if ranks is None:
        raise ActionError("Somebody has just judged one of these differently; try again.", "conflict")
    return store_answer(locked, Answer(ranks, use, Source.AGREED, ""), by)


def locked_comparison(comparison_id: int) -> Comparison:
    """The comparison with its project, locked. Runs inside a transaction."""
    rows = Comparison.objects.select_for_update(no_key=True, of=("self",)).select_related("project")
    return rows.get(pk=comparison_id)


def _set_gold(locked: Comparison, gold: bool) -> None:
    """Open leases end: they were given out for another purpose."""
    before = weight(locked)
    locked.gold = gold
    locked.save(update_fields=["gold"])
    free_leases(_leased([locked.pk]))
    count_change(locked, before)


def _leased(comparison_ids: Iterable[int]) -> list[int]:
    held = Assignment.objects.filter(comparison__in=comparison_ids, state=Assignment.State.LEASED)
    return list(held.order_by("pk").values_list("pk", flat=True))
