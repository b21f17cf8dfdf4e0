"""Tests of the files that a second start passes to the open window, with real files."""

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
    """Pass files in one thread, poll in this one as a window does, and return what arrived."""
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
    """Given an open window, when a second start passes files, or none, then they arrive once and no request remains.
    Relative names are relative to the second start's folder."""
    monkeypatch.chdir(tmp_path)
    assert taken_by_a_window(paths, files) == [tuple(tmp_path / path for path in files)]
    assert list(paths.handover.iterdir()) == []


def test_permission_to_come_to_the_front_is_passed_on(paths: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a desktop that lets the second start raise a window, When it passes its request, Then Qt finds the token."""
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "")
    (paths.handover / "1.json").write_text('{"files": [], "token": "t-1"}', encoding="utf-8")
    assert take_requests(paths) == [()]
    assert os.environ["XDG_ACTIVATION_TOKEN"] == "t-1"


def test_request_is_withdrawn_without_a_window(paths: DataPaths) -> None:
    """Given no window that polls, when files are passed, then it returns False in time and leaves no file."""
    assert hand_over(paths, (Path("/a"),), timeout_s=0.1) is False
    assert take_requests(paths) == []


def test_requests_are_read_oldest_first_and_invalid_ones_removed(paths: DataPaths) -> None:
    """Given invalid files, when the window reads the folder, then it removes them and continues."""
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
