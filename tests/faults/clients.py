"""People who rank over the REST API and do not give up: every request is sent again until it is answered.

They use the standard library alone, and an idempotency key for each ranking, as the API asks of its clients.
"""

import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.site import Site

AGAIN = (429, 502, 503, 504, 507)  # what a client may answer by asking again


class GaveUp(Exception):
    """No answer in time, or one that no client can do anything with."""


@dataclass
class Ledger:
    """What was acknowledged, as (assignment, key, judgment), and what happened on the way."""

    acknowledged: list[tuple[int, str, int]] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)
    longest: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledge(self, assignment: int, key: str, answer: dict[str, Any]) -> None:
        with self._lock:
            self.acknowledged.append((assignment, key, answer["judgment"]))
            self.happened["replayed"] += int(answer["replayed"])

    def note(self, what: str, words: str = "", seconds: float = 0.0) -> None:
        with self._lock:
            self.happened[what] += 1
            self.longest = max(self.longest, seconds)
            if words and words not in self.said:
                self.said.append(words)


class Person(threading.Thread):
    """Ranks all there is; now and then gives something back, or forgets what was open and asks anew.

    Every other person holds one comparison ahead, as the page does.
    """

    def __init__(self, here: Site, slug: str, number: int, ledger: Ledger, seed: int, patience: float = 90.0) -> None:
        super().__init__(name=f"person-{number}", daemon=True)
        self.here, self.number, self.ledger, self.patience = here, number, ledger, patience
        self.chance = random.Random(f"{seed}:{number}")
        self.next, self.looks_ahead = f"/api/projects/{slug}/next/", number % 2 == 1
        self.leave, self.failure = threading.Event(), ""

    def run(self) -> None:
        try:
            self._rank()
        except Exception as error:
            self.failure = f"{self.name}: {error!r}"

    def _rank(self) -> None:
        rankings, in_hand, ahead = 0, None, None
        while not self.leave.is_set():
            if in_hand is None:
                found = self.ask(self.next)
                if found["assignment"] is None:
                    if found["nothing_left"]["reason"] != "all_leased":
                        return
                    self.leave.wait(0.2)
                    continue
                in_hand = found["assignment"]["id"]
            if self.looks_ahead and ahead is None:
                ahead = _id(self.ask(self.next, {"ahead": True}))
            what = self.chance.random()
            if what < 0.02:
                self.ask(f"/api/assignments/{in_hand}/release/")
                in_hand = ahead = None
            elif what < 0.04:
                in_hand = ahead = None
            else:
                rankings += 1
                in_hand, ahead = self._submit(in_hand, ahead, f"{self.number}-{rankings}")

    def _submit(self, in_hand: int, ahead: int | None, key: str) -> tuple[int | None, int | None]:
        """What is in hand afterwards, and what ahead."""
        ranks = self.chance.choice([[1, 2], [2, 1], [1, 1]])
        body = {"key": key, "ranks": ranks, "active_seconds": 1.0, "ahead": self.looks_ahead}
        answer = self.ask(f"/api/assignments/{in_hand}/judgment/", body)
        self.ledger.acknowledge(in_hand, key, answer)
        if not self.looks_ahead:
            return _id(answer["next"]), None
        if ahead is not None:
            self.ledger.note("ahead moved up" if answer["in_hand"] == ahead else "ahead lost")
        return answer["in_hand"], _id(answer["next"])

    def ask(self, path: str, body: Any = None) -> Any:
        """The answer to a POST, however often it must be sent. Raises GaveUp."""
        start = time.monotonic()
        while time.monotonic() < start + self.patience:
            try:
                answer = post(self.here.base + path, self.here.tokens[self.number], body)
            except urllib.error.HTTPError as error:
                self._refused(path, error.code, error.read().decode(errors="replace"))
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.ledger.note("broken", type(error).__name__)
            else:
                self.ledger.note("answered", seconds=time.monotonic() - start)
                return answer
            time.sleep(self.chance.uniform(0.05, 0.3))
        raise GaveUp(f"{path} was not answered for {self.patience:.0f} s: {self.ledger.said[-3:]}")

    def _refused(self, path: str, status: int, words: str) -> None:
        self.ledger.note(f"status {status}", said(words))
        if status == 409 and path.endswith("/release/"):
            return  # the release was done before, and the answer lost
        if status not in AGAIN:
            raise GaveUp(f"{path} was answered with {status}: {words[:500]}")


def _id(found: dict[str, Any]) -> int | None:
    return found["assignment"]["id"] if found["assignment"] else None


def said(answer: str) -> str:
    """The words of a refusal, without the number of the request."""
    try:
        return str(json.loads(answer)["detail"])
    except (ValueError, KeyError, TypeError):
        return answer[:300]


def post(address: str, token: str, body: Any = None) -> Any:
    headers = {"Authorization": "Token " + token, "Content-Type": "application/json"}
    data = json.dumps(body if body is not None else {}).encode()
    request = urllib.request.Request(address, method="POST", data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read())


def rank_together(here: Site, slug: str, ledger: Ledger, seed: int, patience: float = 90.0) -> list[Person]:
    """One person a token of the site, all begun."""
    people = [Person(here, slug, number, ledger, seed, patience) for number in range(len(here.tokens))]
    for person in people:
        person.start()
    return people


def wait_for(people: list[Person], seconds: float) -> None:
    """Until all are done. Raises GaveUp with what went wrong, or when they are not done in time."""
    end = time.monotonic() + seconds
    for person in people:
        person.join(max(0.0, end - time.monotonic()))
    late = [person.name for person in people if person.is_alive()]
    for person in people:
        person.leave.set()
    wrong = [person.failure for person in people if person.failure] + [f"{name} is not done" for name in late]
    if wrong:
        raise GaveUp("; ".join(wrong))
