"""Plot measured points with intervals and lines: throughput over batch size, latency over request rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QHelpEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from widgets.parts.text import plain_tip
from widgets.plots.scale import nice_top, tick_text, tick_texts, ticks
from widgets.theme import Theme
from widgets.tokens import TEXT_CAPTION, series_token

_LEFT, _TOP, _RIGHT, _BOTTOM = 56, 42, 18, 42
_NEAR_PX = 14


@dataclass(frozen=True)
class CurvePoint:
    """A point of a curve; `tip` is its text for tooltip and screen readers, `low` to `high` its interval if known."""

    x: float
    y: float
    tip: str
    low: float | None = None
    high: float | None = None
    is_marked: bool = False


@dataclass(frozen=True)
class Curve:
    """The curve of one version; `number` selects its color (0 is the original)."""

    label: str
    number: int
    points: tuple[CurvePoint, ...]


class CurvePlot(QWidget):
    """The curves of several versions, owned by their page; arrow keys move from point to point.

    `y_title` names the unit and the better direction, `x_title` the unit. `doubling` scales x by powers of two. `mark`
    explains the ring around a marked point.
    """

    def __init__(
        self, theme: Theme, name: str, x_title: str, y_title: str, *, doubling: bool = False, mark: str = ""
    ) -> None:
        """Create an empty plot; `name` is its accessible name."""
        super().__init__()
        self._theme, self._x_title, self._y_title = theme, x_title, y_title
        self._doubling, self._mark = doubling, mark
        self._curves: tuple[Curve, ...] = ()
        self._at: tuple[int, int] = (0, 0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(220)
        self.setAccessibleName(name)
        theme.changed.connect(self.update)

    def set_curves(self, curves: Sequence[Curve]) -> None:
        """Show these curves; curves without points are left out."""
        self._curves = tuple(curve for curve in curves if curve.points)
        self._at = (0, 0)
        told = [f"{curve.label}: {'; '.join(point.tip for point in curve.points)}" for curve in self._curves]
        self.setAccessibleDescription(". ".join(told))
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size at which two plots fit side by side."""
        return QSize(420, 240)

    def _area(self) -> QRectF:
        return QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)

    def _points(self) -> list[CurvePoint]:
        return [point for curve in self._curves for point in curve.points]

    def _y_top(self) -> float:
        return nice_top(max((point.high or point.y for point in self._points()), default=1.0) * 1.05)

    def _x_range(self) -> tuple[float, float]:
        values = [self._scaled(point.x) for point in self._points()]
        if not values:
            return 0.0, 1.0
        if self._doubling:
            return min(values) - 0.3, max(values) + 0.3
        return 0.0, nice_top(max(values) * 1.03)

    def _scaled(self, x: float) -> float:
        return log2(x) if self._doubling else x

    def place_of(self, x: float, y: float) -> QPointF:
        """Return the position of a value in pixels."""
        area, (low, high) = self._area(), self._x_range()
        across = (self._scaled(x) - low) / (high - low)
        return QPointF(area.left() + across * area.width(), area.bottom() - y / self._y_top() * area.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the axes, the lines with their points, and the names."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPixelSize(TEXT_CAPTION)
        painter.setFont(font)
        self._paint_axes(painter)
        for number, curve in enumerate(self._curves):
            self._paint_curve(painter, number, curve)
        self._paint_legend(painter)
        painter.end()

    def _paint_axes(self, painter: QPainter) -> None:
        area, color = self._area(), self._theme.color
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        marks = ticks(self._y_top())
        for value, text in zip(marks, tick_texts(marks), strict=True):
            y = area.bottom() - value / self._y_top() * area.height()
            painter.setPen(color("line"))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(color("soft"))
            painter.drawText(QRectF(0, y - 9, _LEFT - 8, 18), right, text)
        painter.setPen(color("edge"))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        for value in self._x_marks():
            x = self.place_of(value, 0).x()
            painter.setPen(color("edge"))
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 4))
            painter.setPen(color("soft"))
            box = QRectF(x - 40, area.bottom() + 5, 80, 16)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), tick_text(value))
        painter.drawText(QRectF(0, 0, self.width(), 18), left, self._y_title)
        painter.drawText(QRectF(area.left(), area.bottom() + 23, area.width(), 18), left, self._x_title)

    def _x_marks(self) -> list[float]:
        if self._doubling:
            return sorted({point.x for point in self._points()})
        return ticks(self._x_range()[1])

    def _paint_curve(self, painter: QPainter, number: int, curve: Curve) -> None:
        color = self._theme.color(series_token(curve.number))
        spots = [self.place_of(point.x, point.y) for point in curve.points]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color, 2))
        painter.drawPolyline(spots)
        painter.setPen(QPen(color, 1))
        for point in curve.points:
            if point.low is not None and point.high is not None:
                painter.drawLine(self.place_of(point.x, point.low), self.place_of(point.x, point.high))
        for index, (point, spot) in enumerate(zip(curve.points, spots, strict=True)):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawEllipse(spot, 4, 4)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if point.is_marked:
                painter.setPen(QPen(color, 2))
                painter.drawEllipse(spot, 8, 8)
            if self.hasFocus() and self._at == (number, index):
                painter.setPen(QPen(self._theme.color("brand"), 2))
                painter.drawEllipse(spot, 11, 11)

    def _paint_legend(self, painter: QPainter) -> None:
        metrics, x, y = painter.fontMetrics(), float(_LEFT), 29.0
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        room = (self.width() - _LEFT - _RIGHT) / max(1, len(self._curves) + bool(self._mark))
        for curve in self._curves:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color(series_token(curve.number)))
            painter.drawEllipse(QPointF(x + 4, y), 4, 4)
            text = metrics.elidedText(curve.label, Qt.TextElideMode.ElideRight, int(room - 24))
            painter.setPen(self._theme.color("ink"))
            painter.drawText(QRectF(x + 13, y - 9, room, 18), left, text)
            x += 13 + metrics.horizontalAdvance(text) + 14
        if self._mark and any(point.is_marked for point in self._points()):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("soft"), 2))
            painter.drawEllipse(QPointF(x + 6, y), 6, 6)
            text = metrics.elidedText(self._mark, Qt.TextElideMode.ElideRight, int(self.width() - x - 20))
            painter.drawText(QRectF(x + 17, y - 9, self.width() - x - 17, 18), left, text)

    def _nearest(self, at: QPointF) -> tuple[int, int] | None:
        near = [
            ((self.place_of(point.x, point.y) - at).manhattanLength(), (number, index))
            for number, curve in enumerate(self._curves)
            for index, point in enumerate(curve.points)
        ]
        distance, found = min(near, default=(1e9, (0, 0)))
        return found if distance <= _NEAR_PX else None

    def _told(self, at: tuple[int, int]) -> str:
        curve = self._curves[at[0]]
        return f"{curve.label}: {curve.points[at[1]].tip}"

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move along a line with the left and right keys, and to another line with up and down."""
        moves = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}
        move = moves.get(Qt.Key(event.key()))
        if move is None or not self._curves:
            super().keyPressEvent(event)
            return
        number = (self._at[0] + move[0]) % len(self._curves)
        points = self._curves[number].points
        self._at = (number, max(0, min(self._at[1] + move[1], len(points) - 1)))
        point = points[self._at[1]]
        spot = self.mapToGlobal(self.place_of(point.x, point.y).toPoint())
        QToolTip.showText(spot, plain_tip(self._told(self._at)), self)
        self.update()

    def event(self, event: QEvent) -> bool:
        """Show the tooltip of the nearest point."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self._nearest(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), "" if found is None else plain_tip(self._told(found)), self)
            return True
        return super().event(event)
