"""What annotators said, imported: assignments and judgments, some hundred lines at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from labeling.actions.errors import ActionError
from labeling.actions.import_lines import Entry, Row
from labeling.actions.import_people import PeopleStore
from labeling.actions.queue import level_now
from labeling.actions.submitting import SAID
from labeling.actions.tallies import COUNTED_AS, count_person, count_project, weight
from labeling.content import json_hash
from labeling.models import Assignment, Candidate, Comparison, Judgment, PersonTally, Project
from labeling.queries.chunks import parts

State, Kind = Assignment.State, Assignment.Kind
Whose = tuple[int, int]
"""An annotator, and the how-many-th time they have the comparison (Assignment.attempt)."""


@dataclass
class Held:
    """What one annotator has on one comparison: in the database (`pk`), or in this batch."""

    pk: int | None
    slot: int | None
    state: str
    kind: str
    said: tuple[Any, ...] | None

    @property
    def judged(self) -> bool:
        return self.state in SAID

    @property
    def takes_a_slot(self) -> bool:
        return self.slot is not None or self.fills_a_slot

    @property
    def fills_a_slot(self) -> bool:
        return self.state == State.JUDGED and self.kind == Kind.COLLECT


@dataclass
class Said:
    """A judgment to be stored, in canonical order."""

    comparison_id: int
    annotator_id: int
    ranks: list[int | None]
    shown: list[int]
    row: Row
    held: Held | None

    @property
    def whose(self) -> Whose:
        return self.annotator_id, self.row["attempt"]

    @property
    def collects(self) -> bool:
        return self.row["kind"] == Kind.COLLECT

    @property
    def slotless(self) -> bool:
        """Gold, repeats and practice hold no slot, nor do surplus judgments."""
        return not self.collects or self.row["surplus"]


class JudgmentStore:
    """Adds the judgments of checked lines inside the caller's transaction."""

    def __init__(self, project: Project, complain: Callable[[int, ActionError], None], added: Counter[str]) -> None:
        self.project = project
        self.complain = complain
        self.added = added
        self.duplicates = 0
        self.people = PeopleStore(project, complain, added)

    def add(self, entries: list[Entry]) -> None:
        """Store what is new; what is there already with the same ranks and comment counts as a duplicate."""
        entries = self.people.add(entries)
        if not entries:
            return
        ids = sorted({entry.comparison_id for entry in entries})
        live = {row.pk: row for part in parts(ids) for row in self._locked(part)}
        order, held = self._canonical(ids), self._held(ids)
        new = [said for entry in entries for said in self._new_in(entry, order[entry.comparison_id], held)]
        self._make_room(live, new, held)
        self._store(new, held)

    def _locked(self, ids: list[int]) -> list[Comparison]:
        """The comparisons, locked: nobody is served them while their slots are given out here."""
        rows = Comparison.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
        return list(rows.only("pk", "project", "overlap", "live", "judged", "state", "gold"))

    def _canonical(self, ids: list[int]) -> dict[int, dict[int, int]]:
        """For each comparison the canonical position of each completion."""
        order: dict[int, dict[int, int]] = defaultdict(dict)
        for part in parts(ids):
            rows = Candidate.objects.filter(comparison_id__in=part)
            for comparison_id, completion_id, position in rows.values_list("comparison", "completion", "position"):
                order[comparison_id][completion_id] = position
        return order

    def _held(self, ids: list[int]) -> dict[int, dict[Whose, Held]]:
        """For each comparison what each annotator has on it."""
        held: dict[int, dict[Whose, Held]] = defaultdict(dict)
        for part in parts(ids):
            rows = Assignment.objects.filter(comparison_id__in=part).values_list(
                *("comparison", "annotator", "attempt", "pk", "slot", "state", "kind", "latest__ranks"),
                "latest__comment",
            )
            for comparison, annotator, attempt, pk, slot, state, kind, ranks, comment in rows:
                said = (kind, ranks, comment) if state in SAID else None
                held[comparison][annotator, attempt] = Held(pk, slot, state, kind, said)
        return held

    def _new_in(self, entry: Entry, order: dict[int, int], held: dict[int, dict[Whose, Held]]) -> list[Said]:
        """The judgments of a line that are not stored yet; none of them when one contradicts what is stored."""
        places = [order[completion_id] for completion_id in entry.completion_ids]
        new, known = [], 0
        for place, row in enumerate(entry.row["judgments"]):
            ranks = [rank for _, rank in sorted(zip(places, row["ranks"], strict=True))]
            annotator = self.people.ids[row["annotator"]]
            before = held[entry.comparison_id].get((annotator, row["attempt"]))
            if before is None or not before.judged:
                shown = [places[position] for position in row["shown"]]
                new.append(Said(entry.comparison_id, annotator, ranks, shown, row, before))
            elif before.said == (row["kind"], ranks, row["comment"]):
                known += 1
            else:
                self.complain(entry.number, _contradiction(place, row["annotator"], entry.comparison_id))
                return []
        self.duplicates += known
        for said in new:
            slot = said.held.slot if said.held and said.collects else None
            pk = said.held.pk if said.held else None
            now = (said.row["kind"], said.ranks, said.row["comment"])
            held[said.comparison_id][said.whose] = Held(pk, slot, _state(said), said.row["kind"], now)
        return new

    def _make_room(self, live: dict[int, Comparison], new: list[Said], held: dict[int, dict[Whose, Held]]) -> None:
        """Count the slots and raise the overlap where more people judged than were asked for."""
        wanted: dict[tuple[int, int, int], list[int]] = defaultdict(list)
        counted: Counter[str] = Counter()
        for comparison_id in dict.fromkeys(said.comparison_id for said in new):
            comparison, people = live[comparison_id], held[comparison_id].values()
            before = weight(comparison)
            comparison.live = sum(each.takes_a_slot for each in people)
            comparison.judged = sum(each.fills_a_slot for each in people)
            comparison.overlap = max(comparison.overlap, comparison.live)
            wanted[comparison.overlap, comparison.live, comparison.judged].append(comparison_id)
            counted.update({name: now - before[name] for name, now in weight(comparison).items()})
        for (overlap, taken, judged), ids in wanted.items():
            level = level_now(self.project.order, taken)
            for part in parts(ids):
                Comparison.objects.filter(pk__in=part).update(overlap=overlap, live=taken, judged=judged, level=level)
        count_project(self.project.pk, **counted)

    def _store(self, new: list[Said], held: dict[int, dict[Whose, Held]]) -> None:
        slots = {each: _free_slots(held[each]) for each in {said.comparison_id for said in new}}
        again = [said for said in new if said.held is not None]
        fresh = [said for said in new if said.held is None]
        before = {said.held.pk: said.held.state for said in again}
        for said in again:
            self._judge_again(said, slots[said.comparison_id])
        made = Assignment.objects.bulk_create(
            [self._assignment(said, None if said.slotless else next(slots[said.comparison_id])) for said in fresh]
        )
        ids = [said.held.pk for said in again] + [assignment.pk for assignment in made]
        Judgment.objects.bulk_create(map(_judgment, ids, again + fresh))
        latest = Judgment.objects.filter(assignment=OuterRef("pk")).order_by("-revision").values("pk")[:1]
        for part in parts(ids):
            Assignment.objects.filter(pk__in=part).update(latest=Subquery(latest))
        self.added["judgments"] += len(new)
        self._count(new, before)

    def _count(self, new: list[Said], before: dict[int, str]) -> None:
        """What the people of these judgments have done, in order of their ids: two imports at once do not deadlock."""
        people: dict[int, Counter[str]] = defaultdict(Counter)
        for said in new:
            state = before.get(said.held.pk) if said.held else None
            counted = "surplus" if said.row["surplus"] else COUNTED_AS[said.row["kind"]]
            people[said.annotator_id].update(
                **{counted: 1},
                revisions=1,
                leased=-int(state == State.LEASED),
                skipped=-int(state == State.SKIPPED),
                active_seconds=said.row["active_seconds"] or 0,
            )
        skipped = [said.comparison_id for said in new if said.held and before.get(said.held.pk) == State.SKIPPED]
        for comparison_id in skipped:
            Comparison.objects.filter(pk=comparison_id).update(skips=F("skips") - 1)
        for person_id in sorted(people):
            count_person(self.project.pk, person_id, **people[person_id])
        self._remember_last({said.annotator_id: (said.comparison_id, said.row["attempt"]) for said in new})

    def _remember_last(self, comparisons: dict[int, tuple[int, int]]) -> None:
        """What people judged last is what was imported last, for those who have judged nothing here themselves."""
        for tally in PersonTally.objects.filter(project=self.project, person__in=comparisons, day=None):
            comparison_id, attempt = comparisons[tally.person_id]
            tally.last = Assignment.objects.get(comparison=comparison_id, annotator=tally.person_id, attempt=attempt)
            tally.save(update_fields=["last"])

    def _assignment(self, said: Said, slot: int | None) -> Assignment:
        return Assignment(
            project=self.project,
            comparison_id=said.comparison_id,
            annotator_id=said.annotator_id,
            kind=said.row["kind"],
            attempt=said.row["attempt"],
            slot=slot,
            state=_state(said),
            shown=said.shown,
            expires=_moment(said.row),
        )

    def _judge_again(self, said: Said, slots: Any) -> None:
        """An assignment that was open, skipped or given back becomes judged."""
        slot = said.held.slot if said.collects else None
        if slot is None and not said.slotless:
            slot = next(slots)
        order = {"shown": said.shown} if said.shown else {}
        Assignment.objects.filter(pk=said.held.pk).update(
            state=_state(said), kind=said.row["kind"], slot=slot, ahead=False, **order
        )


def _judgment(assignment_id: int, said: Said) -> Judgment:
    return Judgment(
        assignment_id=assignment_id,
        ranks=said.ranks,
        comment=said.row["comment"],
        key=f"import-{json_hash([said.ranks, said.row])[:56]}",
        active_seconds=said.row["active_seconds"],
        created=_moment(said.row),
    )


def _state(said: Said) -> str:
    """A surplus judgment holds no slot, unless its person holds one by now."""
    holds = said.held is not None and said.held.slot is not None
    return State.SURPLUS if said.row["surplus"] and not holds else State.JUDGED


def _moment(row: Row) -> datetime:
    return datetime.fromisoformat(row["created"]) if row["created"] else timezone.now()


def _free_slots(held: dict[Whose, Held]) -> Any:
    """The free slots of a comparison in ascending order."""
    taken = {each.slot for each in held.values() if each.slot is not None}
    return (slot for slot in range(len(held) + len(taken) + 1) if slot not in taken)


def _contradiction(place: int, annotator: str, comparison_id: int) -> ActionError:
    return ActionError(
        f'judgments[{place}]: "{annotator}" has judged these completions differently already (comparison '
        f"{comparison_id}); a stored judgment is never replaced: take this one out.",
        "conflict",
        f"judgments[{place}]",
    )
