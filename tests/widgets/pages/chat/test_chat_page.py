"""The page "Chat": one message, and two answers that come word by word."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot
from read_page import words as text_of

from tests.widgets.qt_actions import recorded
from widgets.pages.chat.page import ChatPage
from widgets.tokens import RAIL_WIDTH
from workers.contracts.after.chatting import ChatPiece

VALUE = ((("v1", "INT8 weights, BF16"), ("v2", "BF16")), "v1")


def test_a_message_is_answered_on_both_sides(opened: Any, qtbot: QtBot) -> None:
    """Given both versions, when a person writes and presses Enter, then it can be answered once both are loaded."""
    page = opened(ChatPage, VALUE)
    entry = page.findChild(QLineEdit, "") or page._entry
    assert page._entry is not None and page._stop is not None and entry is not None
    sent = recorded(page.said)
    page._entry.setText("Hello")
    qtbot.keyClick(page._entry, Qt.Key.Key_Return)
    assert not sent, "nothing is loaded yet"
    page.show_ready()
    page._temperature.setValue(0.7)
    page._seed.setValue(5)
    page._system.setText(" Be short. ")
    qtbot.keyClick(page._entry, Qt.Key.Key_Return)
    report = [(text, round(how.temperature, 2), how.seed, how.messages[0].content) for text, how in sent]
    assert report == [("Hello", 0.7, 5, "Be short.")]
    page.begin("Hello")
    assert page._stop.isEnabled() and not page._send.isEnabled()
    for piece in ("Good ", "morning"):
        page.write("original", piece)
    page.show_speed("original", ChatPiece(tokens=2, first_ms=98.0, tokens_per_s=21.4))
    assert page._talks["original"].text == "You: Hello\n\nGood morning"
    page.write("optimized", "Good day")
    page.show_difference(5)
    assert [marked(page, side) for side in ("original", "optimized")] == ["morning", "day"]
    assert "from the marked words on" in text_of(page)
    page.end()
    assert page._send.isEnabled() and not page._stop.isEnabled()
    # And the next answer begins without marks, a new chat without words
    page.begin("Again")
    assert marked(page, "original") == "" and "from the marked words on" not in text_of(page)
    page.show_difference(None)
    assert "Both answers are identical." in text_of(page)
    page._on_new()
    assert page._talks["original"].text == ""


def marked(page: ChatPage, side: Any) -> str:
    """What is marked on one side."""
    found = page._talks[side]._transcript.extraSelections()
    return "".join(one.cursor.selectedText() for one in found)


def test_everything_is_within_the_smallest_window(opened: Any, qtbot: QtBot) -> None:
    """Given a window of 1024 × 700, Then the fields that choose words wrap, and nothing lies beyond its edge."""
    page = opened(ChatPage, VALUE)
    page.resize(1024 - RAIL_WIDTH, 600)
    qtbot.waitUntil(lambda: page.width() == 1024 - RAIL_WIDTH)
    assert page._longest.isVisible() and page._stop is not None
    for widget in (page._longest, page._temperature, page._system, page._stop, *page._talks.values()):
        assert widget.mapTo(page, widget.rect().bottomRight()).x() < page.width(), widget.accessibleName()
