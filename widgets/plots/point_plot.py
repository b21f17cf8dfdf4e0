"""Share the parts of graphs that Qt paints itself: axes, marked points and tooltips."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QFont, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from widgets.parts.format import sized
from widgets.parts.text import plain_tip
from widgets.theme import Theme
from widgets.tokens import TEXT_CAPTION

MARK_GAP_PX = 8
ALIGN_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
ALIGN_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


@dataclass(frozen=True)
class PlotPoint:
    """A point; `tip` is its text for tooltip and screen readers, `low` to `high` its interval if known."""

    x: float
    y: float
    tip: str
    low: float | None = None
    high: float | None = None
    is_marked: bool = False


class TipWidget(QWidget):
    """A painted widget whose parts have tooltips."""

    def _tip_at(self, at: QPointF) -> str:
        """Return the text of the part at a position in pixels, "" for none."""
        raise NotImplementedError

    def event(self, event: QEvent) -> bool:
        """Show the tooltip of the part under the pointer."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), plain_tip(self._tip_at(QPointF(event.pos()))), self)
            return True
        return super().event(event)


class PointPlot(TipWidget):
    """A graph with two axes, owned by its page; arrow keys move from point to point."""

    margins_px = (56, 42, 18, 42)
    """Left, top, right and bottom margin of the plot area."""
    size_px = (420, 240)
    """A size at which two plots fit side by side."""

    def __init__(self, theme: Theme, name: str, least_px: int) -> None:
        """Create an empty plot; `name` is its accessible name, `least_px` its least height."""
        super().__init__()
        self._theme = theme
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(least_px)
        self.setAccessibleName(name)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Return the preferred size."""
        return QSize(*self.size_px)

    def _area(self) -> QRectF:
        left, top, right, bottom = self.margins_px
        return QRectF(left, top, self.width() - left - right, self.height() - top - bottom)

    def _font(self) -> QFont:
        return sized(self.font(), TEXT_CAPTION)

    def _x_range(self) -> tuple[float, float]:
        """Return both ends of the lower axis."""
        raise NotImplementedError

    def _y_range(self) -> tuple[float, float]:
        """Return both ends of the left axis."""
        raise NotImplementedError

    def place_of(self, x: float, y: float) -> QPointF:
        """Return the position of a value in pixels."""
        area, (first, last), (low, high) = self._area(), self._x_range(), self._y_range()
        across, up = (x - first) / (last - first), (y - low) / (high - low)
        return QPointF(area.left() + across * area.width(), area.bottom() - up * area.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the graph in the font of captions."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font())
        self._paint(painter)
        painter.end()

    def _paint(self, painter: QPainter) -> None:
        """Paint from bottom to top."""
        raise NotImplementedError

    def _paint_axes(
        self,
        painter: QPainter,
        y_marks: Iterable[tuple[float, str]],
        x_marks: Iterable[tuple[float, str]],
        y_title: str,
        x_title: str = "",
    ) -> None:
        """Paint grid lines, marks and titles; the marks are positions in pixels with their texts."""
        area, color, metrics = self._area(), self._theme.color, painter.fontMetrics()
        for y, text in y_marks:
            painter.setPen(color("line"))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(color("soft"))
            painter.drawText(QRectF(0, y - 9, area.left() - MARK_GAP_PX, 18), ALIGN_RIGHT, text)
        painter.setPen(color("edge"))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        end = -math.inf
        for x, text in x_marks:
            painter.setPen(color("edge"))
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 4))
            painter.setPen(color("soft"))
            box, half = self._x_box(x, area), metrics.horizontalAdvance(text) / 2
            if box.center().x() - half >= end:  # long words of a language in a narrow plot: every other one is enough
                painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)
                end = box.center().x() + half + MARK_GAP_PX
        title = metrics.elidedText(y_title, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(QRectF(0, 0, self.width(), 18), ALIGN_LEFT, title)
        painter.drawText(QRectF(area.left(), area.bottom() + 23, area.width(), 18), ALIGN_LEFT, x_title)

    def _x_box(self, x: float, area: QRectF) -> QRectF:
        return QRectF(x - 40, area.bottom() + 5, 80, 16)

    def _show_tip(self, at: QPointF, tip: str) -> None:
        """Show the tooltip of the point that a key chose, and paint it as chosen."""
        QToolTip.showText(self.mapToGlobal(at.toPoint()), plain_tip(tip), self)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, tip))
        self.update()
