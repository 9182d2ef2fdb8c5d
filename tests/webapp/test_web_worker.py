"""A client that does not hang up after its answer keeps nobody else waiting, and gets its answer whole. A process whose
threads are all at work leaves new clients to the others.
"""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.site import REPOSITORY, Site, wait_until_ready
from tests.faults.site import environment
from tests.webapp.processes import eventually
from webapp.supervisor.broker import free_port
from webapp.web_worker import PATIENCE

ASKED = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
SLOW = 0.5


@contextmanager
def web_server(folder: Path, application: str, processes: int) -> Iterator[int]:
    """The port of a web server with the site's settings and one thread a process."""
    port = free_port()
    (folder / "demo.log").touch()
    few = {"LUCE_BIND": f"127.0.0.1:{port}", "LUCE_WEB_PROCESSES": str(processes), "LUCE_WEB_THREADS": "1"}
    command = [sys.executable, "-m", "gunicorn", "--config", "python:webapp.server", application]
    here = Site(f"http://127.0.0.1:{port}", folder, environment(folder) | few)
    with subprocess.Popen(command, cwd=REPOSITORY, env=here.environment) as server:
        wait_until_ready(here, server, probe="/healthz")
        yield port
        server.terminate()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with web_server(tmp_path_factory.mktemp("web"), "webapp.wsgi:application", processes=1) as port:
        yield port


def slow(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    """An application that takes its time, but for a probe."""
    time.sleep(0 if environ["PATH_INFO"] == "/healthz" else SLOW)
    start("200 OK", [("Content-Length", "0"), ("Connection", "close")])
    return [b""]


def test_two_who_come_together_are_served_by_two_processes(tmp_path: Path) -> None:
    def waited(_: int) -> float:
        start = time.monotonic()
        with ask(port, "/slow") as client:
            answer(client)
        return time.monotonic() - start

    with web_server(tmp_path, f"{__name__}:slow", processes=2) as port, ThreadPoolExecutor(2) as two:
        longest = [max(two.map(waited, range(2))) for _ in range(8)]
    assert max(longest) < 1.8 * SLOW, f"one waited behind the other: {longest}"


def ask(port: int, path: str = "/healthz") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(ASKED.replace(b"/healthz", path.encode()))
    return client


def answer(client: socket.socket) -> bytes:
    """All that comes, up to the server's end of it."""
    return b"".join(iter(lambda: client.recv(4096), b""))


def test_those_who_stay_on_the_line_hold_nobody_up(port: int) -> None:
    staying = [ask(port) for _ in range(5)]
    for client in staying:
        assert answer(client).startswith(b"HTTP/1.1 200")
    start = time.monotonic()
    with ask(port) as prompt:
        assert answer(prompt).startswith(b"HTTP/1.1 200")
    assert time.monotonic() - start < PATIENCE / 2, "one process, and five clients that did not hang up"
    for client in staying:
        client.close()


def test_they_are_hung_up_on_in_the_end(port: int) -> None:
    with ask(port) as staying:
        answer(staying)
        assert eventually(lambda: is_refused(staying), PATIENCE + 5)


def is_refused(client: socket.socket) -> bool:
    """What is sent after the answer is thrown away, and refused once the server's end is closed."""
    try:
        client.send(b"still here?")
    except OSError:
        return True
    return False


def test_an_answer_comes_whole_though_the_rest_of_what_was_sent_is_not_read(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(ASKED + b"and much more that nobody asked for" * 2000)
        said = answer(client)
    head, _, body = said.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    assert length
    assert len(body) == int(length[1])
