"""The commands as they are typed: their output, their errors, their exit codes."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from labeling.models import Project

REPOSITORY = Path(__file__).resolve().parents[2]
LINES = [
    {
        "prompt": f"What is {n} + {n}?",
        "completions": [f"It is {2 * n}.", f"{2 * n}, I think."],
        "judgments": [
            {"annotator": "a1", "ranks": [1, 2]},
            {"annotator": "a2", "ranks": [1, 2] if n % 3 else [2, 1]},
            {"annotator": "a3", "ranks": [1, 1] if n % 4 == 0 else [1, 2]},
        ],
    }
    for n in range(12)
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "judgments.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return path


@pytest.fixture
def manage(db, capsys):
    """Run a command in this process: what it prints on standard output and on standard error."""

    def run(*arguments):
        capsys.readouterr()
        call_command(*arguments)
        return capsys.readouterr()

    return run


@pytest.fixture
def imported(manage, file):
    done = manage("import_judgments", "sums", str(file), "--create")
    assert "12 prompts, 24 completions, 12 comparisons, 36 judgments, 3 annotators" in done.out


def agreement(manage, *arguments):
    return json.loads(manage("agreement", *arguments, "--json").out)


def test_agreement_has_every_figure_with_interval_and_n(manage, imported):
    report = agreement(manage, "sums")
    figures = [
        report["percent_agreement"],
        report["krippendorff_alpha"]["nominal"],
        report["fleiss_kappa"],
        *report["cohen_kappa"],
    ]
    for figure in figures:
        assert {"value", "low", "high", "n", "undefined_because"} <= set(figure)
        assert figure["low"] <= figure["value"] <= figure["high"]
    assert [pair["annotators"] for pair in report["cohen_kappa"]] == [["a1", "a2"], ["a1", "a3"], ["a2", "a3"]]
    assert report["percent_agreement"]["n"] == 36
    # a2 differs from a1 on 4 of 12; a3 ties on 3, one of them among those 4: 4 + 3 + (3 + 3) pairs differ.
    assert report["percent_agreement"]["value"] == pytest.approx(1 - 13 / 36)


def test_without_ties_pairs_in_which_either_ties_are_left_out(manage, imported):
    figure = agreement(manage, "sums", "--no-ties")["percent_agreement"]
    assert figure["n"] == 36 - 6
    assert figure["value"] == pytest.approx(1 - 7 / 30)


def test_an_agreement_nobody_can_know_is_undefined_with_a_reason(manage, tmp_path):
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps({**LINES[0], "judgments": LINES[0]["judgments"][:1]}))
    manage("import_judgments", "one", str(path), "--create")
    figure = agreement(manage, "one")["percent_agreement"]
    assert (figure["value"], figure["n"]) == (None, 0)
    assert "two people" in figure["undefined_because"]


def test_for_a_reader_the_figures_are_a_table(manage, imported):
    assert "Percent agreement" in manage("agreement", "sums").out


def test_the_same_file_again_adds_nothing(manage, imported, file):
    done = manage("import_judgments", "sums", str(file))
    assert done.out == "12 lines: added nothing; 36 were there already.\n"


def test_an_export_imports_again_to_the_same_figures(manage, imported, tmp_path):
    path = tmp_path / "out.jsonl"
    manage("export", "sums", "--format", "luce", "--output", str(path))
    manage("import_judgments", "again", str(path), "--create")
    assert {**agreement(manage, "again"), "project": "sums"} == agreement(manage, "sums")


def test_trl_rows_go_to_standard_output_and_the_ties_left_out_to_standard_error(manage, imported):
    done = manage("export", "sums", "--format", "trl")
    rows = [json.loads(text) for text in done.out.splitlines()]
    assert len(rows) == 33
    assert set(rows[0]) == {"prompt", "chosen", "rejected"}
    assert "left out 3 ties" in done.err


def test_bad_lines_are_listed_and_neither_they_nor_the_project_stay(manage, tmp_path, capsys):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"prompt": "Hi"}\n{"prompt": 7}\nnot json\n')
    with pytest.raises(CommandError, match="2 bad lines; nothing was stored"):
        manage("import_prompts", "bad", str(path), "--create")
    told = capsys.readouterr().err
    assert "line 2, prompt: prompt must be text" in told
    assert "line 3, line: not JSON" in told
    with pytest.raises(CommandError, match='no project "bad"'):
        manage("agreement", "bad", "--json")
    done = manage("import_prompts", "bad", str(path), "--create", "--skip-bad")
    assert "added 1 prompt; 2 bad lines left out" in done.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["import_prompts", "nowhere", "/dev/null"], 'There is no project "nowhere"'),
        (["import_prompts", "new", "/no/such/file", "--create"], "cannot be read"),
        (["import_prompts", "not a slug", "/dev/null", "--create"], "slug"),
        (["agreement", "sum", "--json"], "There are sums"),
        (["export", "nowhere", "--format", "luce"], "There is no project"),
        (["export", "sums", "--output", "/no/such/folder/x.jsonl"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line_and_a_failure(manage, imported, arguments, says):
    with pytest.raises(CommandError, match=says):
        manage(*arguments)


class TestWhoLeadsAnImportedProject:
    @pytest.mark.parametrize("command", ["import_judgments", "import_prompts"])
    def test_its_lead_opens_it_at_once_and_finds_it_at_home(self, manage, tmp_path, person, signed_in, command):
        path = tmp_path / "prompts.jsonl"
        path.write_text('{"prompt": "Hi"}\n')
        done = manage(command, "sums", str(path), "--create", "--lead", person("lena").username)
        assert done.err == ""
        browser = signed_in(get_user_model().objects.get(username="lena"))
        assert browser.get("/p/sums/").status_code == 200
        assert "/p/sums/" in browser.get("/").content.decode()

    def test_is_asked_for_in_words_to_type_until_there_is_one(self, manage, imported, file, person, signed_in):
        lena = person("lena")
        done = manage("import_judgments", "sums", str(file))
        assert done.out == "12 lines: added nothing; 36 were there already.\n", "only results"
        said, _, command = done.err.partition(" To give it one: ")
        assert 'The project "sums" has no lead, so nobody can run it in the browser.' in said
        typed = shlex.split(command.replace("NAME", "lena"))
        assert Path(typed[0]).resolve() == Path(sys.executable).resolve()
        manage(*typed[2:])
        assert signed_in(lena).get("/p/sums/").status_code == 200
        assert manage("import_judgments", "sums", str(file)).err == ""

    def test_who_has_no_account_is_told_before_anything_is_read_or_stored(self, manage, person, tmp_path):
        person("lena")
        with pytest.raises(CommandError, match=r'no account "lana"\. There are lena\. .* manage\.py add_person lana'):
            manage("import_prompts", "new", str(tmp_path / "is not even there"), "--create", "--lead", "lana")
        assert not Project.objects.exists()

    def test_is_not_changed_by_the_way(self, manage, imported, file, person):
        person("lena")
        with pytest.raises(
            CommandError, match=r'"sums" is there already .* add_person lena --project sums --role lead'
        ):
            manage("import_judgments", "sums", str(file), "--create", "--lead", "lena")
        with pytest.raises(CommandError, match="--lead goes with --create"):
            manage("import_judgments", "sums", str(file), "--lead", "lena")
        manage("add_person", "lena", "--project", "sums", "--role", "lead")
        manage("import_judgments", "sums", str(file), "--create", "--lead", "lena")


def test_in_a_shell_results_are_on_standard_output_and_nothing_else_is(tmp_path, file):
    """A fresh site, real processes: import from a pipe, agreement into a file, an export into `head`."""
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment = {**kept, "LUCE_VAR": str(tmp_path / "var"), "DJANGO_SETTINGS_MODULE": "webapp.settings"}
    manage = f"{sys.executable} manage.py"
    script = f"""
        set -e
        {manage} migrate -v0
        cat {file} | {manage} import_judgments sums - --create
        {manage} agreement sums --json > {tmp_path}/agreement.json
        {manage} export sums | head -n 1
        {manage} agreement nobody --json || echo failed with $?
    """
    done = subprocess.run(
        ["bash", "-c", script], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    added, first, failed = done.stdout.splitlines()
    assert added == "12 lines: added 12 prompts, 24 completions, 12 comparisons, 36 judgments, 3 annotators."
    assert json.loads(first)["completions"] == LINES[0]["completions"]
    assert failed == "failed with 1"
    assert json.loads((tmp_path / "agreement.json").read_text())["judgments"] == 36
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["import_prompts", "import_judgments"])
def test_a_project_is_not_made_under_an_address_of_luce_itself(manage, file, command):
    with pytest.raises(CommandError, match='"new" is an address of Luce itself'):
        manage(command, "new", str(file), "--create")
    assert not Project.objects.exists()
