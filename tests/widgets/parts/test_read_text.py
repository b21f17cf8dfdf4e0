"""A text to read that is as high as its lines."""

import pytest
from pytestqt.qtbot import QtBot

from widgets.parts.text import ReadText

TEXT = "Drove by an office park on MoPac. Residents: Google and Oracle."


@pytest.mark.parametrize("width_px", [160, 220, 600])
def test_all_lines_are_seen_at_any_width(qtbot: QtBot, width_px: int) -> None:
    """Given a text of one to four lines, Then nothing of it has to be scrolled to, and hardly more room is taken."""
    view = ReadText("Text", 11)
    qtbot.addWidget(view)
    view.setFixedWidth(width_px)
    view.show()
    view.show_text(TEXT)
    lines = view.document().size().height()
    assert view.verticalScrollBar().maximum() == 0
    spare = view.viewport().height() - lines * view.fontMetrics().lineSpacing()
    assert 0 <= spare < 2 * view.fontMetrics().lineSpacing()


def test_another_width_makes_it_higher(qtbot: QtBot) -> None:
    view = ReadText("Text", 11)
    qtbot.addWidget(view)
    view.show_text(TEXT)
    view.show()
    view.setFixedWidth(600)
    qtbot.waitUntil(lambda: view.verticalScrollBar().maximum() == 0)
    wide = view.height()
    view.setFixedWidth(160)
    qtbot.waitUntil(lambda: view.height() > wide and view.verticalScrollBar().maximum() == 0)


def test_a_long_text_is_scrolled(qtbot: QtBot) -> None:
    view = ReadText("Text", 3)
    qtbot.addWidget(view)
    view.show()
    view.show_text("\n".join("line" for _ in range(30)))
    assert view.verticalScrollBar().maximum() > 0 and view.height() < 6 * view.fontMetrics().lineSpacing()
