"""Tests of error texts and of the sample on the first page."""

import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from app.controllers.model.sample import sample_or_none, sample_value
from app.controllers.words import error_value, format_words, refused_file, subject_of, task_words
from installer.catalogs import SAMPLE_INPUT
from workers.contracts.error_info import ErrorInfo
from workers.model_io.formats import FORMATS
from workers.pipeline.spec import Task


def test_error_value_leaves_out_command_line_options() -> None:
    """Given an error with an option for the command line, then the window's text leaves it out."""
    info = ErrorInfo(code="x", title="T", detail="D.", hint="Set the size.", by_command="--shape 1x3x224x224")
    assert error_value(info).next_step == "Set the size."
    assert info.hint_by_command == "Set the size. By command: --shape 1x3x224x224"


def test_what_the_sample_says_of_its_input_is_in_the_catalogs() -> None:
    """Given the sample's file, then it holds the text that the catalogs translate."""
    paths = sample_or_none()
    assert paths is not None and SAMPLE_INPUT.encode() in paths.model.read_bytes()


def test_error_value_has_all_three_parts() -> None:
    """Given an error, then all three parts are present and the traceback is separate."""
    info = ErrorInfo(code="x", title="T", detail="D.", hint="H.", traceback="trace")
    value = error_value(info)
    assert (value.title, value.happened, value.next_step, value.details) == ("T", "D.", "H.", "trace")
    assert value.is_safe.startswith("Yes.")


def test_refused_file_has_a_note_for_its_author(tmp_path: Path) -> None:
    """Given a refused file, then its name and size are the subtitle, and the note has the reason."""
    file = tmp_path / "old.pt"
    file.write_bytes(b"x" * 98_000_000)
    value = refused_file(ErrorInfo(code="unsafe_pickle", title="T", detail="D.", hint="H."), str(file))
    assert value.page_subtitle == "old.pt, 98.0 MB" == subject_of(str(file))
    assert value.note == "Fettle did not open old.pt: D. H."
    assert subject_of(str(tmp_path / "gone.pt")) == "gone.pt"


def test_task_words_of_known_and_unknown_texts() -> None:
    assert task_words("text-classification") == "classifies texts"
    assert task_words("1,200 to test with") == "1,200 to test with"


@pytest.mark.parametrize("task", get_args(Task))
def test_every_task_has_words(task: str) -> None:
    """Given a task of the program, Then a person is not shown its name in the code."""
    assert task_words(task) != task


def test_each_format_has_words() -> None:
    """Given every format that is opened, then it has a display name."""
    shown = {name: format_words(name) for name in FORMATS}
    assert not {name: words for name, words in shown.items() if "_" in words}
    assert shown["encoder_decoder"] == "ONNX in parts: an encoder and a decoder" and shown["gguf"] == "GGUF"


def test_sample_shows_one_picture_of_each_class() -> None:
    """Given the built-in sample, then it has ten named pictures."""
    paths = sample_or_none()
    assert paths is not None
    pictures = sample_value(paths).pictures
    assert len({picture.name for picture in pictures}) == 10
    assert all(picture.data is not None and picture.data.startswith(b"\x89PNG") for picture in pictures)


@pytest.mark.parametrize("damage", ["empty", "no zip", "lacks an array", "cut"])
def test_damaged_sample_shows_no_pictures(damage: str, tmp_path: Path) -> None:
    """Given a damaged file, then the first page opens without pictures."""
    paths = sample_or_none()
    assert paths is not None
    file = tmp_path / "pictures.npz"
    if damage == "empty":
        file.touch()
    elif damage == "no zip":
        file.write_bytes(b"nothing of the kind" * 100)
    elif damage == "cut":
        file.write_bytes(paths.data.read_bytes()[:200_000])
    else:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("x.npy", b"\x93NUMPY\x01\x00")
    assert sample_value(replace(paths, data=file)).pictures == ()


def test_the_first_page_needs_no_numpy() -> None:
    """Given a fresh process, when the first page is created, then numpy, pyqtgraph and the database are not imported."""
    code = (
        "import sys\n"
        "from PySide6.QtWidgets import QApplication\n"
        "app = QApplication(['fettle', '-platform', 'offscreen'])\n"
        "from app.bootstrap import build_window\n"
        "from app.controllers.first_page import show_first_page\n"
        "from app.settings import Settings\n"
        "window, theme = build_window(app, Settings())\n"
        "show_first_page(window, Settings(), has_files=False)\n"
        "window.show(); app.processEvents()\n"
        "assert window.page('model').state == 'empty'\n"
        "print([name for name in ('numpy', 'pyqtgraph', 'sqlalchemy', 'alembic', 'psutil') if name in sys.modules])\n"
        "import os; sys.stdout.flush(); os._exit(0)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]", done.stdout
