"""How fast rankings are served and stored: the whole way, over HTTP, as annotators' browsers go it.

    python -m tests.benchmarks.serving --comparisons 10000 --clients 8 --rankings 4000

Starts the site as `make demo` does (same server, same settings), imports COMPARISONS pairwise comparisons of about 500
characters a text with overlap 2, and lets CLIENTS threads rank: one request stores a ranking and brings the next
comparison. Prints one JSON line. The clients use the standard library alone and open a connection for each request,
so that they cost what the rival's clients cost.
"""

import argparse
import json
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.benchmarks.site import Site, fill, quantile, site


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rankings", type=int, default=4_000)
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--database", default="", help="URL of a PostgreSQL; SQLite without it")
    options = parser.parse_args()
    with site(options.port, options.database) as here:
        imported = fill(here, "bench", options.comparisons, options.clients)
        result = measure(here, "bench", options.rankings)
    print(json.dumps({
        "comparisons": options.comparisons, "clients": options.clients,
        "database": "postgresql" if options.database else "sqlite", "import_s": round(imported, 1), **result,
    }))  # fmt: skip


def measure(here: Site, slug: str, rankings: int, warm_up: int = 80) -> dict[str, Any]:
    """Every client ranks what it is served until `rankings` are stored in all."""
    each, warm = rankings // len(here.tokens), warm_up // len(here.tokens)
    held = [here.call("POST", f"/api/projects/{slug}/next/", token)[0]["assignment"] for token in here.tokens]

    def rank(client: int, times: int) -> list[float]:
        taken = []
        for _ in range(times):
            body = {"key": uuid.uuid4().hex, "ranks": [1, 2], "active_seconds": 1.0}
            path = f"/api/assignments/{held[client]['id']}/judgment/"
            answer, seconds = here.call("POST", path, here.tokens[client], body)
            taken.append(seconds)
            held[client] = answer["next"]["assignment"]
            if held[client] is None:
                raise RuntimeError(f"Nothing left after {len(taken)} rankings: {answer['next']['nothing_left']}")
        return taken

    clients = range(len(here.tokens))
    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(rank, clients, [warm] * len(clients)))
        start = time.perf_counter()
        seconds = [taken for all_taken in pool.map(rank, clients, [each] * len(clients)) for taken in all_taken]
        elapsed = time.perf_counter() - start
    return {
        "rankings": len(seconds),
        "ranking_ms_p50": quantile(seconds, 0.5),
        "ranking_ms_p95": quantile(seconds, 0.95),
        "rankings_per_s": round(len(seconds) / elapsed, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
