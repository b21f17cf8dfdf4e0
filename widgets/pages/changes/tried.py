"""Show every recipe of a run with its reason, result and rejection, and the forecast."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from widgets.parts.buttons import GhostButton, Slot, TextButton
from widgets.parts.card import Card, icon_text
from widgets.parts.layout import LEFT, TOP, held, in_column
from widgets.parts.tables.grid import cell_widget, divided_grid
from widgets.parts.tables.values import Cell
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.translation import _

STRETCHES = (5, 4, 5, 0)


@dataclass(frozen=True)
class TriedValue:
    """What a run tried: frozen, as text, with figures from the store.

    Attributes:
        rows: Four cells for each recipe: its title and reason, its figures and a remark, why it is not recommended, and
            the outcome.
        ids: The version of each row; "" if there is none to compare with the original.
        said: Explanations: an icon, a title and sentences.
        forecast: Rows of five texts: time or memory, forecasts before the run and after measuring the original, the
            actual value, and the error.
        forecast_note: Explanation of the figures of the forecast.
    """

    headline: str
    rows: tuple[tuple[Cell, Cell, Cell, Cell], ...]
    ids: tuple[str, ...]
    said: tuple[tuple[str, str, str], ...] = ()
    forecast: tuple[tuple[str, str, str, str, str], ...] = ()
    forecast_note: str = ""


def tried_cards(theme: Theme, value: TriedValue, on_version: Callable[[str], None], on_again: Slot) -> list[Card]:
    """Return the cards about all versions; `on_version(id)` compares one with the original."""
    titles = (_("Tried, and why"), _("What it gave"), _("Why not this one"), "")
    rows = []
    for version_id, (tried, gave, because, outcome) in zip(value.ids, value.rows, strict=True):
        name = _("What changed in {0}?").format(tried.text)
        show = lambda _on=False, version_id=version_id: on_version(version_id)  # noqa: E731 - one for each row
        button = TextButton(theme, _("What changed?"), size="small", name=name, on=show) if version_id else None
        end = held(in_column((cell_widget(theme, outcome), LEFT), (button, LEFT) if button else None, gap=0))
        rows.append([_pair(tried), _pair(gave), words(because.text, "soft"), end])
    grid = divided_grid(titles, rows, STRETCHES, (TOP, TOP, TOP, TOP | LEFT))
    whole = Card(_("All versions, in the order in which they were tried"), words(value.headline, "soft"), grid)
    whole.title_row.addWidget(GhostButton(theme, _("Measure again"), "arrow-clockwise", "small", on=on_again))
    cards = [whole]
    if value.said:
        said = (icon_text(theme, *texts) for texts in value.said)
        cards.insert(0, Card("", *said, name=_("Why this version"), gap=SPACE_L))
    if value.forecast:
        cards.append(_forecast(value))
    return cards


def _forecast(value: TriedValue) -> Card:
    before, refined = _("Before the start"), _("After the original was measured")
    titles = ("", before, refined, _("Actual"), _("Difference"))
    rows = [[label(text, "" if column else "strong") for column, text in enumerate(row)] for row in value.forecast]
    note = words(value.forecast_note, "caption") if value.forecast_note else None
    return Card(_("Expected and actual"), divided_grid(titles, rows, (2, 2, 2, 2, 3)), note)


def _pair(cell: Cell) -> QWidget:
    """Return a line with a softer one below it."""
    first = words(cell.text, "strong" if cell.strong else "") if cell.text else None
    return held(in_column(first, words(cell.below, "caption") if cell.below else None, gap=0, edges=(0, 0, SPACE_M, 0)))
