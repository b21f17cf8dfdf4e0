"""The page Guide: every key of the window is listed, and the words are listed once and can be searched."""

import re

from PySide6.QtGui import QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import placed
from widgets.main_window import MainWindow
from widgets.page_registry import find_pages
from widgets.pages.data.items import ItemsCard
from widgets.pages.guide.page import GuidePage, keys
from widgets.parts.fields import SearchField
from widgets.parts.glossary import WORDS, glossary
from widgets.parts.small import KeyValue
from widgets.plots.frame_clock import FrameClock
from widgets.theme import Theme


def words_shown(page: GuidePage) -> list[str]:
    """Return the names of the terms that can be seen, from top to bottom."""
    listed = page.findChildren(KeyValue)[-1]
    known = {word.lower() for word in WORDS}
    return [
        label.text() for label in listed.findChildren(QLabel) if label.isVisible() and label.text().lower() in known
    ]


def test_glossary_lists_no_term_twice() -> None:
    """Given all terms, Then no two are forms of one word, and no two have the same explanation."""
    listed = glossary()
    stems = [re.sub(r"(ation|ing|ed|s)$", "", name.lower()) for name, _ in listed]
    assert len(stems) == len(set(stems)), sorted(stems)
    meanings = [meaning for _, meaning in listed]
    assert len(meanings) == len(set(meanings))


def test_glossary_finds_terms_by_name_form_and_explanation() -> None:
    """Given parts of names, of other forms and of explanations, Then their terms are found, else none."""
    assert [name for name, _ in glossary("LATEN")] == ["Latency"]
    assert [name for name, _ in glossary(" quantized ")] == ["Quantization"]
    assert [name for name, _ in glossary("mlcommons")] == ["LoadGen"]
    assert glossary("no such word") == ()


def test_words_are_filtered_while_one_types(theme: Theme, qtbot: QtBot) -> None:
    """Given the guide, When one types into the search, Then only terms with these letters stay, until it is empty."""
    page = placed(qtbot, GuidePage(theme), 816, 614)
    everything = words_shown(page)
    assert len(everything) == len(glossary()) > 20
    search = page.findChild(SearchField)
    assert isinstance(search, SearchField)
    search.setFocus()
    QTest.keyClicks(search, "laten")
    assert words_shown(page) == ["Latency"]
    QTest.keyClicks(search, "xq")
    assert words_shown(page) == []
    assert any(label.isVisible() and label.text().startswith("No entry matches") for label in page.findChildren(QLabel))
    search.clear()
    assert words_shown(page) == everything


def test_keys_of_the_window_are_all_listed(theme: Theme, qapp: QApplication, qtbot: QtBot) -> None:
    """Given the window with its pages, Then each of its shortcuts is in the guide's list of keys."""
    window = MainWindow()
    window.build(qapp, theme, FrameClock(), find_pages())
    qtbot.addWidget(window)
    examples = ItemsCard(theme, (), print, print, pictures=False, chunk=1)
    qtbot.addWidget(examples)
    used = {shortcut.key().toString() for made in (window, examples) for shortcut in made.findChildren(QShortcut)}
    listed = {name for name, _ in keys()}
    numbers = {f"Ctrl+{number}" for number in range(1, 10)}
    assert {"F1", "Ctrl+Z"} <= used and "Ctrl+1 to 9" in listed
    assert used - numbers - listed == set()
