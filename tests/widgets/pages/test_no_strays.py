"""No part of a page is ever a window of its own, not even for the blink of an eye before it has a parent."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.bootstrap import build_window
from app.settings import Settings
from widgets.main_window import MainWindow
from widgets.pages.optimize.page import LogLine, OptimizeValue
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


STATES: dict[str, tuple[Callable[[Any, ModuleType], object], ...]] = {
    "model": (
        lambda p, ex: p.show_empty(ex.sample()),
        lambda p, ex: p.show_empty(None),
        lambda p, ex: p.show_loading("Reading", 1, 2, "about 10 s left"),
        lambda p, ex: p.show_value(ex.model()),
        lambda p, ex: p.show_error(ex.refused()),
    ),
    "hub": (
        lambda p, ex: p.show_list(ex.hub_starters()),
        lambda p, ex: p.show_searching(),
        lambda p, ex: p.show_list(ex.hub_list(20)),
        lambda p, ex: p.detail.show_value(ex.hub_detail()),
        lambda p, ex: p.detail.show_value(ex.hub_gated()),
        lambda p, ex: p.show_card("resnet-50", ex.CARD),
        lambda p, ex: p.show_list_again(),
        lambda p, ex: p.downloads.show_values(ex.hub_downloads()),
        lambda p, ex: p.downloads.show_values(ex.hub_downloads()[1:3]),
        lambda p, ex: p.downloads.show_values(()),
        lambda p, ex: p.show_problem(ex.hub_offline()),
        lambda p, ex: p.show_searching(),
        lambda p, ex: p.show_nothing("Nothing found", "Try other words."),
    ),
    "data": (
        lambda p, ex: p.show_empty(ex.ask_data()),
        lambda p, ex: p.show_loading("Reading"),
        lambda p, ex: p.show_value(ex.data()),
        lambda p, ex: p.show_value(ex.texts()),
        lambda p, ex: p.show_value(ex.made()),
        *(lambda p, ex, count=count: p.show_value(ex.data_of(count)) for count in (3, 191)),
        lambda p, ex: p.show_error(ex.refused()),
    ),
    "goal": (
        lambda p, ex: p.show_empty(),
        lambda p, ex: p.show_value(ex.goal()),
        lambda p, ex: p.show_value(ex.goal(expected="about 1 min 20 s, 900 MB of memory")),
        lambda p, ex: p.show_recipes(),
    ),
    "optimize": (
        lambda p, ex: p.show_empty(has_model=True),
        lambda p, ex: p.show_value(run()),
        lambda p, ex: p.add_log([LogLine("a line")]),
        lambda p, ex: p.show_value(run(ex.refused())),
    ),
    "compare": (
        lambda p, ex: p.show_empty(),
        lambda p, ex: p.show_value(ex.compare()),
        lambda p, ex: p.show_changes(ex.changes(20)),
        lambda p, ex: p.show_value(ex.not_proven()),
        lambda p, ex: p.show_value(ex.nothing_faster()),
        lambda p, ex: p.show_value(ex.vectors()),
        lambda p, ex: p.show_error(ex.refused()),
    ),
    "try": (
        lambda p, ex: p.show_empty(),
        lambda p, ex: p.show_measuring(),
        lambda p, ex: p.show_value(ex.trying()),
        lambda p, ex: p.show_ready(),
        lambda p, ex: p.show_examples(ex.live_examples()),
        lambda p, ex: p.show_input(ex.live_input()),
        lambda p, ex: p.show_answers(*ex.live_answers()),
        lambda p, ex: p.show_tried(ex.live_tried()),
        lambda p, ex: p.show_problem(ex.refused(), ex.InputValue(caption="bad.png")),
        lambda p, ex: p.show_value(ex.trying(kind="texts")),
        lambda p, ex: p.show_error(ex.refused()),
    ),
    "export": (
        lambda p, ex: p.show_empty(),
        lambda p, ex: p.show_value(ex.export()),
        lambda p, ex: p.show_value(ex.override()),
        lambda p, ex: p.show_value(ex.export()),
        lambda p, ex: p.show_running("Writing", 1, 3, ex.checks()),
        lambda p, ex: p.show_done(*ex.done()),
        lambda p, ex: p.show_error(ex.refused()),
    ),
    "jobs": (
        lambda p, ex: p.show_empty(),
        lambda p, ex: p.show_value(ex.jobs()),
        lambda p, ex: p.show_log(ex.jobs()[0].id, "one line"),
    ),
    "answers": (
        lambda p, ex: p.show_empty(),
        lambda p, ex: p.show(ex.all_answers(3, labelled=False)),
        lambda p, ex: ex.answers_chosen(p, ex),
        lambda p, ex: ex.answers_sound(p, ex),
    ),
    "load": (
        lambda p, ex: p.show_question(ex.ask_load(can_go_back=True)),
        lambda p, ex: p.show_loading("Offline: Original", 0.3, 1.0, "about 2 minutes left"),
        lambda p, ex: p.show(ex.loaded()),
        lambda p, ex: p.show(ex.loaded(price=ex.priced(), latency=())),
    ),
    "stress": (
        lambda p, ex: p.show(ex.stress(found=False)),
        lambda p, ex: p.show(ex.stress()),
        lambda p, ex: p.show(ex.stress_sounds()),
    ),
    "tried": (lambda p, ex: p.show_empty(), lambda p, ex: p.show(ex.tried())),
    "layers": (lambda p, ex: p.show_empty(is_measuring=True), lambda p, ex: p.show(ex.layers())),
    "settings": (lambda p, ex: p.show_value(ex.settings()),),
}


@pytest.mark.parametrize("page_id", STATES)
def test_nothing_is_shown_before_it_has_a_parent(
    page_id: str, window: MainWindow, examples: ModuleType, qapp: QApplication
) -> None:
    """Given the window, When a page goes through all its states, Then no other window ever appears."""
    watch = Watch(qapp)
    for show in STATES[page_id]:
        window.show_page(page_id)
        show(window.page(page_id), examples)
        qapp.processEvents()
    assert watch.seen == []
