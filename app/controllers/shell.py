"""Show the project, the progress marks and the jobs around the pages."""

from collections.abc import Mapping

from PySide6.QtCore import QObject

from app.controllers.commands import PRESET_OF
from app.controllers.page_controller import AnySpec, ControllerContext, WorkflowProgress
from app.services.projects.trash import shown_projects
from widgets.rail import Mark
from widgets.top_bar import ProjectValue

MAX_PROJECTS = 12


class ShellPresenter(QObject):
    """The presenter of rail and top bar, owned by the window's controller."""

    def __init__(self, desk: ControllerContext, controllers: Mapping[str, AnySpec], parent: QObject) -> None:
        """Connect the presenter; `controllers` are the specifications by the id of their page."""
        super().__init__(parent)
        session, flows = desk.session, desk.flows
        self._window, self._session, self._flows, self._commands = desk.window, session, flows, desk.commands
        self._steps = {
            page_id: is_done
            for page_id, spec in desk.window.specs.items()
            if spec.place == "step" and (is_done := controllers[page_id].is_done) is not None
        }
        for signal in (session.project_changed, session.data_changed, session.run_changed, session.goal_changed):
            signal.connect(self.show)
        session.exported.connect(self.show)
        flows.changed.connect(self._show_jobs)

    def show(self) -> None:
        """Show the project, the list of projects and the marks."""
        session, window = self._session, self._window
        project = session.project
        preset = self._commands.do(PRESET_OF, project.preset_id).title if project else ""
        window.set_project(project.name if project else "", preset)
        projects = shown_projects(session.workspace.repositories)[:MAX_PROJECTS]
        open_id = project.id if project is not None else ""
        window.set_projects([ProjectValue(known.id, known.name, known.id == open_id) for known in projects])
        window.set_marks(self._marks())

    def _marks(self) -> dict[str, Mark]:
        """Return the marks: a check for each finished step; the first unfinished step is current."""
        session = self._session
        run = session.run
        is_running = any(running.is_run for running in self._flows.active)
        exports = session.workspace.repositories.exports.list(run_id=run.id) if run else []
        way = WorkflowProgress(session, is_running, bool(exports))
        done = {page_id: is_done(way) for page_id, is_done in self._steps.items()}
        marks: dict[str, Mark] = {step: "done" if done[step] else "" for step in done}
        following = next((step for step in done if not done[step]), None)
        if following is not None and session.project is not None:
            marks[following] = "current"
        return marks

    def _show_jobs(self) -> None:
        runs = self._flows.runs
        others = sum(bool(running.title) and running not in runs for running in self._flows.everything)
        self._window.set_jobs(len(runs), runs[0].started_s if runs else None, others)
        self._window.set_marks(self._marks())
