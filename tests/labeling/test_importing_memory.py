"""An import and an export keep nothing of the lines that are done."""

import gc
import json
import tracemalloc
from collections import defaultdict
from itertools import islice

import pytest

from labeling.actions.import_lines import MAX_LINE_BYTES, read_lines
from labeling.actions.importing import import_judgments, import_prompts
from labeling.queries.export import export_lines

pytestmark = pytest.mark.django_db


def many_lines(count, judged=True):
    for n in range(count):
        pair = [f"It is {2 * n}.", f"Let me think: {n} and {n} make {2 * n}."]
        said = [{"annotator": f"a{(n + m) % 50}", "ranks": [1, 2]} for m in range(2)]
        line = {"prompt": f"What is {n} + {n}?", "completions": pair}
        yield json.dumps(line | {"judgments": said} if judged else line)


class TestMemory:
    """What Python holds does not grow with the lines. (What SQLite holds does, up to its page cache of 64 MiB.)"""

    LESS_THAN_A_HASH = 50
    """Bytes a line: a set needs three times as much for each hash it keeps; the noise is some bytes."""

    @pytest.fixture
    def held(self):
        """Bytes held after so many lines of a stage; a function notes them every 500 lines."""
        notes = defaultdict(dict)

        def note(stage, done, of=None):
            if done % 500 == 0:
                gc.collect()
                notes[stage][done] = tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        yield note, notes
        tracemalloc.stop()

    @staticmethod
    def left_by_a_line(notes):
        """The first third is a warm-up, in which caches fill."""
        lines = sorted(notes)[len(notes) // 3 :]
        return (notes[lines[-1]] - notes[lines[0]]) / (lines[-1] - lines[0])

    @pytest.mark.parametrize("action", [import_prompts, import_judgments])
    def test_an_import_keeps_nothing_of_the_lines_it_has_done(self, project, held, action):
        note, notes = held
        lines = many_lines(2_500, judged=action is import_judgments)
        assert action(project=project, lines=lines, progress=note).stored
        assert self.left_by_a_line(notes["checked"]) < self.LESS_THAN_A_HASH
        assert self.left_by_a_line(notes["stored"]) < self.LESS_THAN_A_HASH

    def test_an_export_keeps_nothing_of_the_lines_it_has_written(self, project, held):
        note, notes = held
        tracemalloc.stop()
        import_judgments(project=project, lines=many_lines(2_000))
        tracemalloc.start()
        for format in ("luce", "trl"):
            for done, _ in enumerate(export_lines(project, format)):
                note(format, done)
        assert self.left_by_a_line(notes["luce"]) < self.LESS_THAN_A_HASH
        assert self.left_by_a_line(notes["trl"]) < self.LESS_THAN_A_HASH

    def test_texts_wait_on_disk(self, project):
        def peak(lines):
            tracemalloc.reset_peak()
            assert import_prompts(project=project, lines=lines).stored
            return tracemalloc.get_traced_memory()[1]

        lines = (json.dumps({"prompt": f"{n}: {'long ' * 2_000}"}) for n in range(3_000))
        tracemalloc.start()
        small, large = peak(islice(lines, 1_000)), peak(lines)
        tracemalloc.stop()
        assert large < small + 4 * 1024**2, "the 1,000 lines more are 10 MB of text"


def test_a_line_without_an_end_is_read_in_bounded_memory():
    import io

    endless = io.BytesIO(b"x" * (3 * MAX_LINE_BYTES) + b"\n{}\n")
    lengths = [len(text) for text in read_lines(endless)]
    assert lengths == [MAX_LINE_BYTES + 2, 3]


def test_progress_is_told_for_both_stages(project):
    told = []
    import_judgments(project=project, lines=many_lines(1200), progress=lambda *step: told.append(step))
    assert ("checked", 500, None) in told
    assert told[-1] == ("stored", 1200, 1200)
