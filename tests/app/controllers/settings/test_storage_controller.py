"""Tests of disk space on the page Settings: sizes, a forecast before removal, and the limit."""

import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from read_page import answer, words
from records import Drive, endless, make_project

from app.controllers.app_controller import AppController
from app.controllers.flows import FlowRunner
from app.controllers.running import Running
from app.controllers.settings.storage import forecast
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe
from app.services.projects.storage import ProjectStorage, Storage
from app.settings import Settings
from widgets.main_window import MainWindow
from widgets.pages.settings.page import SettingsPage


def keep(space: Workspace, key: str, size: int, used_s: float = 0.0) -> Path:
    """Put an artifact into the store that no project needs and that was used long ago."""
    work = space.jobs / key
    work.mkdir(parents=True)
    (work / "weights").write_bytes(bytes(size))
    folder = space.artifacts.adopt(work, key, {}).folder
    os.utime(folder, (used_s, used_s))
    return folder


def page_of(window: MainWindow) -> SettingsPage:
    page = window.page("settings")
    assert isinstance(page, SettingsPage)
    return page


@pytest.mark.whole
def test_space_is_freed_after_the_forecast_is_confirmed(
    app_controller: AppController, window: MainWindow, space: Workspace, drive: Drive
) -> None:
    """Given a project and 2 MB that nothing needs, when the forecast is cancelled, then nothing is removed. When it is
    confirmed, then they are removed, the page shows the size, and the project's model stays."""
    made = make_project(space)
    old = keep(space, "12" * 32, 2_000_000)
    window.show_page("settings")
    page = page_of(window)
    drive(lambda: "2.0 MB of it can be freed" in words(page))
    page.free_space_requested.emit()
    answer(window, "keep")
    drive(lambda: True)
    assert old.is_dir()
    page.free_space_requested.emit()
    answer(window, "free")
    drive(lambda: "2.0 MB were freed." in words(page))
    assert not old.exists() and space.artifacts.peek(str(made.model_key)) is not None
    page.free_space_requested.emit()
    assert "There is nothing to free" in words(page)
    assert not [one for one in app_controller.flows.everything if one.title]


def keep_large(space: Workspace, key: str) -> Path:
    """Put an artifact of 1.2 GB (a hole in the file) into the store that nothing needs."""
    old = keep(space, key, 10)
    with (old / "weights").open("r+b") as file:
        file.truncate(1_200_000_000)
    return old


def begin(flows: FlowRunner, flow: Flow[Any], title: str) -> Running:
    """Start a flow whose end is ignored."""
    return flows.start(flow, title=title, on_done=lambda _found: None, on_failed=lambda _error: None)


@pytest.mark.whole
def test_limit_is_held_when_the_last_job_has_ended(
    app_controller: AppController, space: Workspace, drive: Drive
) -> None:
    """Given a limit of 1 GB, an artifact of 1.2 GB that nothing needs and two jobs, when one job ends, then the
    artifact stays. When the other one has ended, then it is removed, and a project's model stays."""
    made, old, flows = make_project(space), keep_large(space, "12" * 32), app_controller.flows
    app_controller._settings.save(store_limit_bytes=10**9)
    export = begin(flows, endless(), "Export colors-1.zip")
    begin(flows, describe(), "Optimize colors")
    drive(lambda: [one.title for one in flows.everything] == ["Export colors-1.zip"])
    assert old.is_dir()
    flows.cancel(export)
    drive(lambda: not old.exists() and not flows.everything, 60)
    assert space.artifacts.peek(str(made.model_key)) is not None


def test_limit_is_not_held_after_a_flow_without_a_title(
    app_controller: AppController, space: Workspace, drive: Drive
) -> None:
    """Given no limit, or a flow that is no job of the user, then nothing is removed at its end."""
    old, flows = keep_large(space, "12" * 32), app_controller.flows
    begin(flows, describe(), "Optimize colors")
    drive(lambda: not flows.everything)
    QApplication.processEvents()
    app_controller._settings.save(store_limit_bytes=10**9)
    begin(flows, describe(), "")
    drive(lambda: not flows.everything)
    assert old.is_dir()


@pytest.mark.whole
def test_window_holds_the_limit_when_it_starts(app_controller: AppController, space: Workspace, drive: Drive) -> None:
    """Given a limit of 1 GB and an artifact of 1.2 GB (a hole in the file) that nothing needs, when the window has
    started, then it is removed, and a project's model stays."""
    made = make_project(space)
    old = keep_large(space, "12" * 32)
    app_controller._settings.save(store_limit_bytes=10**9)
    app_controller.begin(reopen=False)
    drive(lambda: not old.exists(), 60)
    assert space.artifacts.peek(str(made.model_key)) is not None
    drive(lambda: not app_controller.flows.everything, 60)


def test_limit_of_the_settings_is_none_or_a_gigabyte_at_least() -> None:
    """Given the settings, then there is no limit by default, and one below a gigabyte is refused."""
    assert Settings().store_limit_bytes is None
    with pytest.raises(ValueError, match="store_limit_bytes"):
        Settings(store_limit_bytes=10)


def test_forecast_names_what_goes_and_what_stays() -> None:
    """Given seven projects with caches, then four are named, the rest is summed up, and the last sentence names what
    stays."""
    projects = tuple(ProjectStorage(str(at), f"P{at}", 10_000_000, at * 1_000_000) for at in range(7))
    points = forecast(Storage(projects, 90_000_000, 26_000_000, 5_000_000, 5_000_000, ()))
    assert [point.split(" ")[0] for point in points] == ["6.0", "5.0", "4.0", "3.0", "5.0", "3.0", "64.0"]
    assert "P6" in points[0] and "2 more projects" in points[5]
