"""Show thousands of examples in one view on the page Data; thumbnails are requested when they become visible."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QAbstractListModel, QModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPen, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from widgets.parts.format import clipped
from widgets.parts.painting import Index
from widgets.parts.pictures import PictureValue, decode, paint_picture
from widgets.theme import Theme
from widgets.tokens import RADIUS_CONTROL, SPACE_M, SPACE_S
from workers.contracts.translation import _

Part = Literal["test", "calibration"]
Mark = Literal["", "left_out", "changed"]

SIDE_PX, CELL_PX, CAPTION_PX, ROW_PX = 80, 98, 20, 34
MOST_CHARS = 300
MOST_LABEL_PX = 160.0
MOST_KEPT, MOST_BYTES = 1500, 48 << 20


@dataclass(frozen=True)
class ItemValue:
    """One example: `source` names it, `label` is "" without one, `mark` is the user's edit."""

    source: str
    label: str = ""
    part: Part = "test"
    text: str = ""
    mark: Mark = ""


class ItemsModel(QAbstractListModel):
    """The examples of the view, owned by it; `wanted(number)` requests a thumbnail, `put` delivers a range of them.

    Thumbnails are stored encoded and decoded when they are painted; the newest ones stay.
    """

    wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        """Create a model without examples."""
        super().__init__(parent)
        self._items: list[ItemValue] = []
        self._rows: list[int] = []
        self._label = ""
        self._encoded: OrderedDict[int, tuple[bytes, ...]] = OrderedDict()
        self._chunk = 1
        self._size_bytes = 0
        self._images: OrderedDict[int, QImage | None] = OrderedDict()

    def show_items(self, items: Sequence[ItemValue], chunk: int) -> None:
        """Show other examples; thumbnails arrive `chunk` at a time."""
        self.beginResetModel()
        self._items, self._chunk = list(items), max(1, chunk)
        self._encoded.clear()
        self._images.clear()
        self._size_bytes = 0
        self._filter()
        self.endResetModel()

    def mark(self, items: Sequence[ItemValue]) -> None:
        """Update labels and marks of the same examples."""
        if len(items) != len(self._items):
            self.show_items(items, self._chunk)
            return
        self._items = list(items)
        if self.rowCount():
            self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))

    def show_label(self, label: str) -> None:
        """Show only examples with this label, "" for all."""
        self.beginResetModel()
        self._label = label
        self._filter()
        self.endResetModel()

    def put(self, first: int, pictures: Sequence[bytes]) -> None:
        """Store thumbnails of the examples from number `first` on (a multiple of the chunk), b"" for none."""
        self._encoded[first] = tuple(pictures)
        self._size_bytes += sum(map(len, pictures))
        while self._size_bytes > MOST_BYTES and len(self._encoded) > 1:
            _unused, dropped = self._encoded.popitem(last=False)
            self._size_bytes -= sum(map(len, dropped))
        if self.rowCount():
            self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))

    def item(self, row: int) -> ItemValue:
        """Return the example in a row."""
        return self._items[self._rows[row]]

    def number(self, row: int) -> int:
        """Return the example's number among all examples, including hidden ones."""
        return self._rows[row]

    def image(self, row: int) -> tuple[QImage | None, bool]:
        """Return the thumbnail and whether that is final; otherwise it is requested."""
        number = self._rows[row]
        if number in self._images:
            self._images.move_to_end(number)
            return self._images[number], True
        first = number - number % self._chunk
        chunk = self._encoded.get(first)
        if chunk is None:
            self.wanted.emit(number)
            return None, False
        self._encoded.move_to_end(first)
        data = chunk[number - first] if number - first < len(chunk) else b""
        self._images[number] = decode(PictureValue(data=data), 2 * SIDE_PX) if data else None
        while len(self._images) > MOST_KEPT:
            self._images.popitem(last=False)
        return self._images[number], True

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        """Return the number of shown examples."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the example's label and name as text."""
        if not index.isValid():
            return None
        item = self.item(index.row())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            shown = clipped(item.text or item.source, MOST_CHARS)
            return f"{item.label}: {shown}" if item.label else shown
        if role == Qt.ItemDataRole.ToolTipRole:
            return clipped(item.source, MOST_CHARS)
        return None

    def _filter(self) -> None:
        self._rows = [n for n, item in enumerate(self._items) if self._label in ("", item.label)]


def line_parts(inner: QRectF, label_px: float) -> tuple[QRectF, QRectF]:
    """Return the places of a line's text and of its label at the right end, which takes no more than it needs.

    Args:
        inner: the line without its margins, in pixels.
        label_px: width of the label as it is written; 0 for none.
    """
    width = min(0.3 * inner.width(), MOST_LABEL_PX, label_px + 1) if label_px else 0.0
    gap = SPACE_M if width else 0.0
    words = QRectF(inner.x(), inner.y(), inner.width() - width - gap, inner.height())
    return words, QRectF(inner.right() - width, inner.y(), width, inner.height())


class ItemDelegate(QStyledItemDelegate):
    """The painter of an example: a picture with its label below, or a line of text with its label at the right."""

    def __init__(self, theme: Theme, model: ItemsModel, parent: QWidget, *, pictures: bool) -> None:
        """Create a delegate; `pictures` selects thumbnails instead of lines."""
        super().__init__(parent)
        self._theme, self._model, self._pictures = theme, model, pictures
        self.width_px = CELL_PX
        self._tiles: OrderedDict[tuple[int, float], QPixmap] = OrderedDict()
        theme.changed.connect(self.forget)
        model.modelReset.connect(self.forget)

    def forget(self) -> None:
        """Clear the cached tiles, because colors or examples changed."""
        self._tiles.clear()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the same size for all examples, so that thousands need no measuring."""
        return QSize(self.width_px, SIDE_PX + CAPTION_PX + SPACE_S) if self._pictures else QSize(120, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one example."""
        item = self._model.item(index.row())
        state = option.state
        rect: QRect = option.rect
        painter.save()
        if item.mark == "left_out":
            painter.setOpacity(0.35)
        if self._pictures:
            self._paint_picture(painter, rect, index.row(), item)
        else:
            self._paint_line(painter, rect, item)
        painter.setOpacity(1.0)
        frame = QRectF(rect).adjusted(1, 1, -1, -1)
        if self._pictures:
            frame = QRectF(rect.x() + (rect.width() - SIDE_PX) / 2, rect.y(), SIDE_PX, SIDE_PX).adjusted(1, 1, -1, -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(self._theme.color("brand"), 2))
            painter.drawRoundedRect(frame, RADIUS_CONTROL, RADIUS_CONTROL)
        elif state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(self._theme.color("brand"), 1, Qt.PenStyle.DotLine))
            painter.drawRoundedRect(frame, RADIUS_CONTROL, RADIUS_CONTROL)
        painter.restore()

    def _paint_picture(self, painter: QPainter, rect: QRect, row: int, item: ItemValue) -> None:
        place = QRectF(rect.x() + (rect.width() - SIDE_PX) // 2, rect.y(), SIDE_PX, SIDE_PX)
        painter.drawPixmap(place.topLeft(), self._tile(row, painter.device().devicePixelRatioF()))
        self._paint_mark(painter, QRectF(place.right() - 10, place.top() + 2, 8, 8), item)
        below = QRectF(rect.x() + 2, place.bottom() + 2, rect.width() - 4, CAPTION_PX - 2)
        self._paint_words(painter, below, item.label, "soft", Qt.AlignmentFlag.AlignHCenter)

    def _tile(self, row: int, ratio: float) -> QPixmap:
        """Return the picture with round corners, painted once, because clipping is slow while scrolling."""
        key = (self._model.number(row), ratio)
        if key in self._tiles:
            self._tiles.move_to_end(key)
            return self._tiles[key]
        image, is_final = self._model.image(row)
        side = round(SIDE_PX * ratio)
        tile = QPixmap(side, side)
        tile.setDevicePixelRatio(ratio)
        tile.fill(Qt.GlobalColor.transparent)
        painter = QPainter(tile)
        shown = QPixmap.fromImage(image) if image is not None else None
        place = QRectF(0, 0, SIDE_PX, SIDE_PX)
        paint_picture(painter, self._theme, place, shown, is_final=is_final)
        painter.end()
        if is_final:
            self._tiles[key] = tile
            while len(self._tiles) > MOST_KEPT:
                self._tiles.popitem(last=False)
        return tile

    def _paint_line(self, painter: QPainter, rect: QRect, item: ItemValue) -> None:
        inner = QRectF(rect).adjusted(SPACE_M, 0, -SPACE_M, 0)
        words, tag = line_parts(inner, painter.fontMetrics().horizontalAdvance(item.label))
        text = clipped(" ".join((item.text or item.source).split()), MOST_CHARS)
        self._paint_words(painter, words, text, "ink", Qt.AlignmentFlag.AlignLeft)
        self._paint_words(painter, tag, item.label, "soft", Qt.AlignmentFlag.AlignRight)
        self._paint_mark(painter, QRectF(inner.x() - SPACE_S - 2, inner.center().y() - 3, 6, 6), item)

    def _paint_mark(self, painter: QPainter, place: QRectF, item: ItemValue) -> None:
        """Paint a dot on an example that was edited by hand."""
        if item.mark:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self._theme.color("panel"), 1))
            painter.setBrush(self._theme.color("warn" if item.mark == "left_out" else "brand"))
            painter.drawEllipse(place)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_words(self, painter: QPainter, place: QRectF, text: str, token: str, align: Qt.AlignmentFlag) -> None:
        if not text:
            return
        painter.setPen(self._theme.color(token))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(place.width()))
        painter.drawText(place, align | Qt.AlignmentFlag.AlignVCenter, shown)


class ItemsView(QListView):
    """A grid of pictures or a list of lines with multiple selection; `acted(name)` follows keys on the selection."""

    acted = Signal(str)

    def __init__(self, theme: Theme, *, pictures: bool) -> None:
        """Create an empty view; `pictures` selects the grid."""
        super().__init__()
        self.items = ItemsModel(self)
        self.setModel(self.items)
        self._pictures = pictures
        self._drawer = ItemDelegate(theme, self.items, self, pictures=pictures)
        self.setItemDelegate(self._drawer)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(_("Examples"))
        if pictures:
            self.setViewMode(QListView.ViewMode.IconMode)
            self.setMovement(QListView.Movement.Static)
            self.setResizeMode(QListView.ResizeMode.Adjust)
            self.setLayoutMode(QListView.LayoutMode.SinglePass)
        self.setDragEnabled(False)
        for widget in (self, self.viewport()):  # the icon mode accepts drops by itself
            widget.setAcceptDrops(False)
        theme.changed.connect(self.viewport().update)

    def chosen(self) -> tuple[str, ...]:
        """Return the sources of the selected examples."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return tuple(self.items.item(row).source for row in rows)

    def sizeHint(self) -> QSize:
        """Return the least height; more comes only from spare height of the page."""
        return QSize(super().sizeHint().width(), self.minimumHeight())

    def whole_px(self, width: int) -> int:
        """Return the height in pixels at which all examples are visible without scrolling."""
        count = self.items.rowCount()
        if not self._pictures:
            return count * ROW_PX + SPACE_S
        columns = max(1, (width - 2 * self.frameWidth() - 1) // CELL_PX)
        return -(-count // columns) * (SIDE_PX + CAPTION_PX + SPACE_S) + SPACE_S

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Spread the pictures over the width."""
        policies, is_whole = Qt.ScrollBarPolicy, self.height() >= self.whole_px(self.width())
        # with AsNeeded, the list reserves room for a removed bar and loses a column
        self.setVerticalScrollBarPolicy(policies.ScrollBarAlwaysOff if is_whole else policies.ScrollBarAsNeeded)
        width = self.viewport().width() - 1
        if self._pictures and width > 0:
            self._drawer.width_px = width // max(1, width // CELL_PX)
            self.setGridSize(QSize(self._drawer.width_px, SIDE_PX + CAPTION_PX + SPACE_S))
        super().resizeEvent(event)

    def keyPressEvent(self, event: Any) -> None:
        """Leave out the selection with Delete; other keys are the list's own."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.chosen():
            self.acted.emit("leave_out")
            return
        super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the page at the ends of the list."""
        bar, down = self.verticalScrollBar(), event.angleDelta().y() < 0
        at_end = bar.value() >= bar.maximum() if down else bar.value() <= bar.minimum()
        if at_end:
            event.ignore()
        else:
            super().wheelEvent(event)
