"""Test of a run that waits for an idle computer in the window: it is shown, and the user may measure at once."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot
from read_page import words
from records import Drive, measuring, run

from app.controllers.app_controller import AppController
from app.controllers.optimize.controller import OptimizeController
from app.controllers.optimize.live_run import LiveRun
from app.domain.run import RunState
from app.services.flow import quiet
from app.services.flow.quiet import OtherPrograms, QuietBudget
from app.services.flow.steps import Measured
from widgets.main_window import MainWindow


@pytest.mark.whole
def test_measure_now_ends_the_wait(
    app_controller: AppController, window: MainWindow, drive: Drive, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given other programs that use 85 % of the processor, then the page shows that it waits. When Measure now is
    clicked, it measures, the button disappears, and the run waits no more."""
    monkeypatch.setattr(OtherPrograms, "share", lambda self: 0.85)
    monkeypatch.setattr(quiet, "LOOK_S", 0.1)
    window.show_page("optimize")
    page, controller = window.page("optimize"), app_controller.controller("optimize", OptimizeController)
    live, patience, results = LiveRun(run(1, RunState.RUNNING, seconds=None)), QuietBudget(), list[Any]()
    controller._live[live.run.id] = live
    controller._follow(live)
    live.running = app_controller.flows.start(
        measuring(blocks=2, quiet=patience.part(60.0, None)),
        title="Measure",
        on_done=results.append,
        on_failed=results.append,
        observe=live.observe,
        is_run=True,
    )

    def shown() -> list[QPushButton]:
        return [b for b in page.findChildren(QPushButton) if b.text() == "Measure now" and b.isVisible()]

    drive(lambda: shown() and "85" in words(page), 60)
    assert not results and live.running.driver is not None and live.running.driver.pids == []
    qtbot.mouseClick(shown()[0], Qt.MouseButton.LeftButton)
    drive(lambda: results, 60)
    assert isinstance(results[0], Measured) and results[0].failures == (None,)
    assert patience.left_s == 0.0
    drive(lambda: not shown())
    controller._live.clear()
