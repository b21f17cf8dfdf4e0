"""What holds for every page in each of its states: names for screen readers, plain text, sizes, colors, drops."""

import itertools
import re
from types import ModuleType
from typing import Any

import pytest
from page_states import STATES
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QImage, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollBar,
    QSlider,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from widgets.focus import focus_order
from widgets.page_registry import find_pages
from widgets.parts.page import Page
from widgets.parts.pictures import PictureStore
from widgets.theme import Theme


@pytest.fixture(params=list(STATES))
def page(request: pytest.FixtureRequest, theme: Theme, examples: ModuleType, shown: Any) -> Page:
    kind, fill = STATES[request.param]
    made: Page = kind(theme)
    fill(made, examples)
    shown(made, 816, 614)
    return made


def name_of(widget: QWidget) -> str:
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name).strip() if interface is not None else ""


def speaks(widget: QWidget) -> bool:
    """Whether a screen reader stops here."""
    kinds = (
        QAbstractButton,
        QLineEdit,
        QComboBox,
        QAbstractSpinBox,
        QSlider,
        QAbstractItemView,
        QPlainTextEdit,
        QTextEdit,
    )
    inner = isinstance(widget, QLineEdit) and isinstance(widget.parent(), QAbstractSpinBox | QComboBox)
    if inner or isinstance(widget, QScrollBar) or not widget.isVisible():
        return False
    popup = widget.window() is not widget and isinstance(widget.parent(), QComboBox)
    return not popup and (isinstance(widget, kinds) or widget.focusPolicy() != Qt.FocusPolicy.NoFocus)


def test_no_page_is_left_out() -> None:
    """Given all pages that the program finds, then each has its states here, but for those of the shell's own tests."""
    found = {spec.widget.rpartition(":")[2] for spec in find_pages()}
    assert found - {kind.__name__ for kind, _ in STATES.values()} == {"OptimizePage"}


def test_page_can_be_read_out_reached_and_drawn_in_dark(page: Page, theme: Theme, qtbot: QtBot) -> None:
    """Given a page in one of its states, which is made once for all that holds for it, Then it can be read out and
    reached, and follows the theme."""
    check_all_can_be_read_out(page)
    check_tab_reaches_every_control_in_the_order_of_the_layout(page)
    check_colors_follow_the_theme(page, theme, qtbot)


def check_all_can_be_read_out(page: Page) -> None:
    """Check that what takes the focus has a name, labels are plain text, one button at most is primary, and no field
    swallows a dropped file."""
    silent = [w for w in page.findChildren(QWidget) if speaks(w) and not name_of(w)]
    silent = [w for w in silent if w.objectName() != "qt_scrollarea_viewport"]
    assert not silent, [(type(w).__name__, w.objectName(), w.parent()) for w in silent]
    assert name_of(page)
    names = [name_of(w) for w in page.findChildren(QWidget) if w.isVisible()]
    assert [name for name in names if re.search(r", ?:|^[:,]|[.:] ?:", name)] == []
    primary = [b for b in page.findChildren(QPushButton) if b.isVisible() and b.property("kind") == "primary"]
    assert len(primary) <= 1, [b.text() for b in primary]
    plain = Qt.TextFormat.PlainText
    assert [w.text() for w in page.findChildren(QLabel) if w.textFormat() != plain and w.text()] == []
    kinds = (QLineEdit, QPlainTextEdit, QTextEdit, QComboBox, QAbstractSpinBox, QAbstractItemView)
    assert not [w for w in page.findChildren(QWidget) if isinstance(w, kinds) and w.acceptDrops() and w.isVisible()]


def check_tab_reaches_every_control_in_the_order_of_the_layout(page: Page) -> None:
    """Check the controls as Tab reaches them: none is missing but buttons that exclude each other, and what stands in one
    column comes from top to bottom."""
    order = focus_order(page)
    reached = [w for w in page.findChildren(QWidget) if speaks(w) and w.isEnabled() and w.focusProxy() is None]
    reached = [w for w in reached if w.focusPolicy() & Qt.FocusPolicy.TabFocus]
    grouped = [w for w in reached if isinstance(w, QAbstractButton) and w.group() is not None and w not in order]
    assert [name_of(w) for w in reached if w not in order and w not in grouped] == []
    assert all(button.group().checkedButton() in order for button in grouped)
    for one, other in itertools.pairwise(order):
        if one.parentWidget() is other.parentWidget():
            assert one.y() < other.y() + other.height(), (name_of(one), name_of(other))


def drawn(page: Page, theme: Theme) -> QImage:
    QApplication.processEvents()
    picture = QPixmap(page.size())
    picture.fill(theme.color("bg"))
    page.render(picture)
    return picture.toImage().convertToFormat(QImage.Format.Format_Grayscale8)


def mean(image: QImage) -> float:
    return (
        image.scaled(1, 1, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
        .pixelColor(0, 0)
        .lightness()
    )


def check_colors_follow_the_theme(page: Page, theme: Theme, qtbot: QtBot) -> None:
    """Check that a page is drawn in dark when that is chosen, and back again byte for byte."""
    qtbot.waitUntil(lambda: not page.findChildren(PictureStore) or not page.findChildren(PictureStore)[0].is_busy)
    light = drawn(page, theme)
    theme.set_choice("dark")
    dark = drawn(page, theme)
    assert mean(dark) < 90 and mean(light) > 180
    theme.set_choice("light")
    assert drawn(page, theme) == light
