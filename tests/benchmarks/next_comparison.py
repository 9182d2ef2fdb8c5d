"""How long a person waits for the next comparison: from the key that ranks a pair to the frame that shows the next.

    python -m tests.benchmarks.next_comparison --rankings 40

A real Chromium against the site in this process, on SQLite (LUCE_TEST_DATABASE=postgres: on PostgreSQL). Prints one
JSON line, times in milliseconds.
"""

import argparse
import json
import os
import statistics
import sys
from typing import Any

WATCH = """() => {
  window.times = [];
  addEventListener("keydown", () => { window.pressed = performance.now(); }, true);
  new MutationObserver(() => requestAnimationFrame(() => window.times.push(performance.now() - window.pressed)))
    .observe(document.querySelector("#rank"), { childList: true });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rankings", type=int, default=40)
    options = parser.parse_args()
    # Playwright runs an event loop in this thread, in which Django otherwise refuses its database.
    os.environ |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "DJANGO_ALLOW_ASYNC_UNSAFE": "true"}
    os.environ.setdefault("LUCE_LOG_LEVEL", "WARNING")
    import django

    django.setup()
    times = sorted(measure(options.rankings))
    figures = {"median_ms": statistics.median(times), "p95_ms": times[int(0.95 * len(times))], "max_ms": times[-1]}
    about = {"benchmark": "next_comparison", "database": os.environ.get("LUCE_TEST_DATABASE") or "sqlite"}
    print(json.dumps({**about, "n": len(times), **{name: round(value, 1) for name, value in figures.items()}}))


def measure(rankings: int) -> list[float]:
    """Milliseconds of each of `rankings` rankings of a pair, none of them the first."""
    from django.db import connection
    from playwright.sync_api import sync_playwright
    from pytest_django.live_server_helper import LiveServer

    from tests.browser import conftest as browser

    chromium = browser.chromium_path() or sys.exit("Chromium is missing: name one in CHROMIUM.")
    connection.creation.create_test_db(verbosity=0)  # goes with the run's folder
    with browser.plain_http(), sync_playwright() as playwright:
        person = browser.make_annotator()
        project = browser.make_campaign(person, k=2, comparisons=rankings + 2)
        server = LiveServer("localhost")
        desk = browser.Desk(server.url, playwright.chromium.launch(executable_path=chromium, args=browser.FLAGS))
        times = rank(browser.ranking_page(desk, person, project), rankings)
        desk.close()
        server.stop()
    return times


def rank(page: Any, rankings: int) -> list[float]:
    from tests.browser.conftest import next_item

    next_item(page, lambda: page.keyboard.press("1"))  # the first one warms up the server and the page
    page.evaluate(WATCH)
    for _ in range(rankings):
        next_item(page, lambda: page.keyboard.press("1"))
    return page.evaluate("window.times")


if __name__ == "__main__":
    main()
