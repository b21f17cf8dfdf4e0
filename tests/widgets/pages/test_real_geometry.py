"""Every page in the real window at three sizes: nothing is cut, and what the Tab key reaches is in view."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from page_states import STATES
from plain_pages import plain_pages
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QPushButton,
    QScrollArea,
    QTableView,
    QWidget,
)
from pytestqt.qtbot import QtBot

from widgets.focus import current_rect
from widgets.main_window import MainWindow
from widgets.parts.buttons import PrimaryButton
from widgets.parts.page import Page
from widgets.parts.text import ElidedLabel
from widgets.plots.frame_clock import FrameClock
from widgets.theme import Theme
from widgets.tokens import COMPACT_RAIL_WIDTH

SMALL, BETWEEN, LARGE = (1024, 700), (1280, 800), (3840, 2160)
TWICE_AS_LARGE = ((640, 368), (512, 318))
"""Half of a usual screen's pixels, which is what text of 200 % leaves."""
MOST_TABS = 60
FOREIGN = (
    "W" * 20,
    "/",
    "distilbert-base",
    "Sounds of machines",
    "No. ",
    "Arrived broken",
    "boot-window",
    "google",
    "resnet-50",
)
"""What a person or a hub wrote may be cut with an ellipsis, and is whole in its tooltip."""


FULL = [name for name in STATES if name.endswith(("-full", "-items", "-safe", "-ask", "-override"))]
AT_SIZES = [name for name in STATES if name in FULL or name.endswith(("-empty", "-done", "-error"))]
CASES = [
    *(pytest.param(name, (SMALL, LARGE) if name in AT_SIZES else (SMALL,), id=name) for name in STATES),
    *(pytest.param(name, (BETWEEN,), id=f"{name}-{BETWEEN[0]}", marks=pytest.mark.slow) for name in AT_SIZES),
]
InWindow = Callable[[str, tuple[int, int]], tuple[MainWindow, Page]]


@pytest.fixture
def in_window(qapp: QApplication, qtbot: QtBot, theme: Theme, examples: ModuleType) -> Iterator[InWindow]:
    """The window, filled by one page in one of its states."""
    made: list[Any] = []

    def show(name: str, size: tuple[int, int]) -> tuple[MainWindow, Page]:
        kind, fill = STATES[name]
        clock = FrameClock()
        window = MainWindow()
        window.build(qapp, theme, clock, plain_pages({"model": lambda: kind(theme)}))
        clock.setParent(window)
        made.append(window)
        resize(window, size)
        page = window.page("model")
        assert isinstance(page, Page)
        fill(page, examples)
        window.show_page("model")
        with qtbot.waitExposed(window):
            window.show()
        resize(window, size)
        return window, page

    yield show
    for window in made:
        window.close_now()
        window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def resize(window: MainWindow, size: tuple[int, int]) -> None:
    window.setMinimumSize(QSize(*size).boundedTo(window.minimumSize()))
    window.resize(*size)
    for _ in range(3):
        QApplication.processEvents()


def visible(page: Page, kind: type[Any]) -> list[Any]:
    return [widget for widget in page.widget().findChildren(kind) if widget.isVisibleTo(page)]


def cut_labels(page: Page) -> list[tuple[str, QSize, QSize]]:
    """Labels and buttons whose words do not fit."""
    problems = []
    for button in visible(page, QPushButton):
        if button.width() < button.sizeHint().width() - 1:
            problems.append((button.text()[:60], button.sizeHint(), button.size()))
    for label in visible(page, QLabel):
        text = label.text()
        if not text or label.pixmap().width():
            continue
        inside = label.contentsRect().size()
        if isinstance(label, ElidedLabel):
            needed = QSize(label.fontMetrics().horizontalAdvance(text), inside.height())
            if any(part in text for part in FOREIGN):
                continue
        elif label.wordWrap():
            needed = QSize(inside.width(), label.heightForWidth(label.width()) - (label.height() - inside.height()))
        else:
            needed = label.sizeHint() - (label.size() - inside)
        if needed.width() > inside.width() + 2 or needed.height() > inside.height() + 2:
            problems.append((text[:60], needed, inside))
    return problems


def cut_columns(page: Page) -> list[tuple[str, int, int]]:
    """Tables whose last column ends outside of them."""
    problems = []
    for table in visible(page, QTableView):
        header = table.horizontalHeader()
        if header.isVisible() and header.length() > table.viewport().width():
            problems.append((table.accessibleName(), header.length(), table.viewport().width()))
    return problems


def cut_by_parents(page: Page) -> list[tuple[str, QRect]]:
    """Words and buttons that stand outside of the page, or of the card that they are in."""
    content = page.widget()
    problems = []
    for widget in [*visible(page, QLabel), *visible(page, QPushButton)]:
        above = widget.parentWidget()
        if above is content or isinstance(above, QAbstractItemView) or not widget.width():
            continue
        scrolled = False
        while above is not None and above is not content:
            scrolled = scrolled or isinstance(above, QAbstractScrollArea)
            above = above.parentWidget()
        parent = widget.parentWidget()
        place = widget.geometry()
        if not scrolled and not parent.rect().adjusted(-2, -2, 2, 2).contains(place):
            problems.append((widget.text()[:60], place))
    return problems


def laid_over(page: Page) -> list[tuple[str, str]]:
    """Neighbors that lie on each other, such as a hint over pictures."""
    inner = (QAbstractScrollArea, QAbstractSpinBox, QComboBox)
    problems = []
    for above in [page.widget(), *visible(page, QWidget)]:
        neighbors = [w for w in above.children() if isinstance(w, QWidget) and w.isVisibleTo(page) and w.width() > 1]
        for number, one in enumerate(neighbors if not isinstance(above, inner) else ()):
            for other in neighbors[number + 1 :]:
                shared = one.geometry().intersected(other.geometry())
                if shared.width() > 3 and shared.height() > 3:
                    problems.append((f"{one} {one.property('text')}", f"{other} {other.property('text')}"))
    return problems


@pytest.mark.parametrize(("name", "sizes"), CASES)
def test_nothing_is_cut(in_window: InWindow, name: str, sizes: tuple[tuple[int, int], ...]) -> None:
    """Given a page in a state, When the window has each size, then all words are whole, the last column of each table is
    inside it, nothing scrolls sideways, and nothing is outside of its card."""
    window, page = in_window(name, sizes[0])
    for size in sizes:
        resize(window, size)
        assert page.widget().width() <= page.viewport().width(), size
        assert page.horizontalScrollBar().maximum() == 0, size
        assert cut_labels(page) == [], size
        assert cut_columns(page) == [], size
        assert cut_by_parents(page) == [], size
        assert laid_over(page) == [], size


def test_focus_goes_from_the_main_button_to_dock_and_rail(in_window: InWindow) -> None:
    """Given a page that has just come, Then its main button has the focus, and Tab goes on as the window is laid out."""
    window, page = in_window("compare-empty", BETWEEN)
    button = window.focusWidget()
    assert isinstance(button, PrimaryButton) and page.isAncestorOf(button)
    for after in (window.dock.button, window.rail.entries["model"]):
        window.focusNextPrevChild(True)
        assert window.focusWidget() is after


@pytest.mark.parametrize("name", FULL)
def test_text_twice_as_large_scrolls_instead_of_being_cut(in_window: InWindow, name: str) -> None:
    """Given a window that text of 200 % leaves, Then no word and no figure is cut, the rail and the page scroll, and the
    page's head scrolls with it."""
    window, page = in_window(name, TWICE_AS_LARGE[0])
    for size in TWICE_AS_LARGE:
        resize(window, size)
        assert window.rail.width() == COMPACT_RAIL_WIDTH, size
        assert all(e.text() == "" for e in window.rail.entries.values()), size
        assert page.isAncestorOf(page._top) and page.widget().isAncestorOf(page._top), size
        assert cut_labels(page) == [], size
        assert cut_by_parents(page) == [], size
        assert laid_over(page) == [], size
        assert [label.text() for label in window.dock.findChildren(QLabel) if is_cut(label)] == [], size


def is_cut(label: QLabel) -> bool:
    return label.isVisible() and label.width() < label.sizeHint().width()


def seen(page: Page, widget: QWidget) -> bool:
    """Whether the part that keys act on lies in the page's view; of what is higher than it, its beginning."""
    part = current_rect(widget)
    place = QRect(widget.mapTo(page.viewport(), part.topLeft()), part.size())
    view = page.viewport().rect()
    if place.height() > view.height() - 32:
        return view.contains(QPoint(max(0, place.left()) + 1, place.top() + 1))
    return view.adjusted(0, -1, 0, 1).top() <= place.top() and place.bottom() <= view.bottom() + 1


@pytest.mark.parametrize("name", FULL)
def test_tab_scrolls_to_what_it_reaches(in_window: InWindow, qtbot: QtBot, name: str) -> None:
    """Given the smallest window, when Tab is pressed again and again, and Shift+Tab back, then what has the focus is in
    view each time."""
    window, page = in_window(name, SMALL)
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=5000)
    hidden: list[str] = []
    for key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
        first: QWidget | None = None
        for _ in range(MOST_TABS):
            QTest.keyClick(QApplication.focusWidget() or window, key)
            QApplication.processEvents()
            focused = QApplication.focusWidget()
            if focused is None or focused is first:
                break
            first = first or focused
            inside = page.widget().isAncestorOf(focused)
            if inside and not isinstance(focused, QScrollArea) and not seen(page, focused):
                hidden.append(f"{type(focused).__name__} {focused.accessibleName()}")
    assert hidden == []
