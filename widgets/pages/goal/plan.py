"""List the recipes of the chosen goal if the window is tall enough."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QCoreApplication

from widgets.pages.goal.recipe_editor import recipe_summary
from widgets.pages.goal.value import RecipeValue
from widgets.parts.card import Card
from widgets.parts.layout import discard
from widgets.parts.small import KeyValue
from workers.contracts.specs import Described

LEAST_PAGE_PX = 1200
"""Least height of the page in pixels for the list; lower pages show the cards of the goals only."""
LEAST_DETAILED_PX = 1700
"""Lower pages have no room for what each technique does."""
NAME_PX = 220


class PlanCard(Card):
    """The recipes in order with their steps; read-only, because the editor changes them."""

    def __init__(self) -> None:
        """Create an empty list."""
        super().__init__(QCoreApplication.translate("PlanCard", "Techniques, in this order"))
        self._rows: KeyValue | None = None

    def show_recipes(
        self,
        recipes: Sequence[RecipeValue],
        techniques: Iterable[Described],
        runtimes: Iterable[tuple[str, str]],
        *,
        detailed: bool = False,
    ) -> None:
        """Show the enabled recipes."""
        if self._rows is not None:
            discard(self._rows)
        tried = [value.recipe for value in recipes if value.enabled]
        kinds, runs = tuple(techniques), tuple(runtimes)
        pairs = []
        for recipe in tried:
            lines = [recipe_summary(recipe, kinds, runs)]
            if detailed:
                summaries = {kind.id: kind.summary for kind in kinds}
                lines.append(" ".join(summaries.get(step.technique, "") for step in recipe.steps))
            pairs.append((recipe.title, "\n".join(filter(None, lines))))
        self._rows = KeyValue(pairs, NAME_PX)
        self.add(self._rows)
        self._rows.show()
