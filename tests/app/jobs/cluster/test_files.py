"""Files of jobs on the workers of a cluster: what is sent, pieces, and results of a worker that lies."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.files import digest_of
from app.jobs.cluster import files
from app.jobs.cluster.files import FileIndex, get, inner_path, missing, put
from app.jobs.cluster.host import Ended, only_one
from app.jobs.cluster.records import FileRef


def test_other_models_of_the_study_are_not_sent(tmp_path: Path) -> None:
    """Given a folder with two models, When a job reads one and the folder around it, Then the other one stays."""
    for name in ("a.onnx", "b.onnx", "a.onnx.data"):
        (tmp_path / name).write_text(name)
    index = FileIndex(frozenset({tmp_path / "a.onnx", tmp_path / "b.onnx"}))
    (sent,) = index.inputs_of((str(tmp_path / "a.onnx"), str(tmp_path)))
    assert sent.path == str(tmp_path)
    assert sorted(sent.files) == ["a.onnx", "a.onnx.data"]


def test_file_arrives_in_pieces_and_only_with_its_hash(tmp_path: Path) -> None:
    """Given a file whose first piece arrived, When the rest follows, Then it is there; a piece at the wrong place or
    another content is refused."""
    source = tmp_path / "file"
    source.write_bytes(bytes(range(200)))
    sha256, worker = digest_of(source), SimpleNamespace(local_directory=str(tmp_path / "worker"))
    assert put(sha256, 0, bytes(range(100)), False, dask_worker=worker)
    assert not put(sha256, 50, b"x", False, dask_worker=worker)
    assert missing([sha256], dask_worker=worker) == [(sha256, 100)]
    assert put(sha256, 100, bytes(range(100, 200)), True, dask_worker=worker)
    assert missing([sha256], dask_worker=worker) == []
    assert get([(sha256, 150, 10), (sha256, 0, 1)], dask_worker=worker) == [bytes(range(150, 160)), b"\0"]
    other = digest_of(Path(__file__))
    assert not put(other, 0, b"something else", True, dask_worker=worker)
    assert missing([other], dask_worker=worker) == [(other, 0)]


def test_small_files_share_a_message_and_large_ones_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given files of some sizes, When they are fetched, Then each message has ten bytes at most, and none is empty."""
    monkeypatch.setattr(files, "PIECE_BYTES", 10)
    sizes = {"a": 3, "b": 0, "c": 4, "d": 25, "e": 8}
    found = list(files.pieces_of({name: FileRef(sha256="0" * 64, size=size) for name, size in sizes.items()}))
    assert [sum(size for _name, _offset, size in pieces) for pieces in found] == [10, 10, 10, 10]
    assert found[0] == [("a", 0, 3), ("c", 0, 4), ("d", 0, 3)] and found[1] == [("d", 3, 10)]


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", "a\\b"])
def test_name_outside_of_the_folder_is_refused(name: str) -> None:
    """Given the name of a file that a worker sends, When it leads outside, Then it is refused."""
    with pytest.raises(ValueError):
        inner_path(name)


@pytest.mark.parametrize("answer", [[b"another content!"], [b""], ["no bytes"], [], None])
def test_worker_that_sends_another_content_is_refused(answer: Any, tmp_path: Path) -> None:
    """Given a worker that announces a file, When it sends other bytes, none or no bytes, Then the step fails."""
    pytest.importorskip("distributed")
    from app.jobs.cluster.remote import Worker

    class Liar(Worker):
        def call(self, function: Any, *arguments: Any) -> Any:
            return answer

    ref = FileRef(sha256=digest_of(Path(__file__)), size=16)
    with pytest.raises((ValueError, TypeError)):
        Liar(None, "", "liar", FileIndex())._fetch({"a/b": ref}, tmp_path, threading.Event())


def test_measurements_of_one_machine_take_turns() -> None:
    """Given a measurement on this machine, When another one begins, Then it waits and can be cancelled meanwhile."""
    looks = []

    def check() -> None:
        looks.append(1)
        if len(looks) > 3:
            raise Ended

    with only_one(check), pytest.raises(Ended), only_one(check):
        pytest.fail("two at once")
    assert len(looks) == 4
