"""Plot the latency of every request of a run, each version in its color, with the run's steps beneath."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QWidget

from widgets.parts.format import ms
from widgets.parts.layout import in_column
from widgets.parts.text import show_text, words
from widgets.plots.frame_clock import FrameClock
from widgets.plots.ring import Floats, History
from widgets.plots.scale import time_ticks
from widgets.plots.step_strip import StepStrip, StepValue
from widgets.theme import Theme
from widgets.tokens import SPACE_L
from workers.contracts.translation import _

if TYPE_CHECKING:
    from widgets.plots.latency_canvas import LatencyCanvas


_LEAST_END_S = 10.0


class _Holder(QWidget):
    """The frame of the graph: it takes the available height, because the graph's own wish would make the page scroll.

    A sentence covers an empty graph.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sentence = words("", "soft")
        self.sentence.setParent(self)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.sentence.setGeometry(self.rect().adjusted(SPACE_L, 0, -SPACE_L, 0))

    def sizeHint(self) -> QSize:
        return QSize(300, 150)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 150)


class LatencyPlot(QWidget):
    """The latency graph of the page Optimize, which owns it; all times are seconds since the run's start.

    The axis ends at the expected end of the run. Time that was not measured yet is marked. `set_running(False)` ends
    the graph at its last point.
    """

    def __init__(self, theme: Theme, clock: FrameClock) -> None:
        """Create an empty graph that `clock` draws."""
        super().__init__()
        self._theme, self._clock = theme, clock
        self._canvas: LatencyCanvas | None = None
        self._series: dict[str, tuple[str, int]] = {}
        self._histories: dict[str, History] = {}
        self._best: tuple[tuple[float, float, str], ...] = ()
        self._changed: set[str] = set()
        self._usual_ms: dict[str, float] = {}
        self._dirty = True
        self._now_s, self._drawn_now_s, self._expected_end_s = 0.0, -1.0, 0.0
        self._running, self._stage = False, ""
        self.end_s = 60.0
        self._build_parts()
        clock.add(self)
        theme.changed.connect(self._on_theme_changed)

    def _build_parts(self) -> None:
        self.setAccessibleName(_("Latency of every answer"))
        self.strip = StepStrip(self._theme)
        self.caption = QLabel(
            _("Minutes since the start. Each box is a step; its colored edge shows when it was measured.")
        )
        self.caption.setProperty("role", "caption")
        self.caption.setWordWrap(True)
        holder = _Holder()
        self.waiting = holder.sentence
        self._place = in_column(gap=None, parent=holder)
        in_column((holder, 1), self.strip, self.caption, gap=6, parent=self)

    def add(self, variant_id: str, times_s: Floats, latencies_ms: Floats) -> None:
        """Add requests of a version, both arrays of shape (n,), float64, ascending in time."""
        if variant_id not in self._series:
            self._add_series(variant_id, "", len(self._series))
        self._histories[variant_id].append(times_s, latencies_ms)
        self._changed.add(variant_id)
        if self.waiting.text():
            self._say_waiting()
        self._dirty = True
        self._clock.wake()

    def _add_series(self, variant_id: str, label: str, number: int) -> None:
        self._series[variant_id] = label, number
        self._histories.setdefault(variant_id, History())

    def set_series(self, lines: Sequence[tuple[str, str, int]]) -> None:
        """Set version, name and number of each line, 0 for the original; earlier points are kept."""
        for line in lines:
            self._add_series(*line)
        self._changed.update(self._series)
        self._describe()
        self._touch()

    def set_steps(self, steps: Sequence[StepValue]) -> None:
        """Show the run's steps beneath the graph; their ends give the expected end of the run."""
        self.strip.set_steps(steps)
        ends = [step.end_s for step in steps if step.end_s is not None]
        self._expected_end_s = max(ends, default=0.0)
        self._describe()
        self._touch()

    def set_stage(self, text: str) -> None:
        """Set the current stage of the run, "" if it is unknown; an empty graph shows it."""
        if text != self._stage:
            self._stage = text
            self._touch()

    def set_best(self, points: Sequence[tuple[float, float, str]]) -> None:
        """Set the dashed line of the best version within the limit so far: since when it has which latency and name."""
        self._best = tuple(points)
        self._touch()

    def set_now(self, now_s: float) -> None:
        """Move the line of the current time."""
        self._now_s = now_s
        self.strip.set_now(now_s)
        self._clock.wake()

    def set_running(self, running: bool) -> None:
        """Set whether the run is active; the rest of the time axis is then marked as not measured yet."""
        self._running = running
        self._touch()

    def rows(self) -> list[tuple[str, ...]]:
        """Return each version as texts: name, number of answers, and the fastest, mean and slowest of them."""
        found = [(label, self._histories[key]) for key, (label, _number) in self._series.items()]
        return [(label, f"{h.total:,}", *(ms(value) for value in h.summary())) for label, h in found if h.total]

    def _describe(self) -> None:
        """Give screen readers a sentence about each line."""
        text = _("{0}: {1} answers, {3} on average, from {2} to {4}")
        said = ". ".join(text.format(*row) for row in self.rows())
        if said != self.accessibleDescription():
            self.setAccessibleDescription(said)

    @property
    def _has_data(self) -> bool:
        return any(history.total for history in self._histories.values())

    def _say_waiting(self) -> None:
        """Show in an empty plot why it is empty and which stage runs."""
        text = ""
        if not self._has_data:
            text = _("Nothing was measured.")
        if self._running and not self._has_data:
            text = _("The first measurement appears here once the model and the examples are ready.")
            if self._stage:
                text += "\n" + _("Now: {0}").format(self._stage)
        if text != self.waiting.text():
            show_text(self.waiting, text)

    def _touch(self) -> None:
        self._say_waiting()
        self._dirty = True
        self._clock.wake()

    def _wanted_end_s(self) -> float:
        measured = max((h.last_s for h in self._histories.values() if h.total), default=0.0)
        if not self._running:
            return max(1.0, measured, self._now_s)
        return max(_LEAST_END_S, self._expected_end_s, measured, self._now_s * 1.02)

    def is_due(self, now_s: float, measuring: bool) -> bool:
        """Return whether there are new data, or the line of the current time moves by a pixel."""
        if self._canvas is None or not self.isVisible():
            return False
        moved_px = abs(self._now_s - self._drawn_now_s) / self.end_s * self.width()
        return self._dirty or (self._running and moved_px >= 1.0)

    def draw(self, now_s: float) -> None:
        """Draw the known data; the axes change only if needed, because drawing them is slow."""
        if self._canvas is None:
            return
        wanted = self._wanted_end_s()
        if wanted > self.end_s or wanted < 0.8 * self.end_s or (not self._running and wanted != self.end_s):
            self.end_s = _rounded_up(wanted) if self._running else wanted
            self._changed.update(self._series)
        for variant_id in self._changed:
            self._usual_ms[variant_id] = _usual_ms(self._histories[variant_id], self.end_s / self.width())
        if self._canvas.set_axis(self.end_s, max(self._usual_ms.values(), default=0.0)):
            self._changed.update(self._series)
        for variant_id in self._changed:
            self._canvas.draw_series(variant_id, *self._series[variant_id], self._histories[variant_id])
        self._canvas.show_scale(self._has_data)
        self._canvas.draw_now(self._now_s, self._running and self._has_data)
        self._canvas.draw_best(self._best, self._now_s)
        self._canvas.place_labels()
        self.strip.set_axis(*self._canvas.margins_px(), self.end_s)
        self._changed = set()
        self._dirty, self._drawn_now_s = False, self._now_s

    def showEvent(self, event: QShowEvent) -> None:
        """Create the pyqtgraph canvas after the page has been painted."""
        super().showEvent(event)
        if self._canvas is None:
            QTimer.singleShot(0, self, self._build_canvas)
        self._touch()

    def _build_canvas(self) -> None:
        if self._canvas is None:
            from widgets.plots.latency_canvas import LatencyCanvas  # imports pyqtgraph: not before the first paint

            self._canvas = LatencyCanvas(self._theme, _("not measured yet"), _("now"), self._redraw_all)
            self._canvas.widget.setAccessibleName(self.accessibleName())
            self._canvas.widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            self._place.addWidget(self._canvas.widget)
            self.waiting.raise_()
            self._redraw_all()

    def event(self, event: QEvent) -> bool:
        """Draw again for another screen's pixel ratio or another font."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._on_theme_changed()
        elif event.type() == QEvent.Type.FontChange:
            self._redraw_all()
        return super().event(event)

    def _redraw_all(self) -> None:
        self._changed.update(self._series)
        self._touch()

    def _on_theme_changed(self) -> None:
        if self._canvas is not None:
            self._canvas.restyle()
            self._redraw_all()


def _usual_ms(history: History, s_per_px: float) -> float:
    """Return the latency that the axis must include: nearly all requests, without single outliers."""
    buckets = history.view(4 * s_per_px)
    if not len(buckets):
        return 0.0
    return min(float(np.percentile(buckets.high, 95)), 3 * float(np.median(buckets.mean)))


def _rounded_up(end_s: float) -> float:
    """Round up to the next half tick, so that a changing estimate does not move the axis each time."""
    marks = time_ticks(end_s)
    half = (marks[1] - marks[0]) / 2 if len(marks) > 1 else 1.0
    return half * -(-end_s // half)
