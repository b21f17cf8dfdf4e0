"""Show a read-only table: one chosen row, tags and explained terms, and details below the chosen row."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QGridLayout, QHeaderView, QSizePolicy, QTableView, QWidget

from widgets.focus import bring_into_view, current_rect
from widgets.parts.format import visible
from widgets.parts.glossary import meanings
from widgets.parts.painting import Index
from widgets.parts.tables.paint import HeaderView, TableDelegate
from widgets.parts.tables.values import Cell, Column, TableRow
from widgets.parts.text import plain_tip, words
from widgets.theme import Theme
from workers.contracts.translation import _, joined

LINE_PX = 62
EDGE_PX, BETWEEN_PX, DETAIL_PX = 6, 6, 44


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
        for (_caption, shown), (caption, value) in zip(self._pairs, pairs, strict=True):
            shown.setAccessibleName(f"{caption}: {value}")
        self._columns = 0
        self._place(len(pairs))

    def fit(self, width_px: int) -> int:
        """Arrange the details for a width and return their height in pixels."""
        columns = self._columns_for(width_px)
        if columns != self._columns:
            self._place(columns)
        return LINE_PX + DETAIL_PX * (self._rows(columns) - 1)

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


__all__ = ["Cell", "Column", "ColumnsModel", "Table", "TableModel", "TableRow", "dress"]

LEAST_STRETCH_PX, LEAST_WORDS_PX, ROWS_LOOKED_AT = 110, 72, 100
ROW_PX, TALL_ROW_PX, HEADER_PX = 34, 52, 32


class ColumnsModel(QAbstractTableModel):
    """A model with the titles and alignments of its `columns`; subclasses define the rows.

    `sorted_by` is the column that has an arrow in its title, and whether it is in descending order.
    """

    sorted_by = (-1, False)
    columns: Sequence[Column] = ()

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def column(self, section: int) -> Column | None:
        """Return a column; None past the end."""
        return self.columns[section] if 0 <= section < len(self.columns) else None

    def cell_at(self, row: int, section: int) -> Cell:
        """Return a cell."""
        raise NotImplementedError

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the cell itself for the delegate, and text for the other roles."""
        if role == Qt.ItemDataRole.UserRole:
            return self.cell_at(index.row(), index.column())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            cell = self.cell_at(index.row(), index.column())
            text = visible(joined((cell.text, cell.below), ", "))
            return plain_tip(cell.tip or text) if role == Qt.ItemDataRole.ToolTipRole else text
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the titles of the columns, their explanations and alignment."""
        column = self.column(section) if orientation == Qt.Orientation.Horizontal else None
        if column is None:
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            is_sorted, (_column, falls) = section == self.sorted_by[0], self.sorted_by
            return f"{column.title} {'↓' if falls else '↑'}" if is_sorted else column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(meanings(column.title))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None


class TableModel(ColumnsModel):
    """The rows of a table, owned by it; the row `opened` has one more line below it for its details."""

    def __init__(self, columns: Sequence[Column], parent: QObject | None = None) -> None:
        """Create a model without rows."""
        super().__init__(parent)
        self.columns = tuple(columns)
        self.rows: tuple[TableRow, ...] = ()
        self.opened: int | None = None

    def replace(self, rows: Sequence[TableRow], opened: int | None) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows, self.opened = tuple(rows), opened
        self.endResetModel()

    def at(self, line: int) -> TableRow | None:
        """Return the row on a line; None on the line of details."""
        if self.opened is not None and line > self.opened:
            line -= 1
            if line == self.opened:
                return None
        return self.rows[line] if 0 <= line < len(self.rows) else None

    def line_of(self, row_id: str) -> int | None:
        """Return the line of a row; None if it is not shown."""
        for number, row in enumerate(self.rows):
            if row.id == row_id:
                return number + (1 if self.opened is not None and number > self.opened else 0)
        return None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Return the number of lines, including the line of details."""
        return 0 if parent.isValid() else len(self.rows) + (self.opened is not None)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return text, tooltip, or the cell itself for the delegate."""
        row = self.at(index.row())
        if row is None:
            return None
        cell = row.cells[index.column()]
        report = [part for part in (cell.text, cell.below, cell.tip) if part]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return visible(joined(report, ", "))
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(joined([*report, meanings(cell.text)], "\n"))
        return cell if role == Qt.ItemDataRole.UserRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return no flags for the line of details, so that it cannot be chosen."""
        if self.at(index.row()) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


def dress(table: QTableView, theme: Theme, header: HeaderView, name: str, *, is_long: bool = False) -> None:
    """Give a table its header, its painter, its accessible names, and the choice of whole rows.

    A long table scrolls and may have 100,000 rows, so all have one height.
    """
    table.setItemDelegate(TableDelegate(theme, table))
    table.setHorizontalHeader(header)
    header.setAccessibleName(_("Columns of {0}").format(name))
    table.verticalHeader().hide()
    table.verticalHeader().setAccessibleName(_("Rows of {0}").format(name))
    table.setAccessibleName(name)
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    table.setAcceptDrops(False)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    if is_long:
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(ROW_PX)
        table.setWordWrap(False)
        table.setMinimumHeight(ROW_PX * 6)
        theme.changed.connect(table.viewport().update)


class Table(QTableView):
    """A read-only table; `chosen(id)` follows mouse and arrow keys.

    With `fits` it is as high as its rows and never scrolls. `tall` rows have room for the second line of their cells.
    `opened(id, column)` follows the Enter key or a click on a figure, which is a cell of a right-aligned column. The
    column that stretches keeps `least_stretch_px`.
    """

    chosen = Signal(str)
    opened = Signal(str, int)

    def __init__(
        self, theme: Theme, name: str, columns: Sequence[Column], *, fits: bool = True, tall: bool = False
    ) -> None:
        """Create a table without rows; `name` is its accessible name."""
        super().__init__()
        self._fits = fits
        self.least_stretch_px = LEAST_STRETCH_PX
        self._row_px = TALL_ROW_PX if tall else ROW_PX
        self._details = False
        self._open_line: int | None = None
        self._model = TableModel(columns, self)
        self.setModel(self._model)
        self._header = header = HeaderView(theme, self)
        dress(self, theme, header, name)
        self.verticalHeader().setDefaultSectionSize(self._row_px)
        if fits:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for number, column in enumerate(columns):
            mode = QHeaderView.ResizeMode.Stretch if column.stretch else QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(number, mode)
        self.selectionModel().currentRowChanged.connect(self._on_current_changed)
        self.clicked.connect(self._on_clicked)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Emit `opened` for the chosen cell with Enter; other keys move the choice."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.chosen_id:
            self.opened.emit(self.chosen_id, max(0, self.currentIndex().column()))
            return
        super().keyPressEvent(event)
        bring_into_view(self, current_rect(self))

    def _on_clicked(self, index: QModelIndex) -> None:
        row = self._model.at(index.row())
        if row is not None and self._model.columns[index.column()].right:
            self.opened.emit(row.id, index.column())

    @property
    def chosen_id(self) -> str:
        """Return the id of the chosen row, "" for none."""
        row = self._model.at(self.currentIndex().row())
        return row.id if row else ""

    def show_rows(self, rows: Sequence[TableRow], chosen: str = "") -> None:
        """Show these rows; the chosen row stays chosen if it still exists, else `chosen` becomes chosen."""
        keep = self.chosen_id
        ids = [row.id for row in rows]
        wanted = keep if keep in ids else chosen
        self._refresh(tuple(rows), wanted)

    def choose(self, row_id: str) -> None:
        """Choose a row."""
        line = self._model.line_of(row_id)
        if line is not None:
            self.setCurrentIndex(self._model.index(line, 0))

    def set_details(self, is_open: bool) -> None:
        """Open or close the details below the chosen row."""
        if is_open != self._details:
            self._details = is_open
            self._refresh(self._model.rows, self.chosen_id)

    def _refresh(self, rows: tuple[TableRow, ...], wanted: str) -> None:
        opened = None
        for number, row in enumerate(rows):
            if self._details and row.id == wanted and row.details:
                opened = number
        blocker = self.selectionModel().blockSignals(True)
        scroll = self.verticalScrollBar().value()
        self.clearSpans()
        if self._open_line is not None:  # if the number of rows stays the same, Qt keeps their heights
            self.setRowHeight(self._open_line, self._row_px)
        self._model.replace(rows, opened)
        self._open_line = None if opened is None else opened + 1
        if opened is not None:
            self._open_details(opened + 1, rows[opened])
        line = self._model.line_of(wanted)
        if line is not None:
            self.setCurrentIndex(self._model.index(line, 0))
        self.selectionModel().blockSignals(blocker)
        self.verticalScrollBar().setValue(scroll)
        self._share_width()
        self._fit_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width among the columns and the details again."""
        super().resizeEvent(event)
        self._share_width()
        if self._open_line is not None:
            self._fit_details(self._open_line)
            self._fit_height()

    def _fit_height(self) -> None:
        if self._fits:
            details_px = 0 if self._open_line is None else self.rowHeight(self._open_line)
            self.setFixedHeight(HEADER_PX + self._row_px * len(self._model.rows) + details_px + 1)

    def _share_width(self) -> None:
        """If not all columns fit, show their titles in two lines, then narrow left-aligned ones without tags."""
        header, columns = self._header, self._model.columns
        shown = [at for at in range(len(columns)) if not header.isSectionHidden(at)]
        wanted = {at: self.least_stretch_px if columns[at].stretch else self._wanted_px(at) for at in shown}
        over = sum(wanted.values()) - self.viewport().width()
        tagged = {at for row in self._model.rows[:ROWS_LOOKED_AT] for at, cell in enumerate(row.cells) if cell.tag}
        for at in sorted(shown, key=lambda at: not columns[at].right):
            column = columns[at]
            if column.stretch:
                continue
            mode, less = QHeaderView.ResizeMode.ResizeToContents, 0
            if over > 0:
                cells_px = self.sizeHintForColumn(at) if column.right or at in tagged else LEAST_WORDS_PX
                less = min(over, max(0, wanted[at] - max(cells_px, header.least_px(at))))
                mode = QHeaderView.ResizeMode.Fixed if less else mode
                over -= less
            if header.sectionResizeMode(at) != mode:
                header.setSectionResizeMode(at, mode)
            if less:
                header.resizeSection(at, wanted[at] - less)

    def _wanted_px(self, column: int) -> int:
        """Return the wanted width in pixels, which Qt knows already unless the width was set here."""
        header = self.horizontalHeader()
        if header.sectionResizeMode(column) == QHeaderView.ResizeMode.ResizeToContents:
            return header.sectionSize(column)
        return max(self.sizeHintForColumn(column), header.sectionSizeHint(column))

    def _open_details(self, line: int, row: TableRow) -> None:
        self.setSpan(line, 0, 1, len(self._model.columns))
        self.setIndexWidget(self._model.index(line, 0), Details(row.details))
        self._fit_details(line)

    def _fit_details(self, line: int) -> None:
        details = self.indexWidget(self._model.index(line, 0))
        if isinstance(details, Details):
            self.setRowHeight(line, details.fit(self.viewport().width()))

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        row = self._model.at(current.row())
        if row is None:
            return
        if self._details:
            self._refresh(self._model.rows, row.id)
        self.chosen.emit(row.id)

    def sizeHint(self) -> QSize:
        """Return the height of all rows."""
        return QSize(480, self.height() if self._fits else 200)
