"""How fast rankings are served and stored: the whole way, over HTTP, as annotators' browsers go it.

    python -m tests.benchmarks.serving --comparisons 10000 --clients 8 --rankings 4000
    python -m tests.benchmarks.serving --label-studio /some/venv/bin/label-studio

Starts the site as `make demo` does (same server, same settings), imports COMPARISONS pairwise comparisons of about 500
characters a text with overlap 2, and lets CLIENTS threads rank: one request stores a ranking and brings the next
comparison. Prints one JSON line. With --label-studio that is measured next, in the same way (its client asks for the
next task and then submits: two requests), and the last line holds both and their ratio.
"""

import argparse
import json
import uuid
from typing import Any

from tests.benchmarks.clients import call, together
from tests.benchmarks.site import CROWD, EXPERIENCED, Site, fill, site
from tests.postgres import start_postgres

SLUG = "bench"


def main() -> None:
    options = arguments()
    luce = measure_luce(options)
    print(json.dumps(luce), flush=True)
    if options.label_studio:
        from tests.peers.label_studio import measure as measure_label_studio

        rival = measure_label_studio(options.label_studio, options.comparisons, options.clients, options.rival_rankings)
        ratio = round(luce["rankings_per_s"] / rival["rankings_per_s"], 1)
        print(json.dumps({"luce": luce, "label_studio": rival, "ratio": ratio}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rankings", type=int, default=4_000)
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own; SQLite without it")
    parser.add_argument(
        "--experienced",
        type=int,
        default=0,
        help="comparisons that the first client has judged before and that stand at the head of the queue",
    )
    parser.add_argument("--projects", type=int, default=0, help="other projects that every client is in")
    parser.add_argument("--label-studio", default="", help="its executable, to be measured in the same run")
    parser.add_argument("--rival-rankings", type=int, default=160)
    return parser.parse_args()


def postgres_url() -> str:
    """Of a server that lives as long as this process."""
    return f"postgres://postgres@/postgres?host={start_postgres()}"


def measure_luce(options: argparse.Namespace) -> dict[str, Any]:
    with site(options.port, postgres_url() if options.postgres else "") as here:
        imported = fill(here, SLUG, options.comparisons, options.clients)
        if options.experienced:
            here.manage(script=EXPERIENCED.format(slug=SLUG, judged=options.experienced))
        if options.projects:
            here.manage(script=CROWD.format(projects=options.projects))
        before = here.web_memory()
        result = rank(here, options.rankings // options.clients)
        after = here.web_memory()
    return {
        "comparisons": options.comparisons,
        "database": "postgresql" if options.postgres else "sqlite",
        **({"experienced": options.experienced} if options.experienced else {}),
        **({"projects": options.projects} if options.projects else {}),
        "import_s": round(imported, 1),
        "web_mib": [before, after],
        **result,
    }


def rank(here: Site, each: int) -> dict[str, Any]:
    """Every client ranks what it is served, `each` times."""
    start = f"/api/projects/{SLUG}/next/"
    held = [call(here.base, "POST", start, token)[0]["assignment"]["id"] for token in here.tokens]

    def once(client: int) -> float:
        body = {"key": uuid.uuid4().hex, "ranks": [1, 2], "active_seconds": 1.0}
        path = f"/api/assignments/{held[client]}/judgment/"
        answer, seconds = call(here.base, "POST", path, here.tokens[client], body)
        if answer["next"]["assignment"] is None:
            raise RuntimeError(f"There is nothing left: {answer['next']['nothing_left']}")
        held[client] = answer["next"]["assignment"]["id"]
        return seconds

    return together(once, len(here.tokens), each, warm_up=20)


if __name__ == "__main__":
    main()
