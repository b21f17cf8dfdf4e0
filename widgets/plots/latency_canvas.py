"""Draw the latency graph with pyqtgraph; imported after the first paint."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QBrush, QPen
from PySide6.QtWidgets import QGraphicsRectItem, QWidget

from widgets.parts.format import visible
from widgets.plots.canvas import (
    AXIS_HEIGHT_PX,
    AXIS_WIDTH_PX,
    Pens,
    antialias,
    make_curve,
    make_plot,
    make_text,
    style_axis,
    tint_text,
)
from widgets.plots.labels import Label, place
from widgets.plots.ring import History, bars, joined
from widgets.plots.scale import clock, nice_top, tick_text, ticks, time_ticks
from widgets.theme import Theme
from widgets.tokens import series_token

_BUCKET_PX, _TOP_PX, _RIGHT_PX = 4.0, 20, 18
_LEAST_FRAME_PX = 170.0
_SECONDS_FROM_MS = 10_000.0


@dataclass
class _Line:
    """The curves and label of one version; the numbers describe its first block of requests."""

    bars: pg.PlotCurveItem
    mean: pg.PlotCurveItem
    clipped: pg.ScatterPlotItem
    text: pg.TextItem
    token: str = "s0"
    x_s: float = 0.0
    seconds: float = 0.0
    low_ms: float = 0.0
    high_ms: float = 0.0
    mean_ms: float = 0.0


class LatencyCanvas:
    """The canvas of the latency graph, owned by it, in data coordinates: seconds since the start, milliseconds."""

    def __init__(self, theme: Theme, not_yet: str, now: str, resized: Callable[[], None]) -> None:
        """Create an empty canvas.

        Args:
            theme: the current theme.
            not_yet: the text over the time that is not measured yet.
            now: the text at the line of the current time.
            resized: called after each change of the size.
        """
        self._theme = theme
        self._lines: dict[str, _Line] = {}
        self._end_s, self._top_ms = 0.0, 0.0
        self._plot = make_plot()
        self.widget: QWidget = self._plot
        self._pens = Pens(theme, self._plot)
        item = self._plot.getPlotItem()
        item.getViewBox().sigResized.connect(lambda _box: resized())
        item.layout.setContentsMargins(0, _TOP_PX, _RIGHT_PX, 0)
        self._left, self._bottom = item.getAxis("left"), item.getAxis("bottom")
        self._left.setWidth(AXIS_WIDTH_PX)
        self._left.setStyle(tickLength=0, tickAlpha=0, hideOverlappingLabels=False)
        self._bottom.setHeight(AXIS_HEIGHT_PX)
        self._bottom.setStyle(tickLength=4, hideOverlappingLabels=False)
        self._unit = pg.LabelItem("", size="12px", justify="left")
        self._unit.setParentItem(item)
        self._unit.setPos(0, -5)
        self._grid = make_curve(self._plot, pairs=True, z=-5)
        self._future = QGraphicsRectItem()
        self._future.setZValue(-6)
        self._plot.addItem(self._future, ignoreBounds=True)
        self._best, self._now = make_curve(self._plot, z=8), make_curve(self._plot, z=9)
        self._not_yet = make_text(self._plot, (0.5, 0.5))
        self._not_yet.setText(not_yet)
        self._now_text = make_text(self._plot, (0, 0), bold=True)
        self._now_text.setText(visible(now))
        self._best_text = make_text(self._plot, (0, 1), bold=True)
        self._best_at = (0.0, 0.0)
        self._now_s = 0.0
        self.restyle()

    def restyle(self) -> None:
        """Apply the theme's colors."""
        theme = self._theme
        self._plot.setBackground(theme.color("panel"))
        style_axis(self._left, theme, None)
        style_axis(self._bottom, theme, self._pens.solid("edge"))
        self._unit.setText(self._unit.text, color=theme.hex("soft"), size="12px")
        self._grid.setPen(self._pens.solid("line"))
        self._future.setBrush(QBrush(theme.color("raised")))
        self._future.setPen(QPen(theme.color("raised"), 0))
        self._best.setPen(self._pens.dashed("ink"))
        self._now.setPen(self._pens.solid("brand", 1.5))
        for text, token in ((self._not_yet, "soft"), (self._now_text, "brand")):
            text.setColor(theme.color(token))
        tint_text(self._best_text, theme, "ink")
        for line in self._lines.values():
            self._tint(line)

    def margins_px(self) -> tuple[float, float]:
        """Return the left and right margin of the plot area in the widget, in pixels."""
        box = self._plot.getPlotItem().getViewBox().sceneBoundingRect()
        return box.left(), self._plot.width() - box.right()

    def _px(self) -> tuple[float, float]:
        """Return the pixels per second and per millisecond."""
        box = self._plot.getPlotItem().getViewBox()
        return box.width() / max(self._end_s, 1e-9), box.height() / max(self._top_ms, 1e-9)

    def set_axis(self, end_s: float, usual_ms: float) -> bool:
        """Set the end of the time axis and a round end of the latency axis; return whether one changed."""
        top_ms = nice_top(usual_ms * 1.15) if usual_ms else self._top_ms or 10.0
        if self._top_ms and top_ms < self._top_ms < 2.5 * top_ms:
            top_ms = self._top_ms  # shrinks only when much of it is empty
        if (end_s, top_ms) == (self._end_s, self._top_ms):
            return False
        self._end_s, self._top_ms = end_s, top_ms
        # A little more than the range, or rounding drops the first and last tick.
        hair = 1e-6
        self._plot.setRange(xRange=(-hair * end_s, end_s * (1 + hair)), yRange=(0, top_ms), padding=hair)
        marks = ticks(top_ms)
        in_seconds = top_ms >= _SECONDS_FROM_MS
        scale = 1000.0 if in_seconds else 1.0
        self._left.setTicks([[(value, tick_text(value / scale)) for value in marks]])
        self._bottom.setTicks([[(value, clock(value)) for value in time_ticks(end_s)]])
        self._unit.setText("s" if in_seconds else "ms", color=self._theme.hex("soft"), size="12px")
        self._grid.setData(np.tile([0.0, end_s], len(marks)), np.repeat(np.asarray(marks), 2))
        return True

    def draw_series(self, variant_id: str, label: str, number: int, history: History) -> None:
        """Draw one version's requests: a mean line over faint bars, and a mark at the top for values above it."""
        line = self._lines.get(variant_id) or self._add_line(variant_id)
        token = series_token(number)
        if line.token != token:
            line.token = token
            self._tint(line)
        line.text.setText(visible(label))
        buckets = history.view(_BUCKET_PX * self._end_s / max(1.0, self._plot.width()))
        if not len(buckets):
            return
        gap_s = 0.5 + 3e-3 * float(np.median(buckets.mean)) + 4 * self._end_s / max(1.0, self._plot.width())
        join = joined(buckets, gap_s)
        line.bars.setData(*bars(buckets))
        line.mean.setData(buckets.x, buckets.mean, connect=join, antialias=antialias(self._plot))
        above = buckets.x[buckets.high > self._top_ms]
        line.clipped.setVisible(len(above) > 0)  # an empty item takes as much paint time as a full one
        line.clipped.setData(above, np.full(len(above), self._top_ms * 0.985))
        breaks = np.flatnonzero(join[:-1] == 0)
        block = slice(0, int(breaks[0]) + 1 if len(breaks) else len(buckets))
        first_s, last_s = float(buckets.x[block][0]), float(buckets.x[block][-1])
        line.x_s, line.seconds = (first_s + last_s) / 2, last_s - first_s
        line.mean_ms = float(np.median(buckets.mean[block]))
        line.low_ms = float(np.percentile(buckets.low[block], 5))
        line.high_ms = float(np.percentile(buckets.high[block], 95))

    def _add_line(self, variant_id: str) -> _Line:
        clipped = pg.ScatterPlotItem(symbol="t1", size=6, pxMode=True)
        self._plot.addItem(clipped, ignoreBounds=True)
        line = _Line(
            bars=make_curve(self._plot, pairs=True, z=2),
            mean=make_curve(self._plot, z=3),
            clipped=clipped,
            text=make_text(self._plot, (0.5, 0.5), bold=True),
        )
        self._lines[variant_id] = line
        self._tint(line)
        return line

    def _tint(self, line: _Line) -> None:
        color = self._theme.color(line.token)
        line.bars.setPen(self._pens.solid(line.token, 1.0, 90))
        line.mean.setPen(self._pens.solid(line.token, 1.5))
        line.clipped.setBrush(color)
        line.clipped.setPen(QPen(color, 0))
        tint_text(line.text, self._theme, line.token)

    def show_scale(self, shown: bool) -> None:
        """Show or hide the latency axis and its lines; an empty plot shows a sentence instead."""
        for item in (self._grid, self._unit):
            item.setVisible(shown)
        self._left.setOpacity(1.0 if shown else 0.0)

    def draw_now(self, now_s: float, running: bool) -> None:
        """Draw the line of the current time and the unmeasured time after it; nothing after the end of the run."""
        for item in (self._future, self._now, self._now_text, self._not_yet):
            item.setVisible(running)
        if not running:
            return
        now_s = min(now_s, self._end_s)
        self._now.setData([now_s, now_s], [0.0, self._top_ms])
        self._future.setRect(QRectF(now_s, 0, self._end_s - now_s, self._top_ms))
        room_px = (self._end_s - now_s) * self._px()[0]
        self._not_yet.setVisible(room_px > self._not_yet.boundingRect().width() + 16)
        self._not_yet.setPos((now_s + self._end_s) / 2, self._top_ms / 2)
        fits = room_px > self._now_text.boundingRect().width() + 6
        self._now_text.setAnchor((0, 0) if fits else (1, 0))
        self._now_text.setPos(now_s, self._top_ms)

    def draw_best(self, points: Sequence[tuple[float, float, str]], now_s: float) -> None:
        """Draw the dashed line through the best latencies so far, up to now."""
        self._best.setVisible(bool(points))
        self._best_text.setVisible(bool(points) and bool(points[-1][2]))
        self._now_s = now_s
        if not points:
            return
        x = np.repeat([point[0] for point in points], 2)[1:]
        y = np.repeat([point[1] for point in points], 2)[:-1]
        self._best.setData(np.append(x, max(now_s, x[-1])), np.append(y, y[-1]), antialias=True)
        self._best_text.setText(points[-1][2])
        self._best_at = points[-1][:2]

    def place_labels(self) -> None:
        """Place each name near its line without covering another one."""
        per_s, per_ms = self._px()
        box = self._plot.getPlotItem().getViewBox()
        now_px = self._now_s * per_s
        past_only = self._now.isVisible() and now_px > _LEAST_FRAME_PX
        frame = QRectF(0, 0, now_px - 3 if past_only else box.width(), box.height())
        labels = [self._best_label()] if self._best_text.isVisible() else []
        drawn: list[QRectF] = []
        lines: list[QRectF] = []
        for line in self._lines.values():
            line.text.setVisible(bool(line.text.textItem.toPlainText()) and line.high_ms > 0)
            drawn.append(self._data_rect(line, frame.height()))
            lines.append(self._line_rect(line, frame.height()))
            if line.text.isVisible():
                labels.append(self._label(line))
        drawn = [rect.adjusted(0, 4, 0, -4) for rect in drawn if rect.height() > 8]
        spots = place([label for _, label in labels], frame, [*lines, *self._best_rects(frame.height())], drawn)
        for (text, _), spot in zip(labels, spots, strict=True):
            text.setVisible(spot is not None)
            if spot is not None:
                text.setAnchor((0.5, 0.5))
                text.setPos(spot.x() / per_s, (frame.height() - spot.y()) / per_ms)

    def _data_rect(self, line: _Line, height_px: float) -> QRectF:
        """Return the area of a version's first block of requests, in pixels from the plot area's corner."""
        per_s, per_ms = self._px()
        top, bottom = height_px - line.high_ms * per_ms, height_px - line.low_ms * per_ms
        width = max(1.0, line.seconds * per_s)
        return QRectF(line.x_s * per_s - width / 2, top, width, bottom - top)

    def _line_rect(self, line: _Line, height_px: float) -> QRectF:
        """Return the area of the mean line of that block."""
        rect = self._data_rect(line, height_px)
        return QRectF(rect.left(), height_px - line.mean_ms * self._px()[1] - 2, rect.width(), 4)

    def _best_rects(self, height_px: float) -> list[QRectF]:
        """Return the areas of the dashed line, in pixels from the plot area's corner."""
        if not self._best.isVisible():
            return []
        per_s, per_ms = self._px()
        x, y = self._best.getData()
        at = [QPointF(seconds * per_s, height_px - ms * per_ms) for seconds, ms in zip(x, y, strict=True)]
        return [QRectF(one, other).normalized().adjusted(0, -1, 1, 1) for one, other in pairwise(at)]

    def _label(self, line: _Line) -> tuple[pg.TextItem, Label]:
        height_px = self._plot.getPlotItem().getViewBox().height()
        data, text = self._data_rect(line, height_px), line.text.boundingRect()
        top = max(0.0, data.top())
        level = height_px - line.mean_ms * self._px()[1]
        return line.text, Label(
            data.center().x(), top, data.bottom(), text.width(), text.height(), half_width=data.width() / 2, level=level
        )

    def _best_label(self) -> tuple[pg.TextItem, Label]:
        """Return the label of the best line: above it and right of its last step, or below it if that is too narrow."""
        per_s, per_ms = self._px()
        rect = self._best_text.boundingRect()
        y = self._plot.getPlotItem().getViewBox().height() - self._best_at[1] * per_ms
        x, end = self._best_at[0] * per_s + 4, self._now_s * per_s - 4
        fits = x + rect.width() <= end
        center = x + rect.width() / 2 if fits else end - rect.width() / 2
        return self._best_text, Label(center, y, y, rect.width(), rect.height(), above_first=fits)
