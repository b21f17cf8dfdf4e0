"""Show on the page Compare that only some test examples were evaluated, and offer to evaluate the others."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame

from widgets.icons import IconLabel
from widgets.pages.compare.value import EvaluatedValue
from widgets.parts.buttons import GhostButton
from widgets.parts.layout import MIDDLE, in_row
from widgets.parts.nouns import DataKind, plural
from widgets.parts.text import words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S


class EvaluatedLine(QFrame):
    """The line about unevaluated examples; `rest_wanted` asks to evaluate them.

    The result stays unchanged until then.
    """

    rest_wanted = Signal()

    def __init__(self, theme: Theme, value: EvaluatedValue, kind: DataKind) -> None:
        """Create the line for examples of this kind."""
        super().__init__()
        self.setAccessibleName(self.tr("Only some of the examples were asked"))
        self.setProperty("kind", "banner")
        self.setProperty("tone", "warn")
        why = self.tr("the run’s time did not reach further")
        if value.no_memory:
            why = self.tr("so many answers need more memory than Fettle gives them")
        elif value.as_planned:
            why = self.tr("so many prove your limit where next to nothing changes")
        text = self.tr("Only {0:,} of your {1:,} test {2} were asked: {3}. The verdict rests on those.")
        if not value.n_evaluated:
            text = self.tr("None of your {1:,} test {2} was asked yet: {3}.")
        row = in_row(
            (IconLabel(theme, "warning", "warn"), MIDDLE),
            (words(text.format(value.n_evaluated, value.n_test, plural(kind), why)), 1),
            gap=SPACE_M,
            edges=(SPACE_L, SPACE_S, SPACE_M, SPACE_S),
            parent=self,
        )
        if not value.no_memory:
            label = self.tr("Prove it ({0})").format(value.takes) if value.takes else self.tr("Prove it")
            rest = GhostButton(theme, label, "shield-check", "small", on=self.rest_wanted)
            rest.setToolTip(self.tr("Asks the other {0:,} and judges again").format(value.n_test - value.n_evaluated))
            row.addWidget(rest, 0, Qt.AlignmentFlag.AlignVCenter)
