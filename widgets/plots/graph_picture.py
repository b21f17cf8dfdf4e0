"""Draw two compared graphs as one: boxes with what happened to them, in levels of detail, with pan and zoom."""

from collections.abc import Collection, Sequence
from functools import cached_property

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy

from widgets.parts.format import sized
from widgets.plots.point_plot import TipWidget
from widgets.theme import Theme
from workers.contracts.after.change_words import box_status, box_words, summary, tip_of
from workers.contracts.after.changes import ChangedNode, DiffResult, Level, Status

STATUS_TOKENS: dict[Status, str] = {
    "replaced": "s2", "rounded": "s1", "added": "s3", "fused": "s4", "removed": "s0", "unmatched": "s5",
    "unchanged": "edge",
}  # fmt: skip
MARGIN_PX, PAN_PX, STACK_PX = 16, 80, 4
LARGEST_SCALE, FINER_SCALE, READABLE_SCALE, FITTED_SCALE = 3.0, 1.9, 1.0, 1.25
"""Largest zoom, the zoom that shows the next level, its first zoom, and the largest zoom that shows all."""
TEXT_SCALE, CAPTION_SCALE, FILLED_SCALE, LINE_SCALE = 0.5, 0.8, 0.3, 0.1
"""Zoom from which titles, second lines, soft fills and connections are drawn."""
SOFT = 0.16
FONT_PX, LEAST_FONT_PX, MOST_FONT_PX = 12, 9, 16
STEP = 1.2


class LevelDrawing:
    """One level as Qt draws it; `lows` and `highs` are corners of its boxes in pixels, shape (n, 2), float64."""

    def __init__(self, level: Level, nodes: Sequence[ChangedNode]) -> None:
        """Prepare a level for drawing."""
        self.level = level
        self.statuses = [box_status(box, nodes) for box in level.boxes]
        self.captions = [box_words(box, nodes) for box in level.boxes]
        self.rects = [QRectF(box.x, box.y, box.width, box.height) for box in level.boxes]
        self.lows = np.array([(box.x, box.y) for box in level.boxes], np.float64)
        self.highs = self.lows + [(box.width, box.height) for box in level.boxes]
        self.owner = {node: at for at, box in enumerate(level.boxes) for node in box.nodes}

    @cached_property
    def bounds(self) -> QRectF:
        """Return the area of all boxes and connections."""
        return self.lines.boundingRect().united(
            QRectF(QPointF(*self.lows.min(axis=0)), QPointF(*(self.highs.max(axis=0) + STACK_PX)))
        )

    @cached_property
    def lines(self) -> QPainterPath:
        """Return the lines of all connections of this level."""
        path = QPainterPath()
        for points in self.level.routes:
            path.moveTo(points[0], points[1])
            for at in range(2, len(points), 2):
                path.lineTo(points[at], points[at + 1])
        return path

    def by_status(self, boxes: Collection[int]) -> dict[Status, list[QRectF]]:
        """Return some boxes by their status."""
        groups: dict[Status, list[QRectF]] = {}
        for at in boxes:
            groups.setdefault(self.statuses[at], []).append(self.rects[at])
        return groups

    def inside(self, area: QRectF) -> list[int]:
        """Return the boxes that touch an area."""
        low, high = (area.left(), area.top()), (area.right(), area.bottom())
        found: list[int] = np.flatnonzero(((self.highs >= low) & (self.lows <= high)).all(axis=1)).tolist()
        return found


class GraphPicture(TipWidget):
    """The picture, owned by the page "What changed"; `chosen(positions)` are the operators of a clicked box.

    The wheel after a click, the keys + and − and a double click zoom; far enough in, the next level of detail is shown.
    Dragging and the arrow keys move the picture, Home shows all of it, Page Up and Page Down change the level.
    """

    chosen = Signal(object)
    level_changed = Signal(int)

    def __init__(self, theme: Theme, name: str) -> None:
        """Create an empty picture; `name` is its accessible name."""
        super().__init__()
        self._theme = theme
        self._nodes: tuple[ChangedNode, ...] = ()
        self._first: int | None = None
        self._levels: tuple[Level, ...] = ()
        self._drawings: dict[int, LevelDrawing] = {}
        self.level = 0
        self.scale, self._shift, self._is_fitted = 1.0, QPointF(), True
        self._marked: frozenset[int] = frozenset()
        self._chosen: int | None = None
        self._pressed: QPointF | None = None
        self._is_dragged = False
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(220)
        theme.changed.connect(self.update)

    def set_result(self, result: DiffResult) -> None:
        """Show all of the coarsest level."""
        self._nodes, self._first, self._levels = result.nodes, result.first_different, result.levels
        self._drawings.clear()
        self._marked, self._chosen, self.level = frozenset(), None, 0
        self.setAccessibleDescription(summary(result))
        self.fit()

    @property
    def drawing(self) -> LevelDrawing:
        """Return the prepared drawing of the level that is shown now."""
        if self.level not in self._drawings:
            self._drawings[self.level] = LevelDrawing(self._levels[self.level], self._nodes)
        return self._drawings[self.level]

    # -- what is shown --
    def fit(self) -> None:
        """Zoom out until all boxes of the shown level fit into the widget."""
        self._is_fitted = True
        if self._levels:
            bounds = self.drawing.bounds
            self.scale = self._fitted_scale()
            self._shift = QPointF(self.width() / 2, self.height() / 2) - bounds.center() * self.scale
        self.update()

    def show_level(self, level: int) -> None:
        """Show all of another level; one that does not exist changes nothing."""
        if 0 <= level < len(self._levels) and level != self.level:
            self.level = level
            self.fit()
            self.level_changed.emit(level)

    def mark(self, nodes: Collection[int]) -> None:
        """Frame the boxes of these operators."""
        self._marked = frozenset(nodes)
        self.update()

    def choose(self, node: int | None) -> None:
        """Frame the box of an operator, and move it into view if it is outside."""
        self._chosen = node
        if node is not None and self._levels:
            rect = self._device(self.drawing.rects[self.drawing.owner[node]])
            if not QRectF(self.rect()).contains(rect):
                self._move(QPointF(self.width() / 2, self.height() / 2) - rect.center())
        self.update()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom around a point, by default the middle; past the ends another level is shown."""
        if not self._levels:
            return
        at = at or QPointF(self.width() / 2, self.height() / 2)
        if factor > 1 and self.scale >= FINER_SCALE and self.level + 1 < len(self._levels):
            self._swap_level(self.level + 1, at)
            return
        if factor < 1 and self._is_fitted and self.level:
            self.show_level(self.level - 1)
            return
        smallest = self._fitted_scale()
        scale = min(max(self.scale * factor, smallest), max(LARGEST_SCALE, smallest))
        if scale == smallest and factor < 1:
            self.fit()
            return
        self._shift = at - (at - self._shift) * (scale / self.scale)
        self.scale, self._is_fitted = scale, False
        self.update()

    def _swap_level(self, level: int, at: QPointF) -> None:
        """Show another level, with the operator at a point in the same place."""
        box = self.box_at(at)
        if box is None:
            self.show_level(level)
            return
        node = self.drawing.level.boxes[box].nodes[0]
        self.level = level
        self.scale = max(READABLE_SCALE, self._fitted_scale())
        center = self.drawing.rects[self.drawing.owner[node]].center()
        self._shift, self._is_fitted = at - center * self.scale, False
        self.level_changed.emit(level)
        self.update()

    def _fitted_scale(self) -> float:
        bounds = self.drawing.bounds
        room = max(1.0, self.width() - 2 * MARGIN_PX), max(1.0, self.height() - 2 * MARGIN_PX)
        return min(FITTED_SCALE, room[0] / bounds.width(), room[1] / bounds.height())

    def _move(self, by: QPointF) -> None:
        """Move the picture; some of it stays in view."""
        bounds = self.drawing.bounds
        shift = self._shift + by
        low = QPointF(MARGIN_PX, MARGIN_PX) - bounds.bottomRight() * self.scale
        high = QPointF(self.width() - MARGIN_PX, self.height() - MARGIN_PX) - bounds.topLeft() * self.scale
        self._shift = QPointF(min(max(shift.x(), low.x()), high.x()), min(max(shift.y(), low.y()), high.y()))
        self._is_fitted = False
        self.update()

    def _device(self, rect: QRectF) -> QRectF:
        return QRectF(rect.topLeft() * self.scale + self._shift, rect.size() * self.scale)

    def box_at(self, point: QPointF) -> int | None:
        """Return the box at a position in pixels of the widget."""
        if not self._levels:
            return None
        at = (point - self._shift) / self.scale
        return next(iter(self.drawing.inside(QRectF(at.x(), at.y(), 0.0, 0.0))), None)

    def sizeHint(self) -> QSize:
        """Return a size beside a list."""
        return QSize(560, 380)

    # -- painting --
    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint connections, boxes, frames and texts, as far as they can be seen."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("bg"))
        if self._levels:
            corner = -self._shift / self.scale
            area = QRectF(corner.x(), corner.y(), self.width() / self.scale, self.height() / self.scale)
            seen = self.drawing.inside(area)
            painter.save()
            painter.translate(self._shift)
            painter.scale(self.scale, self.scale)
            self._paint_boxes(painter, seen)
            painter.restore()
            self._paint_frames(painter, seen)
            if self.scale >= TEXT_SCALE:
                self._paint_texts(painter, seen)
        if self.hasFocus():
            painter.setPen(QPen(self._theme.color("brand"), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()

    def _paint_boxes(self, painter: QPainter, seen: list[int]) -> None:
        drawing = self.drawing
        if self.scale >= LINE_SCALE:
            painter.setPen(self._pen("edge"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(drawing.lines)
        is_soft = self.scale >= FILLED_SCALE
        folded = [at for at in seen if is_soft and drawing.level.boxes[at].repeats > 1]
        back = {
            status: [rect.translated(STACK_PX, STACK_PX) for rect in rects]
            for status, rects in drawing.by_status(folded).items()
        }
        for status, rects in drawing.by_status(seen).items():
            color = self._theme.color(STATUS_TOKENS[status])
            painter.setPen(self._pen(STATUS_TOKENS[status], status) if is_soft else Qt.PenStyle.NoPen)
            if is_soft:
                painter.setBrush(self._theme.color("panel"))  # hides the box behind
                painter.drawRects(back.get(status, []))
                painter.drawRects(rects)
                color.setAlphaF(SOFT)
            painter.setBrush(color)
            painter.drawRects(rects)

    def _paint_frames(self, painter: QPainter, seen: list[int]) -> None:
        """Frame marked boxes, the first difference and the chosen box."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        owner = self.drawing.owner
        marked = {owner[node] for node in self._marked}
        first = None if self._first is None else owner[self._first]
        chosen = None if self._chosen is None else owner[self._chosen]
        for at in seen:
            token = "ink" if at == chosen else "bad" if at == first else "brand" if at in marked else ""
            if token:
                painter.setPen(QPen(self._theme.color(token), 3 if at == chosen else 2))
                painter.drawRect(self._device(self.drawing.rects[at]).adjusted(-2, -2, 2, 2))

    def _paint_texts(self, painter: QPainter, seen: list[int]) -> None:
        font_px = min(MOST_FONT_PX, max(LEAST_FONT_PX, round(FONT_PX * self.scale)))
        title = sized(self.font(), font_px, QFont.Weight.Medium)
        has_caption = self.scale >= CAPTION_SCALE
        lines = [(title, "ink", [self.drawing.level.boxes[at].title for at in seen])]
        if has_caption:
            caption = sized(self.font(), max(LEAST_FONT_PX, font_px - 1))
            lines.append((caption, "soft", [self.drawing.captions[at] for at in seen]))
        for number, (font, token, texts) in enumerate(lines):
            painter.setFont(font)
            painter.setPen(self._theme.color(token))
            metrics = QFontMetricsF(font)
            for at, text in zip(seen, texts, strict=True):
                box = self._device(self.drawing.rects[at]).adjusted(6, 1, -4, -1)
                half = box.height() / len(lines)
                place = QRectF(box.left(), box.top() + number * half, box.width(), half)
                shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
                painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), shown)

    def _pen(self, token: str, status: str = "") -> QPen:
        pen = QPen(self._theme.color(token), 1, Qt.PenStyle.DashLine if status == "removed" else Qt.PenStyle.SolidLine)
        pen.setCosmetic(True)
        return pen

    # -- events --
    def _tip_at(self, at: QPointF) -> str:
        number = self.box_at(at)
        return "" if number is None else tip_of(self.drawing.level.boxes[number], self._nodes)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the whole level in view if it was."""
        super().resizeEvent(event)
        if self._is_fitted:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer once the picture was clicked, or with Ctrl; else the page scrolls."""
        if not self.hasFocus() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
            return
        if event.angleDelta().y():
            self.zoom(STEP ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to move the picture."""
        self._pressed, self._is_dragged = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the picture with the pressed button."""
        if self._pressed is not None and self._levels:
            by = event.position() - self._pressed
            if self._is_dragged or by.manhattanLength() > 4:
                self._is_dragged, self._pressed = True, event.position()
                self._move(by)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the box under the pointer, unless the picture was moved."""
        box = None if self._is_dragged else self.box_at(event.position())
        self._pressed = None
        if box is not None:
            nodes = self.drawing.level.boxes[box].nodes
            self.choose(nodes[0])
            self.chosen.emit(nodes)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show the next level of detail at the pointer."""
        if self.level + 1 < len(self._levels):
            self._swap_level(self.level + 1, event.position())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with the arrow keys, zoom with + and −, show all with Home."""
        key = Qt.Key(event.key())
        moves = {Qt.Key.Key_Left: (1, 0), Qt.Key.Key_Right: (-1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
        if key in moves and self._levels:
            self._move(QPointF(*moves[key]) * PAN_PX)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            self.zoom(1 / STEP if key == Qt.Key.Key_Minus else STEP)
        elif key == Qt.Key.Key_Home:
            self.fit()
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.show_level(self.level + (1 if key == Qt.Key.Key_PageDown else -1))
        else:
            super().keyPressEvent(event)
