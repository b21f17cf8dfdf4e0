"""Show the page Jobs: queue and history, the log of each job, and buttons to stop or continue it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy

from widgets.pages.jobs.value import JobState, JobValue
from widgets.parts.buttons import Button, GhostButton, PrimaryButton
from widgets.parts.card import Card, TableCard
from widgets.parts.format import UNKNOWN, moment, percent, seconds, visible
from widgets.parts.layout import in_row
from widgets.parts.page import Page
from widgets.parts.small import Bar, PageHead, TagKind
from widgets.parts.tables.table import Cell, Column, Table, TableRow
from widgets.parts.text import ElidedLabel, LogText, show_text, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.translation import _

MAX_LOG_LINES, MAX_LINE_CHARS = 20_000, 2_000
_RUNNING: tuple[JobState, ...] = ("queued", "running")


class JobsPage(Page):
    """The page Jobs; `log_requested(id)` follows the choice of a job, and `show_log` delivers the log."""

    job_cancel_requested = Signal(str)
    resume_requested = Signal(str)
    open_requested = Signal(str)
    log_requested = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("Jobs"))
        self._jobs: tuple[JobValue, ...] = ()
        self._table: Table | None = None
        self._detail: JobCard | None = None
        self._head = PageHead("")

    # -- states --
    def show_empty(self) -> None:
        """Show that no job has run yet."""
        go = PrimaryButton(self.theme, _("Start with a model"), "cube", on=self._to("model"))
        text = _("All work is listed here with its log, and can be stopped or resumed.")
        self._table = None
        self._fill_empty("stack", _("No jobs yet"), text, go, head=_("Jobs"))

    def show_value(self, jobs: tuple[JobValue, ...]) -> None:
        """Show the jobs, the newest first; updated in place, because it is called often while a job runs."""
        self._jobs = tuple(jobs)
        if not jobs:
            self.show_empty()
            return
        if self.state != "full" or self._table is None:
            self._build()
        assert self._table is not None
        self._head.set_texts(self._title(), _("Choose one to see its log."))
        self._table.show_rows([self._row(job) for job in jobs], jobs[0].id)
        self._show_detail()

    def show_log(self, job_id: str, text: str) -> None:
        """Show the log of the chosen job; a late log of another job is dropped."""
        if self._detail is not None and self._table is not None and self._table.chosen_id == job_id:
            self._detail.show_log(text)

    # -- parts --
    def _title(self) -> str:
        running = sum(job.state == "running" for job in self._jobs)
        waiting = sum(job.state == "queued" for job in self._jobs)
        parts = []
        if running:
            parts.append(_("1 job running") if running == 1 else _("{0} jobs running").format(running))
        if waiting:
            parts.append(_("{0} waiting").format(waiting))
        return ", ".join(parts) if parts else _("No job running")

    def _build(self) -> None:
        self._head = PageHead("")
        columns = (
            Column(_("Job"), stretch=True),
            Column(_("State")),
            Column(_("Runs on")),
            Column(_("Started"), right=True),
            Column(_("Took"), right=True),
        )
        self._table = Table(self.theme, _("Jobs"), columns, fits=False)
        self._table.setMinimumHeight(210)
        self._table.chosen.connect(self._on_chosen)
        card = TableCard((self._table, 1))
        self._detail = JobCard(self.theme)
        self._detail.cancel.clicked.connect(lambda: self.job_cancel_requested.emit(self._chosen_id))
        self._detail.resume.clicked.connect(lambda: self.resume_requested.emit(self._chosen_id))
        self._detail.open.clicked.connect(lambda: self.open_requested.emit(self._chosen_id))
        self._fill("full", self._head, card, (self._detail, 1))

    @property
    def _chosen_id(self) -> str:
        return self._table.chosen_id if self._table is not None else ""

    def state_cell(self, job: JobValue) -> Cell:
        """Return the state as a tag, with the progress of a running job."""
        names: dict[JobState, tuple[TagKind, str, str]] = {
            "queued": ("none", _("Waiting"), "hourglass"),
            "running": ("none", _("Running"), "spinner-gap"),
            "finished": ("ok", _("Done"), ""),
            "open": ("warn", _("No verdict yet"), ""),
            "failed": ("bad", _("Failed"), ""),
            "cancelled": ("none", _("Cancelled"), "prohibit"),
            "crashed": ("bad", _("Ended by itself"), ""),
            "interrupted": ("warn", _("Interrupted"), ""),
        }
        tag, text, icon = names[job.state]
        if job.state == "running" and job.progress is not None:
            text = f"{text}, {percent(job.progress, 0)}"
        return Cell(text, tag=tag, icon=icon)

    def _row(self, job: JobValue) -> TableRow:
        took = UNKNOWN if job.seconds is None else seconds(job.seconds)
        cells = (
            Cell(job.title, strong=job.state in _RUNNING),
            self.state_cell(job),
            Cell(job.device or UNKNOWN),
            Cell(moment(job.created_at)),
            Cell(took),
        )
        return TableRow(job.id, cells)

    def _show_detail(self) -> None:
        job = next((job for job in self._jobs if job.id == self._chosen_id), None)
        if self._detail is not None and job is not None and self._detail.show_job(job):
            self.log_requested.emit(job.id)

    def _on_chosen(self, _job_id: str) -> None:
        self._show_detail()


class JobCard(Card):
    """The card of the chosen job: its current work or the reason of its end, its buttons and its log."""

    def __init__(self, theme: Theme) -> None:
        """Create an empty card."""
        super().__init__(gap=SPACE_M)
        self._job_id = ""
        self._title = ElidedLabel("", "section")
        self._detail = words("", "soft")
        self.cancel: Button = GhostButton(theme, _("Cancel job"), "x")
        self.resume: Button = PrimaryButton(theme, _("Resume"), "play")
        self.open: Button = GhostButton(theme, _("Show the result"), "chart-bar")
        self._bar = Bar(_("Progress"))
        row = in_row((self._title, 1), *(self.open, self.cancel, self.resume))
        self._log = LogText(_("Log"), hint=_("The log is empty."))
        self._log.setUndoRedoEnabled(False)
        self._log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._log.setMinimumHeight(150)
        self._log.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self._shown = ""
        self.add(row, self._bar, self._detail, (self._log, 1))
        self.box.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_L)

    def show_job(self, job: JobValue) -> bool:
        """Show a job and return whether it is another one than before."""
        is_new = job.id != self._job_id
        self._job_id = job.id
        self.setAccessibleName(visible(job.title))
        self._title.setText(job.title)
        show_text(self._detail, job.detail)
        self.cancel.setVisible(job.can_cancel)
        self.resume.setVisible(job.can_resume)
        self.open.setVisible(job.can_open)
        self._bar.setVisible(job.state == "running")
        self._bar.set_share(job.progress)
        if is_new:
            self.show_log("")
        return is_new

    def show_log(self, text: str) -> None:
        """Show at most 20,000 lines of at most 2,000 characters; follow the end if it was visible."""
        lines = text.splitlines()[-MAX_LOG_LINES:]
        short = "\n".join(line if len(line) <= MAX_LINE_CHARS else f"{line[:MAX_LINE_CHARS]}…" for line in lines)
        if short == self._shown:
            return
        bar = self._log.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        place = bar.value()
        if self._shown and short.startswith(self._shown):
            self._log.appendPlainText(short[len(self._shown) :].lstrip("\n"))
        else:
            self._log.setPlainText(short)
        self._shown = short
        bar.setValue(bar.maximum() if at_end else place)
