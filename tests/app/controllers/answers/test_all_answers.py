"""Tests of the page "All answers" with the table of a finished run, its examples, and damaged tables."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot
from read_page import words
from records import Drive, open_page

from app.controllers.answers.file import read_columns
from app.controllers.app_controller import AppController
from app.services.flow.workspace import Workspace
from widgets.main_window import MainWindow
from widgets.pages.answers.look import LookCard
from widgets.pages.answers.page import AnswersPage
from widgets.pages.answers.table import AnswersTable
from workers.contracts.data.rows import ROWS_FILE

pytestmark = pytest.mark.usefixtures("finished_data")


@pytest.fixture
def page(app_controller: AppController, window: MainWindow, drive: Drive) -> AnswersPage:
    """Return the page, opened from Compare where the second version was chosen."""
    compare = open_page(app_controller, "compare")
    compare.version_chosen.emit("v2")
    compare.page_wanted.emit("answers")
    made = window.page("answers")
    assert isinstance(made, AnswersPage)
    drive(lambda: made.state == "full")
    return made


@pytest.mark.whole
def test_table_lists_all_answers(
    page: AnswersPage, space: Workspace, window: MainWindow, qtbot: QtBot, drive: Drive
) -> None:
    """Given the version that was chosen on Compare, then all 48 examples are listed with the verdict's number of
    changes. A filter and the search narrow the list, and a selected row shows its picture and both answers."""
    judgement = space.repositories.variants.get("v2").judgement
    value = page._value
    assert judgement is not None and value is not None and value.chosen == "v2" and window.current_page == "answers"
    assert len(value.columns) == 48 and value.labelled
    assert 48 - value.columns.count("same") == judgement.changed_count > 0
    table = page.findChild(AnswersTable)
    assert table is not None
    page._buttons["worse"].click()
    assert len(page._model.rows) == value.columns.count("worse") == round(48 * (judgement.negative_flips or 0))
    assert f"{len(page._model.rows):,} of 48 are shown." in words(page)
    page._choose(text="sneaker")
    assert 0 < len(page._model.rows) < 48
    page._choose(text="", kind="")
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Down)
    qtbot.keyClick(table, Qt.Key.Key_Down)
    look = page.findChild(LookCard)
    assert look is not None
    drive(lambda: page._looks)
    chosen = page._looks[int(value.columns.number[table.currentIndex().row()])]
    assert chosen.picture.data.startswith(b"\x89PNG") and chosen.before and len(page._looks) == 6
    assert "Original" in words(look) and "Your label:" in words(look)
    assert not list((space.jobs).glob("*/examples")), "no example stays on the disk"


def test_another_version_is_listed_and_the_button_returns(page: AnswersPage, window: MainWindow, drive: Drive) -> None:
    """Given another version in the list, when it is chosen, then its answers are listed; the button leads back."""
    page.version_chosen.emit("v1")
    drive(lambda: page.state == "full")
    assert page._value is not None and page._value.chosen == "v1" and page._value.columns.count("changed") == 0
    page.page_wanted.emit("compare")
    assert window.current_page == "compare"


def test_damaged_table_is_refused(page: AnswersPage, space: Workspace, tmp_path: Path) -> None:
    """Given a table of a worker process with inconsistent columns, then it is refused."""
    kept = next(space.paths.store.rglob(ROWS_FILE))
    with np.load(kept) as stored:
        good = dict(stored)
    assert len(read_columns(kept.parent)) == 48
    older = {"likeness" if name == "similarity" else name: column for name, column in good.items()}
    np.savez(tmp_path / ROWS_FILE, **older)  # as 0.1.0 wrote it
    assert len(read_columns(tmp_path)) == 48
    for name, bad in (
        ("kind", np.full(48, 9, np.uint8)),
        ("before", good["before"] + 100),
        ("after", good["after"].astype(np.int64)),
        ("name_ends", good["name_ends"][::-1]),
        ("folded_bytes", good["folded_bytes"][:-1]),
    ):
        np.savez(tmp_path / ROWS_FILE, **{**good, name: bad})
        with pytest.raises(ValueError, match=r"column|kind|texts"):
            read_columns(tmp_path)
