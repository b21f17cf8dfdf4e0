"""Tests of projects by mouse and keys: renamed, deleted, restored; F1 and Ctrl+N from any page."""

import dataclasses

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QMenu, QWidget
from pytestqt.qtbot import QtBot
from read_page import press, words
from records import add_run, make_project, run, variant

from app.controllers.app_controller import AppController
from app.domain.run import RunState
from app.services.flow.workspace import Workspace
from app.services.projects.projects import shown_projects, trashed_projects
from widgets.commands import DELETE_PROJECT
from widgets.main_window import MainWindow
from widgets.pages.projects.page import ProjectsPage, ProjectTable
from widgets.parts.question import QuestionDialog

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def desk(app_controller: AppController, window: MainWindow, space: Workspace, qtbot: QtBot) -> AppController:
    """Return the controller with two projects; the first is open and has one result."""
    made = make_project(space)
    space.repositories.projects.add(dataclasses.replace(made, id="p2", name="Other", model_path="/models/other.onnx"))
    add_run(space, run(1), variant(0), variant(1))
    app_controller.session.reopen(made)
    window.show_page("goal")
    activate(window, qtbot)
    return app_controller


def activate(window: QWidget, qtbot: QtBot) -> None:
    """Activate a window, because there is no window manager and keys go to the active window only."""
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=5000)


def dialog_of(window: MainWindow, qtbot: QtBot) -> QuestionDialog:
    """Return the open question."""
    qtbot.waitUntil(lambda: any(d.isVisible() for d in window.findChildren(QuestionDialog)), timeout=5000)
    dialog = next(d for d in window.findChildren(QuestionDialog) if d.isVisible())
    activate(dialog, qtbot)
    return dialog


def answer(window: MainWindow, qtbot: QtBot, which: str) -> None:
    dialog = dialog_of(window, qtbot)
    button = dialog.findChild(QAbstractButton, f"answer-{which}")
    assert button is not None
    qtbot.mouseClick(button, LEFT)
    qtbot.waitUntil(lambda: not any(d.isVisible() for d in window.findChildren(QuestionDialog)), timeout=5000)
    activate(window, qtbot)


def projects_page(window: MainWindow) -> ProjectsPage:
    QTest.mouseClick(window.rail.entries["projects"], LEFT)
    page = window.page("projects")
    assert isinstance(page, ProjectsPage)
    return page


def table_of(page: ProjectsPage) -> ProjectTable:
    """Return the table of projects on the page."""
    return next(table for table in page.widget().findChildren(ProjectTable))


def test_f2_renames_the_open_project(desk: AppController, window: MainWindow, space: Workspace, qtbot: QtBot) -> None:
    """Given an open project, when F2 is pressed and a name typed, then top bar, menu and database have the name."""
    QTest.keyClick(window, Qt.Key.Key_F2)
    dialog = dialog_of(window, qtbot)
    field = dialog.findChild(QLineEdit)
    assert field is not None and field.text() == "Colors" and field.hasFocus()
    QTest.keyClicks(field, "Shoes")
    QTest.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: space.repositories.projects.get("p1").name == "Shoes", timeout=5000)
    assert window.windowTitle() == "Shoes · Fettle" and window.top.menu_button.accessibleName() == "Project: Shoes"


def test_menu_of_the_top_bar_deletes_and_the_trash_restores(
    desk: AppController, window: MainWindow, space: Workspace, qtbot: QtBot
) -> None:
    """Given the button with three dots, then its menu deletes the open project after a question about what is lost, and
    one click in the trash restores all of it."""
    assert window.top.more.isVisible() and window.top.more.focusPolicy() & Qt.FocusPolicy.TabFocus
    menu = window.top.more.menu()
    assert isinstance(menu, QMenu)
    next(action for action in menu.actions() if action.text() == "Delete…").trigger()
    dialog = dialog_of(window, qtbot)
    assert "1 run with its figures goes" in words(dialog)
    answer(window, qtbot, "delete")
    assert window.current_page == "projects" and desk.session.project is None and not window.top.more.isVisible()
    assert [project.id for project in shown_projects(space.repositories)] == ["p2"]
    press(window.page("projects"), "Restore “Colors”")
    assert {project.id for project in shown_projects(space.repositories)} == {"p1", "p2"}
    assert len(space.repositories.variants.list(run_id="r1")) == 2


def test_list_by_keys(desk: AppController, window: MainWindow, space: Workspace, qtbot: QtBot) -> None:
    """Given the page Projects, then arrows select, F2 renames, Delete deletes after a question, and Enter opens."""
    table = table_of(projects_page(window))
    table.setFocus()
    table.choose("p2")
    QTest.keyClick(table, Qt.Key.Key_F2)
    dialog = dialog_of(window, qtbot)
    field = dialog.findChild(QLineEdit)
    assert field is not None and field.text() == "Other"
    QTest.keyClicks(field, "Hats")
    answer(window, qtbot, "rename")
    assert space.repositories.projects.get("p2").name == "Hats"
    assert space.repositories.projects.get("p1").name == "Colors"
    table = table_of(projects_page(window))
    table.choose("p2")
    QTest.keyClick(table, Qt.Key.Key_Delete)
    answer(window, qtbot, "keep")
    assert not trashed_projects(space.repositories)
    QTest.keyClick(table, Qt.Key.Key_Delete)
    answer(window, qtbot, "delete")
    assert [project.id for project, _ in trashed_projects(space.repositories)] == ["p2"]
    table = table_of(projects_page(window))
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert window.current_page == "goal"


def test_list_by_mouse(desk: AppController, window: MainWindow, space: Workspace, qtbot: QtBot) -> None:
    """Given the page Projects, then a click only selects, the right button opens a menu, and a project in the trash is
    deleted permanently after a second question."""
    page = projects_page(window)
    table = table_of(page)
    place = table.visualRect(table.model().index(1, 2)).center()
    qtbot.mouseClick(table.viewport(), LEFT, pos=place)
    assert window.current_page == "projects"
    chosen = table.chosen_id
    table.customContextMenuRequested.emit(QPoint(10, 40))
    menu = next(menu for menu in page.findChildren(QMenu) if menu.isVisible())
    assert [action.text() for action in menu.actions()] == ["Open", "Rename…", "Delete…"]
    menu.actions()[2].trigger()
    menu.close()
    answer(window, qtbot, "delete")
    name = space.repositories.projects.get(chosen).name
    press(window.page("projects"), f"Delete “{name}” for good")
    answer(window, qtbot, "delete")
    assert chosen not in {project.id for project in space.repositories.projects.list()}


def test_project_with_active_run_is_not_deleted(
    desk: AppController, window: MainWindow, space: Workspace, qtbot: QtBot
) -> None:
    """Given an active run of the project, when it is deleted, then a message gives the reason and nothing changes."""
    add_run(space, run(2, RunState.RUNNING))
    window.commands.trigger(DELETE_PROJECT)
    answer(window, qtbot, "delete")
    assert window.notice.isVisible() and "in use" in window.notice.accessibleName()
    assert not trashed_projects(space.repositories) and desk.session.project is not None


@pytest.mark.parametrize("page_id", ["model", "goal", "jobs", "settings"])
def test_f1_and_ctrl_n_work_everywhere(desk: AppController, window: MainWindow, page_id: str) -> None:
    """Given any page, when F1 is pressed, then the guide opens, and F1 or its button leads back. Ctrl+N starts a new
    project, and the saved page of the project stays."""
    window.show_page(page_id)
    kept = desk.session.project.page
    QTest.keyClick(window, Qt.Key.Key_F1)
    assert window.current_page == "guide"
    QTest.keyClick(window, Qt.Key.Key_F1)
    assert window.current_page == page_id
    QTest.keyClick(window, Qt.Key.Key_F1)
    press(window.page("guide"), "Back")
    assert window.current_page == page_id and desk.session.project.page == kept
    QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert window.current_page == "model" and desk.session.project is None
