"""Base class of the pages that inspect one version of a run: choice of run and version, one job at a time."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

from app.controllers.page_controller import ControllerContext, PageController
from app.controllers.run_facts import open_facts
from app.domain.variant import Variant
from app.services.flow.events import Event
from app.services.flow.steps import Flow
from app.services.records.facts import RunFacts
from widgets.pages.detail_page import DetailPage
from workers.contracts.error_info import ErrorInfo

DetailT = TypeVar("DetailT", bound=DetailPage)


class DetailController(PageController[DetailT]):
    """Base controller of a page that inspects one version of a run.

    The page reads nothing before it is shown. It runs one job at a time, and none while versions are measured.
    """

    page_id: ClassVar[str]

    def __init__(self, context: ControllerContext, page: DetailT) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        self._chosen: tuple[RunFacts, Variant] | None = None
        page.version_chosen.connect(self._on_version)
        page.cancel_requested.connect(self._job.cancel)
        context.session.run_changed.connect(self._on_run_changed)
        context.flows.changed.connect(self._on_flows_changed)
        page.show_empty()

    # --- for subclasses

    def versions_of(self, facts: RunFacts) -> Sequence[Variant]:
        """Return the versions that can be inspected, the default first."""
        return facts.made

    def value_of(self, facts: RunFacts, versions: Sequence[Variant], variant: Variant) -> object:
        """Return the page's value for one version."""
        raise NotImplementedError

    def show_version(self, facts: RunFacts, versions: Sequence[Variant], variant: Variant) -> None:
        """Show one of the versions; by default its value."""
        self._page.show_value(self.value_of(facts, versions, variant))

    def begin(self, make: Callable[[RunFacts, Variant], Flow[Any]], *, title: str, opening: str, again: str) -> None:
        """Start a job on the version, unless another job or a measurement runs.

        `again` is the sentence for the banner about what to do afterwards.
        """
        if self._chosen is None or self._job.is_busy or self._must_wait(again):
            return
        self._page.show_loading(opening)
        self._start(
            make(*self._chosen),
            lambda _found: self.show(),
            title=title,
            on_failed=self._on_failed,
            on_cancelled=self.show,
            observe=self.on_event,
        )

    def on_event(self, event: Event) -> None:
        """Handle an event of the running job; subclasses override it."""

    # --- the page

    def show(self) -> None:
        """Show the stored facts of the last inspected version, else of the default version."""
        if self._job.is_busy:
            return
        self._chosen = None
        if self._flows.runs and self._session.run is not None:
            self._page.show_empty(is_measuring=True)
            return
        facts = open_facts(self._session, self._page)
        if facts is None:
            return
        versions = self.versions_of(facts)
        wanted = self._session.inspected_version_id
        variant = next((version for version in versions if version.id == wanted), None) or next(iter(versions), None)
        if variant is None:
            self._page.show_empty()
        else:
            self._chosen = facts, variant
            self.show_version(facts, versions, variant)

    def shown(self) -> None:
        """Show the version, which the user may have changed on another page."""
        self.show()

    def _on_run_changed(self) -> None:
        """Reset the page for another run; results for the previous run are not shown."""
        self._job.drop()
        self._chosen = None
        if self._window.current_page == self.page_id:
            self.show()

    def _on_flows_changed(self) -> None:
        if self._window.current_page == self.page_id and self._page.state == "empty" and not self._flows.runs:
            self.show()

    def _on_failed(self, error: ErrorInfo) -> None:
        self.show()
        self._report(error)

    def _on_version(self, variant_id: str) -> None:
        self._session.inspected_version_id = variant_id
        self.show()
