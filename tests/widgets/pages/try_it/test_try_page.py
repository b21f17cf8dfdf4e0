"""The page "Try it": one input, both answers side by side; by mouse and by keys."""

from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QProgressBar
from pytestqt.qtbot import QtBot
from read_page import words as text_of

from tests.widgets.qt_actions import child, emitted, left_click, press, recorded
from widgets.pages.try_it.layout import TryLayout
from widgets.pages.try_it.lists import ExampleStrip, TriedList
from widgets.pages.try_it.page import TryPage
from widgets.theme import Theme


@pytest.fixture
def page(theme: Theme, examples: ModuleType, shown: Any) -> TryPage:
    """Pictures, both versions loaded, examples to click."""
    made = TryPage(theme)
    made.show_value(examples.trying())
    made.show_ready()
    made.show_examples(examples.live_examples())
    shown(made)
    return made


def parts(page: TryPage) -> TryLayout:
    assert page._parts is not None
    return page._parts


def busy(page: TryPage) -> list[bool]:
    bars = [bar for bar in page.findChildren(QProgressBar) if bar.accessibleName() == "Progress"]
    return [bar.isVisible() for bar in bars]


def test_both_answers_are_side_by_side(page: TryPage, examples: ModuleType) -> None:
    """Given answers, Then names, shares, times and how the model got the input can be read, and bars follow shares."""
    page.show_input(examples.live_input())
    page.show_answers(*examples.live_answers())
    page.set_texts("Same answer, 3.3 times faster", "Median of 9 calls each.")
    shown = text_of(page)
    for text in ("Same answer, 3.3 times faster", "10.3 ms", "3.1 ms", "97.8 %", "97.1 %", "0.4 %", "9.2 MB"):
        assert text in shown
    assert "boot-window-3.jpg, as 28 × 28 dots" in shown
    assert parts(page).versions.currentText() == "INT8, sensitive layers kept"
    assert parts(page).after.size_label.text() == "2.4 MB"
    bars = {bar.accessibleName(): bar.value() for bar in page.findChildren(QProgressBar) if bar.isVisible()}
    assert bars["Ankle boot: 97.8 %"] == 978 and bars["Sneaker: 2.2 %"] == 22
    before, after = parts(page).before, parts(page).after
    assert before._answer.mapTo(page, before._answer.rect().topLeft()).y() == (
        after._answer.mapTo(page, after._answer.rect().topLeft()).y()
    ), "the lines of both cards are level"


def test_slow_answer_is_shown_and_can_be_stopped(page: TryPage, examples: ModuleType, qtbot: QtBot) -> None:
    """Given a slow answer, Then after a moment both cards show that it goes on, and Cancel is there; then it goes."""
    page.show_working()
    assert busy(page) == [False, False]
    qtbot.waitUntil(lambda: busy(page) == [True, True], timeout=2000)
    press(page, "Cancel", page.cancel_requested)
    page.show_answers(*examples.live_answers())
    assert busy(page) == [False, False] and not parts(page).cancel.isVisible()


def test_examples_and_lines_by_mouse_and_keys(page: TryPage, examples: ModuleType, qtbot: QtBot) -> None:
    """Given examples and lines, When one is clicked or chosen by arrow and Enter, Then it is reported."""
    strip = child(page, ExampleStrip)
    place = strip.visualRect(strip.rows.index(2, 0)).center()
    assert emitted(page.example_chosen, left_click, strip.viewport(), place) == [14]
    strip.setFocus()
    QTest.keyClick(strip, Qt.Key.Key_Right)
    assert emitted(page.example_chosen, QTest.keyClick, strip, Qt.Key.Key_Return) == [21]
    page.show_tried(examples.live_tried())
    QApplication.processEvents()
    lines = child(page, TriedList)
    lines.setFocus()
    QTest.keyClick(lines, Qt.Key.Key_Down)
    assert emitted(page.again_requested, QTest.keyClick, lines, Qt.Key.Key_Space)[0] in (0, 1)
    spoken = lines.rows.index(2, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "pullover-2.jpg: before Pullover in 10.4 ms, after Dress in 3.1 ms, Changed"
    assert parts(page).count.text() == "4 pictures, 3 same answers"


def test_the_version_chooser_and_the_buttons(page: TryPage, qtbot: QtBot) -> None:
    """Given the chooser and the buttons, Then each shows what is wanted."""
    parts(page).versions.setFocus()
    assert emitted(page.version_chosen, QTest.keyClick, parts(page).versions, Qt.Key.Key_Down) == ["b"]
    assert parts(page).after.size_label.text() == "9.2 MB"
    assert press(page, "Export…", page.export_requested) == ["b"]
    press(page, "Show one that changed", page.changed_requested)


def test_typing_is_reported_when_the_keys_rest(theme: Theme, examples: ModuleType, shown: Any, qtbot: QtBot) -> None:
    """Given a model of texts, When letters are typed quickly, Then the whole text is reported once; a later answer
    to an earlier text does not write over what is typed."""
    page = TryPage(theme)
    page.show_value(examples.trying(kind="texts"))
    page.show_ready()
    page.show_examples(examples.live_texts())
    shown(page)
    report = recorded(page.text_typed)
    editor = parts(page).editor
    assert editor is not None
    editor.setFocus()
    QTest.keyClicks(editor, "a good film")
    qtbot.waitUntil(lambda: report == ["a good film"], timeout=2000)
    QTest.keyClicks(editor, " indeed")
    page.show_input(examples.InputValue(caption="3 tokens"))
    assert editor.toPlainText() == "a good film indeed"
    page.type_text("dropped words")
    assert report[-1] == "dropped words" and editor.toPlainText() == "dropped words"
    page.show_value(examples.trying(kind="texts", chosen="b"))
    editor = parts(page).editor
    assert editor is not None and editor.toPlainText() == "dropped words"
    editor.setFocus()
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert not editor.hasFocus()


def test_row_of_numbers_is_typed_and_filled_by_examples(theme: Theme, examples: ModuleType, shown: Any) -> None:
    """Given a model of a table, Then a row can be typed, its columns are named, and an example fills the field."""
    page = TryPage(theme)
    page.show_value(examples.trying(kind="arrays", row=("age", "income")))
    shown(page)
    report = recorded(page.text_typed)
    page.type_text("30, 2000")
    assert report == ["30, 2000"]
    page.show_input(examples.InputValue(examples.PictureValue(text="41, 2500")))
    editor = parts(page).editor
    assert editor is not None and editor.toPlainText() == "41, 2500"
    assert editor.placeholderText().endswith("age, income")


def test_an_input_that_cannot_be_tried(page: TryPage, examples: ModuleType) -> None:
    """Given a refused input, Then three sentences show that, and the next answer takes them away."""
    page.show_problem(examples.refused(), examples.InputValue(caption="bad.png"))
    text = text_of(page)
    for words in ("What happened", "Is my work safe?", "What to do now", "No answer to this input.", "bad.png"):
        assert words in text
    page.show_answers(*examples.live_answers())
    assert "What happened" not in text_of(page)


def test_states_without_versions(opened: Any) -> None:
    """Given no run, one without versions, or one that is measured, Then the page states what to do."""
    page = opened(TryPage, call="show_empty")
    assert "Nothing to try yet" in text_of(page)
    assert press(page, "Choose a model", page.page_wanted) == ["model"]
    page.show_empty(has_run=True)
    assert "no version to compare with the original" in text_of(page)
    page.show_measuring()
    assert page.state == "measuring" and "would distort their figures" in text_of(page)
    assert press(page, "Back to Compare", page.page_wanted) == ["compare"]


def test_large_window_shows_large_pictures(page: TryPage) -> None:
    """Given a window of 3840 x 2160, Then what is tried takes a third of the page, and examples are larger; in a small one
    both are as small as before."""
    page.resize(816, 614)
    QApplication.processEvents()
    given, strip = parts(page).given, parts(page).strip
    assert (given.minimumHeight(), strip.height()) == (240, 78)
    page.resize(3632, 2068)
    QApplication.processEvents()
    assert given.height() > 2068 / 3 and given.width() > 700
    assert strip.height() == 78 + 72 and strip.visualRect(strip.rows.index(0)).width() >= 190
