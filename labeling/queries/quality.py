"""How people do on known answers, and whether they say the same twice."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import OuterRef, Q, Subquery

from labeling.agreement import Figure, accuracy_on_known, right_of, self_consistency
from labeling.models import Assignment, Comparison, GoldAnswer, Judgment, Membership, Project, ScreeningAttempt
from labeling.queries.chunks import parts

Kind, State = Assignment.Kind, Assignment.State
# Said beside the kind itself, as the index `assignment_not_collected` says it: SQLite draws no conclusions of its own.
NOT_COLLECTED = ~Q(kind="collect")
LOOKED_AT = 20_000  # comparisons in which one call looks for agreed ones
LETTERS = "ABCDEFGHI"
Ranks = list[int | None]


@dataclass(frozen=True)
class PersonFigure:
    """A person and how they do."""

    person: Any
    figure: Figure
    items: int


@dataclass(frozen=True)
class ItemScore:
    """How people do on one gold item: pairs ordered as known, of the pairs they were asked, and how many people."""

    right: int
    strict: int
    people: int

    @property
    def share(self) -> float | None:
        return self.right / self.strict if self.strict else None


def measured(project: Project, kind: str) -> Any:
    """The project's judged assignments of that kind, one that does not collect."""
    return Assignment.objects.filter(
        NOT_COLLECTED, project=project, kind=kind, state=State.JUDGED, latest__isnull=False
    )


def accuracy_of_people(project: Project) -> list[PersonFigure]:
    """How each person does on hidden gold, most items first."""
    rows = measured(project, Kind.GOLD).filter(comparison__gold_answer__isnull=False)
    return _by_person(
        rows.values_list("annotator", "comparison__prompt", "latest__ranks", "comparison__gold_answer__ranks"),
        accuracy_on_known,
    )


def self_consistency_of_people(project: Project) -> list[PersonFigure]:
    """How far each person says the same again about their own items, most items first."""
    before = Assignment.objects.filter(
        comparison=OuterRef("comparison"), annotator=OuterRef("annotator"), attempt=0, state__in=["judged", "surplus"]
    )
    rows = measured(project, Kind.REPEAT).annotate(before=Subquery(before.values("latest__ranks")[:1]))
    return _by_person(
        rows.filter(before__isnull=False).values_list("annotator", "comparison__prompt", "latest__ranks", "before"),
        self_consistency,
    )


def _by_person(rows: Iterable[tuple[int, int, Ranks, Ranks]], figure: Any) -> list[PersonFigure]:
    by_person: dict[int, list[tuple[int, Ranks, Ranks]]] = defaultdict(list)
    for person_id, *row in rows:
        by_person[person_id].append(tuple(row))
    people = get_user_model().objects.in_bulk(list(by_person))
    found = [PersonFigure(people[pk], figure(said), len(said)) for pk, said in by_person.items()]
    return sorted(found, key=lambda each: (-each.items, str(each.person)))


def scores_of_items(project: Project, comparison_ids: list[int]) -> dict[int, ItemScore]:
    """How people do on each of these gold items, hidden or practice; those nobody has judged are left out."""
    counted: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    rows = Assignment.objects.filter(
        comparison__in=comparison_ids, kind__in=[Kind.GOLD, Kind.PRACTICE], state=State.JUDGED, latest__isnull=False
    )
    for comparison_id, said, known in rows.values_list("comparison", "latest__ranks", "comparison__gold_answer__ranks"):
        right, strict = right_of(said, known) if known else (0, 0)
        counted[comparison_id] = [
            old + new for old, new in zip(counted[comparison_id], (right, strict, 1), strict=True)
        ]
    return {pk: ItemScore(*numbers) for pk, numbers in counted.items()}


def latest_gold(project: Project, person: Any, many: int, since: datetime | None) -> list[tuple[Ranks, Ranks]]:
    """(said, known) of the latest hidden gold items the person has judged, newest first; after `since` alone."""
    rows = measured(project, Kind.GOLD).filter(annotator=person, comparison__gold_answer__isnull=False)
    if since is not None:
        rows = rows.filter(latest__created__gt=since)
    return list(rows.order_by("-number", "-pk").values_list("latest__ranks", "comparison__gold_answer__ranks")[:many])


def practice_rows(attempt: ScreeningAttempt) -> list[tuple[int, Ranks, Ranks]]:
    """(prompt, said, known) of a try. A skipped item says nothing about any pair, so that none of it is right."""
    rows = Assignment.objects.filter(
        NOT_COLLECTED,
        project=attempt.project_id,
        annotator=attempt.person_id,
        kind=Kind.PRACTICE,
        attempt=attempt.number,
        state__in=[State.JUDGED, State.SKIPPED],
        comparison__gold_answer__isnull=False,
    ).values_list("comparison__prompt", "state", "latest__ranks", "comparison__gold_answer__ranks")
    return [
        (prompt, said if state == State.JUDGED and said else [None] * len(known), known)
        for prompt, state, said, known in rows
    ]


def screening_of(project: Project) -> list[dict[str, Any]]:
    """Everybody who has practised: member, tries in order, and whether they are out of tries; those first."""
    tries: dict[int, list[ScreeningAttempt]] = defaultdict(list)
    for each in ScreeningAttempt.objects.filter(project=project).order_by("person", "number"):
        tries[each.person_id].append(each)
    members = Membership.objects.filter(project=project, person__in=list(tries)).select_related("person")
    rows = [{"member": member, "tries": tries[member.person_id]} for member in members]
    for row in rows:
        member, last = row["member"], row["tries"][-1]
        failed = sum(each.state == ScreeningAttempt.State.FAILED for each in row["tries"])
        open_now = last.state == ScreeningAttempt.State.OPEN
        row["last"], row["failed"], row["open"] = last, failed, open_now
        row["out"] = member.qualified is None and not open_now and failed >= project.screening_tries
    return sorted(rows, key=lambda row: (not row["out"], str(row["member"].person)))


def agreed_on(project: Project, *, at_least: int, most: int = 1, only: int | None = None) -> dict[int, Ranks]:
    """Ranks by comparison, where at least so many people, and all who judged it, say the very same.

    Without programs that judge, and without answers that prefer nothing. `only`: this comparison alone. Looks at the
    first LOOKED_AT comparisons that could be such.
    """
    could = Comparison.objects.filter(
        project=project, purpose=Comparison.Purpose.COLLECT, gold=False, judged__gte=at_least
    ).exclude(state=Comparison.State.RETIRED)
    if only is not None:
        could = could.filter(pk=only)
    found: dict[int, Ranks] = {}
    for part in parts(could.order_by("pk").values_list("pk", flat=True)[:LOOKED_AT]):
        for comparison_id, said in _said_by_people(part):
            if len(said) >= at_least and all(ranks == said[0] for ranks in said) and _prefers(said[0]):
                found[comparison_id] = said[0]
                if len(found) == most:
                    return found
    return found


def _said_by_people(comparison_ids: list[int]) -> Iterator[tuple[int, list[Ranks]]]:
    said: dict[int, list[Ranks]] = defaultdict(list)
    rows = Assignment.objects.given().filter(comparison__in=comparison_ids, annotator__simulated=False)
    for comparison_id, ranks in rows.order_by("comparison", "pk").values_list("comparison", "latest__ranks"):
        said[comparison_id].append(ranks)
    yield from said.items()


def _prefers(ranks: Ranks) -> bool:
    return len({rank for rank in ranks if rank is not None}) > 1


def practice_feedback(assignment: Assignment, judgment: Judgment) -> dict[str, Any]:
    """What `labeling/rank_feedback.html` shows, as `feedback`, once a practice item has been judged.

    The person's ranking beside the known one, in the order in which the page showed the answers, and how the try is.
    """
    comparison, project = assignment.comparison, assignment.project
    gold = GoldAnswer.objects.filter(comparison=comparison).first()
    texts = dict(comparison.candidates.values_list("position", "completion__text"))
    known = gold.ranks if gold else [None] * comparison.k
    right, strict = right_of(judgment.ranks, known)
    answers = [
        {"letter": LETTERS[place], "text": texts[at], "yours": judgment.ranks[at], "known": known[at]}
        for place, at in enumerate(assignment.order)
    ]
    return {
        "project": project,
        "turns": comparison.prompt.messages,
        "answers": answers,
        "pair": len(answers) == 2,
        "yours": in_words([answer["yours"] for answer in answers]),
        "known": in_words([answer["known"] for answer in answers]) if gold else "",
        "explanation": gold.explanation if gold else "",
        "right": right,
        "strict": strict,
        "all_right": right == strict,
        "tied": len(set(judgment.ranks)) == 1,
        **_standing(assignment),
    }


def _standing(assignment: Assignment) -> dict[str, Any]:
    """How far the try is, and how it ended."""
    project = assignment.project
    tries = ScreeningAttempt.objects.filter(project=project, person=assignment.annotator_id)
    attempt = tries.filter(number=assignment.attempt).first()
    if attempt is None:
        return {"attempt": None}
    done = Assignment.objects.filter(
        project=project,
        annotator=assignment.annotator_id,
        kind=Kind.PRACTICE,
        attempt=attempt.number,
        state__in=[State.JUDGED, State.SKIPPED],
    ).count()
    failed = tries.filter(state=ScreeningAttempt.State.FAILED).count()
    return {"attempt": attempt, "done": done, "tries_left": max(0, project.screening_tries - failed)}


def in_words(ranks: Ranks) -> str:
    """`A ≻ B = C`, best first, A being the first of them; what was not ranked is left out."""
    tiers: dict[int, list[str]] = defaultdict(list)
    for letter, rank in zip(LETTERS, ranks, strict=False):
        if rank is not None:
            tiers[rank].append(letter)
    return " ≻ ".join(" = ".join(tiers[rank]) for rank in sorted(tiers))
