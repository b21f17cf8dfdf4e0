"""The content-addressed store."""

from pathlib import Path

import pytest

from app.services.store import ArtifactStore


def written(folder: Path, text: str = "model") -> Path:
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.onnx").write_text(text)
    return folder


def test_what_was_kept_is_found_again(tmp_path: Path) -> None:
    """Given a finished job's folder, when it is kept, then another process finds it with its result and its files."""
    key = ArtifactStore(tmp_path / "store").key("apply", {"x": 1}, 0, {})
    ArtifactStore(tmp_path / "store").adopt(written(tmp_path / "job"), key, {"n": 3})
    entry = ArtifactStore(tmp_path / "store").get(key)
    assert entry is not None
    assert entry.result == {"n": 3}
    assert (entry.folder / "model" / "model.onnx").read_text() == "model"
    assert not (tmp_path / "job").exists()


def test_a_damaged_folder_is_not_used(tmp_path: Path) -> None:
    """Given a kept folder of which one byte was changed on the disk, when it is asked for, then it is not there any more."""
    store = ArtifactStore(tmp_path / "store")
    key = store.key("apply", {}, 0, {})
    entry = store.adopt(written(tmp_path / "job"), key, {})
    (entry.folder / "model" / "model.onnx").write_text("modeI")
    assert ArtifactStore(tmp_path / "store").get(key) is None
    assert not entry.folder.exists()


def test_the_key_holds_everything_that_made_it(tmp_path: Path) -> None:
    """Given the same job, then the key is the same wherever the store and the file lie; any change makes another."""
    a, b = ArtifactStore(tmp_path / "a"), ArtifactStore(tmp_path / "b")
    params_a = {"model_dir": str(tmp_path / "a" / "12" / "1234" / "model"), "path": "/home/me/m.onnx"}
    params_b = {"model_dir": str(tmp_path / "b" / "12" / "1234" / "model"), "path": "/tmp/m.onnx"}
    key = a.key("apply", params_a, 0, {"/home/me/m.onnx": "sha256:1"})
    assert key == b.key("apply", params_b, 0, {"/tmp/m.onnx": "sha256:1"})
    assert key != a.key("apply", params_a, 1, {"/home/me/m.onnx": "sha256:1"})
    assert key != a.key("apply", params_a, 0, {"/home/me/m.onnx": "sha256:2"})
    assert key != a.key("answer", params_a, 0, {"/home/me/m.onnx": "sha256:1"})


def test_a_look_compares_sizes_only(tmp_path: Path) -> None:
    """Given a changed byte, then a look still finds it; a shorter or missing file, and it is not there."""
    store = ArtifactStore(tmp_path / "store")
    key = store.key("apply", {}, 0, {})
    file = store.adopt(written(tmp_path / "job"), key, {"n": 3}).folder / "model" / "model.onnx"
    later = ArtifactStore(tmp_path / "store")
    assert later.bytes_to_check(key) > 0 and store.bytes_to_check(key) == 0
    file.write_text("modeI")
    found = later.peek(key)
    assert found is not None and found.result == {"n": 3}
    file.write_text("mod")
    assert later.peek(key) is None
    file.unlink()
    assert later.peek(key) is None and later.peek("nothing") is None


def test_stopping_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """Given somebody who cancels, then nothing is kept and nothing is removed."""
    store = ArtifactStore(tmp_path / "store")
    with pytest.raises(InterruptedError):
        store.adopt(written(tmp_path / "job"), "a" * 64, {}, lambda: True)
    assert store.peek("a" * 64) is None
    key = "b" * 64
    store.adopt(tmp_path / "job", key, {})
    assert ArtifactStore(tmp_path / "store").get(key, lambda: True) is None
    assert ArtifactStore(tmp_path / "store").get(key) is not None
