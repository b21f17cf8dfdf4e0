"""Fixtures of the controllers' tests: a real workspace, a real window with its pages, and an app controller."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from finished_run import copied_space, finished_folder
from forking import shared_server
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from stopwatch import busyness

from app.bootstrap import build_window
from app.controllers.app_controller import AppController
from app.controllers.flows import FlowRunner
from app.controllers.page_controller import ControllerContext
from app.controllers.project_edits import ProjectEdits
from app.controllers.session import Session
from app.jobs.pool import WorkerPool
from app.paths import find_data_folder
from app.persistence import open_store
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.workspace import Workspace
from app.settings import SavedSettings, Settings
from widgets.main_window import MainWindow


@pytest.fixture
def space(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    """Open a data folder with idle processes: empty, or a copy of `finished_data` in tests that use that fixture."""
    if "finished_data" in request.fixturenames:
        yield from copied_space(request.getfixturevalue("finished_data"), tmp_path)
        return
    paths = find_data_folder(tmp_path / "data")
    with open_store(paths) as store:
        pool = WorkerPool(paths.jobs, logs_dir=paths.logs, store=paths.store, threads=1, fork_server=shared_server())
        yield Workspace(paths, paths.jobs, ArtifactStore(paths.store), pool, store)
        pool.close()


@pytest.fixture(scope="session")
def finished_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a finished run of the sample on 60 pictures; `space` then holds a copy of it."""
    return finished_folder(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def window(qapp: QApplication, qtbot: QtBot) -> Iterator[MainWindow]:
    """Return the shown window with its real pages."""
    qapp.setDesktopFileName("fettle")
    made, theme = build_window(qapp, Settings(theme="light"))
    made.setProperty("theme", theme)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    made.close_now()
    for thing in (made, theme):
        thing.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def session(space: Workspace) -> Iterator[Session]:
    made = Session(space)
    yield made
    made.stop_checking()
    made.deleteLater()


@pytest.fixture
def flows(space: Workspace) -> Iterator[FlowRunner]:
    made = FlowRunner(space)
    yield made
    made.interrupt_all()
    made.deleteLater()


@pytest.fixture
def context(space: Workspace, window: MainWindow, session: Session, flows: FlowRunner) -> ControllerContext:
    """Return the objects that a page's controller is created from, without the window's controller."""
    theme = window.property("theme")
    edits = ProjectEdits(window, theme, session, flows, window)
    return ControllerContext(window, session, flows, theme, SavedSettings(space.paths.settings, Settings()), edits)


@pytest.fixture
def app_controller(space: Workspace, window: MainWindow) -> Iterator[AppController]:
    """Return all controllers before the start: nothing is described or reopened yet."""
    session = Session(space, window)
    made = AppController(window, window.property("theme"), session, SavedSettings(space.paths.settings, Settings()))
    yield made
    made.flows.interrupt_all()
    made.stop_watching()


@pytest.fixture
def drive(qapp: QApplication) -> Callable[[Callable[[], object], float], None]:
    """Return a function that runs the event loop until a condition holds."""

    def until(holds: Callable[[], object], limit_s: float = 60) -> None:
        began_s = time.monotonic()
        while not holds():
            assert time.monotonic() < began_s + limit_s * busyness(), "it did not come in time"
            qapp.processEvents()
            time.sleep(0.005)

    return until
