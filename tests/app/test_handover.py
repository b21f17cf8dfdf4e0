"""What a second start hands over to the open window, through real files."""

import os
import sys
import threading
from pathlib import Path

import pytest

from app.handover import forget_requests, hand_over, take_requests
from app.paths import DataFolderUnusable, DataPaths, prepare


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    return prepare(DataPaths(tmp_path / "data"))


def taken_by_a_window(paths: DataPaths, files: tuple[Path, ...]) -> list[tuple[Path, ...]]:
    """Hands over in one thread, polls as a window does in this one."""
    results: list[bool] = []
    second = threading.Thread(target=lambda: results.append(hand_over(paths, files)))
    second.start()
    got: list[tuple[Path, ...]] = []
    while second.is_alive():
        got += take_requests(paths)
    second.join()
    assert results == [True]
    return got


BYTES = Path(os.fsdecode(b"/models/\xff\xfe" + b"x" * 200))
"""A name that is no text, which exists on Linux only."""


@pytest.mark.parametrize(
    "files",
    [
        (Path("/models/ünï 模型 a#b%20.onnx"), Path("/b")),
        (),
        pytest.param((BYTES,), marks=pytest.mark.skipif(sys.platform != "linux", reason="names of bytes")),
        (Path("a.onnx"),),
    ],
)
def test_files_arrive_once_at_the_open_window(
    paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: tuple[Path, ...]
) -> None:
    """Given an open window, when a second start hands over files, or none, then the window has them once and nothing is
    left; relative names mean the folder of the second start."""
    monkeypatch.chdir(tmp_path)
    assert taken_by_a_window(paths, files) == [tuple(tmp_path / path for path in files)]
    assert list(paths.handover.iterdir()) == []


def test_a_window_that_does_not_answer_is_noticed_and_the_request_withdrawn(paths: DataPaths) -> None:
    """Given nobody who polls, when files are handed over, then it says so in time and leaves nothing behind."""
    assert hand_over(paths, (Path("/a"),), timeout_s=0.1) is False
    assert take_requests(paths) == []


def test_oldest_first_and_rubbish_ignored(paths: DataPaths) -> None:
    """Given files that nobody handed over, when the window looks, then it removes them and goes on."""
    for name, text in (("0.json", "["), ("1.json", '{"files": 3}'), ("2.json", "[]"), ("3.part", "{")):
        (paths.handover / name).write_text(text, encoding="utf-8")
    (paths.handover / "4.json").write_text('{"files": ["/b"]}', encoding="utf-8")
    (paths.handover / "5.json").write_text('{"files": ["/a"]}', encoding="utf-8")
    assert take_requests(paths) == [(Path("/b"),), (Path("/a"),)]
    assert [path.name for path in paths.handover.iterdir()] == ["3.part"]
    forget_requests(paths)
    assert list(paths.handover.iterdir()) == []


def test_no_folder_means_no_requests(tmp_path: Path) -> None:
    assert take_requests(DataPaths(tmp_path / "none")) == []
    forget_requests(DataPaths(tmp_path / "none"))
    with pytest.raises(DataFolderUnusable):
        hand_over(DataPaths(tmp_path / "none"), ())
