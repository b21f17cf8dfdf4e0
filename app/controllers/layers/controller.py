"""Control the page "Layers": profile the original and the chosen version, and show the results."""

from collections.abc import Sequence

from app.controllers.detail_page import DetailController
from app.controllers.page_controller import ControllerContext, ControllerSpec
from app.controllers.words import engine_name
from app.domain.layer_kinds import kind_name
from app.domain.variant import Variant
from app.services.after.layering import profile_layers, stored_layers, versions_to_profile
from app.services.flow.events import Event, JobBegan
from app.services.records.facts import RunFacts
from widgets.pages.layers.page import LayersPage
from widgets.pages.layers.value import LayersOf, LayersValue
from workers.contracts.after.changes import LayersResult
from workers.contracts.translation import _


class LayersController(DetailController[LayersPage]):
    """Controller of the page Layers; it profiles nothing before the user requests it."""

    page_id = "layers"

    def __init__(self, context: ControllerContext, page: LayersPage) -> None:
        """Create the controller and connect it to its page."""
        super().__init__(context, page)
        page.look_requested.connect(self.look)

    def versions_of(self, facts: RunFacts) -> Sequence[Variant]:
        """Return the versions whose layers can be profiled."""
        return versions_to_profile(facts)

    def value_of(self, facts: RunFacts, versions: Sequence[Variant], variant: Variant) -> LayersValue:
        """Return the layers of both versions, or the offer to profile them."""
        profiles = stored_layers(self._session.workspace, facts, variant)
        return LayersValue(
            versions=tuple((v.id, v.title) for v in versions),
            chosen=variant.id,
            sides=tuple(layers_of(*one) for one in profiles),
        )

    def look(self) -> None:
        """Profile both versions; earlier results come from the store."""
        self.begin(
            lambda facts, variant: profile_layers(self._session.workspace, facts, variant),
            title=_("Show where the time goes"),
            opening=_("Opening both versions"),
            again=_("Try again when the run is over."),
        )

    def on_event(self, event: Event) -> None:
        """Show that a job began; each version is one job."""
        if isinstance(event, JobBegan):
            self._page.show_loading(_("Each layer is timed during a prediction"))


def layers_of(variant: Variant, result: LayersResult) -> LayersOf:
    """Return one version's layers as the page shows them: with common names of their kinds."""
    named = tuple(layer.model_copy(update={"kind": kind_name(layer.kind)}) for layer in result.layers)
    return LayersOf(variant.title, engine_name(variant.runtime), result.model_copy(update={"layers": named}))


CONTROLLER = ControllerSpec("layers", LayersController)
