"""Plot one statistic over days, with its usual value and the times of alarms."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen

from widgets.parts.format import day
from widgets.plots.point_plot import ALIGN_LEFT, PlotPoint, PointPlot
from widgets.plots.scale import tick_texts, ticks_between
from widgets.theme import Theme

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_STEPS_S = (
    *(1, 5, 15, 60, 300, 900),
    *(hours * _HOUR_S for hours in (1, 3, 6)),
    *(days * _DAY_S for days in (1, 2, 4, 7, 14, 30)),
)
_MOST_X_MARKS, _MARK_ALPHA = 6, 40
_LEAST_MARK_PX = 3.0
_LEAST_ROOM = 0.15
"""Least margin above and below, as a share of the largest value, so that a small change does not look large."""


@dataclass(frozen=True)
class Course:
    """One statistic over time.

    Attributes:
        points: The earliest first; `x` in seconds since 1970.
        usual: The value of the evaluation data, None if it is unknown; `usual_name` names its dashed line.
        marks: Times of alarms (since, until) in seconds since 1970.
    """

    title: str
    y_title: str
    points: tuple[PlotPoint, ...]
    usual: float | None = None
    usual_name: str = ""
    marks: tuple[tuple[float, float], ...] = ()


class CoursePlot(PointPlot):
    """The course of one statistic; the left and right keys move from point to point."""

    margins_px = (56, 42, 16, 26)
    size_px = (420, 200)

    def __init__(self, theme: Theme, value: Course, mark_name: str) -> None:
        """Create the plot of `value`; `mark_name` names the shaded times."""
        super().__init__(theme, value.title, 190)
        self._value, self._mark_name, self._at = value, mark_name, 0
        points = value.points
        self.setAccessibleDescription("; ".join(point.tip for point in points[:: max(1, len(points) // 20)]))

    def _y_range(self) -> tuple[float, float]:
        values = [point.y for point in self._value.points] + ([] if self._value.usual is None else [self._value.usual])
        low, high = min(values, default=0.0), max(values, default=1.0)
        room = max((high - low) * 0.12, _LEAST_ROOM * max(abs(low), abs(high)), 1e-12)
        bottom = max(0.0, low - room) if low >= 0 else low - room
        top = 1.0 if low >= 0 and high <= 1 < high + room else high + room  # shares end at 1
        return bottom, max(top, bottom + 1e-12)

    def _x_range(self) -> tuple[float, float]:
        times = [point.x for point in self._value.points] or [0.0]
        first, last = min(times), max(times)
        return (first, last) if last > first else (first - 30, first + 30)

    def _paint(self, painter: QPainter) -> None:
        self._paint_marks(painter)
        marks = ticks_between(*self._y_range(), most=4)
        y_marks = [(self.place_of(0, value).y(), text) for value, text in zip(marks, tick_texts(marks), strict=True)]
        x_marks = [(self.place_of(t, 0).x(), text) for t, text in time_marks(*self._x_range())]
        self._paint_axes(painter, y_marks, x_marks, self._value.y_title)
        self._paint_course(painter)
        self._paint_legend(painter)

    def _x_box(self, x: float, area: QRectF) -> QRectF:
        return QRectF(min(x - 40, self.width() - 80), area.bottom() + 5, 80, 18)

    def _paint_marks(self, painter: QPainter) -> None:
        area = self._area()
        soft = QColor(self._theme.color("bad"))
        soft.setAlpha(_MARK_ALPHA)
        for since, until in self._value.marks:
            left = max(area.left(), self.place_of(since, 0).x())
            right = min(area.right(), max(left + _LEAST_MARK_PX, self.place_of(until, 0).x()))
            painter.fillRect(QRectF(left, area.top(), right - left, area.height()), soft)
            painter.setPen(QPen(self._theme.color("bad"), 1))
            painter.drawLine(QPointF(left, area.top()), QPointF(left, area.bottom()))

    def _paint_course(self, painter: QPainter) -> None:
        color, area = self._theme.color, self._area()
        if self._value.usual is not None:
            y = self.place_of(0, self._value.usual).y()
            painter.setPen(QPen(color("s0"), 1.5, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        painter.setPen(QPen(color("s1"), 2))
        spots = [self.place_of(point.x, point.y) for point in self._value.points]
        if len(spots) == 1:
            painter.drawEllipse(spots[0], 3, 3)
        painter.drawPolyline(spots)
        if self.hasFocus() and spots:
            painter.setPen(QPen(color("brand"), 2))
            painter.drawEllipse(spots[self._at], 6, 6)

    def _paint_legend(self, painter: QPainter) -> None:
        metrics, x, y = painter.fontMetrics(), self._area().left(), 29.0
        if self._value.usual is not None and self._value.usual_name:
            painter.setPen(QPen(self._theme.color("s0"), 1.5, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, y), QPointF(x + 20, y))
            painter.setPen(self._theme.color("ink"))
            painter.drawText(QRectF(x + 26, y - 9, 220, 18), ALIGN_LEFT, self._value.usual_name)
            x += 26 + metrics.horizontalAdvance(self._value.usual_name) + 16
        if self._value.marks and self._mark_name:
            soft = QColor(self._theme.color("bad"))
            soft.setAlpha(2 * _MARK_ALPHA)
            painter.fillRect(QRectF(x, y - 6, 14, 12), soft)
            painter.setPen(self._theme.color("ink"))
            painter.drawText(QRectF(x + 20, y - 9, 160, 18), ALIGN_LEFT, self._mark_name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move along the line with the left and right keys."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        points = self._value.points
        if step is None or not points:
            super().keyPressEvent(event)
            return
        self._at = max(0, min(self._at + step, len(points) - 1))
        point = points[self._at]
        self._show_tip(self.place_of(point.x, point.y), point.tip)

    def _tip_at(self, at: QPointF) -> str:
        """Return the text of the point that is nearest in time."""
        points = self._value.points
        near = min(points, key=lambda p: abs(self.place_of(p.x, p.y).x() - at.x()), default=None)
        return "" if near is None else near.tip


def course_rows(value: Course) -> list[tuple[str, str]]:
    """Return the points of a course as texts: the local time and the value."""
    times = [datetime.fromtimestamp(point.x).astimezone() for point in value.points]
    return [(f"{at:%Y-%m-%d %H:%M}", f"{point.y:,.4g}") for at, point in zip(times, value.points, strict=True)]


def time_marks(first: float, last: float) -> list[tuple[float, str]]:
    """Return about six full seconds, minutes, hours or days between two moments (seconds since 1970), in local time."""
    most_s = ((last - first) / _MOST_X_MARKS // _DAY_S + 1) * _DAY_S
    step_s = next((float(one) for one in _STEPS_S if (last - first) / one <= _MOST_X_MARKS), most_s)
    clock = "%H:%M:%S" if step_s < _MINUTE_S else "%H:%M"
    begun = datetime.fromtimestamp(first).astimezone()
    midnight = begun.replace(hour=0, minute=0, second=0, microsecond=0)
    marks: list[tuple[float, str]] = []
    at = midnight
    skipped = max(0, int((first - midnight.timestamp()) // step_s))
    at += timedelta(seconds=skipped * step_s)
    while at.timestamp() <= last and len(marks) <= _MOST_X_MARKS + 1:
        if at.timestamp() >= first:
            is_day = step_s >= _DAY_S or (at.hour, at.minute, at.second) == (0, 0, 0)
            marks.append((at.timestamp(), day(at, year=False) if is_day else f"{at:{clock}}"))
        at += timedelta(seconds=step_s)
    return marks or [(first, f"{begun:%H:%M:%S}")]
