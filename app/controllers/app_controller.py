"""The window as a whole: which page, what was dropped, the way from page to page, coming and going."""

import base64
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from app.controllers.answers.controller import AnswersController
from app.controllers.compare.controller import CompareController
from app.controllers.data.controller import DataController
from app.controllers.data.new_data import NewData
from app.controllers.export.controller import ExportController
from app.controllers.flows import FlowRunner
from app.controllers.goal.controller import GoalController
from app.controllers.guide.controller import GuideController
from app.controllers.hub.controller import HubController
from app.controllers.incoming import Incoming
from app.controllers.jobs.controller import JobsController
from app.controllers.kept import KeptSettings
from app.controllers.layers.controller import LayersController
from app.controllers.load.controller import LoadController
from app.controllers.model.controller import ModelController
from app.controllers.optimize.controller import OptimizeController
from app.controllers.projects.controller import ProjectEdits, ProjectsController
from app.controllers.session import SHOWN_STATES, Session
from app.controllers.settings.controller import SettingsController
from app.controllers.shell import ShellPresenter
from app.controllers.stress.controller import StressController
from app.controllers.telemetry import TelemetryController
from app.controllers.tried.controller import TriedController
from app.controllers.try_it.controller import TryController
from app.controllers.words import error_value, no_use_for_picture
from app.domain.run import Run
from app.handover import take_requests
from app.services.machine.describing import describe, remember, remembered
from app.services.opening.refusing import other_inputs
from app.services.projects.projects import find_project
from app.services.records.run_plan import as_begun
from widgets.dialogs.questions import close_question
from widgets.main_window import MainWindow
from widgets.theme import Theme
from workers.contracts.jobs import DescribeResult
from workers.contracts.paths import to_text

HANDOVER_MS = 300
OF_NO_PROJECT = ("projects", "guide")

C = TypeVar("C", bound=QObject)


class AppController(QObject):
    """Owns the controllers. `closed` comes when every process is gone and the window may go too."""

    closed = Signal()

    def __init__(self, window: MainWindow, theme: Theme, session: Session, kept: KeptSettings) -> None:
        super().__init__(window)
        self._window, self._theme, self._session, self._kept = window, theme, session, kept
        self.session = session
        self.flows = FlowRunner(session.workspace, self)
        self._telemetry = TelemetryController(window, session, self.flows, self)
        self.flows.timing_changed.connect(window.set_timing)
        self.flows.timing_changed.connect(self._telemetry.pause)
        self._shell = ShellPresenter(
            window, session, self.flows, lambda preset_id: self._goal().preset_of(preset_id).title, self
        )
        self._incoming = Incoming(window, theme, session, self)
        self._edits = ProjectEdits(window, theme, session, self.flows, self)
        self._edits.changed.connect(self._shell.show)
        self._edits.gone.connect(self._on_project_gone)
        self._controllers: dict[str, QObject] = {}
        self._is_asking = self._is_closing = False
        self._incoming.model_given.connect(self.open_model)
        self._new_data = NewData(window, theme, session, self)
        self._incoming.data_given.connect(self._new_data.take)
        self._new_data.use_wanted.connect(lambda path: self._data().read_path(path))
        self._new_data.add_wanted.connect(lambda path: self._compare().prove(path))
        window.page_built.connect(self._on_page_built)
        window.page_shown.connect(self._on_page_shown)
        window.paths_dropped.connect(self.take_paths)
        window.picture_dropped.connect(self._on_picture)
        window.text_dropped.connect(self._on_text)
        window.drag_entered.connect(session.workspace.pool.prestart)
        window.open_requested.connect(self._on_open)
        window.close_requested.connect(self._on_close)
        window.project_requested.connect(self._on_project)
        window.new_project_requested.connect(self._on_new_project)
        session.project_changed.connect(self._on_project_changed)
        self._requests = QTimer(self)
        self._requests.setInterval(HANDOVER_MS)
        self._requests.timeout.connect(self._on_requests)
        self._requests.start()

    # --- coming

    def begin(self, *, reopen: bool = True) -> None:
        """Show what was open the last time, then look at the machine."""
        for page_id, page in self._window.built_pages.items():
            self._on_page_built(page_id, page)
        project_id = self._kept.value.last_project_id
        if not (reopen and project_id and self._reopen(project_id)):
            self._window.show_page("model")
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

    def _on_described(self, found: DescribeResult) -> None:
        if found != self._session.described:
            remember(self._session.workspace.repositories, found)
            self._show_described(found)
        self._window.settle()

    def _show_described(self, found: DescribeResult) -> None:
        self._session.set_described(found)
        self._telemetry.start(found)

    def _reopen(self, project_id: str) -> bool:
        """Where it was. A project whose model is no longer in the store is offered, not forced."""
        project = find_project(self._session.workspace.repositories, project_id)
        if project is None or not self._session.reopen(project):
            return False
        self._window.show_page(project.page)
        return True

    # --- pages

    def _makers(self) -> dict[str, Callable[[QWidget], QObject]]:
        window, session, flows = self._window, self._session, self.flows
        return {
            "model": lambda page: ModelController(window, page, session, flows),
            "hub": lambda page: HubController(window, page, session, flows, self._theme),
            "data": lambda page: DataController(window, page, session, flows),
            "goal": lambda page: GoalController(window, page, session),
            "optimize": lambda page: OptimizeController(window, page, session, flows),
            "compare": lambda page: CompareController(window, page, session, flows),
            "answers": lambda page: AnswersController(window, page, session, flows),
            "stress": lambda page: StressController(window, page, session, flows),
            "load": lambda page: LoadController(window, page, session, flows),
            "tried": lambda page: TriedController(window, page, session),
            "layers": lambda page: LayersController(window, page, session, flows),
            "try": lambda page: TryController(window, page, session, flows),
            "export": lambda page: ExportController(window, page, session, flows),
            "projects": lambda page: ProjectsController(window, page, session, self._edits),
            "jobs": lambda page: JobsController(window, page, session, flows),
            "settings": lambda page: SettingsController(window, page, session, self._theme, self._kept),
            "guide": lambda page: GuideController(window, page),
        }

    def _on_page_shown(self, page_id: str) -> None:
        """Where a project was left; what belongs to no project is no place to come back to."""
        if page_id not in OF_NO_PROJECT:
            self._session.change(page=page_id)

    def _on_page_built(self, page_id: str, page: QWidget) -> None:
        if page_id in self._controllers:
            return
        controller = self._makers()[page_id](page)
        self._controllers[page_id] = controller
        if isinstance(controller, ModelController):
            controller.opened.connect(self._on_model_opened)
            controller.hub_wanted.connect(self.search_hub)
        elif isinstance(controller, HubController):
            controller.open_wanted.connect(self.open_model)
            controller.sample_wanted.connect(self.open_sample)
            controller.file_wanted.connect(self._on_open)
        elif isinstance(controller, DataController):
            controller.preparation_taken.connect(self._on_preparation_taken)
        elif isinstance(controller, GoalController):
            controller.run_requested.connect(self._on_run_requested)
        elif isinstance(controller, TriedController):
            controller.again_requested.connect(self._on_again_requested)
        elif isinstance(controller, OptimizeController):
            controller.again_requested.connect(self._on_again_requested)
            controller.resume_requested.connect(self._on_resume_requested)
            controller.go_on_requested.connect(self._on_go_on_requested)
        elif isinstance(controller, CompareController | TryController):
            controller.export_requested.connect(self._on_export_requested)
            if isinstance(controller, CompareController):
                controller.go_on_requested.connect(self._on_go_on_requested)
        elif isinstance(controller, ProjectsController):
            controller.open_requested.connect(self._on_project)
            controller.new_requested.connect(self._on_new_project)
        elif isinstance(controller, JobsController):
            controller.open_requested.connect(self._on_run_opened)
            controller.resume_requested.connect(self._on_resume_requested)
            controller.cancel_requested.connect(lambda run_id: self._optimize().cancel(run_id))

    def _controller(self, page_id: str, kind: type[C]) -> C:
        """The page's controller; both are made if they were not yet."""
        self._on_page_built(page_id, self._window.page(page_id))
        controller = self._controllers[page_id]
        assert isinstance(controller, kind)
        return controller

    def _model(self) -> ModelController:
        return self._controller("model", ModelController)

    def _data(self) -> DataController:
        return self._controller("data", DataController)

    def _goal(self) -> GoalController:
        return self._controller("goal", GoalController)

    def _try(self) -> TryController:
        return self._controller("try", TryController)

    def _compare(self) -> CompareController:
        return self._controller("compare", CompareController)

    def _optimize(self) -> OptimizeController:
        return self._controller("optimize", OptimizeController)

    # --- the way through

    def open_model(self, path: str) -> None:
        """Open a file or folder as a model."""
        self._model().open_path(path)

    def open_sample(self) -> None:
        """Open the built-in sample."""
        self._model().open_sample()

    def search_hub(self, text: str) -> None:
        """Look for a model in the hub; "" shows what there is to begin with."""
        self._controller("hub", HubController).start(text)
        self._model().settle()

    def take_paths(self, paths: list[str]) -> None:
        """A model or data, dropped, pasted, or handed over by a second start.

        On "Try it" it may be something to try, on Compare more examples for what is not proven.
        """
        page = self._window.current_page
        if page == "try" and self._try().takes(paths):
            self._try().try_paths(paths)
        elif page == "compare" and self._compare().takes(paths):
            self._compare().prove(paths[0])
        else:
            self._incoming.take(paths)

    def _on_picture(self, image: QImage) -> None:
        """A picture without a file can only be tried."""
        if self._session.run is None:
            self._window.banner(no_use_for_picture())
            return
        self._window.show_page("try")
        self._try().try_picture(image)

    def _on_text(self, text: str) -> None:
        if self._window.current_page == "try":
            self._try().try_text(text)

    def _on_model_opened(self) -> None:
        """Data that were dropped before come next; those of a model that was opened otherwise are read again."""
        waiting = self._incoming.take_waiting()
        project, asked = self._session.project, self._session.asked_data
        if waiting:
            self._data().read_path(waiting)
        elif project is not None and project.is_sample and asked is None:
            self._data().read_sample()
        elif project is not None and project.is_sample and self._session.data is not None:
            self._window.show_page("goal")  # the sample is known already: straight on
        elif asked is not None and self._session.data is None:
            self._data().read_again(asked)

    def _on_preparation_taken(self, spec: str) -> None:
        """The model is opened anew with it, and the examples are read again."""
        self._model().prepare(spec)

    def _on_run_requested(self) -> None:
        self._optimize().start(self._goal().preset, self._kept.value.threads)

    def _on_run_opened(self, run: Run) -> None:
        if not self._on_project(run.project_id):
            return
        if run.state in SHOWN_STATES:
            self._session.set_run(run)
            self._window.show_page("compare")
        else:
            self._optimize().show(run)
            self._window.show_page("optimize")

    def _on_resume_requested(self, run: Run) -> None:
        """Go on. What was judged with other data, or another model, is begun anew: nothing is mixed."""
        project = self._session.project
        if (project is None or project.id != run.project_id) and not self._on_project(run.project_id):
            return
        preset = self._goal().preset_of(run.goal.preset_id)
        if self._session.fits(run):
            self._optimize().resume(run, preset)
        else:
            self._optimize().start(preset, run.goal.threads)

    def _on_go_on_requested(self, run: Run, minutes: int) -> None:
        """More time for a run that is over: not where other data, or another model, are open by now."""
        project = self._session.project
        if project is None or project.id != run.project_id or not self._session.fits(run):
            self._window.banner(error_value(other_inputs()))
            return
        self._optimize().resume(run, self._goal().preset_of(run.goal.preset_id), 60.0 * minutes)

    def _on_again_requested(self, run: Run) -> None:
        """Measure all of a run once more, also what was measured lately."""
        if self._session.project is None or self._session.project.id != run.project_id:
            return
        preset = as_begun(run, self._goal().preset_of(run.goal.preset_id))
        self._optimize().start(preset, run.goal.threads, fresh=True)

    def _on_export_requested(self, variant_id: str) -> None:
        self._controller("export", ExportController).choose(variant_id)

    def _on_project(self, project_id: str) -> bool:
        """Show another project; False where its model must be opened first."""
        project = find_project(self._session.workspace.repositories, project_id)
        if project is None:
            return False
        if self._session.reopen(project):
            self._window.show_page(project.page)
            return True
        self.open_model(project.model_path)
        return False

    def _on_new_project(self) -> None:
        self._session.new_project()
        self._window.show_page("model")

    def _on_project_gone(self) -> None:
        """The open project went to the trash, where it can be taken back from."""
        self._session.new_project()
        self._window.show_page("projects")

    def _on_project_changed(self) -> None:
        project = self._session.project
        self._kept.try_to_keep(last_project_id=project.id if project else "")

    def _on_open(self) -> None:
        self._model()
        self._window.page("model").choose_file()  # type: ignore[attr-defined]

    def _on_requests(self) -> None:
        for request in take_requests(self._session.workspace.paths):
            self._window.showNormal() if self._window.isMinimized() else self._window.show()
            self._window.raise_()
            self._window.activateWindow()
            QApplication.alert(self._window)
            if request.files:
                self.take_paths([to_text(path) for path in request.files])

    # --- going

    def _on_close(self) -> None:
        """Ask once while something runs."""
        if self._is_asking or self._is_closing:
            return
        running = [running for running in self.flows.everything if running.title and not running.begins_again]
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
        """Hide at once, end every process, keep where the window was."""
        self._is_closing = True
        project = self._session.project
        self._kept.try_to_keep(
            last_project_id=project.id if project else "",
            last_page=self._window.current_page or "model",
            window_geometry=base64.b64encode(self._window.geometry_to_keep()).decode("ascii"),
        )
        self._window.hide()
        self.stop_watching()
        self.flows.interrupt_all()
        self.closed.emit()

    def stop_watching(self) -> None:
        """No more looks at the machine and the store, and none for later starts."""
        self.session.stop_checking()
        self._requests.stop()
        self._telemetry.stop()
        tried = self._controllers.get("try")
        if isinstance(tried, TryController):
            tried.stop()
