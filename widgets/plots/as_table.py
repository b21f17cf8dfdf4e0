"""Show the values of a graph as a table, for readers who cannot see the graph or want its figures."""

from collections.abc import Callable, Sequence

from widgets.parts.buttons import FoldButton
from widgets.parts.tables.table import Cell, Column, Table, TableRow
from widgets.theme import Theme
from workers.contracts.translation import _

MOST_ROWS = 500
Rows = Sequence[Sequence[str]]
"""The texts of each row, one for each column."""


def as_table(theme: Theme, name: str, titles: Sequence[str], rows: Callable[[], Rows]) -> tuple[FoldButton, Table]:
    """Return a button and the table that it opens, which reads its rows each time.

    Args:
        theme: the window's theme.
        name: the accessible name of the graph.
        titles: the titles of the columns; the first takes the spare width.
        rows: returns the current values; beyond `MOST_ROWS` only every n-th row is shown.
    """
    columns = [Column(title, right=number > 0, stretch=number == 0) for number, title in enumerate(titles)]
    table = Table(theme, _("{0}, as a table").format(name), columns)
    fold = FoldButton(theme, _("As a table"), "small", opens=table)
    fold.setAccessibleName(table.accessibleName())

    def fill(is_open: bool) -> None:
        found = rows() if is_open else ()
        shown = found[:: len(found) // MOST_ROWS + 1]
        table.show_rows([TableRow(str(number), tuple(map(Cell, row))) for number, row in enumerate(shown)])

    fold.toggled.connect(fill)
    return fold, table
