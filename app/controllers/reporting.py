"""Show a problem report before it is saved, for error cards and for the guide."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from app.controllers.running import JobSlot
from app.controllers.words import error_value, notice
from app.paths import DataPaths
from app.services.machine.report.facts import Problem
from app.services.machine.report.making import report, report_files, save_report
from widgets.commands import REPORT_PROBLEM
from widgets.dialogs.questions import ask
from widgets.dialogs.report import ask_report_place, report_question
from widgets.main_window import MainWindow
from widgets.theme import Theme
from workers.contracts.error_info import ErrorInfo
from workers.contracts.errors import WorkerError
from workers.contracts.translation import _

if TYPE_CHECKING:
    from app.controllers.flows import FlowRunner
    from app.services.flow.workspace import Workspace


class ProblemReports(QObject):
    """The handler of the command `REPORT_PROBLEM`, owned by the window.

    Without `running`, because the database cannot be opened, a report has no run and no names of projects.
    """

    def __init__(
        self, window: MainWindow, theme: Theme, paths: DataPaths, running: "tuple[FlowRunner, Workspace] | None" = None
    ) -> None:
        """Handle the command that reports a problem, from any card or page of `window`."""
        super().__init__(window)
        self._window, self._theme, self._paths, self._running = window, theme, paths, running
        self._job = JobSlot(running[0]) if running is not None else None
        window.commands.offer(REPORT_PROBLEM, self._make)

    def _make(self, error: ErrorInfo | None, names: Sequence[str]) -> None:
        screen, size = QGuiApplication.primaryScreen(), QGuiApplication.primaryScreen().size()
        how = _("{0}x{1}, scale {2:g}, {3}").format(
            size.width(), size.height(), screen.devicePixelRatio(), self._theme.scheme
        )

        def make_without_records(_failure: object = None) -> None:
            self._show(report_files(self._paths, Problem(error, set(names), screen=how)))

        if self._running is None:
            make_without_records()
            return
        flows, space = self._running
        flow = report(space, error=error, names=names, screen=how)
        flows.start(flow, title="", on_done=self._show, on_failed=make_without_records, slot=self._job)

    def _show(self, files: dict[str, str]) -> None:
        ask(report_question(self._theme, self._window, files), save=lambda: self._save(files))

    def _save(self, files: dict[str, str]) -> None:
        path = ask_report_place(self._window)
        try:
            if path:
                save_report(Path(path), files)
                text = _("Nothing was sent. Give it to those who can help.")
                self._window.banner(notice(_("The report was saved"), path, text, icon="check-circle"))
        except WorkerError as error:
            self._window.banner(error_value(error.info()))
