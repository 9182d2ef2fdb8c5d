"""What the queue should do, in plain Python: small enough to be read, slow enough not to be clever.

It knows no database, no levels as numbers, no slots. Where chance decides (gold, repeats) it says what may come.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

FREE_AGAIN, LIVE, SAID = ("released", "expired"), ("leased", "judged"), ("judged", "surplus")
AHEAD = 120


@dataclass
class Item:
    """A comparison."""

    pk: int
    prompt: int
    overlap: int
    state: str = "open"
    gold: bool = False
    priority: int = 0


@dataclass
class Hold:
    """An assignment, and what was said: a tuple (judgment, revision, ranks) by idempotency key."""

    pk: int
    person: int
    item: Item
    kind: str
    attempt: int
    number: int
    state: str
    ahead: bool
    expires: datetime
    said: dict[str, tuple[int, int, list[int]]] = field(default_factory=dict)
    first: datetime | None = None


@dataclass
class Person:
    pk: int
    paused: bool = False
    opened: int = 0
    recent: list[int] = field(default_factory=list)


@dataclass
class Expected:
    """What `next` must give: the words why nothing is left, or a hold, or one of several items as `kind`."""

    nothing: str = ""
    hold: Hold | None = None
    kind: str = ""
    items: list[Item] = field(default_factory=list)


class QueueModel:
    def __init__(self, order: str, lease: int, spacing: int, undo: int, gap: int, skips_to_lead: int) -> None:
        self.order, self.lease, self.spacing, self.undo, self.gap = order, lease, spacing, undo, gap
        self.skips_to_lead = skips_to_lead
        self.paused = False
        self.items: dict[int, Item] = {}
        self.holds: dict[int, Hold] = {}
        self.people: dict[int, Person] = {}

    # what is so

    def live(self, item: Item) -> int:
        return sum(h.item is item and h.kind == "collect" and h.state in LIVE for h in self.holds.values())

    def skips(self, item: Item) -> int:
        return sum(hold.item is item and hold.state == "skipped" for hold in self.holds.values())

    def place(self, item: Item) -> tuple[int, int, int]:
        """Where the item stands in the queue; the smaller comes first."""
        live = self.live(item)
        if self.order == "priority":
            return (-item.priority, live, item.pk)
        return (live if self.order == "breadth" else -live, -item.priority, item.pk)

    def had(self, person: Person, item: Item, attempts: tuple[int, ...] = (0, 1)) -> bool:
        mine = [h for h in self.holds.values() if h.person == person.pk and h.item is item and h.attempt in attempts]
        return any(hold.state not in FREE_AGAIN for hold in mine)

    def has_room(self, item: Item) -> bool:
        return not item.gold and self.live(item) < item.overlap

    def leases(self, person: Person) -> list[Hold]:
        mine = [hold for hold in self.holds.values() if hold.person == person.pk and hold.state == "leased"]
        return sorted(mine, key=lambda hold: hold.ahead)

    def offers(self, person: Person) -> list[Item]:
        """What is open for the person, in the project's order; prompts they had lately come last."""
        is_open = [item for item in self.items.values() if item.state == "open" and self.has_room(item)]
        mine = [item for item in is_open if not self.had(person, item, attempts=(0,))]
        lately = person.recent[: self.spacing]
        return sorted(mine, key=lambda item: (item.prompt in lately, self.place(item)))

    def gold_for(self, person: Person) -> list[Item]:
        every = [item for item in self.items.values() if item.prompt not in person.recent[: self.spacing]]
        return [item for item in every if item.gold and item.state == "open" and not self.had(person, item)]

    def repeats_for(self, person: Person) -> list[Item]:
        """Own judged work from at least `gap` items ago never brought again, whose prompt is not recent."""
        mine = [hold for hold in self.holds.values() if hold.person == person.pk]
        again = {hold.item.pk for hold in mine if hold.attempt == 1}
        old = [h for h in mine if h.kind == "collect" and h.state == "judged" and h.number < person.opened - self.gap]
        apart = [hold.item for hold in old if hold.item.prompt not in person.recent[: self.spacing]]
        return [item for item in apart if item.pk not in again and item.state == "open"]

    # what happens

    def end(self, hold: Hold, state: str) -> None:
        hold.state, hold.ahead = state, False

    def expire(self, now: datetime) -> int:
        ended = [hold for hold in self.holds.values() if hold.state == "leased" and hold.expires <= now]
        for hold in ended:
            self.end(hold, "expired")
        return len(ended)

    def next(self, person: Person, ahead: bool, now: datetime, special: str | None) -> Expected:
        """What is served now; special: what the draw says about the person's next item."""
        if person.paused or self.paused:
            return Expected(nothing="person_paused" if person.paused else "paused")
        while True:
            held = self._held(person, ahead, now)
            if held is not None:
                return Expected(hold=held)
            chosen = {"gold": self.gold_for, "repeat": self.repeats_for}.get(special or "", lambda _: [])(person)
            if chosen:
                return Expected(kind=special, items=chosen)
            offers = self.offers(person)
            if offers:
                return Expected(kind="collect", items=offers[:1])
            if not self.expire(now):
                return Expected(nothing=self._why_nothing(person))

    def _why_nothing(self, person: Person) -> str:
        theirs = [h.item for h in self.holds.values() if h.state == "leased" and h.kind == "collect"]
        if any(item.state == "open" and not self.had(person, item, attempts=(0,)) for item in theirs):
            return "all_leased"
        if any(
            item.state in ("paused", "review") and self.has_room(item) and not self.had(person, item, attempts=(0,))
            for item in self.items.values()
        ):
            return "held_back"
        collects = any(item.state != "retired" and not item.gold for item in self.items.values())
        has_ranked = any(hold.said for hold in self.holds.values() if hold.person == person.pk)
        return "all_done" if collects or has_ranked else "no_comparisons"

    def _held(self, person: Person, ahead: bool, now: datetime) -> Hold | None:
        for hold in self.leases(person):
            if hold.item.state != "open":
                self.end(hold, "expired")
        held = self.leases(person)
        if held and all(hold.ahead for hold in held):
            held[0].ahead, held[0].expires = False, now + timedelta(seconds=self.lease)
        return next((hold for hold in held if hold.ahead == ahead), None)

    def serve(self, person: Person, hold: Hold) -> None:
        """The hold was leased anew."""
        self.holds[hold.pk] = hold
        person.opened += 1
        person.recent.insert(0, hold.item.prompt)

    def submit(self, hold: Hold, key: str) -> str:
        """What becomes of a submit: "replayed", "refused", or the state it is stored in."""
        if key in hold.said:
            return "replayed"
        if hold.state in SAID:
            return "refused"
        has_slot = hold.state == "leased" or hold.kind != "collect"
        if has_slot or (hold.item.state != "retired" and self.has_room(hold.item)):
            return "judged"
        return "surplus"

    def amend(self, hold: Hold, key: str, now: datetime) -> str:
        if key in hold.said:
            return "replayed"
        in_time = hold.first is not None and now <= hold.first + timedelta(seconds=self.undo)
        return "stored" if hold.state in SAID and in_time else "refused"

    def leave(self, hold: Hold, state: str) -> bool:
        """Whether the person may; skipped often enough, the item goes to a lead."""
        if hold.state in SAID:
            return False
        was = hold.state
        if was != state:
            self.end(hold, state)
            changed = "skipped" in (was, state)
            if changed and self.skips_to_lead <= self.skips(hold.item) and hold.item.state == "open":
                hold.item.state = "review"
        return True

    def may_renew(self, hold: Hold) -> set[bool]:
        """Whether the lease is lengthened, or taken again after it was lost. Items that measure people may lapse."""
        if hold.state == "leased":
            return {True}
        person = self.people[hold.person]
        in_hand = any(not each.ahead for each in self.leases(person))
        if hold.state not in FREE_AGAIN or in_hand or person.paused or self.paused or hold.item.state != "open":
            return {False}
        if hold.kind == "collect":
            return {self.has_room(hold.item)}
        return {True, False}

    def renew(self, hold: Hold) -> None:
        if hold.state in FREE_AGAIN:
            hold.state, hold.ahead = "leased", False
