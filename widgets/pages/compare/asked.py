"""Show on the page Compare that only some test examples were evaluated, and offer to evaluate the others."""

from PySide6.QtCore import Signal

from widgets.pages.compare.value import EvaluatedValue
from widgets.parts.buttons import GhostButton
from widgets.parts.cards.banner import Banner
from widgets.parts.layout import MIDDLE
from widgets.parts.nouns import DataKind, plural
from widgets.parts.text import words
from widgets.theme import Theme
from workers.contracts.translation import _


class EvaluatedLine(Banner):
    """The line about unevaluated examples; `rest_wanted` asks to evaluate them.

    The result stays unchanged until then.
    """

    rest_wanted = Signal()

    def __init__(self, theme: Theme, value: EvaluatedValue, kind: DataKind) -> None:
        """Create the line for examples of this kind."""
        why = _("the time limit of the run was reached")
        if value.no_memory:
            why = _("more answers would need too much memory")
        elif value.as_planned:
            why = _("these are enough to prove your limit if almost nothing changes")
        text = _("Only {0:,} of your {1:,} test {2} were tested: {3}. The verdict is based on those.")
        if not value.n_evaluated:
            text = _("None of your {1:,} test {2} was tested yet: {3}.")
        rest = None
        if not value.no_memory:
            name = _("Prove it ({0})").format(value.takes) if value.takes else _("Prove it")
            tip = _("Tests the other {0:,} and judges again").format(value.n_test - value.n_evaluated)
            rest = GhostButton(theme, name, "shield-check", "small", tip=tip)
        shown = words(text.format(value.n_evaluated, value.n_test, plural(kind), why))
        super().__init__(theme, _("Only some of the examples were tested"), shown, rest, side=MIDDLE)
        if rest is not None:
            rest.clicked.connect(self.rest_wanted)
