"""Show a problem report before it is saved, for error cards and for the guide."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from app.controllers.running import JobSlot
from app.paths import DataPaths
from app.services.machine.report.facts import Problem
from app.services.machine.report.making import report, report_files, save_report
from widgets.commands import REPORT_PROBLEM
from widgets.dialogs.report import ReportDialog
from widgets.main_window import MainWindow
from widgets.theme import Theme
from workers.contracts.errors import ErrorInfo, WorkerError
from workers.contracts.translation import _

if TYPE_CHECKING:
    from app.controllers.flows import FlowRunner
    from app.services.flow.workspace import Workspace


class ProblemReports(QObject):
    """The handler of the command `REPORT_PROBLEM`, owned by the window.

    Without `flows` and `space`, because the database cannot be opened, a report has no run and no names of projects.
    """

    def __init__(
        self,
        window: MainWindow,
        theme: Theme,
        paths: DataPaths,
        flows: "FlowRunner | None" = None,
        space: "Workspace | None" = None,
    ) -> None:
        """Offer the command."""
        super().__init__(window)
        self._window, self._theme, self._paths, self._flows, self._space = window, theme, paths, flows, space
        window.commands.offer(REPORT_PROBLEM, self._show)

    def _show(self, error: ErrorInfo | None, names: Sequence[str]) -> None:
        dialog = ReportDialog(self._theme, self._window)
        dialog.save_requested.connect(lambda path: self._save(dialog, path))
        dialog.open()
        if self._flows is None or self._space is None:
            dialog.show_files(self._files(error, names))
            return
        slot = JobSlot(self._flows)  # a closed dialog gets no files
        dialog.finished.connect(slot.drop)
        self._flows.start(
            report(self._space, "", error, names, _screen(self._theme)),
            title="",
            on_done=dialog.show_files,
            on_failed=lambda _failure: dialog.show_files(self._files(error, names)),
            slot=slot,
        )

    def _files(self, error: ErrorInfo | None, names: Sequence[str]) -> dict[str, str]:
        return report_files(self._paths, Problem(error, set(names)), screen=_screen(self._theme))

    @staticmethod
    def _save(dialog: ReportDialog, path: str) -> None:
        try:
            save_report(Path(path), dialog.files)
        except WorkerError as error:
            dialog.show_end(f"{error.detail} {error.hint}", is_saved=False)
        else:
            dialog.show_end(_("Saved as {0}. Nothing was sent.").format(Path(path).name), is_saved=True)


def _screen(theme: Theme) -> str:
    """Return size, scale and platform of the screen, and the theme, for those who read the report."""
    screen, size = QGuiApplication.primaryScreen(), QGuiApplication.primaryScreen().size()
    scale = f"{screen.devicePixelRatio():g}"
    return f"{size.width()}x{size.height()}, scale {scale}, {theme.scheme}, {QGuiApplication.platformName()}"
