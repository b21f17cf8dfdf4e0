"""Control the page "Answer a folder": answer with the chosen version, continue after a cancel, save the table."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import QDesktopServices

from app.controllers.commands import ANSWER_FOLDER, PUT_ON_DESKTOP, on
from app.controllers.detail_page import DetailController
from app.controllers.folder.rows import PartRows
from app.controllers.page_controller import ControllerContext, ControllerSpec
from app.controllers.running import JobSlot
from app.controllers.words import error_value, notice
from app.domain.variant import Variant
from app.services.after.answering import answer_files, part_of, run_version, save_table
from app.services.flow.events import Event, JobBegan, StepProgress
from app.services.flow.steps import Flow, JobError
from app.services.machine.shortcut import put_on_desktop
from app.services.opening.sniffing import seen_kind
from app.services.records.facts import RunFacts
from widgets.pages.folder.page import FolderPage, Stage
from widgets.timers import every
from workers.contracts.after.answering import STAGE_ID, AnswerFilesResult
from workers.contracts.error_info import ErrorInfo
from workers.contracts.paths import from_text
from workers.contracts.translation import _

LOOK_MS = 150


class FolderController(DetailController[FolderPage]):
    """Controller of the page "Answer a folder"; `_job` answers, and goes on while another page is shown.

    It stops for a measurement, which it would disturb, and goes on after it.
    """

    page_id = "folder"

    def __init__(self, context: ControllerContext, page: FolderPage) -> None:
        """Create the controller and connect it to its page."""
        self._path, self._column, self._part = Path(), "", Path()
        self._rows: PartRows | None = None
        self._stage: Stage = "stopped"
        self._saved, self._waits = "", False
        self._total: float | None = None
        super().__init__(context, page)
        self._saving = JobSlot(context.flows)
        self._timer = every(self, LOOK_MS, self._look)
        page.path_chosen.connect(lambda path: self._answer(from_text(path)))
        page.continue_requested.connect(lambda: self._answer(self._path, self._column))
        page.column_chosen.connect(lambda column: self._answer(self._path, column))
        page.another_requested.connect(self._on_another)
        page.dismissed.connect(self._on_another)
        page.save_requested.connect(self._on_save)
        page.open_folder_requested.connect(self._on_open_folder)

    def choose(self, variant_id: str) -> None:
        """Show the page for a version; what is being answered stays."""
        if not self._job.is_busy:
            self._session.inspected_version_id = variant_id
            self._forget_rows()
            self._page.show_empty()
        self._window.show_page(self.page_id)

    def put_on_desktop(self, variant_id: str) -> None:
        """Write a shortcut that opens a small window with this version, and say where it is."""
        run, project = self._session.run, self._session.project
        if run is None or project is None:
            return
        root = self._session.workspace.paths.root
        try:
            places = put_on_desktop(project.name, ["desk", run.id, "--variant", variant_id, "--data-dir", str(root)])
        except JobError as error:
            self._report(error.error)
            return
        self._window.banner(
            notice(
                _("“{0}” is on the desktop").format(project.name[:80]),
                _("A double click opens a small window: drop a file on it, and it shows the answer."),
                _("Some desktops ask once whether it may start. To remove it, delete {0}.").format(places[0]),
                icon="check-circle",
            )
        )

    def show(self) -> None:
        """Show the choice of a folder; answers that are shown stay."""
        if not self._page.has_table:
            super().show()

    def versions_of(self, facts: RunFacts) -> Sequence[Variant]:
        """Return all versions, the original last."""
        return (*facts.made, facts.baseline)

    def value_of(self, facts: RunFacts, versions: Sequence[Variant], variant: Variant) -> object:
        """Return the kind of inputs and the choice of versions."""
        kind = facts.data.kind if facts.data else "images"
        return kind, tuple((one.id, _(one.title)) for one in versions), variant.id

    def take_paths(self, paths: list[str]) -> bool:
        """Answer a dropped folder or file; a model is opened instead, and one that is being answered goes on."""
        if len(paths) != 1 or self._chosen is None or seen_kind(from_text(paths[0])) == "model":
            return False
        if not self._job.is_busy:
            self._answer(from_text(paths[0]))
        return True

    def stop(self) -> None:
        """Close the file of answers, because the window closes."""
        self._forget_rows()

    def _on_run_changed(self) -> None:
        self._waits = False
        self._forget_rows()
        if self._page.has_table:
            self._page.show_empty()
        super()._on_run_changed()

    def _on_flows_changed(self) -> None:
        super()._on_flows_changed()
        if self._flows.runs and self._job.is_busy:
            self._waits = True
        elif self._waits and not self._flows.runs:
            QTimer.singleShot(0, self, self._go_on)  # after the result of the measurement is recorded

    def _go_on(self) -> None:
        if self._waits and not self._flows.runs and not self._job.is_busy:
            if self._chosen is None:  # the page was opened meanwhile
                super().show()
            self._answer(self._path, self._column)

    # --- answering

    def _answer(self, path: Path, column: str = "") -> None:
        if self._chosen is None or self._must_wait(_("Answer the folder when it is done.")):
            return
        self._job.drop()
        self._forget_rows()
        self._waits = False
        self._path, self._column, self._saved = path, column, ""
        self._page.show_loading(_("Opening the version"))
        self._start(
            self._flow(*self._chosen),
            self._on_done,
            title=_("Answer “{0}”").format(path.name[:80]),
            on_failed=self._on_failed,
            on_cancelled=self._on_cancelled,
            observe=self._on_event,
            yields_to_measurements=True,
        )

    def _flow(self, facts: RunFacts, variant: Variant) -> Flow[AnswerFilesResult]:
        space, column = self._session.workspace, self._column or None
        version, key = yield from run_version(space, facts, variant)
        self._part = part_of(space, key, self._path, column)
        return (yield from answer_files(space, version, key, self._path, column, facts.run.goal.threads))

    def _on_event(self, event: Event) -> None:
        if isinstance(event, JobBegan):  # also after a crash; each job writes the part anew at first
            self._forget_rows()
        if not isinstance(event, StepProgress) or event.stage_id != STAGE_ID:
            return
        if self._rows is None:
            rows = self._rows = PartRows(self._part)
            columns, column = tuple(rows.head["columns"]), rows.head["text_column"]
            self._page.show_table(self._path.name, rows.headings, rows.cells, columns, column)
            self._timer.start()
            self._show_state("running")
        self._total = event.total
        self._page.show_progress(event.done, event.total, event.remaining_s)

    def _look(self) -> bool:
        """Show the answers that came since; return whether there may be more."""
        more = self._rows is not None and self._rows.look()
        self._page.grow(len(self._rows) if self._rows is not None else 0)
        return more

    def _forget_rows(self) -> None:
        self._timer.stop()
        if self._rows is not None:
            self._rows.close()
            self._rows = None

    def _show_state(self, stage: Stage) -> None:
        self._stage = stage
        title = self._chosen[1].title if self._chosen is not None else ""
        text = _("Answered by “{0}”, which runs in the sandbox.").format(title)
        self._page.show_stage(stage, _("It goes on after the measurement.") if self._waits else text, self._saved)

    def _on_done(self, result: AnswerFilesResult) -> None:
        self._settle("done")
        self._page.show_counts(result.answered, result.failed)

    def _on_cancelled(self) -> None:
        if self._rows is None:
            self._show_choice()
            return
        self._settle("stopped")
        self._page.show_progress(len(self._rows), self._total, None)

    def _settle(self, stage: Stage) -> None:
        while self._look():
            pass
        self._timer.stop()
        self._show_state(stage)

    def _on_failed(self, error: ErrorInfo) -> None:
        self._forget_rows()
        self._page.show_error(error_value(error, subject=self._path.name), _("Answer a folder"))

    def _on_another(self) -> None:
        self._waits = False
        self._show_choice()

    def _show_choice(self) -> None:
        self._forget_rows()
        self._page.show_empty()
        super().show()

    # --- the table

    def _on_save(self, path: str) -> None:
        out = from_text(path)
        title = _("Write {0}").format(out.name[:80])
        self._start(save_table(self._part, out), self._on_saved, title=title, slot=self._saving)

    def _on_saved(self, result: AnswerFilesResult) -> None:
        self._saved = result.path
        self._show_state(self._stage)

    def _on_open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self._saved).parent)))


CONTROLLER = ControllerSpec(
    FolderController.page_id,
    FolderController,
    (on(ANSWER_FOLDER, FolderController.choose), on(PUT_ON_DESKTOP, FolderController.put_on_desktop)),
)
