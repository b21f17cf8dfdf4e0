"""The page Compare: the stored result, and the changed answers of the version that is chosen."""

from PySide6.QtCore import QObject, Signal

from app.controllers.compare_value import compare_value
from app.controllers.flows import FlowRunner, Running
from app.controllers.session import Session
from app.controllers.words import error_value
from app.services.facts import RunFacts, read_facts
from app.services.showing import changed_examples
from app.services.steps import JobError
from widgets.main_window import MainWindow
from widgets.pages.compare import ComparePage
from widgets.pages.results import ChangesValue, ChangeValue
from widgets.parts.pictures import PictureValue
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import Example


class CompareController(QObject):
    """`export_requested(variant id)` goes on to the page Export."""

    export_requested = Signal(str)
    add_data_requested = Signal()

    def __init__(self, window: MainWindow, page: ComparePage, session: Session, flows: FlowRunner) -> None:
        super().__init__(page)
        self._window, self._page, self._session, self._flows = window, page, session, flows
        self._facts: RunFacts | None = None
        self._running: Running | None = None
        page.export_requested.connect(self.export_requested)
        page.export_anyway_requested.connect(self.export_requested)
        page.version_chosen.connect(self._show_changes)
        page.add_data_requested.connect(self.add_data_requested)
        page.set_limit_requested.connect(self._on_limit)
        page.goal_requested.connect(lambda: window.show_page("goal"))
        page.log_requested.connect(lambda: window.show_page("optimize"))
        session.run_changed.connect(self.show)
        self.show()

    def show(self) -> None:
        """The result of the run that is open, if there is one."""
        run = self._session.run
        self._facts = None
        if run is None:
            self._page.show_empty()
            return
        try:
            facts = read_facts(self._session.workspace, run.id)
        except JobError as error:
            self._page.show_error(error_value(error.error))
            return
        self._facts = facts
        self._page.show_value(compare_value(facts))
        shown = facts.recommended
        if shown is not None:
            self._show_changes(shown.id)

    def _show_changes(self, variant_id: str) -> None:
        facts = self._facts
        if facts is None:
            return
        variant = next((variant for variant in facts.variants if variant.id == variant_id), None)
        if variant is None or variant.judgement is None or variant.is_baseline:
            return
        if self._running is not None:
            self._flows.cancel(self._running)
        total = variant.judgement.changed_count
        self._running = self._flows.start(
            changed_examples(self._session.workspace, facts, variant),
            title="",
            on_done=lambda rows: self._on_examples(rows, total),
            on_failed=self._on_failed,
        )

    def _on_examples(self, rows: tuple[Example, ...], total: int) -> None:
        self._running = None
        labelled = any(row.label is not None for row in rows)
        self._page.show_changes(ChangesValue(total, tuple(_change(row) for row in rows), labelled))

    def _on_failed(self, error: ErrorInfo) -> None:
        """The comparison stands without its pictures; the data may have been moved."""
        self._running = None
        self._window.banner(error_value(error))

    def _on_limit(self, limit_pct: float) -> None:
        self._session.change(max_loss_pct=limit_pct)
        self._session.goal_changed.emit()
        self._window.show_page("goal")


def _change(row: Example) -> ChangeValue:
    picture = PictureValue(path=row.picture, name=row.text) if row.picture else PictureValue(text=row.text)
    return ChangeValue(row.item, picture, row.before, row.after, row.label, row.kind)
