"""Show the table of a stress test: a thumbnail per change, both versions at each severity, and a verdict."""

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QSizePolicy, QWidget

from widgets.parts.card import Card, divider
from widgets.parts.format import percent, tabular, visible
from widgets.parts.layout import LEFT, MIDDLE, bare_grid, held, in_column
from widgets.parts.pictures import PictureLabel, PictureStore, PictureValue
from widgets.parts.small import Tag, TagKind
from widgets.parts.text import Role, Tone, label, plain_tip, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M
from workers.contracts.after.stress import StressCell, StressRow, StressVerdict
from workers.contracts.translation import _, mark

SIDE_PX = 48
CELL_PX, TAG_PX = 66, 118


TAGS: dict[str, tuple[TagKind, str]] = {
    "worse": ("bad", mark("Loses more")),
    "unclear": ("warn", mark("Cannot tell")),
    "even": ("ok", mark("As good")),
}

TONES: dict[StressVerdict, Tone] = {"worse": "bad", "unclear": "warn", "even": ""}


class StressTable(Card):
    """The table of a stress test; `columns` are the titles of the severities by their numbers.

    Rows may have cells in some of the columns only.
    """

    def __init__(
        self,
        theme: Theme,
        store: PictureStore,
        title: str,
        caption: str,
        rows: Iterable[StressRow],
        folder: Path,
        columns: dict[int, str],
    ) -> None:
        """Create the table of `rows`; `store` decodes their pictures, which lie in `folder`."""
        grid = bare_grid(SPACE_M, stretches=(0, 1))
        super().__init__("", label(title, "section"), words(caption, "caption"), held(grid), name=title)
        self._theme, self._store, self._folder, self._places = theme, store, folder, list(columns)
        for place, text in enumerate(columns.values(), 2):
            grid.addWidget(self._aside(text), 0, place)
            grid.setColumnMinimumWidth(place, CELL_PX)
        grid.setColumnMinimumWidth(len(columns) + 2, TAG_PX)
        for number, row in enumerate(rows):
            self._add(grid, 2 * number + 1, row, len(columns))

    @staticmethod
    def _aside(text: str) -> QWidget:
        made = label(text, "caption", wrap=False)
        made.setAlignment(Qt.AlignmentFlag.AlignRight)
        return made

    def _add(self, grid: QGridLayout, line: int, row: StressRow, columns: int) -> None:
        grid.addWidget(divider(), line, 0, 1, columns + 3)
        title = _(row.title)
        if row.picture:
            picture = PictureValue(path=str(self._folder / row.picture), name=title)
            grid.addWidget(PictureLabel(self._theme, self._store, picture, SIDE_PX), line + 1, 0, MIDDLE)
        why = words(row.words, "caption") if row.words and (row.verdict != "even" or not row.cells) else None
        grid.addWidget(held(in_column(label(title, "strong"), why, gap=0)), line + 1, 1, MIDDLE)
        for cell in row.cells:
            grid.addWidget(CellLabel(title, cell), line + 1, self._places.index(cell.severity) + 2, MIDDLE)
        kind, text = TAGS[row.verdict]
        tag = Tag(self._theme, kind, _(text))
        tag.setToolTip(plain_tip(f"{row.words} ({_(row.source)})" if row.source else row.words))
        grid.addWidget(tag, line + 1, columns + 2, MIDDLE | LEFT)


class CellLabel(QFrame):
    """The original's share above the optimized version's, which is colored if it is worse."""

    def __init__(self, title: str, cell: StressCell) -> None:
        """Create the label of a cell."""
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        report = _("{0}, {1}: original {2}, optimized {3}").format(
            title, cell.level or "–", percent(cell.original), percent(cell.optimized)
        )
        self.setAccessibleName(visible(report))
        self.setToolTip(plain_tip(report))
        box = in_column(gap=0, parent=self)
        level = cell.level if not cell.level.isdigit() else ""
        lines: tuple[tuple[str, Role, Tone], ...] = (
            (level, "caption", ""),
            (percent(cell.original), "soft", ""),
            (percent(cell.optimized), "strong", TONES[cell.verdict]),
        )
        for text, role, shade in lines:
            if text:
                line = label(text, role, shade, wrap=False)
                line.setFont(tabular(line.font()))
                line.setAlignment(Qt.AlignmentFlag.AlignRight)
                box.addWidget(line)
