"""The page Data by mouse and keys, in each of its states."""

from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot
from read_page import words as text_of

from tests.widgets.qt_actions import child, emitted, press, recorded
from widgets.pages.data.page import DataPage
from widgets.pages.data.parts import SplitBar
from widgets.parts.cards.error import ErrorValue
from widgets.parts.small import CheckValue
from workers.contracts.data.reading import LABEL_CHOICES
from workers.contracts.error_info import ErrorInfo


@pytest.mark.parametrize(
    ("kind", "word", "hint", "first"),
    [
        ("images", "pictures", "labels.csv", "Choose a folder…"),
        ("texts", "texts", "CSV", "Choose a file…"),
        ("arrays", "inputs", "NPZ", "Choose a file…"),
        ("audio", "sounds", "WAV", "Choose a folder…"),
    ],
)
def test_empty_states_what_may_be_dropped(opened: Any, kind: Any, word: str, hint: str, first: str) -> None:
    """Given a model of some kind, then the page requests that kind and states what stays unknown without."""
    page = opened(DataPage, kind, call="show_empty")
    text = text_of(page)
    assert f"Drop your {word} here" in text and hint in text
    assert "What stays unknown" in text and "How fast it is" in text
    buttons = [b.text() for b in page.findChildren(QPushButton) if b.text().startswith("Choose")]
    assert buttons == [first, next(b for b in ("Choose a file…", "Choose a folder…") if b != first)]


def test_goes_on_without_data(opened: Any, examples: ModuleType) -> None:
    """Given no data, when the person goes on without, then it is reported, and what is made is shown as such."""
    page = opened(DataPage, examples.ask_data(), call="show_empty")
    press(page, "Continue without data", page.no_data_chosen)
    page.show_value(examples.made())
    text = text_of(page)
    assert "Fettle makes 64 inputs" in text and "accuracy needs your examples" in text
    assert "for calibration" not in text
    press(page, "Continue", page.continue_requested)


def test_folder_is_chosen(opened: Any, examples: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the system's dialog, when it answers, then the path is reported."""
    page = opened(DataPage, examples.ask_data(), call="show_empty")
    report = recorded(page.data_chosen)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_a: "/p/Bilder ü")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_a: ("/p/a.csv", ""))
    press(page, "Choose a folder…")
    press(page, "Choose a file…")
    assert report == ["/p/Bilder ü", "/p/a.csv"]


def test_full_shows_split_counts_and_checks(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given 2,200 pictures, then title, split, labels and checks show that, and thumbnails come one after another."""
    page = opened(DataPage, examples.data())
    text = text_of(page)
    for words in ("2,200 pictures of 10 kinds, ready to use", "From “Fashion pictures”", "9 set aside", "6 pictures"):
        assert words in text
    bar = child(page, SplitBar)
    assert bar.accessibleName() == "200 for calibration, 2,000 for the test"


def test_columns_of_texts_are_changed(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a table of texts, when another label column is chosen, then both columns are reported."""
    page = opened(DataPage, examples.texts())
    box = next(b for b in page.findChildren(QComboBox) if b.accessibleName() == "Column: Label")
    box.setFocus()
    assert emitted(page.columns_changed, qtbot.keyClick, box, Qt.Key.Key_Home) == ["review", ""]


def test_refused_table_asks_for_the_column_of_labels(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a table that would fit without one of its columns, When one is chosen, Then it is reported as the label."""
    page = opened(DataPage, examples.ask_data(), call="show_empty")
    error = ErrorInfo(code="no_inputs", title="t", detail="d", hint="h", facts={LABEL_CHOICES: ["rooms", "price"]})
    page.show_error(ErrorValue("t", "h", "s", "n", error=error), "")
    box = child(page, QComboBox)
    box.setFocus()
    assert emitted(page.columns_changed, qtbot.keyClick, box, Qt.Key.Key_End) == ["", "price"]


def test_right_texts_are_no_labels(opened: Any, examples: ModuleType) -> None:
    """Given a table for a translator, Then the right texts are called so."""
    page = opened(DataPage, examples.right_texts())
    names = [box.accessibleName() for box in page.findChildren(QComboBox)]
    assert "Column: Right text" in names and "Column: Label" not in names


def test_unknown_labels_are_matched(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given labels that the model does not know, when they are matched, then only those with an answer are reported."""
    page = opened(DataPage, examples.texts())
    dialogs: list[Any] = []
    ask = page.ask_match
    page.ask_match = lambda value: dialogs.append(ask(value))
    press(page, "Match the names…")
    box = next(b for b in dialogs[0].findChildren(QComboBox) if "good" in b.accessibleName())
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert press(dialogs[0], "Use these names", page.labels_matched) == [{"good": "positive"}]


def test_found_problems_are_left_out_and_put_back(opened: Any, examples: ModuleType, qtbot: QtBot) -> None:
    """Given checks that go on, then their rows change in place; given copies, one click leaves them out, and one
    puts them back."""
    page = opened(DataPage, examples.data())
    page.show_found((CheckValue("running", "Looking at each item", "40 %"),), 0, 0)
    qtbot.wait(1)
    assert "Looking at each item\n40 %" in text_of(page) and "this can be undone" not in text_of(page)
    page.show_found(examples.found(), 4, 0)
    qtbot.wait(1)
    assert "the same as items of “calibration”" in text_of(page) and "Looking at each item" not in text_of(page)
    assert "Your files stay where they are" in text_of(page)
    press(page, "Leave these 4 out", page.leave_out_requested)
    page.show_found((), 0, 4)
    qtbot.wait(1)
    press(page, "Restore the 4", page.put_back_requested)
    page.show_found((), 1, 0)
    qtbot.wait(1)
    press(page, "Leave this one out")


@pytest.mark.parametrize(
    ("changes", "title", "subtitle"),
    [
        (
            {
                "kind": "texts",
                "n_items": 23_703,
                "n_opened": 5_200,
                "merged_doubles": 5,
                "n_test": 5_000,
                "n_calibration": 195,
            },
            "5,195 texts",
            "23,703 texts, of which 5,200 were chosen at random. 5 of these are copies of others. 5,195 are left.",
        ),
        (
            {
                "n_items": 17,
                "n_opened": 17,
                "merged_doubles": 4,
                "n_test": 8,
                "n_calibration": 2,
                "unreadable": ("a.png", "b.png", "c.png"),
            },
            "10 pictures",
            "17 pictures, of which 4 are copies of others. 10 are left. 3 examples could not be read.",
        ),
        (
            {"n_items": 9_000, "n_opened": 5_200, "n_test": 5_000, "n_calibration": 200},
            "5,200 pictures",
            "9,000 pictures, of which 5,200 were chosen at random.",
        ),
        ({"n_items": 180, "n_opened": 180, "n_test": 140, "n_calibration": 36}, "176 pictures", "Drop another"),
    ],
)
def test_title_counts_what_is_used(
    opened: Any, examples: ModuleType, changes: dict[str, object], title: str, subtitle: str
) -> None:
    """Given sets of which some were not chosen, merged or unreadable, Then the title counts those that are used, and
    the line below states how they came about."""
    page = opened(DataPage, examples.data(**changes))
    assert f"{title} of 10 kinds, ready to use" in text_of(page) and subtitle in text_of(page)
