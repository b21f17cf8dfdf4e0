"""Control the page "Under stress": stress the chosen version beside the original, and show the results."""

from collections.abc import Sequence

from app.controllers.detail_page import DetailController
from app.controllers.flows import FlowRunner
from app.controllers.page_controller import ControllerSpec
from app.controllers.session import Session
from app.controllers.stress.presenter import stress_value
from app.controllers.words import tr
from app.domain.variant import Variant
from app.services.after.stressing import StressRequest, found_before, stress
from app.services.flow.events import Event, StepProgress
from app.services.records.facts import RunFacts
from widgets.main_window import MainWindow
from widgets.pages.stress.page import StressPage
from widgets.pages.stress.value import StressValue
from widgets.parts.format import about


class StressController(DetailController):
    """Controller of the page "Under stress"; it runs no test before the user requests it."""

    def __init__(self, window: MainWindow, page: StressPage, session: Session, flows: FlowRunner) -> None:
        """Create the controller and connect it to its page."""
        self._page = page
        super().__init__(("stress", window, page), session, flows, lambda facts: facts.made, self._value)
        page.start_requested.connect(self.start)

    def _value(self, facts: RunFacts, versions: Sequence[Variant], variant: Variant) -> StressValue:
        """Return the stored results for the version, or the offer to test it."""
        found = found_before(self._session.workspace, facts, variant)
        return stress_value(facts, versions, variant, found)

    def start(self, full: bool) -> None:
        """Start a test; the window stays usable meanwhile."""
        again = self._is_again(full)
        self.begin(
            lambda facts, variant: stress(self._session.workspace, facts, StressRequest(variant.id, full, again=again)),
            title=tr("Put a version under stress"),
            opening=tr("Opening both versions"),
            again=tr("Start the test again when the run is over."),
        )

    def _is_again(self, full: bool) -> bool:
        """Return whether the same test was run before.

        The user then wants other random changes, or more examples than a busy computer completed.
        """
        facts, variant = self._facts, self._variant
        known = facts.stress.get(variant.id) if facts is not None and variant is not None else None
        return known is not None and known.full == full

    def on_event(self, event: Event) -> None:
        """Show the progress of the test."""
        if self._running is not None and isinstance(event, StepProgress):
            left = tr("{0} left").format(about(event.remaining_s)) if event.remaining_s else ""
            self._page.show_loading(event.stage, event.done, event.total, left)


CONTROLLER = ControllerSpec[StressPage, StressController](
    "stress",
    lambda desk, page: StressController(desk.window, page, desk.session, desk.flows),
)
