"""Rename, delete and restore projects, from their page and from the top bar."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from app.controllers.flows import FlowRunner
from app.controllers.session import Session
from app.controllers.words import error_value, notice
from app.domain.project import Project
from app.services.flow.steps import JobError
from app.services.projects.projects import (
    contents_of,
    delete_for_good,
    find_project,
    move_to_trash,
    rename_project,
    restore,
)
from app.services.release.record import read_releases
from app.services.release.releasing import drop_unused
from widgets.commands import DELETE_PROJECT, RENAME_PROJECT
from widgets.dialogs.project_questions import RenameQuestion, delete_question, forget_question
from widgets.dialogs.questions import ask
from widgets.main_window import MainWindow
from widgets.parts.cards.error import ErrorValue
from widgets.theme import Theme
from workers.contracts.translation import _


class ProjectEdits(QObject):
    """The edits of projects, owned by the window's controller; `changed` is emitted after each change."""

    changed = Signal()

    def __init__(self, window: MainWindow, theme: Theme, session: Session, flows: FlowRunner, parent: QObject) -> None:
        """Handle the commands of `window` for the open project."""
        super().__init__(parent)
        self._window, self._theme, self._session, self._flows = window, theme, session, flows
        self._repositories = session.workspace.repositories
        window.commands.offer(RENAME_PROJECT, lambda: self.rename(self._open_id), lambda: bool(self._open_id))
        window.commands.offer(DELETE_PROJECT, lambda: self.delete(self._open_id), lambda: bool(self._open_id))

    @property
    def _open_id(self) -> str:
        return self._session.project.id if self._session.project is not None else ""

    def rename(self, project_id: str) -> None:
        """Ask for a new name and rename the project."""
        project = find_project(self._repositories, project_id)
        if project is None:
            return
        dialog = RenameQuestion(self._theme, project.name, self._window)
        ask(dialog, rename=lambda: self._rename(project_id, dialog.name))

    def _rename(self, project_id: str, name: str) -> None:
        if not self._is_done(lambda: rename_project(self._repositories, project_id, name)):
            return
        self._session.services.of(project_id).stop(wait_s=0.0)
        if project_id == self._open_id:
            self._session.refresh_project()
            self._session.project_changed.emit()
        self.changed.emit()

    def delete(self, project_id: str) -> None:
        """Ask and move a project to the trash; a project with running jobs is refused without a question."""
        project = find_project(self._repositories, project_id)
        if project is None or self._is_at_work(project):
            return
        dialog = delete_question(self._theme, self._window, project.name, self._lost(project_id))
        ask(dialog, delete=lambda: self._delete(project_id))

    def _delete(self, project_id: str) -> None:
        project = find_project(self._repositories, project_id)
        if project is None or self._is_at_work(project):
            return
        if not self._is_done(lambda: move_to_trash(self._repositories, project_id)):
            return
        self._session.services.of(project_id).stop(wait_s=0.0)
        if project_id == self._open_id:
            self._session.new_project()
            self._window.show_page("projects")  # its trash can restore the project
        self.changed.emit()

    def forget(self, project_id: str) -> None:
        """Ask once more and delete a project permanently."""
        project = find_project(self._repositories, project_id)
        if project is None:
            return
        dialog = forget_question(self._theme, self._window, project.name, self._lost(project_id))
        ask(dialog, delete=lambda: self._forget(project_id))

    def _forget(self, project_id: str) -> None:
        known = read_releases(self._repositories, project_id)
        if self._is_done(lambda: delete_for_good(self._repositories, project_id)):
            drop_unused(self._session.workspace, known)
            self._session.services.remove(project_id)
        self.changed.emit()

    def restore(self, project_id: str) -> None:
        """Restore a project from the trash."""
        restore(self._repositories, project_id)
        self.changed.emit()

    def _is_done(self, edit: Callable[[], object]) -> bool:
        """Make a change; show its error and return False if it is refused."""
        try:
            edit()
        except JobError as error:
            self._window.banner(error_value(error.error))
            return False
        return True

    def _is_at_work(self, project: Project) -> bool:
        """Return whether jobs of the project run, and show that; exports, proofs and load tests count as well."""
        works = project.id == self._open_id and any(running.title for running in self._flows.everything)
        if works:
            self._window.banner(_at_work())
        return works

    def _lost(self, project_id: str) -> str:
        n_runs, n_exports = contents_of(self._repositories, project_id)
        if not n_runs:
            return _("Nothing was measured in it yet.")
        results = _("1 run with its figures goes") if n_runs == 1 else _("{0:,} runs with their figures go")
        exports = _("the record of 1 exported bundle") if n_exports == 1 else _("the records of {0:,} bundles")
        text = results.format(n_runs)
        text = f"{text}." if not n_exports else _("{0}, and {1}.").format(text, exports.format(n_exports))
        kept = sum(one.pruned_at is None for one in read_releases(self._repositories, project_id))
        bundles = _("The bundles of {0:,} releases are kept here, and go too.").format(kept)
        if kept == 1:
            bundles = _("The bundle of 1 release is kept here, and goes too.")
        return f"{text} {bundles}" if kept else text


def _at_work() -> ErrorValue:
    return notice(
        _("This project is in use"),
        _("It is in use right now."),
        _("Wait until it ends or cancel it on the page Jobs. Then delete the project."),
    )
