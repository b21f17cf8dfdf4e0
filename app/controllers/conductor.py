"""The window as a whole: which page, what was dropped, how far one is, coming and going."""

import base64
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QWidget

from app.controllers.compare import CompareController
from app.controllers.data import DataController
from app.controllers.export import ExportController
from app.controllers.flows import FlowRunner
from app.controllers.goal import GoalController
from app.controllers.jobs import JobsController
from app.controllers.model import ModelController
from app.controllers.optimize import OptimizeController
from app.controllers.session import Session
from app.controllers.settings import SettingsController
from app.controllers.telemetry import TelemetryController
from app.controllers.words import error_value, tr
from app.handover import take_requests
from app.services.describing import describe, remember, remembered
from app.services.projects import find_project
from app.services.sniffing import kind_of
from app.settings import Settings
from widgets.dialogs.questions import close_question, kind_question
from widgets.main_window import MainWindow
from widgets.parts.error_card import ErrorValue
from widgets.rail import Mark
from widgets.theme import Theme
from widgets.top_bar import ProjectValue
from workers.contracts.jobs import DescribeResult

HANDOVER_MS = 300
MAX_PROJECTS = 12


class Conductor(QObject):
    """Owns the controllers. `closed` comes when every process is gone and the window may go too."""

    closed = Signal()

    def __init__(self, window: MainWindow, theme: Theme, session: Session, settings: Settings) -> None:
        super().__init__(window)
        self._window, self._theme, self._session = window, theme, session
        self._settings = settings
        self.flows = FlowRunner(session.workspace, self)
        self._telemetry = TelemetryController(window, session, self)
        self._controllers: dict[str, QObject] = {}
        self._closing = False
        window.page_built.connect(self._on_page_built)
        window.page_requested.connect(self._on_page_requested)
        window.paths_dropped.connect(self.take_paths)
        window.links_dropped.connect(self._on_links)
        window.open_requested.connect(self._on_open)
        window.close_requested.connect(self._on_close)
        window.project_requested.connect(self._on_project)
        window.new_project_requested.connect(self._on_new_project)
        self.flows.changed.connect(self._show_jobs)
        for signal in (session.project_changed, session.data_changed, session.run_changed, session.goal_changed):
            signal.connect(self._show_state)
        self._requests = QTimer(self)
        self._requests.setInterval(HANDOVER_MS)
        self._requests.timeout.connect(self._on_requests)
        self._requests.start()
        for page_id in ("model",):
            self._on_page_built(page_id, window.page(page_id))

    # --- coming

    def begin(self) -> None:
        """Look at the machine, then show what was open the last time."""
        self._reopen()
        known = remembered(self._session.workspace.repositories)
        if known is not None:
            self._show_described(known)
        self.flows.start(
            describe(),
            title="",
            on_done=self._on_described,
            on_failed=lambda error: self._window.banner(error_value(error)),
        )

    def _on_described(self, found: DescribeResult) -> None:
        if found != self._session.described:
            remember(self._session.workspace.repositories, found)
            self._show_described(found)
        self._window.settle()

    def _show_described(self, found: DescribeResult) -> None:
        self._session.described = found
        self._telemetry.start(found)
        self._session.goal_changed.emit()
        self._session.run_changed.emit()

    def _reopen(self) -> None:
        """Where it was. A project whose model is no longer in the store is offered, not forced."""
        repositories = self._session.workspace.repositories
        project = find_project(repositories, self._settings.last_project_id)
        if project is not None and self._session.reopen(project):
            self._window.show_page(project.page)
        self._show_state()

    # --- pages

    def _makers(self) -> dict[str, Callable[[QWidget], QObject]]:
        window, session, flows = self._window, self._session, self.flows
        return {
            "model": lambda page: ModelController(window, page, session, flows),
            "data": lambda page: DataController(window, page, session, flows),
            "goal": lambda page: GoalController(window, page, session),
            "optimize": lambda page: OptimizeController(window, page, session, flows),
            "compare": lambda page: CompareController(window, page, session, flows),
            "export": lambda page: ExportController(window, page, session, flows),
            "jobs": lambda page: JobsController(window, page, session, flows),
            "settings": lambda page: SettingsController(page, session, self._theme, self._settings),
        }

    def _on_page_built(self, page_id: str, page: QWidget) -> None:
        if page_id in self._controllers:
            return
        controller = self._makers()[page_id](page)
        self._controllers[page_id] = controller
        if isinstance(controller, ModelController):
            controller.sample_opened.connect(self._on_sample_opened)
        elif isinstance(controller, GoalController):
            controller.run_requested.connect(self._on_run_requested)
        elif isinstance(controller, OptimizeController):
            controller.finished.connect(self._on_run_finished)
            controller.resume_requested.connect(lambda: self._optimize().resume(self._goal().preset))
        elif isinstance(controller, CompareController):
            controller.export_requested.connect(self._on_export_requested)
            controller.add_data_requested.connect(lambda: self._window.show_page("data"))
        elif isinstance(controller, JobsController):
            controller.open_requested.connect(self._on_project)
            controller.resume_requested.connect(self._on_resume_requested)
            controller.cancel_requested.connect(lambda: self._optimize().cancel())

    def controller(self, page_id: str) -> QObject:
        """The page's controller; both are made if they were not yet."""
        self._on_page_built(page_id, self._window.page(page_id))
        return self._controllers[page_id]

    def _optimize(self) -> OptimizeController:
        controller = self.controller("optimize")
        assert isinstance(controller, OptimizeController)
        return controller

    def _goal(self) -> GoalController:
        controller = self.controller("goal")
        assert isinstance(controller, GoalController)
        return controller

    def _on_page_requested(self, page_id: str) -> None:
        self._session.change(page=page_id)

    # --- the way through

    def _on_sample_opened(self) -> None:
        controller = self.controller("data")
        assert isinstance(controller, DataController)
        controller.read_sample()

    def _on_run_requested(self) -> None:
        settings = self._controllers.get("settings")
        threads = settings.settings.threads if isinstance(settings, SettingsController) else self._settings.threads
        self._optimize().start(self._goal().preset, threads)

    def _on_resume_requested(self, project_id: str) -> None:
        self._on_project(project_id)
        self._window.show_page("optimize")
        self._optimize().resume(self._goal().preset)

    def _on_run_finished(self) -> None:
        self._session.change(page="compare")
        self._show_state()

    def _on_export_requested(self, variant_id: str) -> None:
        controller = self.controller("export")
        assert isinstance(controller, ExportController)
        controller.choose(variant_id)

    def _on_project(self, project_id: str) -> None:
        project = find_project(self._session.workspace.repositories, project_id)
        if project is None:
            return
        if self._session.reopen(project):
            self._window.show_page(project.page)
        else:
            self.take_paths([project.model_path])

    def _on_new_project(self) -> None:
        self._session.new_project()
        self._window.show_page("model")

    # --- drops

    def take_paths(self, paths: list[str]) -> None:
        """A model or data, dropped, pasted, or handed over by a second start."""
        for path in paths[:2]:
            kind = kind_of(Path(path))
            if kind == "both" and self._session.model is not None:
                dialog = kind_question(self._theme, self._window, Path(path).name)
                dialog.answered.connect(lambda answer, path=path: self._take(path, answer))
                dialog.open()
            else:
                self._take(path, "data" if kind == "data" else "model")

    def _take(self, path: str, kind: str) -> None:
        if kind == "model":
            controller = self.controller("model")
            assert isinstance(controller, ModelController)
            controller.open_path(path)
        elif kind == "data":
            data = self.controller("data")
            assert isinstance(data, DataController)
            data.read_path(path)

    def _on_links(self, _links: list[str]) -> None:
        self._window.banner(_not_fetched())

    def _on_open(self) -> None:
        page = self._window.page("model")
        page.choose_file()  # type: ignore[attr-defined]

    def _on_requests(self) -> None:
        for request in take_requests(self._session.workspace.paths):
            self._window.showNormal() if self._window.isMinimized() else self._window.show()
            self._window.raise_()
            self._window.activateWindow()
            QApplication.alert(self._window)
            if request.files:
                self.take_paths([str(path) for path in request.files])

    # --- what the frame shows

    def _show_state(self) -> None:
        session, window = self._session, self._window
        project = session.project
        window.set_project(project.name if project else "", self._goal().title if project else "")
        projects = session.workspace.repositories.projects.list()[:MAX_PROJECTS]
        window.set_projects([ProjectValue(known.id, known.name) for known in projects])
        has_run = session.run is not None
        exports = session.workspace.repositories.exports.list(run_id=session.run.id) if session.run else []
        marks: dict[str, Mark] = {
            "model": "done" if session.model else "",
            "data": "done" if session.data else "",
            "goal": "done" if has_run else "",
            "optimize": "done" if has_run else "",
            "compare": "done" if has_run else "",
            "export": "done" if exports else "",
        }
        window.set_marks(marks)

    def _show_jobs(self) -> None:
        runs = self.flows.runs
        self._window.set_jobs(len(runs), runs[0].started_s if runs else None)
        if not runs:
            self._show_state()

    # --- going

    def _on_close(self) -> None:
        if self._closing:
            return
        running = [flow for flow in self.flows.active if flow.title]
        if not running:
            self._close()
            return
        dialog = close_question(self._theme, self._window, running[0].title, len(running))
        dialog.answered.connect(lambda answer: self._close() if answer == "stop" else None)
        dialog.open()

    def _close(self) -> None:
        """Hide at once, end every process, keep where the window was."""
        self._closing = True
        self._window.hide()
        self._requests.stop()
        self._telemetry.stop()
        self.flows.interrupt_all()
        session = self._session
        session.change(page=self._window.current_page or "model")
        settings = self.controller("settings")
        assert isinstance(settings, SettingsController)
        settings.keep(
            last_project_id=session.project.id if session.project else "",
            window_geometry=base64.b64encode(self._window.geometry_to_keep()).decode("ascii"),
        )
        self.closed.emit()


def _not_fetched() -> ErrorValue:
    return ErrorValue(
        title=tr("That is an address, not a file"),
        happened=tr("Fettle does not fetch anything from the internet by itself."),
        is_safe=tr("Yes. Nothing was fetched and nothing was changed."),
        next_step=tr("Download the file with your browser, then drop it here."),
        tone="warn",
    )
