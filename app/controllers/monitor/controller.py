"""Control the page Monitor: read a dropped or chosen log and lead back to the project of its bundle."""

from pathlib import Path

from app.controllers.commands import READ_LOG, on
from app.controllers.monitor.presenter import monitor_value
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.words import error_value
from app.domain.project import Project
from app.services.after.bundles import monitor
from app.services.flow.events import Event, StepProgress
from app.services.projects.projects import project_of_run
from widgets.commands import OPEN_PROJECT
from widgets.pages.monitor.page import MonitorPage
from workers.contracts.after.monitor import MonitorResult
from workers.contracts.error_info import ErrorInfo
from workers.contracts.paths import from_text
from workers.contracts.translation import _

PAGE = "monitor"


class MonitorController(PageController[MonitorPage]):
    """Controller of the page Monitor."""

    def __init__(self, context: ControllerContext, page: MonitorPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        self._path = self._found_path = ""
        self._found: MonitorResult | None = None
        self._project: Project | None = None
        page.log_chosen.connect(self.read)
        page.again_requested.connect(lambda: self.read(self._path))
        page.cancel_requested.connect(self._job.cancel)
        page.examples_requested.connect(self._on_examples)
        page.dismissed.connect(self._show_found)

    def take_paths(self, paths: list[str]) -> bool:
        """Read one dropped file or folder as a log while the page is shown."""
        if len(paths) != 1:
            return False
        self.read(paths[0])
        return True

    def reshow(self) -> bool:
        """Show the log that was read last."""
        if self._job.is_busy or self._found is None:
            return super().reshow()
        self._show_found()
        return True

    def read(self, path: str) -> None:
        """Read a log: a folder, or a file of it."""
        self._window.show_page(PAGE)
        self._window.banner(None)
        self._path = path
        self._page.show_loading(self._reading)
        self._start(
            monitor(from_text(path)),
            self._on_done,
            title=_("Read a log"),
            on_failed=self._on_failed,
            on_cancelled=self._show_found,
            observe=self._on_event,
        )

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepProgress) and event.total and self._page.state == "loading":
            self._page.show_loading(self._reading, event.done / event.total, 1.0)

    @property
    def _reading(self) -> str:
        return _("Reading “{0}”").format(Path(self._path).name[:80])

    def _on_done(self, result: MonitorResult) -> None:
        self._found, self._found_path = result, self._path
        self._project = project_of_run(self._session.workspace.repositories, result.drift.run_id)
        self._show_found()

    def _show_found(self) -> None:
        """Show the last log that could be read, which a wrong file does not replace."""
        if self._found is None:
            self._page.show_empty()
            return
        self._path = self._found_path
        has_project = self._project is not None
        self._page.show_value(monitor_value(self._found, Path(self._path).name, has_project=has_project))

    def _on_failed(self, error: ErrorInfo) -> None:
        """Show the error; the previous result is kept."""
        self._page.show_error(error_value(error, subject=Path(self._path).name), Path(self._found_path).name)

    def _on_examples(self) -> None:
        if self._project is not None and self._commands.do(OPEN_PROJECT, self._project.id):
            self._window.show_page("data")


CONTROLLER = ControllerSpec(PAGE, MonitorController, (on(READ_LOG, MonitorController.read),))
