"""Show the project, the progress marks and the jobs around the pages, and the next step on empty pages."""

from collections.abc import Mapping

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.controllers.commands import PRESET_OF
from app.controllers.page_controller import ControllerContext, ControllerSpec
from app.services.projects.projects import shown_projects
from widgets.parts.page import Page
from widgets.rail import Mark
from workers.contracts.translation import _

MAX_PROJECTS = 12


class ShellPresenter(QObject):
    """The presenter of rail and top bar, owned by the window's controller."""

    def __init__(self, context: ControllerContext, controllers: Mapping[str, ControllerSpec], parent: QObject) -> None:
        """Connect the presenter; `controllers` are the specifications by the id of their page."""
        super().__init__(parent)
        session, flows = context.session, context.flows
        self._window, self._session, self._flows, self._commands = context.window, session, flows, context.commands
        self._steps = {
            page_id: is_done
            for page_id, spec in context.window.specs.items()
            if spec.place == "step" and (is_done := controllers[page_id].is_done) is not None
        }
        for signal in (session.project_changed, session.data_changed, session.run_changed, session.goal_changed):
            signal.connect(self.show)
        session.exported.connect(self.show)
        flows.changed.connect(self._show_jobs)
        context.window.page_built.connect(self._on_page_built)
        for changed in (session.model_changed, session.run_changed, flows.changed):
            changed.connect(self._show_next)
        for page_id, page in context.window.built_pages.items():
            self._on_page_built(page_id, page)

    def show(self) -> None:
        """Show the project, the list of projects and the marks."""
        session, window = self._session, self._window
        project = session.project
        preset = self._commands.do(PRESET_OF, project.preset_id).title if project else ""
        window.set_project(project.name if project else "", _(preset))
        projects = shown_projects(session.workspace.repositories)[:MAX_PROJECTS]
        open_id = project.id if project is not None else ""
        window.top.set_projects([(known.id, known.name) for known in projects], open_id)
        window.rail.set_marks(self._marks())

    def refresh(self) -> None:
        """Show everything again in another language."""
        self.show()
        self._show_jobs()
        self._show_next()

    def _marks(self) -> dict[str, Mark]:
        """Return the marks: a check for each finished step; the first unfinished step is current."""
        is_running = any(running.is_run for running in self._flows.active)
        done = {page_id: is_done(self._session, is_running) for page_id, is_done in self._steps.items()}
        marks: dict[str, Mark] = {step: "done" if done[step] else "" for step in done}
        following = next((step for step in done if not done[step]), None)
        if following is not None and self._session.project is not None:
            marks[following] = "current"
        return marks

    def _show_jobs(self) -> None:
        runs = self._flows.runs
        others = sum(bool(running.title) and running not in runs for running in self._flows.everything)
        self._window.set_jobs(len(runs), runs[0].started_s if runs else None, others)
        self._window.rail.set_marks(self._marks())

    def _show_next(self) -> None:
        """Show the next step of the workflow on all created pages."""
        step = self._next_step()
        for page in self._window.built_pages.values():
            if isinstance(page, Page):
                page.set_next(*step)

    def _on_page_built(self, _page_id: str, page: QWidget) -> None:
        if isinstance(page, Page):
            page.set_next(*self._next_step())
            page.page_wanted.connect(self._window.show_page)

    def _next_step(self) -> tuple[str, str]:
        if self._session.model is None:
            return "model", _("Choose a model")
        if self._session.run is not None:
            return "export", _("Export a version")
        if self._flows.runs:
            return "optimize", _("Watch the optimization")
        return "goal", _("Choose a goal")
