"""Control the window as a whole: page controllers, dropped files, projects, start and close."""

import base64
import gc
from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from app.controllers import commands as c
from app.controllers.flows import FlowRunner
from app.controllers.incoming import Incoming
from app.controllers.page_controller import ControllerContext, PageController, check_pairs, find_controllers
from app.controllers.project_edits import ProjectEdits
from app.controllers.reporting import ProblemReports
from app.controllers.run_actions import RunActions
from app.controllers.session import Session
from app.controllers.settings.program import WeeklyLook
from app.controllers.settings.storage import StoreLimit
from app.controllers.shell import ShellPresenter
from app.controllers.telemetry import TelemetryController
from app.controllers.words import error_value, no_use_for_picture
from app.handover import take_requests
from app.services.machine.devices import describe, remember, remembered
from app.services.opening.sniffing import is_result
from app.services.projects.projects import find_project
from app.settings import SavedSettings
from widgets.commands import CHOOSE_FILES, NEW_PROJECT, OPEN_PROJECT
from widgets.dialogs.questions import close_question
from widgets.language import apply_language, type_again, typed_texts
from widgets.main_window import MainWindow
from widgets.parts.page import Page
from widgets.theme import Theme
from widgets.timers import every
from workers.contracts.jobs import DescribeResult
from workers.contracts.paths import from_text, to_text

HANDOVER_MS = 300

C = TypeVar("C", bound=PageController[Any])


class AppController(QObject):
    """The controller of the window, which owns the page controllers; the composition root owns it.

    `closed` is emitted when every process has ended and the window can close as well.
    """

    closed = Signal()

    def __init__(self, window: MainWindow, theme: Theme, session: Session, settings: SavedSettings) -> None:
        """Create the controllers of the window for `session`; `settings` are those of all projects."""
        super().__init__(window)
        self._window, self._theme, self._session, self._settings = window, theme, session, settings
        self.session = session
        self.flows = FlowRunner(session.workspace, self)
        self._telemetry = TelemetryController(window, session, self.flows, self)
        self.flows.timing_changed.connect(window.clock.set_timing)
        self.flows.timing_changed.connect(self._telemetry.pause)
        self._store_limit = StoreLimit(session, self.flows, settings, self)
        self._weekly_look = WeeklyLook(window, session, self.flows, settings, self)
        self.commands = window.commands
        self._edits = ProjectEdits(window, theme, session, self.flows, self)
        self._context = ControllerContext(window, session, self.flows, theme, settings, self._edits)
        self._specs = find_controllers()
        check_pairs(window.specs, self._specs)
        self._controllers: dict[str, PageController[Any]] = {}
        self._incoming = Incoming(window, theme, session, self)
        self._offer()
        self._shell = ShellPresenter(self._context, self._specs, self)
        self._edits.changed.connect(self._shell.show)
        self._is_asking = self._is_closing = False
        window.page_built.connect(self._on_page_built)
        window.page_shown.connect(self._on_page_shown)
        window.paths_dropped.connect(self.take_paths)
        window.picture_dropped.connect(self._on_picture)
        window.text_dropped.connect(self._on_text)
        window.drag_entered.connect(session.workspace.pool.prestart)
        window.close_requested.connect(self._on_close)
        session.project_changed.connect(self._on_project_changed)
        self._requests = every(self, HANDOVER_MS, self._on_requests)
        self._requests.start()

    # --- start

    def begin(self, *, reopen: bool = True) -> None:
        """Show the last project if `reopen` is set, then describe the machine."""
        for page_id, page in self._window.built_pages.items():
            self._on_page_built(page_id, page)
        project_id = self._settings.value.last_project_id
        if not (reopen and project_id and self.open_project(project_id, opens_model=False)):
            self._window.show_page(self._window.first_page)
        self._shell.show()
        known = remembered(self._session.workspace.repositories)
        if known is not None:
            self._show_described(known)
        self.flows.start(
            describe(),
            title="",
            on_done=self._on_described,
            on_failed=lambda error: self._window.banner(error_value(error)),
        )
        self._store_limit.hold()
        self._weekly_look.begin()

    def _on_described(self, described: DescribeResult) -> None:
        if described != self._session.described:
            remember(self._session.workspace.repositories, described)
            self._show_described(described)
        gc.collect()
        gc.freeze()  # later collections leave out what the start created: a full one would block for about 50 ms

    def _show_described(self, described: DescribeResult) -> None:
        if self._settings.value.gpu_uuid not in ("", *(card.uuid for card in described.cards)):
            self._settings.try_to_save(gpu_uuid="", gpu_index=0)  # the chosen GPU no longer exists
        self._session.set_described(described)
        self._telemetry.start(described)

    # --- pages

    def _offer(self) -> None:
        """Register the commands of all pages and those that belong to no page.

        A page's controller is created when its command runs for the first time.
        """
        for page_id, spec in self._specs.items():
            for command, method in spec.does:
                self.commands.offer(command, self._act(page_id, method))
        self.commands.offer(c.MODEL_OPENED, self._on_model_opened)
        self.commands.offer(c.CHOOSE_LANGUAGE, self._on_language)
        self.commands.offer(CHOOSE_FILES, self._on_choose_files)
        self.commands.offer(OPEN_PROJECT, self.open_project)
        self.commands.offer(NEW_PROJECT, self._on_new_project)
        RunActions(self._context)
        space = self._session.workspace
        ProblemReports(self._window, self._theme, space.paths, (self.flows, space))

    def _on_language(self, language: str) -> None:
        """Save the language and show everything in it; pages that hold more than the session stay and are redrawn."""
        self._settings.save(language=language)
        apply_language(language)
        typed = {page_id: typed_texts(page) for page_id, page in self._window.built_pages.items()}
        anew = [
            page_id for page_id in typed if page_id in self._controllers and not self._controllers[page_id].reshow()
        ]
        for page_id in anew:
            self._controllers.pop(page_id).stop()
        self._window.remake(anew)
        self._shell.refresh()
        if self._session.described is not None:
            self._telemetry.show(self._session.described)
        for page_id, texts in typed.items():
            if any(texts):
                type_again(self._window.page(page_id), texts)

    def _act(self, page_id: str, method: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given: method(self.controller(page_id, PageController), *given)

    def _on_page_shown(self, page_id: str) -> None:
        """Save the shown page in the project, unless the page belongs to no project, and notify all controllers."""
        if self._window.specs[page_id].of_project:
            self._session.change(page=page_id)
        for controlled_id, controller in list(self._controllers.items()):
            if controlled_id == page_id:
                controller.shown()
            else:
                controller.left()

    def _on_page_built(self, page_id: str, page: QWidget) -> None:
        if page_id not in self._controllers:
            controller = self._controllers[page_id] = self._specs[page_id].make(self._context, page)
            if page_id == self._window.current_page:
                controller.shown()

    def controller(self, page_id: str, kind: type[C]) -> C:
        """Return the page's controller; creates the page and the controller if needed."""
        self._on_page_built(page_id, self._window.page(page_id))
        controller = self._controllers[page_id]
        assert isinstance(controller, kind)
        return controller

    # --- workflow

    def take_paths(self, paths: list[str]) -> None:
        """Offer dropped, pasted or handed-over files to the shown page; if it refuses, open them as model or data.

        Results of other computers are shown on Compare, whatever page is open.
        """
        if len(paths) == 1 and is_result(from_text(paths[0])):
            self.commands.do(c.OPEN_RESULT, paths[0])
            return
        shown = self._controllers.get(self._window.current_page)
        if shown is None or not shown.take_paths(paths):
            self._incoming.take(paths)

    def _on_choose_files(self) -> None:
        """Open the file dialog of the shown page, else the dialog for a model."""
        page = self._window.built_pages.get(self._window.current_page)
        if not (isinstance(page, Page) and page.choose_files()):
            self.commands.do(c.CHOOSE_MODEL)

    def _on_picture(self, image: QImage) -> None:
        """Try a picture that has no file; there is no other use for it."""
        if self._session.run is None:
            self._window.banner(no_use_for_picture())
            return
        self.commands.do(c.TRY_PICTURE, image)

    def _on_text(self, text: str) -> None:
        shown = self._controllers.get(self._window.current_page)
        if shown is not None:
            shown.take_text(text)

    def _on_model_opened(self) -> None:
        """Read data that were dropped before the model; without such data, read the model's known data again."""
        waiting = self._incoming.take_waiting()
        if waiting:
            self.commands.do(c.READ_DATA, waiting)
        else:
            self.commands.do(c.READ_KNOWN_DATA)

    def open_project(self, project_id: str, *, opens_model: bool = True) -> bool:
        """Show a project at its last page; return False if its model is not in the store and `opens_model` opens it."""
        project = find_project(self._session.workspace.repositories, project_id)
        if project is not None and self._session.reopen(project):
            self._window.show_page(project.page)
            return True
        if project is not None and opens_model:
            self.commands.do(c.OPEN_MODEL, project.model_path)
        return False

    def _on_new_project(self) -> None:
        self._session.new_project()
        self._window.show_page(self._window.first_page)

    def _on_project_changed(self) -> None:
        project = self._session.project
        self._settings.try_to_save(last_project_id=project.id if project else "")

    def _on_requests(self) -> None:
        for files in take_requests(self._session.workspace.paths):
            self._window.showNormal() if self._window.isMinimized() else self._window.show()
            self._window.raise_()
            self._window.activateWindow()
            QApplication.alert(self._window)
            if files:
                self.take_paths([to_text(path) for path in files])

    # --- close

    def _on_close(self) -> None:
        """Ask before closing if a job runs; further close requests are ignored meanwhile."""
        if self._is_asking or self._is_closing:
            return
        running = [running for running in self.flows.everything if running.title and not running.restarts_automatically]
        if not running:
            self._close()
            return
        self._is_asking = True
        dialog = close_question(self._theme, self._window, running[0].title, len(running))
        dialog.answered.connect(self._on_close_answered)
        dialog.open()

    def _on_close_answered(self, answer: str) -> None:
        self._is_asking = False
        if answer == "stop":
            self._close()

    def _close(self) -> None:
        """Hide the window at once, end all processes, and save the window's geometry and page."""
        self._is_closing = True
        project = self._session.project
        self._settings.try_to_save(
            last_project_id=project.id if project else "",
            last_page=self._window.current_page or self._window.first_page,
            window_geometry=base64.b64encode(self._window.geometry_to_save()).decode("ascii"),
        )
        self._window.hide()
        self.stop_watching()
        self.flows.interrupt_all()
        self.closed.emit()

    def stop_watching(self) -> None:
        """Stop the timers that check the machine, the store and requests of later starts."""
        self.session.stop_checking()
        self.session.services.leave()
        self._requests.stop()
        self._telemetry.stop()
        for controller in self._controllers.values():
            controller.stop()
