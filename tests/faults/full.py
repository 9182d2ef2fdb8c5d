"""The faults and races at full length: `make bench-faults`. Ends with one JSON line; fails when anything was lost.

    python -m tests.faults.full --kills 200 --judgments 5000 --rounds 10000 --databases sqlite postgresql

LUCE_FAULT_SEED draws what is killed when, and what people say.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any

from tests.benchmarks.site import REPOSITORY
from tests.faults.kills import SEED, rank_while_killing
from tests.faults.outage import address_of, rank_without_a_database
from tests.faults.room import rank_on_a_full_disk
from tests.postgres import postgres_server

RACE = "tests/labeling/test_races.py::test_in_rounds_where_all_want_the_same_at_once_nothing_doubles"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--judgments", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=10_000, help="contended rounds of the races")
    parser.add_argument("--gone", type=float, default=10.0, help="seconds without a database")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    options = parser.parse_args()
    found: dict[str, Any] = {"seed": SEED}
    for database in options.databases:
        found[f"kills_{database}"] = told(kills_on, database, options.kills, options.judgments)
        found[f"races_{database}"] = told(races_on, database, options.rounds)
    found["disk_full"] = told(rank_on_a_full_disk, 1000, SEED)
    outage = told(rank_without_a_database, 1000, SEED, options.gone)
    outage["home"] = outage["home"]["status"]
    found["database_gone"] = outage
    print(json.dumps(found))


def told(work: Any, *arguments: Any) -> dict[str, Any]:
    """The same, with a word on standard error when it begins and when it ends."""
    start = time.monotonic()
    print(f"luce: {work.__name__} {arguments} …", file=sys.stderr, flush=True)
    found = work(*arguments)
    print(f"luce: done in {time.monotonic() - start:.0f} s: {json.dumps(found)[:1000]}", file=sys.stderr, flush=True)
    return found


def kills_on(database: str, kills: int, judgments: int) -> dict[str, Any]:
    if database == "sqlite":
        return rank_while_killing(kills, judgments)
    server = postgres_server()
    try:
        return rank_while_killing(kills, judgments, database=address_of(server))
    finally:
        server.cleanup()


def races_on(database: str, rounds: int) -> dict[str, Any]:
    """The race test of the suite with more rounds, in a run of its own; it prints what it found."""
    kind = "postgres" if database == "postgresql" else "sqlite"
    # not this process's settings, which are the site's: the run makes a data folder and a database of its own
    mine = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment = {**mine, "LUCE_TEST_DATABASE": kind, "LUCE_RACE_ROUNDS": str(rounds)}
    command = [sys.executable, "-m", "pytest", "-q", RACE]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError(f"The races failed:\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}")
    return json.loads(lines[-1])


if __name__ == "__main__":
    main()
