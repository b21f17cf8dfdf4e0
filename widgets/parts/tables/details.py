"""Show the details below a chosen row: captions with their values, in as many rows as the width needs."""

from collections.abc import Sequence

from PySide6.QtWidgets import QGridLayout, QWidget

from widgets.parts.text import words

LINE_PX = 62
EDGE_PX, BETWEEN_PX, ROW_PX = 6, 6, 44


class Details(QWidget):
    """The details of one row: `pairs` are captions with their values; `fit` arranges them so that none is cut."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Create the details of `pairs`."""
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(EDGE_PX, 8, EDGE_PX, 8)
        self._grid.setHorizontalSpacing(BETWEEN_PX)
        self._grid.setVerticalSpacing(0)
        self._pairs = [(words(caption, "caption", wrap=False), words(value, wrap=False)) for caption, value in pairs]
        for (_, shown), (caption, value) in zip(self._pairs, pairs, strict=True):
            shown.setAccessibleName(f"{caption}: {value}")
        self._columns = 0
        self._place(len(pairs))

    def fit(self, width_px: int) -> int:
        """Arrange the details for a width and return their height in pixels."""
        columns = self._columns_for(width_px)
        if columns != self._columns:
            self._place(columns)
        return LINE_PX + ROW_PX * (self._rows(columns) - 1)

    def _columns_for(self, width_px: int) -> int:
        wide = []
        for pair in self._pairs:
            for part in pair:
                part.ensurePolished()  # the style's font determines the width
            wide.append(max(part.sizeHint().width() for part in pair))
        for rows in range(1, len(wide)):  # rows with equal numbers of columns, none with a single rest
            columns = -(-len(wide) // rows)
            each = [max(wide[at::columns]) for at in range(columns)]
            if sum(each) + BETWEEN_PX * (columns - 1) + 2 * EDGE_PX <= width_px:
                return columns
        return 1

    def _rows(self, columns: int) -> int:
        return -(-len(self._pairs) // columns)

    def _place(self, columns: int) -> None:
        for number, (caption, shown) in enumerate(self._pairs):
            row, column = divmod(number, columns)
            self._grid.addWidget(caption, 2 * row, column)
            self._grid.addWidget(shown, 2 * row + 1, column)
        for column in range(max(columns, self._columns)):
            self._grid.setColumnStretch(column, int(column < columns))
        self._columns = columns
