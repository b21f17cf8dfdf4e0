"""A theme, a clock and a window for each test; an example run; a walk over accessible names."""

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from plain_pages import plain_pages
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tests.widgets.shell import run_example
from widgets.main_window import MainWindow
from widgets.plots.frame_clock import FrameClock
from widgets.theme import Theme

IDS = ("model", "data", "goal", "optimize", "compare", "export", "jobs", "settings")


@pytest.fixture
def example() -> ModuleType:
    """Return the run with example values."""
    return run_example


@pytest.fixture
def clock(qapp: QApplication) -> Iterator[FrameClock]:
    made = FrameClock()
    yield made
    made.deleteLater()


def plain_page(page_id: str) -> QWidget:
    """A page with a text field that would swallow drops."""
    page = QWidget()
    page.setObjectName(page_id)
    field = QLineEdit()
    field.setAccessibleName("a field")
    layout = QVBoxLayout(page)
    layout.addWidget(QLabel(page_id))
    layout.addWidget(field)
    return page


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, theme: Theme, clock: FrameClock) -> Iterator[MainWindow]:
    """The whole shell with plain pages, shown."""
    pages = {page_id: (lambda page_id=page_id: plain_page(page_id)) for page_id in IDS}
    made = MainWindow()
    made.build(qapp, theme, clock, plain_pages(pages))
    made.show_page("model")
    with qtbot.waitExposed(made):
        made.show()
    yield made
    made.close_now()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def unnamed() -> Callable[[QWidget], list[str]]:
    """Visible widgets below one that a person can reach by key, but a screen reader cannot name."""

    def find(root: QWidget) -> list[str]:
        found = []
        for widget in root.findChildren(QWidget):
            reachable = widget.focusPolicy().value & 1 and widget.isVisibleTo(root) and widget.isEnabled()
            if not reachable or widget.objectName().startswith("qt_"):
                continue
            interface = QAccessible.queryAccessibleInterface(widget)
            if interface is None or not interface.text(QAccessible.Text.Name).strip():
                found.append(f"{type(widget).__name__} {widget.objectName()}")
        return found

    return find
