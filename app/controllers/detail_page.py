"""Base class of the pages that inspect one version of a run: choice of run and version, one job at a time."""

from collections.abc import Callable, Sequence
from typing import Any

from app.controllers.flows import FlowRunner, Running
from app.controllers.page_controller import PageController
from app.controllers.run_facts import facts_or_reported
from app.controllers.session import Session
from app.controllers.words import error_value, wait_for_the_run
from app.domain.variant import Variant
from app.services.flow.events import Event
from app.services.flow.steps import Flow
from app.services.records.facts import RunFacts
from widgets.main_window import MainWindow
from widgets.pages.detail_page import DetailPage
from workers.contracts.errors import ErrorInfo


class DetailController(PageController):
    """Base controller of a page that inspects one version of a run.

    The page reads nothing before it is shown. It runs one job at a time, and none while versions are measured.
    """

    def __init__(
        self,
        place: tuple[str, MainWindow, DetailPage],
        session: Session,
        flows: FlowRunner,
        versions_of: Callable[[RunFacts], Sequence[Variant]],
        known: Callable[[RunFacts, Sequence[Variant], Variant], object],
    ) -> None:
        """Create the controller and connect it to its page.

        Args:
            place: the page's id, the window and the page.
            session: the open project, model, data and run.
            flows: the runner of the page's jobs.
            versions_of: returns the versions that can be inspected, the default first.
            known: returns the page's value for one version.
        """
        self.page_id, window, page = place
        super().__init__(page)
        self._window, self._base, self._session, self._flows = window, page, session, flows
        self._versions_of, self._known = versions_of, known
        self._facts: RunFacts | None = None
        self._variant: Variant | None = None
        self._running: Running | None = None
        page.version_chosen.connect(self._on_version)
        page.compare_requested.connect(lambda: window.show_page("compare"))
        page.cancel_requested.connect(self._on_cancel)
        window.page_shown.connect(self._on_page_shown)
        session.run_changed.connect(self._on_run_changed)
        flows.changed.connect(self._on_flows_changed)
        page.show_empty()
        self._on_page_shown(window.current_page)

    # --- for subclasses

    def begin(
        self, make: Callable[[RunFacts, Variant], Flow[Any]], *, title: str, opening: str, again: str
    ) -> Running | None:
        """Start a job on the version; return None without a version, or while another job or a measurement runs.

        `again` is the sentence for the banner that asks to try later.
        """
        facts, variant = self._facts, self._variant
        if facts is None or variant is None or self._running is not None:
            return None
        if self._flows.runs:
            self._window.banner(wait_for_the_run(again))
            return None
        self._base.show_loading(opening)
        running = self._flows.start(
            make(facts, variant),
            title=title,
            on_done=lambda _found: self._end(running, None),
            on_failed=lambda error: self._end(running, error),
            on_cancelled=lambda: self._end(running, None),
            observe=self.on_event,
        )
        self._running = running
        return running

    def on_event(self, event: Event) -> None:
        """Handle an event of the running job; subclasses override it."""

    # --- the page

    def show(self) -> None:
        """Show the stored facts of the last inspected version, else of the default version."""
        if self._running is not None:
            return
        run = self._session.run
        if run is None:
            self._base.show_empty()
            return
        if self._flows.runs:
            self._base.show_empty(is_measuring=True)
            return
        self._facts = facts_or_reported(self._session, self._base, run)
        if self._facts is None:
            return
        versions = self._versions_of(self._facts)
        wanted = self._session.looked_at
        variant = next((version for version in versions if version.id == wanted), None) or next(iter(versions), None)
        self._variant = variant
        if variant is None:
            self._base.show_empty()
        else:
            self._base.show_value(self._known(self._facts, versions, variant))

    def _on_page_shown(self, page_id: str) -> None:
        if page_id == self.page_id:
            self.show()

    def _on_run_changed(self) -> None:
        """Reset the page for another run; results for the previous run are not shown."""
        self._on_cancel()
        self._running = self._facts = self._variant = None
        self._on_page_shown(self._window.current_page)

    def _on_flows_changed(self) -> None:
        if self._window.current_page == self.page_id and self._base.state == "empty" and not self._flows.runs:
            self.show()

    def _end(self, running: Running, error: ErrorInfo | None) -> None:
        """End the job and show the stored facts, with the job's results if it succeeded."""
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
