"""No part of a page is ever its own window, not even for the blink of an eye before it has a parent."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from page_states import STATES
from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.bootstrap import build_window
from app.settings import Settings
from widgets.main_window import MainWindow
from widgets.page_registry import find_pages
from widgets.pages.optimize.page import OptimizeValue
from widgets.plots.step_strip import StepValue


class Watch(QObject):
    """Remembers each widget that became visible as a window."""

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        self.seen: list[str] = []
        app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.seen.append(f"{type(watched).__name__} {watched.accessibleName()!r}")
        return False


@pytest.fixture
def window(qapp: QApplication, qtbot: QtBot) -> Iterator[MainWindow]:
    """The window with its real pages."""
    made, theme = build_window(qapp, Settings(theme="light"))
    with qtbot.waitExposed(made):
        made.show()
    yield made
    made.close_now()
    for thing in (made, theme):
        thing.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def run(error: Any = None) -> OptimizeValue:
    steps = (StepValue("Check the model", "done", "a picture"), StepValue("Faster engine", "running", done_share=0.5))
    phase: Any = "failed" if error else "running"
    return OptimizeValue(phase, steps, best="Best so far: Faster engine", error=error)


Shows = tuple[Callable[[Any, ModuleType], object], ...]
MORE: dict[str, Shows] = {
    "model": (lambda p, ex: p.show_empty(None),),
    "hub": (
        lambda p, ex: p.show_searching(),
        lambda p, ex: p.show_card("resnet-50", ex.CARD),
        lambda p, ex: p.show_list_again(),
        lambda p, ex: p.downloads.show_values(ex.hub_downloads()[1:3]),
        lambda p, ex: p.downloads.show_values(()),
        lambda p, ex: p.show_problem(ex.hub_offline()),
        lambda p, ex: p.show_searching(),
    ),
    "data": (lambda p, ex: p.show_loading("Reading"),),
    "goal": (lambda p, ex: p.show_value(ex.goal(expected="about 1 min 20 s, 900 MB of memory")),),
    "optimize": (
        lambda p, ex: p.show_empty(has_model=True),
        lambda p, ex: p.show_value(run()),
        lambda p, ex: p.view.add_log(["a line"]),
        lambda p, ex: p.show_value(run(ex.refused())),
    ),
    "compare": (lambda p, ex: p.show_value(ex.compare()), lambda p, ex: p.show_changes(ex.changes(20))),
    "jobs": (lambda p, ex: p.show_value(ex.jobs()), lambda p, ex: p.show_log(ex.jobs()[0].id, "one line")),
}
"""What a page shows besides the states of `page_states`."""


def all_states(page_id: str) -> Shows:
    """Return everything that a page can show, one after the other."""
    spec = next(spec for spec in find_pages() if spec.id == page_id)
    name = spec.widget.rpartition(":")[2]
    return (*(fill for kind, fill in STATES.values() if kind.__name__ == name), *MORE.get(page_id, ()))


@pytest.mark.parametrize("page_id", [spec.id for spec in find_pages()])
def test_nothing_is_shown_before_it_has_a_parent(
    page_id: str, window: MainWindow, examples: ModuleType, qapp: QApplication
) -> None:
    """Given the window, When a page goes through all its states, Then no other window ever appears."""
    watch = Watch(qapp)
    for show in all_states(page_id):
        window.show_page(page_id)
        show(window.page(page_id), examples)
        qapp.processEvents()
    assert watch.seen == []
