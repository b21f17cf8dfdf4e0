"""Plot speed against accuracy: a point per version, the limit as a line, and the area within it."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPen

from widgets.parts.format import percent_of, percent_tick, sized, visible
from widgets.plots.labels import Label, place
from widgets.plots.point_plot import MARK_GAP_PX, PointPlot
from widgets.plots.scale import nice_top, tick_text, tick_texts, ticks, ticks_between
from widgets.theme import Theme
from widgets.tokens import TEXT_CAPTION, series_token
from workers.contracts.translation import _, localized
from workers.contracts.wording import in_sentence


@dataclass(frozen=True)
class PointValue:
    """The point of one version: latency in milliseconds, and correct (or same) predictions in percent.

    `number` selects its color (0 is the original). `is_worse` means that its verdict is a regression, whatever the
    percentage is.
    """

    id: str
    label: str
    latency_ms: float
    share_pct: float
    number: int
    is_recommended: bool = False
    is_worse: bool = False


class ScatterPlot(PointPlot):
    """The plot of all versions, owned by the page Compare; `share_name` names the upper axis ("Accuracy").

    Points are chosen by a click, or by arrow keys and return.
    """

    point_chosen = Signal(str)

    margins_px = (52, 24, 14, 42)
    size_px = (462, 206)

    def __init__(self, theme: Theme, share_name: str) -> None:
        """Create an empty plot."""
        super().__init__(theme, _("Speed against {0}").format(in_sentence(share_name)), 170)
        self._share_name = share_name
        self._points: tuple[PointValue, ...] = ()
        self._limit_pct: float | None = None
        self._at = 0

    def set_points(self, points: Sequence[PointValue], limit_pct: float | None) -> None:
        """Show these versions; `limit_pct` is the least allowed share in percent, None without a limit."""
        self._points, self._limit_pct = tuple(points), limit_pct
        self._at = 0
        self.setAccessibleDescription(". ".join(self._describe(point) for point in self._points))
        self.update()

    def _describe(self, point: PointValue) -> str:
        text = _("{0}: {1} ms, {2}, silent regression") if point.is_worse else _("{0}: {1} ms, {2}")
        return text.format(point.label, localized(point.latency_ms, ".3g"), percent_of(point.share_pct))

    def _area(self) -> QRectF:
        area = super()._area()
        area.setLeft(max(area.left(), self.marks_width_px() + MARK_GAP_PX))
        return area

    def marks_width_px(self) -> int:
        """Return the width in pixels of the widest mark of the upper axis: "100.0 %" is wider than "100 %"."""
        return max((QFontMetrics(self._font()).horizontalAdvance(text) for _unused, text in self._marks()), default=0)

    def _marks(self) -> list[tuple[float, str]]:
        shares = ticks_between(*self._y_range())
        return [(share, percent_tick(text)) for share, text in zip(shares, tick_texts(shares), strict=True)]

    def _x_range(self) -> tuple[float, float]:
        return 0.0, nice_top(max((p.latency_ms for p in self._points), default=1.0) * 1.1)

    def _y_range(self) -> tuple[float, float]:
        shares = [p.share_pct for p in self._points] + ([] if self._limit_pct is None else [self._limit_pct])
        if not shares:
            return 0.0, 100.0
        low, high = min(shares), max(shares)
        room = max(0.25 * (high - low), 0.4)
        return max(0.0, low - room), min(100.0 + 0.1 * room, high + room)

    def spot_of(self, point: PointValue) -> QPointF:
        """Return the position of a point in pixels."""
        return self.place_of(point.latency_ms, point.share_pct)

    def _paint(self, painter: QPainter) -> None:
        area, color, limit_y = self._area(), self._theme.color, self._limit_y()
        if limit_y is not None:
            painter.fillRect(QRectF(area.left(), area.top(), area.width(), limit_y - area.top()), color("ok-soft"))
        y_marks = [(self.place_of(0, share).y(), text) for share, text in self._marks()]
        x_marks = [(self.place_of(latency, 0).x(), tick_text(latency)) for latency in ticks(self._x_range()[1])]
        up = _("{0} (up is better)").format(self._share_name)
        self._paint_axes(painter, y_marks, x_marks, up, _("Latency in ms (left is better)"))
        if limit_y is not None:
            painter.setPen(QPen(color("ok"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(area.left(), limit_y), QPointF(area.right(), limit_y))
        if self._points:
            self._paint_points(painter)

    def _limit_y(self) -> float | None:
        return None if self._limit_pct is None else self.place_of(0, self._limit_pct).y()

    def _limit_text(self) -> str:
        return "" if self._limit_pct is None else _("your limit, {0}").format(percent_of(self._limit_pct))

    def names(self, metrics: QFontMetrics) -> list[QRectF | None]:
        """Return the area of each point's name, the limit's last, in pixels; None for a name without room."""
        area, dots, limit_y = self._area(), self._dots(), self._limit_y()
        widths = [metrics.horizontalAdvance(p.label) * (1.1 if p.is_recommended else 1) + 4 for p in self._points]
        labels = [
            Label(dot.center().x(), dot.top(), dot.bottom(), width, metrics.height(), sideways=True)
            for dot, width in zip(dots, widths, strict=True)
        ]
        taken = dots
        if limit_y is not None:
            width = metrics.horizontalAdvance(self._limit_text()) + 4
            labels.append(Label(area.left() + width / 2 + 6, limit_y, limit_y, width, metrics.height()))
            taken = [*dots, QRectF(area.left(), limit_y - 1, area.width(), 2)]  # no name may cover the line
        boxes: list[QRectF | None] = []
        for center, label in zip(place(labels, area, taken), labels, strict=True):
            box = None if center is None else QRectF(0, 0, label.width, label.height)
            if box is not None and center is not None:
                box.moveCenter(center)
            boxes.append(box)
        return boxes

    def _paint_points(self, painter: QPainter) -> None:
        normal, limit_y = QFont(painter.font()), self._limit_y()
        bold = sized(normal, TEXT_CAPTION, QFont.Weight.DemiBold)
        texts = [
            *((point.label, "ink", point.is_recommended) for point in self._points),
            (self._limit_text(), "ok", False),
        ]
        for box, (text, token, is_bold) in zip(self.names(painter.fontMetrics()), texts, strict=False):
            if box is not None:
                is_within = limit_y is not None and box.center().y() < limit_y
                painter.fillRect(box, self._theme.color("ok-soft" if is_within else "panel"))  # no grid line crosses it
                painter.setPen(self._theme.color(token))
                painter.setFont(bold if is_bold else normal)
                painter.drawText(box.adjusted(-4, 0, 4, 0), int(Qt.AlignmentFlag.AlignCenter), visible(text))
        painter.setFont(normal)
        self._paint_dots(painter)

    def _dots(self) -> list[QRectF]:
        rects = []
        for point in self._points:
            at, r = self.spot_of(point), 7.0 if point.is_recommended else 5.0
            rects.append(QRectF(at.x() - r, at.y() - r, 2 * r, 2 * r))
        return rects

    def _paint_dots(self, painter: QPainter) -> None:
        for index, (point, dot) in enumerate(zip(self._points, self._dots(), strict=True)):
            color = self._theme.color(series_token(point.number))
            if point.is_worse:
                painter.setPen(QPen(color, 3, c=Qt.PenCapStyle.RoundCap))
                painter.drawLine(dot.topLeft(), dot.bottomRight())
                painter.drawLine(dot.bottomLeft(), dot.topRight())
            else:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color)
                painter.drawEllipse(dot)
            if self.hasFocus() and index == self._at:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(self._theme.color("brand"), 2))
                painter.drawEllipse(dot.adjusted(-4, -4, 4, 4))

    def _nearest(self, at: QPointF) -> int | None:
        near = [((self.spot_of(p) - at).manhattanLength(), i) for i, p in enumerate(self._points)]
        distance, index = min(near, default=(1e9, 0))
        return index if distance <= 14 else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the point under the pointer."""
        if (index := self._nearest(event.position())) is not None:
            self._at = index
            self.point_chosen.emit(self._points[index].id)
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move from point to point by speed with the arrow keys; choose one with return or space."""
        moves = {Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_Left: -1, Qt.Key.Key_Down: 1}
        key = Qt.Key(event.key())
        if self._points and key in moves:
            order = sorted(range(len(self._points)), key=lambda i: self._points[i].latency_ms)
            self._at = order[(order.index(self._at) + moves[key]) % len(order)]
            point = self._points[self._at]
            self._show_tip(self.spot_of(point), self._describe(point))
        elif self._points and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.point_chosen.emit(self._points[self._at].id)
        else:
            super().keyPressEvent(event)

    def _tip_at(self, at: QPointF) -> str:
        index = self._nearest(at)
        return "" if index is None else self._describe(self._points[index])
