"""What every page does: the head stays where it is, and the column below it scrolls."""

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from widgets.parts.buttons import GhostButton
from widgets.parts.page import Page
from widgets.parts.small import PageHead
from widgets.parts.text import label
from widgets.theme import Theme

WIDE_PX, HIGH_PX = 900, 500


class TallPage(Page):
    """A page whose column is three times as high as its window."""

    def show_value(self, value: str) -> None:
        self.head = PageHead(value, "What it is for.")
        self.button = QPushButton("Do it")
        self.head.add_action(self.button)
        tall = QWidget()
        tall.setFixedHeight(3 * HIGH_PX)
        self.last = label("The end", "soft")
        self._fill("full", self.head, tall, self.last)


def tall_page(qtbot: QtBot, theme: Theme) -> TallPage:
    page = TallPage(theme, "Tall")
    page.resize(WIDE_PX, HIGH_PX)
    qtbot.addWidget(page)
    page.show()
    page.show_value("A tall page")
    qtbot.waitUntil(lambda: page.verticalScrollBar().maximum() > 2 * HIGH_PX)
    return page


def is_seen(page: Page, part: QWidget) -> bool:
    return part.isVisible() and part.visibleRegion().boundingRect() == part.rect()


def test_the_main_button_stays_while_the_page_scrolls(qtbot: QtBot, theme: Theme) -> None:
    """Given a page longer than its window, When it is scrolled to its end, Then its button is where it was, above it."""
    page = tall_page(qtbot, theme)
    before = page.button.mapTo(page, QPoint(0, 0))
    assert not is_seen(page, page.last)
    page.verticalScrollBar().setValue(page.verticalScrollBar().maximum())
    assert is_seen(page, page.last) and is_seen(page, page.button)
    assert page.button.mapTo(page, QPoint(0, 0)) == before
    assert page.last.mapTo(page, QPoint(0, 0)).y() > page.head.mapTo(page, QPoint(0, 0)).y() + page.head.height()


def test_a_longer_head_covers_nothing(qtbot: QtBot, theme: Theme) -> None:
    """Given a page, When its head shows something of three lines, Then the column begins below it."""
    page = tall_page(qtbot, theme)
    page.head.set_texts("Another", "long words " * 60)
    above = page.viewport()
    qtbot.waitUntil(lambda: page.head.subtitle.height() > 2 * page.head.subtitle.fontMetrics().height())
    qtbot.waitUntil(lambda: above.y() >= page.head.mapTo(page, QPoint(0, 0)).y() + page.head.height())


def test_another_state_has_another_head(qtbot: QtBot, theme: Theme) -> None:
    """Given a page with a head, When it shows another state, Then only that state's head is left."""
    page = tall_page(qtbot, theme)
    page.show_loading("Reading", 1, 3)
    qtbot.waitUntil(lambda: len(page.findChildren(PageHead)) == 1)
    assert page.findChild(PageHead).title.text() == "One moment"


@pytest.mark.parametrize(
    "title", ["Done: your bundle runs on its own", "Other programs kept the computer busy: keep the original"]
)
def test_buttons_that_leave_no_room_go_below(theme: Theme, qtbot: QtBot, title: str) -> None:
    """Given a head with four buttons in the smallest window, Then its title has at most two lines with the buttons
    below at the right, and in a wide one they are next to it again."""
    head = PageHead(title, "Unpacked in an empty folder, it gave the same answers as here.")
    qtbot.addWidget(head)
    made = [GhostButton(theme, text, "copy") for text in ("Read the card", "Copy command", "Make it a release", "Open")]
    for button in made:
        head.add_action(button)
    line_px = head.title.fontMetrics().lineSpacing()
    head.resize(760, head.heightForWidth(760))
    head.show()
    qtbot.waitUntil(lambda: made[0].y() > head.title.y() + head.title.height() - 1, timeout=5000)
    assert head.title.height() < 2.5 * line_px and made[-1].geometry().right() >= 750
    head.resize(1500, 60)
    qtbot.waitUntil(lambda: made[0].y() < line_px and made[0].x() > head.title.geometry().right(), timeout=5000)
