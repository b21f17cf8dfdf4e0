"""Show the page "What was tried": every recipe of a run with its reason, result and rejection, and the forecast."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from widgets.pages.detail_page import BelowCompare
from widgets.pages.tried.value import ForecastRowValue, SaidValue, TriedRowValue, TriedValue
from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card, divider, icon_text
from widgets.parts.cards.empty import EmptyCard
from widgets.parts.small import PageHead, Tag
from widgets.parts.text import Role, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S

ICON = "list"
WAY_STRETCH, GAVE_STRETCH, BECAUSE_STRETCH = 5, 4, 5


class TriedPage(BelowCompare):
    """The page "What was tried"; `compare_requested` leads back, `again_requested` measures everything again."""

    again_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        """Create the page."""
        super().__init__(theme, self.tr("What was tried"))

    def show_empty(self) -> None:
        """Show that no run is open."""
        text = self.tr("Every version that a run tries is listed here, with what it gave and why it was dropped.")
        card = EmptyCard(self.theme, ICON, self.tr("Nothing was tried yet"), text, self._back())
        self._fill("empty", PageHead(self.tr("What was tried")), card)

    def show_value(self, value: TriedValue) -> None:
        """Show the table, the explanations and the forecast."""
        head = PageHead(self.tr("What was tried"), value.headline)
        head.add_action(GhostButton(self.theme, self.tr("Measure again"), "arrow-clockwise", on=self.again_requested))
        head.add_action(self._back())
        items: list[QWidget] = [self._ways(value.rows)]
        if value.said:
            items.insert(0, self._said(value.said))
        if value.forecast:
            items.append(self._forecast(value.forecast, value.forecast_note))
        self._fill("full", head, *items)

    def _said(self, values: Sequence[SaidValue]) -> Card:
        card = Card(edge=SPACE_L, gap=SPACE_L)
        card.setAccessibleName(self.tr("Why"))
        for value in values:
            card.add(icon_text(self.theme, value.icon, value.title, " ".join(value.sentences)))
        return card

    def _ways(self, rows: Sequence[TriedRowValue]) -> Card:
        card = Card(self.tr("All versions, in the order in which they were tried"), edge=SPACE_L, gap=SPACE_S)
        grid = _grid((WAY_STRETCH, GAVE_STRETCH, BECAUSE_STRETCH, 0))
        titles = (self.tr("Tried, and why"), self.tr("What it gave"), self.tr("Why not this one"), "")
        _captions(grid, titles)
        for number, row in enumerate(rows, 1):
            self._add(grid, 2 * number, row)
        card.add(_held(grid))
        return card

    def _add(self, grid: QGridLayout, line: int, row: TriedRowValue) -> None:
        top = Qt.AlignmentFlag.AlignTop
        grid.addWidget(divider(), line - 1, 0, 1, 4)
        grid.addWidget(_pair(row.title, row.why), line, 0, top)
        grid.addWidget(_pair(row.gave, row.note, ""), line, 1, top)
        grid.addWidget(words(row.because, "soft"), line, 2, top)
        grid.addWidget(Tag(self.theme, row.tag, row.outcome), line, 3, top | Qt.AlignmentFlag.AlignLeft)

    def _forecast(self, rows: Sequence[ForecastRowValue], note: str) -> Card:
        card = Card(self.tr("What was expected, and what came"), edge=SPACE_L, gap=SPACE_S)
        grid = _grid((2, 2, 2, 2, 3))
        first = self.tr("Before the start")
        second = self.tr("Once the original was measured")
        _captions(grid, ("", first, second, self.tr("What came"), self.tr("How far off")))
        for number, row in enumerate(rows, 1):
            grid.addWidget(divider(), 2 * number - 1, 0, 1, 5)
            for column, text in enumerate((row.what, row.before, row.refined, row.came, row.error)):
                grid.addWidget(label(text, "strong" if column == 0 else ""), 2 * number, column)
        card.add(_held(grid))
        if note:
            card.add(words(note, "caption"))
        return card


def _grid(stretches: Sequence[int]) -> QGridLayout:
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(SPACE_L)
    grid.setVerticalSpacing(SPACE_S)
    for column, stretch in enumerate(stretches):
        grid.setColumnStretch(column, stretch)
    return grid


def _captions(grid: QGridLayout, titles: Sequence[str]) -> None:
    for column, text in enumerate(titles):
        if text:
            grid.addWidget(label(text, "caption"), 0, column)


def _held(grid: QGridLayout) -> QWidget:
    holder = QWidget()
    holder.setLayout(grid)
    return holder


def _pair(first: str, second: str, role: Role = "strong") -> QWidget:
    """Return a line with a softer one below it."""
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, SPACE_M, 0)
    grid.setVerticalSpacing(0)
    if first:
        grid.addWidget(words(first, role), 0, 0)
    if second:
        grid.addWidget(words(second, "caption"), 1, 0)
    return _held(grid)
