"""The queue: where a comparison stands in it, and which come first for a person.

Every open comparison has a level, a whole number that follows from the project's order, its own priority and its live
slots; of one level the older comes first. The index `comparison_queue` holds what still has a free slot in just this
order, so that the head of the queue costs the same in a queue of ten and of a million.

A person's own judgments can stand at the head, still open for others. Those are passed over one by one; a person who
has many remembers for a minute how far they got (`Passed`), so that the cost does not grow with their work either.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, F, Value
from django.db.models.functions import Cast

from labeling.models import Comparison, Membership, PersonTally, Project
from labeling.statements import rows

LOOK = 32
# More than all priorities, which are 32-bit numbers, and more than any overlap.
_BEYOND_PRIORITY, _BEYOND_OVERLAP = 2**33, 2**11
_START = (-(2**63), 0)
# From a place on: the rest of its level, then the levels behind it. In one condition SQLite would read the whole level.
_REST_OF_LEVEL, _BEHIND = "c.level = %s AND c.id >= %s", "c.level > %s"

# Rather than NOT EXISTS, for which PostgreSQL might read all that a person has ever judged; and rather than IS NULL,
# of which it expects one row in two hundred, so that it would ask this of the whole queue and sort what is left.
_HEAD = """
    SELECT c.id, c.level, c.prompt_id FROM labeling_comparison c
    WHERE c.lane_id = %s AND c.state = 'open' AND NOT c.gold AND c.live < c.overlap AND {place}
      AND COALESCE((
        SELECT a.id FROM labeling_assignment a WHERE a.comparison_id = c.id AND a.annotator_id = %s AND a.attempt = 0
        AND a.state NOT IN ('released', 'expired') LIMIT 1), 0) <= 0
"""


_PRACTISED = """
    SELECT comparison_id FROM labeling_assignment
    WHERE project_id = %s AND kind = 'practice' AND annotator_id = %s AND state IN ('judged', 'skipped')
"""


def level_of(order: str, priority: Any, live: Any) -> Any:
    """The level of a comparison in a project of that order; lower is served first. Numbers, or expressions."""
    if order == Project.Order.PRIORITY:
        return live - priority * _BEYOND_OVERLAP
    sign = 1 if order == Project.Order.BREADTH else -1
    return live * (sign * _BEYOND_PRIORITY) - priority


def level_now(order: str, live: Any = None) -> Any:
    """The level as an expression over a comparison's own columns, for an UPDATE; `live`: what it will be."""
    wide = BigIntegerField()  # a priority times our factors does not fit into 32 bits
    return level_of(order, Cast(F("priority"), wide), Cast(F("live"), wide) if live is None else Value(live, wide))


def level_sql(order: str, live: str) -> str:
    """The same as SQL, `live` being an SQL expression."""
    if order == Project.Order.PRIORITY:
        return f"{live} - CAST(priority AS bigint) * {_BEYOND_OVERLAP}"
    sign = "" if order == Project.Order.BREADTH else "-"
    return f"({live}) * {sign}{_BEYOND_PRIORITY} - priority"


@dataclass(frozen=True)
class Offer:
    """A comparison that is open for a person, and its prompt."""

    comparison_id: int
    level: int
    prompt_id: int


def lanes_for(project: Project, member: Membership | None) -> tuple[list[int], list[int]]:
    """Ids of the project's lanes that a person may be served from, and of those they may not."""
    mine, others = [], []
    languages = set(member.languages) if member else set()
    qualifications = set(member.qualifications) if member else set()
    lanes = rows("SELECT id, language, qualification FROM labeling_lane WHERE project_id = %s", [project.pk])
    for pk, language, qualification in lanes:
        reads = not language or not languages or language in languages
        may = not qualification or qualification in qualifications or member is None
        (mine if reads and may else others).append(pk)
    return mine, others


def first_offers(person: Any, project: Project, lanes: Sequence[int], tally: PersonTally) -> list[Offer]:
    """What is open for the person, first in the queue first, at most LOOK; prompts they had lately come last."""
    recent = set(tally.recent[: project.spacing])
    offers = _merged(_head(person.pk, lane, tally) for lane in lanes)
    if tally.practice:  # of what they practised they have read the answer, should it be work by now
        practised = {pk for (pk,) in rows(_PRACTISED, [project.pk, person.pk])}
        offers = [offer for offer in offers if offer.comparison_id not in practised]
    apart = [offer for offer in offers if offer.prompt_id not in recent]
    if not apart and len(offers) == LOOK:  # a long row of the same prompts: look behind it
        apart = _merged(_head(person.pk, lane, tally, without=recent) for lane in lanes)
    return apart + [offer for offer in offers if offer.prompt_id in recent]


def _merged(heads: Any) -> list[Offer]:
    offers = [offer for head in heads for offer in head]
    return sorted(offers, key=lambda offer: (offer.level, offer.comparison_id))[:LOOK]


def _head(person_id: int, lane_id: int, tally: PersonTally, without: set[int] = frozenset()) -> list[Offer]:
    has_many = tally.said > PASSED.least
    level, pk = PASSED.get(person_id, lane_id) if has_many else _START
    head = _open(_REST_OF_LEVEL, [level, pk], person_id, lane_id, without) if pk else []
    if len(head) < LOOK:
        head += _open(_BEHIND, [level], person_id, lane_id, without)
    if head and has_many and not without:
        PASSED.set(person_id, lane_id, (head[0].level, head[0].comparison_id))
    return head[:LOOK]


def _open(place: str, at: list[int], person_id: int, lane_id: int, without: set[int]) -> list[Offer]:
    sql, values = _HEAD.format(place=place), [lane_id, *at, person_id]
    if without:
        sql += f" AND c.prompt_id NOT IN ({', '.join(['%s'] * len(without))})"
        values += without
    return [Offer(*each) for each in rows(f"{sql} ORDER BY c.level, c.id LIMIT {LOOK}", values)]


class Passed:
    """How far down a lane's queue everything is known to be a person's own, for `seconds`.

    A hint of this process alone: nothing depends on it but time. While it holds, a comparison that comes back further
    up (a slot was freed, a lead raised its priority) is found a little later by this person; others find it at once.
    Nobody is told that nothing is left on the word of a hint.
    """

    least = 200
    seconds = 60.0
    most = 10_000

    def __init__(self) -> None:
        self._places: OrderedDict[tuple[int, int], tuple[float, tuple[int, int]]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, person_id: int, lane_id: int) -> tuple[int, int]:
        with self._lock:
            since, place = self._places.get((person_id, lane_id), (0.0, _START))
        return place if time.monotonic() - since < self.seconds else _START

    def set(self, person_id: int, lane_id: int, place: tuple[int, int]) -> None:
        """Remember the place; the minute runs from the last time the whole queue was read."""
        with self._lock:
            since = self._places.get((person_id, lane_id), (0.0, _START))[0]
            if time.monotonic() - since >= self.seconds:
                since = time.monotonic()
            self._places[person_id, lane_id] = (since, place)
            self._places.move_to_end((person_id, lane_id))
            while len(self._places) > self.most:
                self._places.popitem(last=False)

    def forget(self, person_id: int) -> bool:
        """Read the whole queue for this person next time; whether there was anything to forget."""
        with self._lock:
            own = [key for key in self._places if key[0] == person_id]
            for key in own:
                del self._places[key]
        return bool(own)


PASSED = Passed()


def lock_first(offers: Sequence[Offer]) -> list[Offer]:
    """The offers to try, in order. PostgreSQL locks the first that nobody else is taking this moment and tries no
    other; SQLite, where one writes at a time, tries them as they come. Runs inside a transaction."""
    if not connection.features.has_select_for_update_skip_locked or not offers:
        return list(offers)
    place = {offer.comparison_id: offer for offer in offers}
    found = rows(
        "SELECT c.id FROM unnest(%s::bigint[]) WITH ORDINALITY AS o(id, place) "
        "JOIN labeling_comparison c ON c.id = o.id "
        "WHERE c.state = 'open' AND NOT c.gold AND c.live < c.overlap "
        "ORDER BY o.place LIMIT 1 FOR NO KEY UPDATE OF c SKIP LOCKED",
        [list(place)],
    )
    return [place[found[0][0]]] if found else list(offers)


def requeue(project: Project) -> None:
    """Give every comparison of the project its level again, after the order has changed."""
    Comparison.objects.filter(project=project).update(level=level_now(project.order))
