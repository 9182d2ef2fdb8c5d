"""A PostgreSQL that is gone for a while, and what a site does without it."""

import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.faults.afterwards import assert_nothing_was_lost
from tests.faults.clients import Ledger, rank_together, wait_for
from tests.faults.room import wait_until
from tests.faults.site import web_alone
from tests.postgres import postgres_server

PEOPLE, OVERLAP = 4, 2


def address_of(server: Any) -> str:
    return f"postgres://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"


def stop_at_once(server: Any) -> None:
    """As a crash does it: connections are cut, nothing is tidied up, the next start recovers from its log."""
    command = [str(server.bin_path / "pg_ctl"), "-w", "-m", "immediate", "-D", str(server.pgdata), "stop"]
    subprocess.run(command, check=True, capture_output=True, user=server.system_user)


def rank_without_a_database(judgments: int, seed: int, gone: float) -> dict[str, Any]:
    """Take the database away for `gone` seconds while people rank; look what is there in the end."""
    start = time.monotonic()
    server = postgres_server()
    try:
        ledger, folder = Ledger(), Path(tempfile.mkdtemp(prefix="luce-faults-"))
        with web_alone(folder, address_of(server), judgments // OVERLAP, PEOPLE, OVERLAP) as here:
            people = rank_together(here, "faults", ledger, seed)
            wait_until(lambda: len(ledger.acknowledged) > judgments // 10, ledger)
            stop_at_once(server)
            stopped, before = time.monotonic(), len(ledger.acknowledged)
            wait_until(lambda: ledger.happened["status 503"] > PEOPLE, ledger)
            home = look_at(here.base + "/", cookie="sessionid=" + "x" * 32)
            time.sleep(max(0.0, stopped + gone - time.monotonic()))
            server.ensure_postgres_running()
            wait_for(people, 120)
            result = assert_nothing_was_lost(here, "faults", ledger)
    finally:
        server.cleanup()
    statuses = {name: count for name, count in ledger.happened.items() if name.startswith("status")}
    return {
        "gone_s": gone, **result, "acknowledged_before": before, "statuses": statuses, "said": ledger.said,
        "broken": ledger.happened["broken"], "replayed": ledger.happened["replayed"], "home": home,
        "seconds": round(time.monotonic() - start, 1),
    }  # fmt: skip


def look_at(address: str, cookie: str = "") -> dict[str, Any]:
    """A page as a browser gets it: status, when to try again, and its text."""
    request = urllib.request.Request(address, headers={"Cookie": cookie} if cookie else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return {"status": answer.status, "again": "", "text": answer.read().decode()}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "again": error.headers.get("Retry-After"), "text": error.read().decode()}
