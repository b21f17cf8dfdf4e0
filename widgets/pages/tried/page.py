"""Show the page "What was tried": every recipe of a run with its reason, result and rejection, and the forecast."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.pages.detail_page import BelowCompare
from widgets.pages.tried.value import TriedValue
from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card, icon_text
from widgets.parts.layout import LEFT, TOP, held, in_column
from widgets.parts.small import PageHead
from widgets.parts.tables.grid import cell_widget, divided_grid
from widgets.parts.tables.values import Cell
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.translation import _

STRETCHES = (5, 4, 5, 0)


class TriedPage(BelowCompare):
    """The page "What was tried"; `again_requested` measures everything again."""

    again_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, _("What was tried"))

    def show_empty(self) -> None:
        """Show that no run is open."""
        text = _("Every version that a run tries is listed here with its result and why it was dropped.")
        self._fill_empty("list", _("Nothing was tried yet"), text, self._back())

    def show_value(self, value: TriedValue) -> None:
        """Show the table, the explanations and the forecast."""
        again = GhostButton(self.theme, _("Measure again"), "arrow-clockwise", on=self.again_requested)
        self._fill(
            "full",
            PageHead(_("What was tried"), value.headline, again, self._back()),
            self._explanations(value) if value.said else None,
            self._ways(value),
            self._forecast(value) if value.forecast else None,
        )

    def _explanations(self, value: TriedValue) -> Card:
        return Card("", *(icon_text(self.theme, *texts) for texts in value.said), name=_("Why"), gap=SPACE_L)

    def _ways(self, value: TriedValue) -> Card:
        titles = (_("Tried, and why"), _("What it gave"), _("Why not this one"), "")
        rows = [
            [_pair(tried), _pair(gave), words(because.text, "soft"), cell_widget(self.theme, outcome)]
            for tried, gave, because, outcome in value.rows
        ]
        grid = divided_grid(titles, rows, STRETCHES, (TOP, TOP, TOP, TOP | LEFT))
        return Card(_("All versions, in the order in which they were tried"), grid)

    def _forecast(self, value: TriedValue) -> Card:
        before, refined = _("Before the start"), _("After the original was measured")
        titles = ("", before, refined, _("What came"), _("How far off"))
        rows = [[label(text, "" if column else "strong") for column, text in enumerate(row)] for row in value.forecast]
        note = words(value.forecast_note, "caption") if value.forecast_note else None
        return Card(_("Expected and actual"), divided_grid(titles, rows, (2, 2, 2, 2, 3)), note)


def _pair(cell: Cell) -> QWidget:
    """Return a line with a softer one below it."""
    first = words(cell.text, "strong" if cell.strong else "") if cell.text else None
    return held(in_column(first, words(cell.below, "caption") if cell.below else None, gap=0, edges=(0, 0, SPACE_M, 0)))
