"""The supervisor leaves nothing running, whatever ends it."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from django.core.management import call_command

from tests.webapp.processes import ROOT, alive, descendants, eventually, supervisor
from webapp.supervisor.broker import free_port, require_broker
from webapp.supervisor.child import Child, rotate
from webapp.supervisor.claims import claim_port, require_room
from webapp.supervisor.refusal import Refusal, as_refusal
from webapp.supervisor.tree import Tree

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]


def test_a_stopped_supervisor_leaves_no_process_not_even_one_that_ignores_sigterm(tmp_path: Path) -> None:
    with supervisor(tmp_path) as process:
        family = descendants(process.pid)
        assert len(family) >= 4  # the parent, its child, the stubborn one, the reaper
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read().strip() == "stopped"
        assert process.wait(15) == 0
        assert eventually(lambda: not alive(family))


def test_a_killed_supervisor_leaves_no_process(tmp_path: Path) -> None:
    with supervisor(tmp_path) as process:
        family = descendants(process.pid)
        process.kill()
        assert eventually(lambda: not alive(family)), alive(family)


def test_a_second_start_in_the_same_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    with supervisor(tmp_path) as first, supervisor(tmp_path, wait=False) as second:
        said = second.stdout.read().strip()
        assert second.wait(15) == 1
        assert said.count("\n") == 0
        assert f"already runs here (process {first.pid}" in said
        assert "Ctrl-C" in said


def test_a_start_after_a_kill_waits_for_the_last_process_of_the_killed_one(tmp_path: Path) -> None:
    with supervisor(tmp_path) as killed:
        family = descendants(killed.pid)
        killed.kill()
        killed.wait()
        with supervisor(tmp_path, wait=False) as second:
            assert second.stdout.readline().strip() == "up"
            assert not alive(family)


def test_a_crashed_child_is_started_again_with_a_line_that_quotes_its_last_words(tmp_path: Path) -> None:
    said: list[str] = []
    program = "import sys, time; print('out of luck', flush=True); time.sleep(0.2); sys.exit(3)"
    child = Child("worker", [sys.executable, "-c", program], tmp_path / "worker.log")
    with Tree(said.append) as tree:
        tree.start(child)
        first = child.pid
        assert eventually(lambda: (tree.watch() or child.pid != first) and child.runs(), 20)
    assert "worker ended by itself (exit code 3); starting it again in 1 s" in said[0]
    assert "out of luck" in said[0]
    assert not child.runs()


def test_a_child_that_was_killed_is_said_to_have_been_killed(tmp_path: Path) -> None:
    said: list[str] = []
    child = Child("web", [sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "web.log")
    with Tree(said.append) as tree:
        tree.start(child)
        os.kill(child.pid, signal.SIGKILL)
        assert eventually(lambda: tree.watch() or bool(said))
    assert "web was killed by SIGKILL" in said[0]


def test_stages_stop_in_the_opposite_order_of_their_start(tmp_path: Path) -> None:
    program = (
        "import signal, sys, time\n"
        "def end(*_):\n    open(sys.argv[1], 'a').write(sys.argv[2] + ' '); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); print('up', flush=True); time.sleep(600)"
    )
    order = tmp_path / "order"
    with Tree(print) as tree:
        for name in ("broker", "worker", "web"):
            log = tmp_path / f"{name}.log"
            tree.start(Child(name, [sys.executable, "-c", program, str(order), name], log))
            assert eventually(lambda log=log: "up" in log.read_text())
    assert order.read_text().split() == ["web", "worker", "broker"]


def test_a_taken_port_is_named_with_the_way_to_choose_another() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Refusal, match=rf"Port {port} is taken .* make demo PORT=\d+"):
            claim_port(port)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(Refusal, match="is no port"):
        claim_port(port)


def test_a_disk_without_room_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"GB free and .* GB are needed"):
        require_room(tmp_path, 10**18)


def test_a_disk_that_fills_up_is_one_line_whoever_meets_it_first() -> None:
    from django.db import OperationalError

    for error in (OSError(28, "No space left on device"), OperationalError("database or disk is full")):
        assert "disk is full" in str(as_refusal(error))
    assert as_refusal(KeyError("a defect keeps its traceback")) is None


def test_a_disk_that_may_only_be_read_is_one_line() -> None:
    from django.db import OperationalError

    refused = str(as_refusal(OSError(30, "Read-only file system", "/srv/luce/supervisor.lock")))
    assert "may only be read (/srv/luce/supervisor.lock). Set LUCE_VAR" in refused
    assert "may only be read" in str(as_refusal(OperationalError("attempt to write a readonly database")))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://:hush@127.0.0.1:{port}/0", "Connection refused"),
        ("redis://:hush@luce.invalid:6379/0", "luce.invalid"),
        ("http://127.0.0.1", "REDIS_URL is no address of a broker"),
        ("redis://127.0.0.1:abc/0", "REDIS_URL is no address of a broker"),
    ],
)
def test_a_broker_that_does_not_answer_is_one_line_without_its_password(url: str, why: str) -> None:
    with pytest.raises(Refusal, match=re.escape(why)) as refused:
        require_broker(url.format(port=free_port()))
    assert "hush" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_broker_that_answers_is_taken(valkey: str) -> None:
    require_broker(valkey)


def test_a_log_keeps_its_size_and_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 100)
        rotate(log, limit=50)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    assert len((tmp_path / "web.log.1").read_bytes()) == 100


def test_the_reaper_has_nothing_to_do_after_an_orderly_stop(tmp_path: Path) -> None:
    with Tree(print) as tree:
        reaper = psutil.Process(tree.reaper.process.pid)
    assert not reaper.is_running()


def test_a_port_that_is_no_number_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        call_command("demo", "--port", "abc")
    assert refused.value.code == 1
    assert capsys.readouterr().out == "luce: PORT must be a number such as 8000, not abc.\n"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "Port 8000 is taken by another program"),
        (" 8010 ", "Port 8010 is taken by another program"),
        ("80 10", "PORT must be a number such as 8000, not 80 10."),
    ],
)
def test_make_demo_takes_an_empty_port_for_the_usual_one_and_answers_in_a_line(
    tmp_path: Path, given: str, says: str
) -> None:
    """What make would type is typed while the ports belong to another program, so that nothing starts."""
    shown = subprocess.run(["make", "-n", "demo", f"PORT={given}"], cwd=ROOT, capture_output=True, text=True)
    typed = next(line for line in shown.stdout.splitlines() if "manage.py demo" in line)
    site = {**os.environ, "LUCE_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "webapp.settings"}
    with contextlib.ExitStack() as others:
        for port in (8000, 8010):
            other = others.enter_context(socket.socket())
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):  # somebody has it already: so much the better
                other.bind(("127.0.0.1", port))
                other.listen()
        done = subprocess.run(["sh", "-c", typed], cwd=ROOT, env=site, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"luce: {says}")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("host", "port", "why"),
    [("127.0.0.1", free_port(), "Connection refused"), ("luce.invalid", 5433, "failed to resolve host 'luce.invalid'")],
)
def test_a_postgres_that_does_not_answer_is_one_line_with_its_host_and_port(
    tmp_path: Path, host: str, port: int, why: str
) -> None:
    there = {"DATABASE_URL": f"postgres://luce:secret@{host}:{port}/luce", "LUCE_VAR": str(tmp_path)}
    command = [sys.executable, "manage.py", "demo", "--port", str(free_port()), "--no-prepare"]
    site = {**os.environ, **there, "DJANGO_SETTINGS_MODULE": "webapp.settings"}
    done = subprocess.run(command, cwd=ROOT, env=site, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (1, "")
    last = done.stdout.splitlines()[-1]
    assert f'The database "luce" of PostgreSQL at {host}, port {port}, cannot be used: {why}' in last
    assert last.endswith("or change DATABASE_URL; without one Luce uses SQLite.")
    assert "secret" not in done.stdout
    assert len(done.stdout.splitlines()) == 2, "which database it tries, and that it does not answer"
