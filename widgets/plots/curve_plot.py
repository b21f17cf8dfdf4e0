"""Plot measured points with intervals and lines: throughput over batch size, latency over request rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPen

from widgets.parts.format import visible
from widgets.plots.point_plot import ALIGN_LEFT, PlotPoint, PointPlot
from widgets.plots.scale import nice_top, tick_text, tick_texts, ticks
from widgets.theme import Theme
from widgets.tokens import series_token
from workers.contracts.translation import _

_NEAR_PX = 14


@dataclass(frozen=True)
class Curve:
    """The curve of one version; `number` selects its color (0 is the original)."""

    label: str
    number: int
    points: tuple[PlotPoint, ...]


class CurvePlot(PointPlot):
    """The curves of several versions, owned by their page; arrow keys move from point to point.

    `y_title` names the unit and the better direction, `x_title` the unit. `doubling` scales x by powers of two. `mark`
    explains the ring around a marked point.
    """

    def __init__(
        self, theme: Theme, name: str, x_title: str, y_title: str, *, doubling: bool = False, mark: str = ""
    ) -> None:
        """Create an empty plot; `name` is its accessible name."""
        super().__init__(theme, name, 220)
        self._x_title, self._y_title, self._doubling, self._mark = x_title, y_title, doubling, mark
        self._curves: tuple[Curve, ...] = ()
        self._at: tuple[int, int] = (0, 0)

    def set_curves(self, curves: Sequence[Curve]) -> None:
        """Show these curves; curves without points are left out."""
        self._curves = tuple(curve for curve in curves if curve.points)
        self._at = (0, 0)
        report = [f"{curve.label}: {'; '.join(point.tip for point in curve.points)}" for curve in self._curves]
        self.setAccessibleDescription(". ".join(report))
        self.update()

    @property
    def titles(self) -> tuple[str, str, str, str]:
        """Return the titles of the columns of `rows`."""
        return _("Version"), self._x_title, self._y_title, _("95 % sure")

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return all points as texts: version, both values and the interval."""
        return [
            (curve.label, f"{point.x:,.4g}", f"{point.y:,.4g}", interval(point))
            for curve in self._curves
            for point in curve.points
        ]

    def _points(self) -> list[PlotPoint]:
        return [point for curve in self._curves for point in curve.points]

    def _y_range(self) -> tuple[float, float]:
        return 0.0, nice_top(max((point.high or point.y for point in self._points()), default=1.0) * 1.05)

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
        return super().place_of(self._scaled(x), y)

    def _paint(self, painter: QPainter) -> None:
        marks = ticks(self._y_range()[1])
        y_marks = [(self.place_of(1, value).y(), text) for value, text in zip(marks, tick_texts(marks), strict=True)]
        x_marks = [(self.place_of(value, 0).x(), tick_text(value)) for value in self._x_marks()]
        self._paint_axes(painter, y_marks, x_marks, self._y_title, self._x_title)
        for number, curve in enumerate(self._curves):
            self._paint_curve(painter, number, curve)
        self._paint_legend(painter)

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
        metrics, x, y = painter.fontMetrics(), self._area().left(), 29.0
        room = self._area().width() / max(1, len(self._curves) + bool(self._mark))
        for curve in self._curves:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color(series_token(curve.number)))
            painter.drawEllipse(QPointF(x + 4, y), 4, 4)
            text = metrics.elidedText(curve.label, Qt.TextElideMode.ElideRight, int(room - 24))
            painter.setPen(self._theme.color("ink"))
            painter.drawText(QRectF(x + 13, y - 9, room, 18), ALIGN_LEFT, visible(text))
            x += 13 + metrics.horizontalAdvance(text) + 14
        if self._mark and any(point.is_marked for point in self._points()):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.color("soft"), 2))
            painter.drawEllipse(QPointF(x + 6, y), 6, 6)
            text = metrics.elidedText(self._mark, Qt.TextElideMode.ElideRight, int(self.width() - x - 20))
            painter.drawText(QRectF(x + 17, y - 9, self.width() - x - 17, 18), ALIGN_LEFT, visible(text))

    def _nearest(self, at: QPointF) -> tuple[int, int] | None:
        near = [
            ((self.place_of(point.x, point.y) - at).manhattanLength(), (number, index))
            for number, curve in enumerate(self._curves)
            for index, point in enumerate(curve.points)
        ]
        distance, point_at = min(near, default=(1e9, (0, 0)))
        return point_at if distance <= _NEAR_PX else None

    def _describe(self, at: tuple[int, int]) -> str:
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
        self._show_tip(self.place_of(point.x, point.y), self._describe(self._at))

    def _tip_at(self, at: QPointF) -> str:
        point_at = self._nearest(at)
        return "" if point_at is None else self._describe(point_at)


def interval(point: PlotPoint) -> str:
    """Return the interval of a point as text, "" if it is unknown."""
    if point.low is None or point.high is None:
        return ""
    return _("{0} to {1}").format(f"{point.low:,.4g}", f"{point.high:,.4g}")
