"""Plot one statistic over days, with its usual value and the times of alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QHelpEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from widgets.parts.text import plain_tip
from widgets.plots.scale import tick_texts, ticks_between
from widgets.theme import Theme
from widgets.tokens import TEXT_CAPTION

_LEFT, _TOP, _RIGHT, _BOTTOM = 56, 42, 16, 26
_MINUTE_S, _DAY_S = 60, 86_400
_STEPS_S = (
    1,
    5,
    15,
    60,
    300,
    900,
    3600,
    3 * 3600,
    6 * 3600,
    86_400,
    2 * 86_400,
    4 * 86_400,
    7 * 86_400,
    14 * 86_400,
    30 * 86_400,
)
_MOST_X_MARKS, _MARK_ALPHA = 6, 40
_LEAST_MARK_PX = 3.0
_LEAST_ROOM = 0.15
"""Least margin above and below, as a share of the largest value, so that a small change does not look large."""


@dataclass(frozen=True)
class CoursePoint:
    """A point of the course: `t` in seconds since 1970, `tip` as text for tooltip and screen readers."""

    t: float
    y: float
    tip: str


@dataclass(frozen=True)
class CourseMark:
    """An alarm between `since` and `until`, in seconds since 1970."""

    since: float
    until: float


class CoursePlot(QWidget):
    """The course of one statistic, owned by its page; the left and right keys move from point to point.

    `y_title` names the unit, `usual_name` the dashed line, and `mark_name` the shaded times.
    """

    def __init__(self, theme: Theme, name: str, y_title: str, usual_name: str, mark_name: str) -> None:
        """Create an empty plot; `name` is its accessible name."""
        super().__init__()
        self._theme, self._y_title, self._usual_name, self._mark_name = theme, y_title, usual_name, mark_name
        self._points: tuple[CoursePoint, ...] = ()
        self._marks: tuple[CourseMark, ...] = ()
        self._usual: float | None = None
        self._at = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(190)
        self.setAccessibleName(name)
        theme.changed.connect(self.update)

    def set_course(self, points: Sequence[CoursePoint], usual: float | None, marks: Sequence[CourseMark]) -> None:
        """Show these points, the earliest first, with the usual value and the alarms."""
        self._points, self._usual, self._marks, self._at = tuple(points), usual, tuple(marks), 0
        self.setAccessibleDescription("; ".join(point.tip for point in self._points[:: max(1, len(points) // 20)]))
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size at which two plots fit side by side."""
        return QSize(420, 200)

    def _area(self) -> QRectF:
        return QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BOTTOM)

    def _y_range(self) -> tuple[float, float]:
        values = [point.y for point in self._points] + ([] if self._usual is None else [self._usual])
        low, high = min(values, default=0.0), max(values, default=1.0)
        room = max((high - low) * 0.12, _LEAST_ROOM * max(abs(low), abs(high)), 1e-12)
        bottom = max(0.0, low - room) if low >= 0 else low - room
        top = 1.0 if low >= 0 and high <= 1 < high + room else high + room  # shares end at 1
        return bottom, max(top, bottom + 1e-12)

    def _x_range(self) -> tuple[float, float]:
        times = [point.t for point in self._points] or [0.0]
        first, last = min(times), max(times)
        return (first, last) if last > first else (first - 30, first + 30)

    def place_of(self, t: float, y: float) -> QPointF:
        """Return the position of a value in pixels."""
        area, (first, last), (low, high) = self._area(), self._x_range(), self._y_range()
        across, up = (t - first) / (last - first), (y - low) / (high - low)
        return QPointF(area.left() + across * area.width(), area.bottom() - up * area.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint alarms, axes, the usual value, the course and the names, from bottom to top."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(self.font())
        font.setPixelSize(TEXT_CAPTION)
        painter.setFont(font)
        self._paint_marks(painter)
        self._paint_axes(painter)
        self._paint_course(painter)
        self._paint_legend(painter)
        painter.end()

    def _paint_marks(self, painter: QPainter) -> None:
        area = self._area()
        soft = QColor(self._theme.color("bad"))
        soft.setAlpha(_MARK_ALPHA)
        for mark in self._marks:
            left = max(area.left(), self.place_of(mark.since, 0).x())
            right = min(area.right(), max(left + _LEAST_MARK_PX, self.place_of(mark.until, 0).x()))
            painter.fillRect(QRectF(left, area.top(), right - left, area.height()), soft)
            painter.setPen(QPen(self._theme.color("bad"), 1))
            painter.drawLine(QPointF(left, area.top()), QPointF(left, area.bottom()))

    def _paint_axes(self, painter: QPainter) -> None:
        area, color = self._area(), self._theme.color
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        marks = ticks_between(*self._y_range(), most=4)
        for value, text in zip(marks, tick_texts(marks), strict=True):
            y = self.place_of(self._x_range()[0], value).y()
            painter.setPen(color("line"))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(color("soft"))
            painter.drawText(QRectF(0, y - 9, _LEFT - 8, 18), right, text)
        painter.setPen(color("edge"))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        for t, text in time_marks(*self._x_range()):
            x = self.place_of(t, 0).x()
            painter.setPen(color("edge"))
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 4))
            painter.setPen(color("soft"))
            box = QRectF(min(x - 40, self.width() - 80), area.bottom() + 5, 80, 16)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)
        painter.drawText(QRectF(0, 0, self.width(), 18), left, self._y_title)

    def _paint_course(self, painter: QPainter) -> None:
        color, area = self._theme.color, self._area()
        if self._usual is not None:
            y = self.place_of(self._x_range()[0], self._usual).y()
            painter.setPen(QPen(color("s0"), 1.5, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        painter.setPen(QPen(color("s1"), 2))
        spots = [self.place_of(point.t, point.y) for point in self._points]
        if len(spots) == 1:
            painter.drawEllipse(spots[0], 3, 3)
        painter.drawPolyline(spots)
        if self.hasFocus() and spots:
            painter.setPen(QPen(color("brand"), 2))
            painter.drawEllipse(spots[self._at], 6, 6)

    def _paint_legend(self, painter: QPainter) -> None:
        metrics, x, y = painter.fontMetrics(), float(_LEFT), 29.0
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        if self._usual is not None and self._usual_name:
            painter.setPen(QPen(self._theme.color("s0"), 1.5, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, y), QPointF(x + 20, y))
            painter.setPen(self._theme.color("ink"))
            painter.drawText(QRectF(x + 26, y - 9, 220, 18), left, self._usual_name)
            x += 26 + metrics.horizontalAdvance(self._usual_name) + 16
        if self._marks and self._mark_name:
            soft = QColor(self._theme.color("bad"))
            soft.setAlpha(2 * _MARK_ALPHA)
            painter.fillRect(QRectF(x, y - 6, 14, 12), soft)
            painter.setPen(self._theme.color("ink"))
            painter.drawText(QRectF(x + 20, y - 9, 160, 18), left, self._mark_name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move along the line with the left and right keys."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or not self._points:
            super().keyPressEvent(event)
            return
        self._at = max(0, min(self._at + step, len(self._points) - 1))
        point = self._points[self._at]
        QToolTip.showText(self.mapToGlobal(self.place_of(point.t, point.y).toPoint()), plain_tip(point.tip), self)
        self.update()

    def event(self, event: QEvent) -> bool:
        """Show the tooltip of the point that is nearest in time."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            near = min(self._points, key=lambda p: abs(self.place_of(p.t, p.y).x() - event.pos().x()), default=None)
            QToolTip.showText(event.globalPos(), "" if near is None else plain_tip(near.tip), self)
            return True
        return super().event(event)


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
            marks.append((at.timestamp(), f"{at.day} {at:%b}" if is_day else f"{at:{clock}}"))
        at += timedelta(seconds=step_s)
    return marks or [(first, f"{begun:%H:%M:%S}")]
