"""Lay out rows of widgets below titles, with a line above each row."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from widgets.parts.card import divider
from widgets.parts.layout import bare_grid, held
from widgets.parts.small import Tag
from widgets.parts.tables.values import Cell
from widgets.parts.text import label, words
from widgets.theme import Theme


def divided_grid(
    titles: Sequence[str],
    rows: Sequence[Sequence[QWidget]],
    stretches: Sequence[int] = (),
    sides: Sequence[Qt.AlignmentFlag] = (),
    least_px: int = 0,
) -> QWidget:
    """Return the rows below their titles.

    Args:
        titles: The titles of the columns; "" for none.
        rows: The widgets of each row.
        stretches: The stretch of each column.
        sides: The alignment of each column; () for none.
        least_px: Least width of the columns without a stretch.
    """
    grid = bare_grid(stretches=stretches)
    for column, stretch in enumerate(stretches):
        grid.setColumnMinimumWidth(column, 0 if stretch else least_px)
    aligned = (*sides, *[Qt.AlignmentFlag(0)] * len(titles))
    for column, title in enumerate(titles):
        if title:
            grid.addWidget(label(title, "caption", wrap=not column or not sides), 0, column, aligned[column])
    for number, row in enumerate(rows, 1):
        grid.addWidget(divider(), 2 * number - 1, 0, 1, len(titles))
        for column, widget in enumerate(row):
            grid.addWidget(widget, 2 * number, column, aligned[column])
    return held(grid)


def cell_widget(theme: Theme, cell: Cell) -> QWidget:
    """Return the tag or the text of a cell, in which terms are explained."""
    return Tag(theme, cell.tag, cell.text) if cell.tag else words(cell.text, "strong" if cell.strong else "", cell.tone)
