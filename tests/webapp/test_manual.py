"""What the manual shows is typed as it stands there."""

import json
import subprocess
from pathlib import Path
from shutil import which

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from labeling.actions.projects import add_member
from tests.absent import absent
from webapp.demo import load_demo_project

pytestmark = pytest.mark.django_db(transaction=True)
MANUAL = Path(__file__).resolve().parents[2] / "docs" / "developer.md"
LINE = {"prompt": "Hi.", "completions": ["a", "b"], "judgments": [{"annotator": "a1", "ranks": [1, 2]}]}


@pytest.fixture
def script():
    """The commands of the manual's section about the API."""
    if which("curl") is None:
        absent("curl is not there; the manual's examples use it (apt-get install curl).")
    section = MANUAL.read_text(encoding="utf-8").partition("## The API\n")[2].partition("\n## ")[0]
    return "".join(line.strip() + "\n" for line in section.splitlines() if line.startswith("    "))


def test_the_api_answers_the_commands_of_the_manual(live_server, person, script, tmp_path):
    project = load_demo_project()
    add_member(project=project, person=person("ada"), role="lead")
    (tmp_path / "judgments.jsonl").write_text(json.dumps(LINE) + "\n")
    typed = "PASSWORD='tea and biscuits'\n" + script.replace("http://127.0.0.1:8000", live_server.url)
    done = subprocess.run(["bash", "-ec", typed], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"prompts":72' in done.stdout, "progress"
    assert '"added":{"prompts":1,"completions":2,"comparisons":1,"judgments":1,"annotators":1}' in done.stdout
    assert len((tmp_path / "demo.jsonl").read_text().splitlines()) == 73


def test_people_without_a_password_get_a_token_by_command_and_a_new_one_ends_it(client, capsys):
    load_demo_project()

    def token(*options):
        call_command("drf_create_token", "lead", *options)
        return capsys.readouterr().out.split()[2]

    def status(shown):
        return client.get("/api/projects/demo/progress/", headers={"authorization": f"Token {shown}"}).status_code

    first = token()
    assert (status(first), token()) == (200, first)
    second = token("-r")
    assert (status(first), status(second)) == (401, 200)
    assert not get_user_model().objects.get(username="lead").has_usable_password()
