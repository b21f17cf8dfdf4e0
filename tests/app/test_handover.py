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


def test_files_arrive_at_the_open_window(paths: DataPaths) -> None:
    """Given an open window, when a second start hands files over, then the window has them once and nothing is left."""
    files = Path("/models/ünï 模型 a#b%20.onnx"), Path("/b")
    assert taken_by_a_window(paths, files) == [files]
    assert list(paths.handover.iterdir()) == []


def test_a_start_without_files_only_raises_the_window(paths: DataPaths) -> None:
    assert taken_by_a_window(paths, ()) == [()]


@pytest.mark.skipif(sys.platform != "linux", reason="names of bytes exist on Linux only")
def test_a_name_that_is_no_text_arrives(paths: DataPaths) -> None:
    name = Path(os.fsdecode(b"/models/\xff\xfe" + b"x" * 200))
    assert taken_by_a_window(paths, (name,)) == [(name,)]


def test_relative_names_mean_the_folder_of_the_second_start(
    paths: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert taken_by_a_window(paths, (Path("a.onnx"),)) == [(tmp_path / "a.onnx",)]


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
