"""What stands around the pages: project, marks of how far one is, jobs."""

from collections.abc import Callable

from PySide6.QtCore import QObject

from app.controllers.flows import FlowRunner
from app.controllers.session import Session
from app.services.projects.trash import shown_projects
from widgets.main_window import MainWindow
from widgets.rail import STEPS, Mark
from widgets.top_bar import ProjectValue

MAX_PROJECTS = 12


class ShellPresenter(QObject):
    """Shows the session in rail and top bar, and the work that goes on. `title_of` gives a preset's title."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        flows: FlowRunner,
        title_of: Callable[[str], str],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._window, self._session, self._flows, self._title_of = window, session, flows, title_of
        for signal in (session.project_changed, session.data_changed, session.run_changed, session.goal_changed):
            signal.connect(self.show)
        session.exported.connect(self.show)
        flows.changed.connect(self._show_jobs)

    def show(self) -> None:
        """All of it."""
        session, window = self._session, self._window
        project = session.project
        preset = self._title_of(project.preset_id) if project else ""
        window.set_project(project.name if project else "", preset)
        projects = shown_projects(session.workspace.repositories)[:MAX_PROJECTS]
        window.set_projects([ProjectValue(known.id, known.name) for known in projects])
        window.set_marks(self._marks())

    def _marks(self) -> dict[str, Mark]:
        """Checks for what is done; the first step that is not, or the one at work, is next."""
        session = self._session
        run = session.run
        is_running = any(running.is_run for running in self._flows.active)
        exports = session.workspace.repositories.exports.list(run_id=run.id) if run else []
        done = {
            "model": session.model is not None,
            "data": session.data is not None,
            "goal": run is not None or is_running,
            "optimize": run is not None and not is_running,
            "compare": run is not None and not is_running,
            "export": bool(exports),
        }
        steps = [step for step in STEPS if step in done]  # trying is no step that must be done
        marks: dict[str, Mark] = {step: "done" if done[step] else "" for step in steps}
        following = next((step for step in steps if not done[step]), None)
        if following is not None and session.project is not None:
            marks[following] = "current"
        return marks

    def _show_jobs(self) -> None:
        runs = self._flows.runs
        self._window.set_jobs(len(runs), runs[0].started_s if runs else None)
        self._window.set_marks(self._marks())
