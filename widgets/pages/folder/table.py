"""Show a growing table of answers: of 100,000 rows only the visible ones are read."""

from collections.abc import Callable

from PySide6.QtCore import QModelIndex
from PySide6.QtWidgets import QHeaderView, QTableView

from widgets.parts.format import percent
from widgets.parts.painting import Index
from widgets.parts.tables.paint import HeaderView
from widgets.parts.tables.table import ColumnsModel, dress
from widgets.parts.tables.values import Cell, Column
from widgets.theme import Theme
from workers.contracts.after.answering import Cells
from workers.contracts.translation import _

SHARE_PX, MOST_SHOWN_CHARS = 120, 300


class FolderModel(ColumnsModel):
    """The answers so far; `read(row)` returns the cells of a row under `headings`."""

    def __init__(self, headings: tuple[str, ...], read: Callable[[int], Cells]) -> None:
        """Create a model without rows."""
        super().__init__()
        titles = {
            "input": _("Input"),
            "text": _("Text"),
            "answer": _("Answer"),
            "confidence": _("Confidence"),
            "objects": _("Objects"),
            "second": _("Second best"),
            "third": _("Third best"),
        }
        self._headings, self._read, self._count = headings, read, 0
        self.names = tuple(name for name in headings if name in titles)
        self.columns = tuple(
            Column(titles[name], right=name == "confidence", stretch=name != "confidence") for name in self.names
        )

    def grow(self, count: int) -> None:
        """Show the first `count` rows."""
        if count > self._count:
            self.beginInsertRows(QModelIndex(), self._count, count - 1)
            self._count = count
            self.endInsertRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Return the number of answers so far."""
        return 0 if parent.isValid() else self._count

    def cell_at(self, row: int, section: int) -> Cell:
        """Return a cell; the reason why there is no answer stands in the answer's column."""
        name, line = self.names[section], dict(zip(self._headings, self._read(row), strict=True))
        if name == "answer" and line["problem"] is not None:
            return Cell(_shown(line["problem"]), tone="bad", icon="warning")
        if name == "confidence":
            return Cell("" if line[name] is None else percent(_number(line[name])))
        share = line.get(f"{name} confidence")
        text = _shown(line[name])
        return Cell(
            text if share is None else f"{text} {percent(_number(share))}", tone="" if name == "answer" else "soft"
        )


def _shown(value: str | float | None) -> str:
    text = "" if value is None else f"{value:g}" if isinstance(value, float | int) else " ".join(value.split())
    return text if len(text) <= MOST_SHOWN_CHARS else f"{text[:MOST_SHOWN_CHARS]} …"


def _number(value: str | float | None) -> float:
    return value if isinstance(value, float | int) else 0.0


class FolderTable(QTableView):
    """The table of the answers of one folder."""

    def __init__(self, theme: Theme, model: FolderModel) -> None:
        """Create the table of `model`."""
        super().__init__()
        model.setParent(self)
        self.setModel(model)
        header = HeaderView(theme, self)
        dress(self, theme, header, _("Answers"), is_long=True)
        for number, name in enumerate(model.names):
            is_share = name == "confidence"
            mode = QHeaderView.ResizeMode.Fixed if is_share else QHeaderView.ResizeMode.Stretch
            header.setSectionResizeMode(number, mode)
            if is_share:
                header.resizeSection(number, SHARE_PX)
