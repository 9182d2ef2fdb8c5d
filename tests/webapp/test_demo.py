"""`make demo` as a newcomer meets it, with real processes: links that sign in, Ctrl-C that leaves nothing."""

import http.cookiejar
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.webapp.processes import ROOT, alive, descendants, eventually
from webapp.supervisor.broker import free_port

OURS = ("DATABASE_URL", "REDIS_URL", "no_proxy", "NO_PROXY")


def environment(folder: Path) -> dict[str, str]:
    """That of a newcomer with data in `folder`, who needs a proxy and has worked with Django and Celery before."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("LUCE_") and k not in OURS}
    proxy = f"http://127.0.0.1:{free_port()}"
    left = {"DJANGO_SETTINGS_MODULE": "elsewhere.settings", "CELERY_BROKER_URL": "redis://elsewhere.invalid/0"}
    return {**plain, **left, "http_proxy": proxy, "HTTP_PROXY": proxy, "LUCE_VAR": str(folder)}


def another_link(folder: Path, name: str) -> str:
    command = [sys.executable, "manage.py", "sign_in_link", name]
    return subprocess.run(command, cwd=ROOT, env=environment(folder), capture_output=True, text=True).stdout.strip()


class Demo:
    """A running `manage.py demo`; `said` grows with each line it prints."""

    def __init__(self, folder: Path, port: int) -> None:
        self.said: list[str] = []
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--port", str(port), "--no-prepare", "--stop-with-parent"],
            cwd=ROOT,
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=lambda: self.said.extend(self.process.stdout), daemon=True)
        self.reader.start()

    def wait_for(self, words: str, seconds: float = 90) -> bool:
        return eventually(lambda: any(words in line for line in self.said) or self.process.poll() is not None, seconds)

    def link(self, name: str) -> str:
        line = next(line for line in self.said if f"  {name} " in line)
        return re.search(r"http://\S+", line).group()


@contextmanager
def demo(folder: Path, port: int) -> Iterator[Demo]:
    running = Demo(folder, port)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Start, sign in, crash the web server, collide, stop, start again: one story, many things to see in it."""
    folder, port = tmp_path_factory.mktemp('my data #1 of "50%41"?'), free_port()
    seen: dict = {"port": port}
    with demo(folder, port) as first:
        assert first.wait_for("Ctrl-C stops everything"), first.said
        seen["said"] = first.said
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        with browser.open(first.link("First annotator"), timeout=20) as page:
            seen["home"], seen["policy"] = page.read().decode(), page.headers["Content-Security-Policy"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=20) as page:
            seen["ready"] = page.status
        seen["elsewhere"] = status(first.link("Lead"), {"X-Forwarded-For": "203.0.113.9"})
        seen["database"] = stat.filemode((folder / "luce.sqlite3").stat().st_mode)
        seen["one more link"] = another_link(folder, "lead")
        seen["family"] = descendants(first.process.pid)
        seen["addresses"] = {c.laddr.ip for p in seen["family"] for c in p.net_connections() if c.status == "LISTEN"}
        with demo(folder, free_port()) as second:
            seen["second"] = second.process.wait(60)
            second.reader.join(10)
            seen["second said"] = second.said
        with demo(tmp_path_factory.mktemp("beside"), free_port()) as beside:
            assert beside.wait_for("Ctrl-C stops everything"), beside.said
            seen["homes"] = [
                browser.open(address, timeout=20).read().decode()
                for address in (beside.link("Lead"), f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{beside.port}/")
            ]
        with demo(tmp_path_factory.mktemp("other"), port) as taken:
            seen["taken"] = taken.process.wait(60)
            taken.reader.join(10)
            seen["taken said"] = taken.said
        web = next(p for p in seen["family"] if "gunicorn" in " ".join(p.cmdline()))
        web.kill()
        seen["crash noticed"] = first.wait_for("web was killed by SIGKILL; starting it again", 20)
        with browser.open(f"http://127.0.0.1:{port}/", timeout=60) as page:
            seen["after the crash"] = page.status
        seen["family"] += descendants(first.process.pid)
        first.process.send_signal(signal.SIGINT)
        seen["stopped"] = first.process.wait(60)
        first.reader.join(10)
        seen["left"] = [] if eventually(lambda: not alive(seen["family"])) else alive(seen["family"])
        seen["link to nothing"] = another_link(folder, "lead")
    with demo(folder, port) as again:
        assert again.wait_for("Ctrl-C stops everything"), again.said
        with urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())).open(
            again.link("Lead"), timeout=20
        ) as page:
            seen["home again"] = page.read().decode()
        family = descendants(again.process.pid)
        again.process.kill()
        seen["left after kill"] = [] if eventually(lambda: not alive(family), 30) else alive(family)
    return seen


def status(address: str, headers: dict[str, str]) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=20) as page:
            return page.status
    except urllib.error.HTTPError as error:
        return error.code


def test_it_prints_one_link_a_person(story: dict) -> None:
    said = "".join(story["said"])
    for name in ("First annotator", "Second annotator", "Lead"):
        assert len(re.findall(rf"  {name} +http://127\.0\.0\.1:{story['port']}/local/\S+/", said)) == 1


def test_a_link_opens_the_demo_project_under_the_strict_policy(story: dict) -> None:
    assert "Everyday help" in story["home"]
    assert story["policy"].startswith("default-src 'self'")
    assert "unsafe" not in story["policy"]


def test_another_link_is_made_for_the_port_of_the_demo_that_runs(story: dict) -> None:
    assert story["one more link"].startswith(f"http://127.0.0.1:{story['port']}/local/")
    assert story["link to nothing"].startswith("http://127.0.0.1:8000/local/")


def test_a_link_through_a_proxy_does_not_exist(story: dict) -> None:
    assert story["elsewhere"] == 404


def test_everything_listens_on_this_machine_only(story: dict) -> None:
    assert story["ready"] == 200
    assert story["addresses"] == {"127.0.0.1"}


def test_the_database_lies_in_the_data_folder_whatever_its_name_and_is_its_owners_alone(story: dict) -> None:
    assert story["database"] == "-rw-------"


def test_a_second_start_and_a_taken_port_are_one_line_each(story: dict) -> None:
    assert story["second"] == story["taken"] == 1
    assert len(story["second said"]) == len(story["taken said"]) == 1
    assert "already runs here" in story["second said"][0]
    assert f"Port {story['port']} is taken" in story["taken said"][0]


def test_a_second_demo_signs_nobody_out_of_the_first(story: dict) -> None:
    roles = [re.findall(r"You are (an? \w+)", home) for home in story["homes"]]
    assert roles == [["a lead"], ["an annotator"], ["a lead"]]


def test_a_killed_web_server_comes_back_and_the_visitor_only_waits(story: dict) -> None:
    assert story["crash noticed"]
    assert story["after the crash"] == 200


def test_ctrl_c_leaves_nothing_and_says_so(story: dict) -> None:
    assert story["stopped"] == 0
    assert story["said"][-1].strip() == "luce: stopped; nothing is left running"
    assert story["left"] == []


def test_the_next_start_goes_on_with_what_was_there(story: dict) -> None:
    assert story["home again"].count("Everyday help") == story["home"].count("Everyday help")


def test_a_killed_demo_leaves_nothing(story: dict) -> None:
    assert story["left after kill"] == []
