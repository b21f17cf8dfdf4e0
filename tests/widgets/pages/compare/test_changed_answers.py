"""The card of answers that changed: filters, other versions, why it is not safe, thousands of rows."""

from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QListView
from pytestqt.qtbot import QtBot
from read_page import words as text_of
from stopwatch import OwnTime

from tests.widgets.qt_actions import child, placed, press
from widgets.pages.compare.changes import LEAST_ROWS, ROW_PX, ChangesCard
from widgets.pages.compare.page import ComparePage
from widgets.pages.compare.value import ChangesValue, ChangeValue, CompareValue
from widgets.parts.layout import held, in_column
from widgets.parts.pictures import PictureStore, PictureValue
from widgets.parts.text import WholeLabel
from widgets.theme import Theme


def test_changed_answers_are_filtered(opened: Any, examples: ModuleType) -> None:
    """Given 14 changes, when a filter is clicked, then only its kind is listed; rows read whole to screen readers."""
    page = opened(ComparePage, examples.compare())
    view = child(page, QListView)
    assert view.model().rowCount() == 14
    for text, number in (("Worse 8", 8), ("Better 3", 3), ("Other 3", 3), ("All 14", 14)):
        press(page, text)
        assert view.model().rowCount() == number
    read = view.model().index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert read == "Before T-shirt, after Trousers, your label T-shirt"


def test_changes_of_another_version_replace_them(opened: Any, examples: ModuleType) -> None:
    """Given another version's changes, then list, counts and the note about unlisted ones follow."""
    page = opened(ComparePage, examples.compare())
    page.show_changes(ChangesValue(2300, examples.changes(1000).rows, labelled=True))
    QApplication.processEvents()
    assert "The first 1,000 of 2,300 are listed." in text_of(page)
    page.show_changes(ChangesValue())
    QApplication.processEvents()
    assert "None: both versions answer every example the same." in text_of(page)
    page.show_changes(ChangesValue(words_changed=4, words=4321))  # texts of a language model that stayed alike
    assert "None as a whole: 4 of 4,321 next words are ones" in text_of(page)


def test_why_it_is_not_safe_is_above_its_changes(opened: Any, examples: ModuleType) -> None:
    """Given a version that regressed though few or no answers changed, Then the reason is read, and nothing states
    that both answer the same."""
    page = opened(ComparePage, examples.compare())
    why = "Answers begin with another word: 97.5 %, where 10 % are allowed."
    for value in (ChangesValue(reasons=why), ChangesValue(3, examples.changes(3).rows, reasons=why)):
        page.show_changes(value)
        QApplication.processEvents()
        assert why in text_of(page) and "both versions answer every example the same" not in text_of(page)
    page.show_changes(ChangesValue())
    assert why not in text_of(page)


def test_a_long_reason_is_never_cut(theme: Theme, qtbot: QtBot) -> None:
    """Given a card that is as low as it may be, Then all lines of a long reason are seen."""
    why = "The perplexity rose too much: 8.5 %, where 2.0 % are allowed. " * 3
    rows_ = tuple(ChangeValue(PictureValue(text="a text"), "before", "after", None, "other") for _ in range(9))
    card = placed(qtbot, ChangesCard(theme, PictureStore(theme), ChangesValue(9, rows_, reasons=why)), 420, 60)
    shown_label = next(label for label in card.findChildren(WholeLabel) if label.isVisible())
    qtbot.waitUntil(lambda: shown_label.height() >= shown_label.heightForWidth(shown_label.width()) > 40)


def test_a_page_leaves_the_list_its_least_rows(theme: Theme, qtbot: QtBot) -> None:
    """Given a page whose texts wrap, as Releases is, Then it counts the least rows of the list to the card's height."""
    value = ChangesValue(9, (ChangeValue(PictureValue(text="a text"), "before", "after", None, "other"),) * 9)
    card = ChangesCard(theme, PictureStore(theme), value)
    column = placed(qtbot, held(in_column(card)), 420, 60)
    assert column.heightForWidth(420) >= card.minimumSizeHint().height() > LEAST_ROWS * ROW_PX


@pytest.mark.whole
def test_thousands_of_changes_cost_no_more_than_their_number(opened: Any, examples: ModuleType) -> None:
    """Given 500 and 5,000 changed answers with pictures, then filtering takes at most about ten times as long, and
    showing and scrolling do not grow with them."""
    few, many = (_seconds(opened, examples.compare(changes=examples.changes(count))) for count in (500, 5000))
    assert many["filtered"] < 20 * few["filtered"], (few, many)
    assert many["scrolled"] < 4 * few["scrolled"] and many["built"] < 4 * few["built"], (few, many)


def _seconds(opened: Any, value: CompareValue) -> dict[str, float]:
    """Return the processor seconds to open the page, to scroll through its changes, and to filter them four times."""
    own, spent = OwnTime(), {}
    page = opened(ComparePage, value)
    spent["built"] = own.restart()
    view = child(page, QListView)
    for share in range(0, 101, 5):
        bar = view.verticalScrollBar()
        bar.setValue(bar.maximum() * share // 100)
        view.viewport().repaint()
    spent["scrolled"] = own.restart()
    card = child(page, ChangesCard)
    for kind in ("worse", "better", "other", ""):
        card._on_kind(kind)
        view.viewport().repaint()
    spent["filtered"] = own.restart()
    return spent


def test_texts_are_in_the_list_in_place_of_pictures(theme: Theme, qtbot: QtBot) -> None:
    """Given texts, then the list draws them plain, of any length."""
    store = PictureStore()
    row = ChangeValue(PictureValue(text="<b>x</b>" * 100_000), "a" * 50_000, "b", "b", "better")
    card = ChangesCard(theme, store, ChangesValue(1, (row,), labelled=True))
    qtbot.addWidget(card)
    card.resize(420, 260)
    own = OwnTime()
    card.grab()
    own.check(0.5)
