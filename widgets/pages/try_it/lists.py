"""Define the lists of the page "Try it": test examples to click, and earlier inputs."""

from collections.abc import Sequence

from PySide6.QtCore import (
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from widgets.pages.try_it.value import ExampleValue, TriedValue
from widgets.parts.format import clipped, cosine, ms, sized, visible
from widgets.parts.lists import ValuesModel, prepare_list
from widgets.parts.painting import AT_LEFT, AT_RIGHT, Index, draw_line, draw_tag, draw_thumbnail
from widgets.parts.pictures import PictureStore
from widgets.theme import Theme
from widgets.tokens import RADIUS_CONTROL, SPACE_L
from workers.contracts.translation import _

TILE_PX, TEXT_TILE_PX, TILE_HEIGHT_PX, THUMB_PX = 76, 216, 76, 48
LARGE_TILES = 2.5
"""Scale of the examples' pictures in a large page."""
ROW_PX, HEAD_PX, ROW_THUMB_PX = 48, 28, 36
COLUMNS = (0.24, 0.19, 0.12, 0.19, 0.12, 0.14)
FIGURES = (2, 4)
"""Indices of the columns with figures, which are aligned at the right."""


class _Delegate(QStyledItemDelegate):
    """The shared painting of both lists."""

    def __init__(self, theme: Theme, store: PictureStore, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._store = theme, store

    def _ground(self, painter: QPainter, option: QStyleOptionViewItem, box: QRect) -> None:
        state = option.state
        hot = bool(state & QStyle.StateFlag.State_MouseOver)
        chosen = bool(state & QStyle.StateFlag.State_Selected) and bool(state & QStyle.StateFlag.State_HasFocus)
        if hot or chosen:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("brand-soft" if chosen else "raised"))
            painter.drawRoundedRect(box, RADIUS_CONTROL, RADIUS_CONTROL)


class ExampleDelegate(_Delegate):
    """The painter of an example: a picture above its label, or a text on two lines."""

    def __init__(self, theme: Theme, store: PictureStore, strip: QListView) -> None:
        """Create a delegate for `strip`; `store` decodes the pictures."""
        super().__init__(theme, store, strip)
        self._strip = strip
        self.scale = 1.0

    @property
    def height_px(self) -> int:
        """Return the height of a tile in pixels; the name keeps its size."""
        return TILE_HEIGHT_PX + round(THUMB_PX * (self.scale - 1))

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return a size with an equal share of the width."""
        value: ExampleValue = index.data(Qt.ItemDataRole.UserRole)
        least = round(TILE_PX * self.scale) if value.picture.is_picture else TEXT_TILE_PX
        room = self._strip.viewport().width()
        count, at = max(1, room // least), index.row()
        return QSize((at + 1) * room // count - at * room // count, self.height_px)  # no tile is cut at the edge

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one tile."""
        value: ExampleValue = index.data(Qt.ItemDataRole.UserRole)
        painter.save()
        box: QRect = option.rect.adjusted(1, 0, -3, 0)
        self._ground(painter, option, box)
        if value.picture.is_picture:
            side = round(THUMB_PX * self.scale)
            place = QRect(box.center().x() - side // 2 + 1, box.top() + 4, side, side)
            draw_thumbnail(painter, self._theme, self._store, place, value.picture)
            below = QRect(box.left() + 3, place.bottom() + 3, box.width() - 6, 18)
            draw_line(painter, self._theme, below, value.name, "soft", 12, Qt.AlignmentFlag.AlignCenter)
        else:
            inside = box.adjusted(8, 6, -8, -6)
            painter.setFont(sized(painter.font(), 13))
            painter.setPen(self._theme.color("ink"))
            flags = int(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap)
            painter.drawText(inside.adjusted(0, 0, 0, -20), flags, clipped(visible(value.picture.text), 64))
            below = QRect(inside.left(), inside.bottom() - 17, inside.width(), 18)
            draw_line(painter, self._theme, below, value.name, "soft", 12)
        painter.restore()


class _KeyList(QListView):
    """A list that emits `picked(row)` for clicks, Enter and Space."""

    picked = Signal(int)

    def __init__(self, theme: Theme, store: PictureStore, name: str) -> None:
        super().__init__()
        self.rows = ValuesModel(self)
        prepare_list(self, self.rows, theme, name, store)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.clicked.connect(lambda index: self.picked.emit(index.row()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pick the current row with Enter and Space."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.currentIndex().isValid():
            self.picked.emit(self.currentIndex().row())
            event.accept()
            return
        super().keyPressEvent(event)


class ExampleStrip(_KeyList):
    """One row of examples; arrow keys scroll to those beyond the edge."""

    def __init__(self, theme: Theme, store: PictureStore, name: str) -> None:
        """Create an empty row; `name` is its accessible name."""
        super().__init__(theme, store, name)
        self._tiles = ExampleDelegate(theme, store, self)
        self.setItemDelegate(self._tiles)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFixedHeight(TILE_HEIGHT_PX + 2)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(False)

    def set_large(self, is_large: bool) -> None:
        """Show larger pictures; texts keep their size."""
        has_pictures = any(value.picture.is_picture for value in self.rows.values)
        scale = LARGE_TILES if is_large and has_pictures else 1.0
        if scale != self._tiles.scale:
            self._tiles.scale = scale
            self.setFixedHeight(self._tiles.height_px + 2)
            self.scheduleDelayedItemsLayout()

    def show_values(self, values: Sequence[ExampleValue]) -> None:
        """Show these examples."""
        spoken = [f"{value.name}: {value.picture.text}" if value.picture.text else value.name for value in values]
        self.rows.replace(values, spoken)


class TriedDelegate(_Delegate):
    """The painter of an earlier input: both predictions with latencies, and whether they are the same."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the height that all rows share."""
        return QSize(400, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        value: TriedValue = index.data(Qt.ItemDataRole.UserRole)
        painter.save()
        rect: QRect = option.rect
        painter.fillRect(QRect(rect.left(), rect.top(), rect.width(), 1), self._theme.color("line"))
        self._ground(painter, option, rect.adjusted(0, 2, 0, -1))
        boxes = cells(rect)
        first = boxes[0]
        if value.picture.is_picture:
            top = rect.center().y() - ROW_THUMB_PX // 2 + 1
            place = QRect(first.left(), top, ROW_THUMB_PX, ROW_THUMB_PX)
            draw_thumbnail(painter, self._theme, self._store, place, value.picture)
            first = first.adjusted(ROW_THUMB_PX + 12, 0, 0, 0)
        texts = (value.name, value.before, ms(value.before_ms), value.after, ms(value.after_ms))
        for number, (place, text) in enumerate(zip((first, *boxes[1:5]), texts, strict=True)):
            draw_line(painter, self._theme, place, text, side=AT_RIGHT if number in FIGURES else AT_LEFT)
        self._tag(painter, boxes[5], value)
        painter.restore()

    def _tag(self, painter: QPainter, box: QRect, value: TriedValue) -> None:
        text = alike_words(value)
        if value.same is None:
            draw_line(painter, self._theme, box, text)
            return
        tone, icon = ("ok", "check-circle") if value.same else ("warn", "warning")
        draw_tag(painter, self._theme, box, text, tone, icon)


def alike_words(value: TriedValue) -> str:
    """Return "Same", "Changed", or the similarity."""
    if value.same is None:
        return cosine(value.similarity)
    return _("Same") if value.same else _("Changed")


def cells(rect: QRect) -> list[QRect]:
    """Return the areas of the columns in a line; figures keep a gap to the next column."""
    boxes, left = [], float(rect.left() + SPACE_L - 1)
    width = rect.width() - 2 * SPACE_L
    for number, share in enumerate(COLUMNS):
        gap = 24 if number in FIGURES else 8
        boxes.append(QRect(round(left), rect.top(), max(0, round(width * share) - gap), rect.height()))
        left += width * share
    return boxes


class TriedHead(QWidget):
    """The titles of the columns."""

    def __init__(self, theme: Theme, titles: Sequence[str]) -> None:
        """Create the titles."""
        super().__init__()
        self._theme, self._titles = theme, tuple(titles)
        self.setFixedHeight(HEAD_PX)
        self.setAccessibleName(", ".join(titles))
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the titles in the columns of the rows."""
        painter = QPainter(self)
        for number, (box, title) in enumerate(zip(cells(self.rect()), self._titles, strict=True)):
            side = AT_RIGHT if number in FIGURES else AT_LEFT
            draw_line(painter, self._theme, box, title, "soft", 12, side, QFont.Weight.Medium)
        painter.end()


class TriedList(_KeyList):
    """The list of earlier inputs, as high as its rows, because the page scrolls."""

    def __init__(self, theme: Theme, store: PictureStore, name: str) -> None:
        """Create an empty list; `name` is its accessible name."""
        super().__init__(theme, store, name)
        self.setItemDelegate(TriedDelegate(theme, store, self))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_values(self, values: Sequence[TriedValue]) -> None:
        """Show these inputs, the newest first."""
        spoken = [
            _("{0}: before {1} in {2}, after {3} in {4}, {5}").format(
                value.name, value.before, ms(value.before_ms), value.after, ms(value.after_ms), alike_words(value)
            )
            for value in values
        ]
        self.rows.replace(values, spoken)
        self.setFixedHeight(ROW_PX * len(values) + 2)
