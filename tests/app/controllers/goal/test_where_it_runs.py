"""Test of the computers that are chosen on the page Goal, and of the runs that Start then begins."""

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QCheckBox, QPushButton
from pytestqt.qtbot import QtBot
from read_page import answer, press, question, words
from records import Drive, endless, make_project, open_page, shown_page

from app.computers import pairing
from app.computers.records import Computer, complete, new_place, save
from app.controllers.app_controller import AppController
from app.controllers.optimize import controller
from app.domain.run import RunState
from app.services.flow.workspace import NoComputers, Workspace
from widgets.main_window import MainWindow
from widgets.pages.goal.page import GoalPage
from widgets.pages.goal.where import WhereCard


def box(page: GoalPage, name: str) -> QCheckBox:
    return next(one for one in page.findChildren(QCheckBox) if one.text() == name and one.isVisible())


def click(qtbot: QtBot, target: QCheckBox) -> None:
    """Click the square of a box."""
    qtbot.mouseClick(target, Qt.MouseButton.LeftButton, pos=QPoint(8, target.height() // 2))


@pytest.fixture
def endless_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add another computer, and let runs go on until they are stopped."""
    monkeypatch.setattr(NoComputers, "processors", lambda self: {"pi": "Cortex-A76"})
    resume = controller.resume_run

    def resumed(*given: Any) -> Any:
        recorder, flow = resume(*given)
        flow.close()
        return recorder, endless()

    monkeypatch.setattr(controller, "resume_run", resumed)


@pytest.mark.usefixtures("endless_runs")
def test_start_begins_a_run_on_each_chosen_computer(
    app_controller: AppController, window: MainWindow, space: Workspace, qtbot: QtBot
) -> None:
    """Given another computer, When it is clicked and Start is pressed, Then one run is for each, the first is shown, only
    that of this computer has its cores; when the last chosen one is left out, this computer is chosen."""
    page = open_page(app_controller, "goal", make_project(space))
    assert isinstance(page, GoalPage)
    click(qtbot, box(page, "pi"))
    assert app_controller.session.project is not None and app_controller.session.project.computers == ("", "pi")
    start = next(button for button in page.findChildren(QPushButton) if button.text().startswith("Start"))
    qtbot.mouseClick(start, Qt.MouseButton.LeftButton)
    runs = sorted(space.repositories.runs.list(), key=lambda run: run.created_at)
    assert [run.goal.computer for run in runs] == ["", "pi"]
    assert [run.goal.threads is None for run in runs] == [False, True]
    shown = app_controller.controller("optimize", controller.OptimizeController)._shown
    assert shown is not None and shown.run.id == runs[0].id
    for run in runs:
        app_controller.controller("optimize", controller.OptimizeController).cancel(run.id)
    window.show_page("goal")
    click(qtbot, box(page, "This computer"))
    click(qtbot, box(page, "pi"))
    assert box(page, "This computer").isChecked() and app_controller.session.project.computers == ("",)


def test_page_without_other_computers_offers_none(app_controller: AppController, space: Workspace) -> None:
    """Given no other computer, and a project that named one, Then nothing is offered and this computer measures."""
    page = open_page(app_controller, "goal", make_project(space, computers=("gone",)))
    assert not page.findChildren(WhereCard)
    assert app_controller.session.project is not None and app_controller.session.project.computers == ("",)


@pytest.mark.usefixtures("endless_runs", "finished_data")
def test_goal_is_pursued_on_another_computer_until_that_is_removed(
    app_controller: AppController, window: MainWindow, space: Workspace, monkeypatch: pytest.MonkeyPatch, drive: Drive
) -> None:
    """Given a run that kept the original, When "Measure on pi" is pressed, Then a run of its goal begins there, and the page
    Jobs says where; When pi is removed, Then the question names the job, which has ended before the removal begins."""
    save(new_place(space.paths.computers, "pi"), Computer(name="pi", host="pi.local", user="anna"))
    complete(space.paths.computers, "pi")
    left = list[object]()
    monkeypatch.setattr(pairing, "remove", lambda *given, **how: left.extend(app_controller.flows.runs) or True)
    runs = space.repositories.runs
    runs.update(replace(runs.get("r1"), state=RunState.KEPT_ORIGINAL, recommended_variant_id=None))
    press(open_page(app_controller, "compare"), "Measure on pi")
    (begun,) = [one for one in runs.list() if one.id != "r1"]
    assert (begun.goal.computer, begun.goal.preset_id) == ("pi", "balanced") and window.current_page == "optimize"
    assert next(job.device for job in shown_page(window, "jobs")._jobs) == "pi"
    page = shown_page(window, "settings")
    press(page, "Remove pi…")
    assert "“Optimize Clothes classifier” is not finished there." in words(question(window))
    answer(window, "remove")
    drive(lambda: "Nothing of Fettle is left there" in words(page))
    assert left == [] and runs.get(begun.id).state is RunState.CANCELLED
