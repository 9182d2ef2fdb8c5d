"""However many bad lines a file has, and however long they are: none is left out in silence, none fills the memory."""

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from select import select

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from labeling.actions.import_lines import MAX_LINE_BYTES
from labeling.actions.importing import import_prompts
from labeling.models import Prompt
from labeling.pages.exchange import BAD_LINES_SHOWN, import_upload

pytestmark = pytest.mark.django_db
REPOSITORY = Path(__file__).resolve().parents[2]
SOON = 30
BAD = 1_200
"""More bad lines than a report holds."""


@pytest.fixture
def file(tmp_path):
    """A good line, BAD bad ones, and one that contradicts the first, which only storing can see."""
    lines = [{"prompt": "Hi.", "split": "train"}, *[{"prompt": n} for n in range(BAD)], {"prompt": "Hi."}]
    lines[-1]["split"] = "heldout"
    path = tmp_path / "bad.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


class TestOnTheCommandLine:
    def test_every_bad_line_is_told_with_its_number_its_field_and_what_to_do(self, project, file, capsys):
        with pytest.raises(CommandError, match=r"1,201 bad lines; nothing was stored\. Mend them, or leave them out"):
            call_command("import_prompts", "tea", str(file))
        told = capsys.readouterr().err.splitlines()
        what = "prompt: prompt must be text or a list of messages, not a number."
        assert told[:-1] == [f"line {number}, {what}" for number in range(2, BAD + 2)]
        assert f"line {BAD + 2}, split: " in told[-1], "told now, not after the others have been mended"
        assert not Prompt.objects.exists()

    @pytest.mark.parametrize("command", ["import_prompts", "import_judgments"])
    def test_those_left_out_are_told_too_with_their_total(self, project, file, capsys, command):
        call_command(command, "tea", str(file), "--skip-bad")
        told = capsys.readouterr()
        assert len(told.err.splitlines()) == BAD + 1
        assert f"line {BAD + 2}, split: " in told.err.splitlines()[-1]
        assert told.out == "1,202 lines: added 1 prompt; 1,201 bad lines left out.\n"

    def test_a_bad_line_is_told_while_later_lines_are_still_on_their_way(self, tmp_path):
        kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        site = {**kept, "LUCE_VAR": str(tmp_path / "var"), "DJANGO_SETTINGS_MODULE": "webapp.settings"}
        manage = [sys.executable, "manage.py"]
        subprocess.run([*manage, "migrate", "-v0"], cwd=REPOSITORY, env=site, check=True, timeout=300)
        command = [*manage, "import_prompts", "tea", "-", "--create"]
        with subprocess.Popen(
            command, cwd=REPOSITORY, env=site, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as importing:
            importing.stdin.write('{"prompt": 7}\n')
            importing.stdin.write(json.dumps({"prompt": "long " * 1_000_000}) + "\n")  # more than any buffer holds
            importing.stdin.flush()
            told, _, _ = select([importing.stderr], [], [], SOON)
            importing.stdin.close()
            assert told, f"nothing was told in {SOON} s"
            assert importing.stderr.readline().startswith("line 1, prompt: ")
            assert "2 bad lines; nothing was stored" in importing.stderr.read()
        assert importing.returncode == 1


class TestOnTheUploadPage:
    @pytest.fixture
    def upload(self, client, lead, project):
        client.force_login(lead)

        def send(content, **changes):
            sent = {"kind": "prompts", "do": "import", "file": SimpleUploadedFile("lines.jsonl", content)}
            return client.post(reverse("import", args=[project.slug]), sent | changes, secure=True)

        return send

    def test_the_first_are_listed_and_the_page_says_how_many_more_there_are(self, upload, file):
        page = upload(file.read_bytes()).content.decode()
        assert page.count("prompt must be text or a list of messages") == BAD_LINES_SHOWN
        assert "1,201 bad" in page
        assert "first 200 of 1,201 bad lines; 1,001 more are not listed here" in page
        assert "manage.py import_prompts tea FILE" in page

    def test_when_all_are_listed_nothing_is_said_of_more(self, upload):
        page = upload(b"{\n" * BAD_LINES_SHOWN).content.decode()
        assert page.count("not JSON") == BAD_LINES_SHOWN
        assert "not listed" not in page

    def test_a_name_that_is_no_text_can_be_shown(self, upload):
        page = upload(b'{"prompt": "Hi.", "\\ud800": 1}')
        assert "\\ud800" in page.content.decode()


class TestMemory:
    """What is held does not grow with the number of bad lines, nor with the length of one."""

    @staticmethod
    def peak(action):
        tracemalloc.start()
        try:
            action()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def test_bad_lines_that_the_report_has_no_room_for_are_told_and_forgotten(self, project):
        def import_bad(count):
            return lambda: import_prompts(project=project, lines=("{" for _ in range(count)), tell_bad=str)

        import_bad(1_000)()
        assert self.peak(import_bad(11_000)) < self.peak(import_bad(1_000)) + 10_000 * 10, "10 bytes a bad line"

    @pytest.mark.parametrize("check", [True, False])
    def test_an_upload_of_one_endless_line_is_not_read_into_it(self, project, check):
        sent = TemporaryUploadedFile("endless.jsonl", "application/jsonl", 0, "utf-8")
        sent.file.truncate(8 * MAX_LINE_BYTES)
        cleaned = {"kind": "prompts", "file": sent, "skip_bad": False}
        reports = []
        peak = self.peak(lambda: reports.append(import_upload(project, cleaned, check=check)))
        assert "the line is longer than 8 MiB" in reports[0].bad[0].message
        assert peak < 5 * MAX_LINE_BYTES, "of the 8 that were sent"
