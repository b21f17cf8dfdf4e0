"""Plot one figure of the machine as a small scrolling graph of the last minute, the last hour or the whole job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from widgets.parts.layout import in_column
from widgets.plots.frame_clock import FrameClock
from widgets.plots.ring import Floats, Ring
from widgets.plots.scale import nice_top
from widgets.theme import Theme

if TYPE_CHECKING:
    from widgets.plots.canvas import StripCanvas

RING_CAPACITY = 1 << 16
"""Capacity in points: an hour of ten or more readings a second, with a reserve."""

MINUTE_S, HOUR_S = 60.0, 3600.0
_SPANS_S = (MINUTE_S, 120.0, 300.0, 600.0, 1800.0, HOUR_S, 7200.0)


class StripPlot(QWidget):
    """A small graph of one series, owned by its gauge; `token` is the color of the line.

    `top` fixes the end of the range (100 for percent); without it the range grows.
    """

    def __init__(self, theme: Theme, clock: FrameClock, name: str, token: str) -> None:
        """Create an empty graph that `clock` draws; `name` is its accessible name."""
        super().__init__()
        self._theme, self._clock, self._token = theme, clock, token
        self._fixed_top: float | None = None
        self.top = 1.0
        self._ring = Ring(RING_CAPACITY)
        self._phases_s: Floats = np.empty(0)
        self._since_s: float | None = None
        self._window_s = MINUTE_S
        self._canvas: StripCanvas | None = None
        self._dirty = True
        self._drawn_at_s = 0.0
        self.setAccessibleName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._layout = in_column(gap=None, parent=self)
        clock.add(self)
        theme.changed.connect(self._on_theme_changed)

    def add(self, times_s: Floats, values: Floats) -> None:
        """Add points of shape (n,); `times_s` are ascending monotonic seconds of the clock."""
        self._ring.append(times_s, values)
        self._dirty = True
        if self._fixed_top is None and len(values):
            highest = float(np.max(values))
            if highest > self.top or self._ring.total == len(values):
                self.top = nice_top(highest * 1.25)
        self._clock.wake()

    def set_ring(self, ring: Ring, name: str) -> None:
        """Show another series' points and add new points to it."""
        self._ring = ring
        if self._fixed_top is None and len(ring):
            self.top = nice_top(float(np.max(ring.since(-np.inf)[1])) * 1.25)
        self.setAccessibleName(name)
        if self._canvas is not None:
            self._canvas.widget.setAccessibleName(name)
        self._dirty = True
        self._clock.wake()

    def set_top(self, top: float | None) -> None:
        """Fix the end of the range, or let it grow if `top` is None."""
        self._fixed_top = top
        self.top = top or self.top
        self._dirty = True

    def set_phases(self, times_s: Sequence[float]) -> None:
        """Mark moments, such as the starts of a job's steps, with thin lines."""
        self._phases_s = np.asarray(times_s, float)
        self._dirty = True

    def set_since(self, at_s: float | None) -> None:
        """Show everything since this moment (the job's start); None shows the window only."""
        self._since_s = at_s
        self._dirty = True

    def set_window(self, seconds: float) -> None:
        """Show at least this many seconds."""
        self._window_s = seconds
        self._dirty = True
        self._clock.wake()

    def span_s(self, now_s: float) -> float:
        """Return the number of shown seconds."""
        wanted = max(self._window_s, 0.0 if self._since_s is None else now_s - self._since_s)
        return next((span for span in _SPANS_S if span >= wanted), _SPANS_S[-1])

    def is_due(self, now_s: float, measuring: bool) -> bool:
        """Return whether there are new points or the graph would scroll by half a pixel (not while measuring)."""
        if self._canvas is None or not self.isVisible():
            return False
        if self._dirty or measuring:
            return self._dirty
        return (now_s - self._drawn_at_s) * self.width() >= 0.5 * self.span_s(now_s) and len(self._ring) > 0

    def draw(self, now_s: float) -> None:
        """Draw the known points at `now_s`."""
        if self._canvas is not None:
            self._dirty, self._drawn_at_s = False, now_s
            span_s = self.span_s(now_s)
            x, y, first = self._ring.since(now_s - span_s)
            self._canvas.draw(x - now_s, y, first, self._phases_s - now_s, span_s, self.top)

    def showEvent(self, event: QShowEvent) -> None:
        """Create the pyqtgraph canvas after the window has been painted."""
        super().showEvent(event)
        if self._canvas is None:
            QTimer.singleShot(0, self, self._build)
        self._clock.wake()

    def event(self, event: QEvent) -> bool:
        """Draw again for another screen's pixel ratio."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._on_theme_changed()
        return super().event(event)

    def _build(self) -> None:
        if self._canvas is None:
            from widgets.plots.canvas import StripCanvas  # imports pyqtgraph: not before the first paint

            self._canvas = StripCanvas(self._theme, self._token)
            self._canvas.widget.setAccessibleName(self.accessibleName())
            self._layout.addWidget(self._canvas.widget)
            self._dirty = True
            self._clock.wake()

    def _on_theme_changed(self) -> None:
        if self._canvas is not None:
            self._canvas.restyle()
