"""Control the page "Under stress": stress-test the chosen version and the original, and show the results."""

from collections.abc import Sequence
from typing import Any

from app.controllers.detail_page import DetailController
from app.controllers.page_controller import ControllerContext, ControllerSpec
from app.domain.variant import Variant
from app.services.after.stressing import stored_stress, stress
from app.services.flow.events import Event, StepProgress
from app.services.flow.steps import Flow
from app.services.records.facts import RunFacts
from widgets.pages.stress.page import StressPage
from widgets.pages.stress.value import StressValue
from widgets.parts.format import about
from workers.contracts.translation import _


class StressController(DetailController[StressPage]):
    """Controller of the page "Under stress"; it runs no test before the user requests it."""

    page_id = "stress"

    def __init__(self, context: ControllerContext, page: StressPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        page.start_requested.connect(self.start)

    def value_of(self, facts: RunFacts, versions: Sequence[Variant], variant: Variant) -> StressValue:
        """Return the stored results for the version, or the offer to test it."""
        found = stored_stress(self._session.workspace, facts, variant)
        kind, titles = facts.data.kind if facts.data else "images", tuple((one.id, _(one.title)) for one in versions)
        if found is None:
            return StressValue(kind, titles, variant.id)
        return StressValue(kind, titles, variant.id, found.result, found.folder)

    def start(self, full: bool) -> None:
        """Start a test; the window stays usable meanwhile.

        If the same test was run before, the user wants other random changes, or more examples than a busy computer
        completed.
        """

        def flow(facts: RunFacts, variant: Variant) -> Flow[Any]:
            known = facts.stress.get(variant.id)
            again = known is not None and known.full == full
            return stress(self._session.workspace, facts, variant.id, full=full, again=again)

        self.begin(
            flow,
            title=_("Stress-test a version"),
            opening=_("Opening both versions"),
            again=_("Start the test again when the run is over."),
        )

    def on_event(self, event: Event) -> None:
        """Show the progress of the test."""
        if isinstance(event, StepProgress):
            left = _("{0} left").format(about(event.remaining_s)) if event.remaining_s else ""
            self._page.show_loading(_(event.stage), event.done, event.total, left)


CONTROLLER = ControllerSpec("stress", StressController)
