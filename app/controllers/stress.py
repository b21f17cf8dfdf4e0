"""The page "Under stress": puts the chosen version under stress beside the original, and shows what is known."""

from PySide6.QtCore import QObject

from app.controllers.flows import FlowRunner, Running
from app.controllers.session import Session
from app.controllers.stress_value import stress_value
from app.controllers.words import error_value, tr
from app.domain.variant import Variant
from app.services.events import Event, StepProgress
from app.services.facts import RunFacts, read_facts
from app.services.steps import JobError
from app.services.stressing import StressAsk, Stressed, found_before, stress, stressable
from widgets.main_window import MainWindow
from widgets.pages.stress import StressPage
from widgets.parts.error_card import ErrorValue
from widgets.parts.format import about
from workers.contracts.errors import ErrorInfo

PAGE = "stress"


class StressController(QObject):
    """Nothing is read before the page is looked at; one test at a time, and none while versions are measured."""

    def __init__(self, window: MainWindow, page: StressPage, session: Session, flows: FlowRunner) -> None:
        super().__init__(page)
        self._window, self._page, self._session, self._flows = window, page, session, flows
        self._facts: RunFacts | None = None
        self._variant: Variant | None = None
        self._running: Running | None = None
        page.start_requested.connect(self.start)
        page.version_chosen.connect(self._on_version)
        page.compare_requested.connect(lambda: window.show_page("compare"))
        page.cancel_requested.connect(self._on_cancel)
        window.page_shown.connect(self._on_page_shown)
        session.run_changed.connect(self._on_run_changed)
        flows.changed.connect(self._on_flows_changed)
        page.show_empty()
        self._on_page_shown(window.current_page)

    def _on_page_shown(self, page_id: str) -> None:
        if page_id == PAGE:
            self.show()

    def _on_run_changed(self) -> None:
        """Another run is open; of the work for the one before nothing is shown."""
        self._on_cancel()
        self._running = self._facts = self._variant = None
        if self._window.current_page == PAGE:
            self.show()

    def _on_flows_changed(self) -> None:
        if self._window.current_page == PAGE and self._page.state == "empty" and not self._flows.runs:
            self.show()

    def show(self) -> None:
        """What is known about the version that was looked at last, else about the recommended one."""
        if self._running is not None:
            return
        run = self._session.run
        if run is None:
            self._page.show_empty()
            return
        if self._flows.runs:
            self._page.show_empty(is_measuring=True)
            return
        try:
            self._facts = read_facts(self._session.workspace, run.id)
        except JobError as error:
            self._page.show_error(error_value(error.error))
            return
        versions = stressable(self._facts)
        wanted = self._session.looked_at
        variant = next((version for version in versions if version.id == wanted), None) or next(iter(versions), None)
        if variant is None:
            self._page.show_empty()
            return
        self._variant = variant
        found = found_before(self._session.workspace, self._facts, variant)
        self._page.show_value(stress_value(self._facts, versions, variant, found))

    def start(self, full: bool) -> None:
        """Begin a test; the window may be used meanwhile."""
        facts, variant = self._facts, self._variant
        if facts is None or variant is None or self._running is not None:
            return
        if self._flows.runs:
            self._window.banner(_measured_now())
            return
        self._page.show_loading(tr("Opening both versions"))
        running = self._flows.start(
            stress(self._session.workspace, facts, StressAsk(variant.id, full, again=self._is_again(full))),
            title=tr("Put a version under stress"),
            on_done=lambda found: self._on_done(running, found),
            on_failed=lambda error: self._on_failed(running, error),
            on_cancelled=lambda: self._on_failed(running, None),
            observe=self._on_event,
        )
        self._running = running

    def _is_again(self, full: bool) -> bool:
        """The same test was made: the person wants other random changes, or more examples than a busy computer took."""
        facts, variant = self._facts, self._variant
        known = facts.stress.get(variant.id) if facts is not None and variant is not None else None
        return known is not None and known.full == full

    def _on_event(self, event: Event) -> None:
        if self._running is not None and isinstance(event, StepProgress):
            left = tr("{0} left").format(about(event.eta_s)) if event.eta_s else ""
            self._page.show_loading(event.stage, event.done, event.total, left)

    def _on_done(self, running: Running, found: Stressed) -> None:
        if running is self._running:
            self._running = None
            self.show()

    def _on_failed(self, running: Running, error: ErrorInfo | None) -> None:
        """What was known before stands as it was."""
        if running is not self._running:
            return
        self._running = None
        self.show()
        if error is not None:
            self._window.banner(error_value(error))

    def _on_cancel(self) -> None:
        if self._running is not None:
            self._flows.cancel(self._running)

    def _on_version(self, variant_id: str) -> None:
        self._session.looked_at = variant_id
        self.show()


def _measured_now() -> ErrorValue:
    """Other work would spoil what is being measured."""
    return ErrorValue(
        title=tr("Versions are being measured now"),
        happened=tr("Asking them at the same time would spoil their times."),
        is_safe=tr("Yes. Nothing was changed, and the run goes on."),
        next_step=tr("Start the test again when the run is over."),
        tone="warn",
        icon="warning",
    )
