"""kill -9 at random while people rank."""

import os
import random
import time
from collections import Counter
from typing import Any

import psutil

from tests.faults.afterwards import assert_nothing_was_lost
from tests.faults.clients import Ledger, Person, rank_together, wait_for
from tests.faults.site import Breakable, fill, whole_site

SEED = int(os.environ.get("LUCE_FAULT_SEED") or 2026)
PEOPLE, OVERLAP = 8, 2
# How often each part is killed, in percent.
SHARES = {"web worker": 64, "web master": 12, "worker": 8, "gpu worker": 4, "clock": 4, "broker": 8}


def rank_while_killing(kills: int, judgments: int, seed: int = SEED, database: str = "", limit: float = 1500) -> dict:
    """Let people rank until all is done, kill processes meanwhile, and look at what is there in the end.

    The kills are spread over the work: the n-th comes when so much is acknowledged, at a place that `seed` draws.
    """
    start = time.monotonic()
    with whole_site(database) as here:
        fill(here, judgments // OVERLAP, PEOPLE, OVERLAP)
        ledger = Ledger()
        people = rank_together(here, "faults", ledger, seed)
        killed = kill_at_random(here, people, ledger, kills, judgments, seed, start + limit)
        wait_for(people, start + limit - time.monotonic())
        result = assert_nothing_was_lost(here, "faults", ledger)
        result["back"] = sorted(name for name in SHARES if comes_back(here, name))
    assert result["back"] == sorted(SHARES), result
    return {
        "seed": seed, "database": "postgresql" if database else "sqlite", **result, "kills": dict(killed),
        "broken": ledger.happened["broken"], "replayed": ledger.happened["replayed"],
        "ahead": {name: ledger.happened[f"ahead {name}"] for name in ("moved up", "lost")},
        "statuses": {name: count for name, count in ledger.happened.items() if name.startswith("status")},
        "longest_wait_s": round(ledger.longest, 1), "seconds": round(time.monotonic() - start, 1),
    }  # fmt: skip


def kill_at_random(
    here: Breakable, people: list[Person], ledger: Ledger, kills: int, judgments: int, seed: int, end: float
) -> Counter[str]:
    """How many of each part were killed: `kills` in all."""
    chance, killed = random.Random(seed), Counter[str]()
    drawn = [*SHARES, *chance.choices(list(SHARES), list(SHARES.values()), k=kills)][:kills]  # each at least once
    chance.shuffle(drawn)
    for number, name in enumerate(drawn):
        # the last twentieth of the work is done in peace
        at = (number + chance.random()) * judgments * 0.95 / kills
        while len(ledger.acknowledged) < at:
            if time.monotonic() > end or not any(person.is_alive() for person in people):
                return killed
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.05))
        victim = _one_of(here, name, chance, end)
        if victim is not None:
            victim.kill()
            killed[name] += 1
    return killed


def _one_of(here: Breakable, name: str, chance: random.Random, end: float) -> Any:
    """A living process of that part; waited for if it has just been killed."""
    while time.monotonic() < end:
        try:
            living = here.part(name)
        except psutil.Error:
            living = []
        if living:
            return chance.choice(living)
        time.sleep(0.05)
    return None


def comes_back(here: Breakable, name: str, seconds: float = 20.0) -> bool:
    return _one_of(here, name, random.Random(0), time.monotonic() + seconds) is not None
