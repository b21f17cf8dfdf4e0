"""Is what was dropped a model, data, or both? Told by names, at once."""

import os
import time
from pathlib import Path

import pytest

from app.services.opening.sniffing import LOG_FILE, Kind, is_log, kind_of


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["a.onnx"], "model"),
        (["config.json", "model.safetensors"], "model"),
        (["cats/1.png", "dogs/2.png"], "data"),
        (["a.onnx", "1.png"], "both"),
        ([], "model"),
    ],
)
def test_a_folder_is_told_by_what_lies_in_it(tmp_path: Path, names: list[str], kind: Kind) -> None:
    """Given a folder, Then it is what its files are called; an empty one is a model's to be refused."""
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert kind_of(tmp_path) == kind


@pytest.mark.parametrize(("name", "kind"), [("a.onnx", "model"), ("a.png", "data"), ("a.csv", "data"), ("a", "model")])
def test_a_file_is_told_by_its_ending(tmp_path: Path, name: str, kind: Kind) -> None:
    """Given a file, there or not, Then its ending says what it is."""
    assert kind_of(tmp_path / name) == kind


def test_a_folder_of_thousands_takes_no_time(tmp_path: Path) -> None:
    """Given thousands of folders with a picture each, Then the window, which waits for the answer, is not frozen."""
    for number in range(2500):
        (tmp_path / f"class {number}").mkdir()
        (tmp_path / f"class {number}" / "1.png").touch()
    began = time.thread_time()
    assert kind_of(tmp_path) == "data"
    assert time.thread_time() - began < 0.1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes in folders")
@pytest.mark.parametrize("name", ["model.onnx", LOG_FILE])
def test_a_pipe_is_never_waited_for(tmp_path: Path, name: str) -> None:
    """Given a pipe that nobody writes to, alone or where a log would lie, Then it is no log, and is not opened."""
    os.mkfifo(tmp_path / name)
    assert not is_log(tmp_path / name) and not is_log(tmp_path)
