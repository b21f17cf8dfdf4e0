"""Show a run's steps as boxes on the time axis of the graph above."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy

from widgets.parts.format import sized
from widgets.plots.point_plot import TipWidget
from widgets.theme import Theme
from widgets.tokens import series_token
from workers.contracts.translation import _, joined

StepState = Literal["waiting", "running", "done", "warning", "failed", "skipped"]
_BOX_HEIGHT, _LEAST_LETTERS, _CHECK_PX = 24, 8, 14


@dataclass(frozen=True)
class StepValue:
    """One step of a run, with times in seconds since its start (expected times for waiting steps).

    `series` is the number of the version in graphs (0 is the original, None without a version). `measured_s` is the
    time range of its requests. `done_share` is 0..1, `remaining_s` the remaining time, None if unknown. `figure` is the
    result as text ("6.9 ms"), `detail` one short line.
    """

    title: str
    state: StepState = "waiting"
    detail: str = ""
    figure: str = ""
    start_s: float | None = None
    end_s: float | None = None
    series: int | None = None
    measured_s: tuple[float, float] | None = None
    done_share: float | None = None
    remaining_s: float | None = None


def shortened(title: str, metrics: QFontMetrics, room_px: int) -> str:
    """Return a title that fits: the whole, or at least eight letters with “…”, or nothing."""
    if metrics.horizontalAdvance(title) <= room_px:
        return title
    report = metrics.elidedText(title, Qt.TextElideMode.ElideRight, room_px)
    return report if len(report) > _LEAST_LETTERS else ""


class StepStrip(TipWidget):
    """The boxes of a run's steps, owned by the latency graph.

    The edge in a version's color shows when that version was measured.
    """

    def __init__(self, theme: Theme) -> None:
        """Create an empty strip."""
        super().__init__()
        self._theme = theme
        self._steps: tuple[StepValue, ...] = ()
        self._end_s, self._now_s = 60.0, 0.0
        self._left_px = self._right_px = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(_("Steps on the time line"))
        theme.changed.connect(self.update)

    def set_steps(self, steps: Sequence[StepValue]) -> None:
        """Show these steps."""
        self._steps = tuple(steps)
        self.setAccessibleDescription(", ".join(step.title for step in self._steps))
        self.update()

    def set_axis(self, left_px: float, right_px: float, end_s: float) -> None:
        """Align the strip with a plot area that has these margins in pixels and ends at `end_s`."""
        if (left_px, right_px, end_s) != (self._left_px, self._right_px, self._end_s):
            self._left_px, self._right_px, self._end_s = left_px, right_px, end_s
            self.update()

    def set_now(self, now_s: float) -> None:
        """Set the current time; the box of a running step grows if it takes longer than expected."""
        if int(self._x(now_s)) != int(self._x(self._now_s)):
            self.update()
        self._now_s = now_s

    def sizeHint(self) -> QSize:
        """Return a size with the strip's height; the width does not matter."""
        return QSize(200, _BOX_HEIGHT + 2)

    def _x(self, at_s: float) -> float:
        width = self.width() - self._left_px - self._right_px
        return self._left_px + min(1.0, max(0.0, at_s / self._end_s)) * width

    def box(self, index: int) -> QRectF:
        """Return the area of a step's box in pixels; empty for a step without known times."""
        step = self._steps[index]
        if step.start_s is None:
            return QRectF()
        begin_s, end_s = step.start_s, step.end_s if step.end_s is not None else self._now_s
        if step.state == "running":
            end_s = max(end_s, self._now_s)
        elif step.state == "waiting":
            late_s = self._late_s()
            begin_s, end_s = begin_s + late_s, end_s + late_s
        left, right = self._x(begin_s) + 1, self._x(end_s) - 1
        return QRectF(left, 1, max(2.0, right - left), _BOX_HEIGHT - 1) if end_s > begin_s else QRectF()

    def _late_s(self) -> float:
        """Return the delay in seconds of the first waiting step compared with its expected start."""
        expected = [step.start_s for step in self._steps if step.state == "waiting" and step.start_s is not None]
        return max(0.0, self._now_s - min(expected, default=self._now_s))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint all boxes."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(sized(self.font(), 11))
        for index, step in enumerate(self._steps):
            if not (box := self.box(index)).isEmpty():
                self._paint_box(painter, box, step)
        painter.end()

    def _paint_box(self, painter: QPainter, box: QRectF, step: StepValue) -> None:
        current, past = step.state == "running", step.state not in ("running", "waiting")
        fill, edge = ("brand-soft", "brand") if current else ("raised", "line") if past else ("panel", "line")
        painter.setBrush(self._theme.color(fill))
        painter.setPen(QPen(self._theme.color(edge), 1))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        if step.measured_s is not None and step.series is not None:
            self._paint_measured(painter, box, step.measured_s, series_token(step.series))
        text = box.adjusted(6, 0, -3, -5)
        report = shortened(step.title, painter.fontMetrics(), int(text.width()))
        if report:
            painter.setPen(self._theme.color("ink" if current else "soft"))
            painter.drawText(text, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), report)
        elif step.state == "done" and box.width() >= _CHECK_PX + 4:
            mark = self._theme.pixmap("check", "soft", _CHECK_PX, self.devicePixelRatioF())
            painter.drawPixmap(box.center() - QPointF(_CHECK_PX / 2, _CHECK_PX / 2), mark)

    def _paint_measured(self, painter: QPainter, box: QRectF, measured_s: tuple[float, float], token: str) -> None:
        left = max(box.left() + 3, self._x(measured_s[0]))
        right = min(box.right() - 3, self._x(min(measured_s[1], max(self._now_s, measured_s[0]))))
        if right > left:
            painter.setPen(QPen(self._theme.color(token), 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            y = box.bottom() - 3.0
            painter.drawLine(QPointF(left, y), QPointF(right, y))

    def _tip_at(self, at: QPointF) -> str:
        """Return the texts of a step, because narrow boxes hold none."""
        step = next((step for index, step in enumerate(self._steps) if self.box(index).contains(at)), None)
        return "" if step is None else f"{joined((step.title, step.detail, step.figure), ' · ')}"
