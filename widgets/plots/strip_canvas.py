"""Draw a strip plot with pyqtgraph; imported after the first paint."""

import numpy as np
from PySide6.QtWidgets import QWidget

from widgets.plots.canvas import Pens, antialias, make_curve, make_plot
from widgets.plots.ring import Buckets, Floats, bars, bucket_size, decimate, joined
from widgets.theme import Theme

_LONGEST_PAUSE_S = 5.0


class StripCanvas:
    """The canvas of a strip plot, owned by it: a mean line over faint bars, phase lines and a base line; no axes."""

    def __init__(self, theme: Theme, token: str) -> None:
        """Create an empty canvas with lines in the color of `token`."""
        self._theme, self._token = theme, token
        self._plot = make_plot()
        self._pens = Pens(theme, self._plot)
        self._plot.hideAxis("left")
        self._plot.hideAxis("bottom")
        self._base = make_curve(self._plot)
        self._phases = make_curve(self._plot, pairs=True)
        self._bars = make_curve(self._plot, pairs=True, z=1)
        self._mean = make_curve(self._plot, z=2)
        self._range = (0.0, 0.0)
        self.restyle()

    @property
    def widget(self) -> QWidget:
        """Return the pyqtgraph widget."""
        plot: QWidget = self._plot
        return plot

    def restyle(self) -> None:
        """Apply the theme's colors."""
        self._plot.setBackground(self._theme.color("panel"))
        self._base.setPen(self._pens.solid("line"))
        self._phases.setPen(self._pens.solid("line"))
        self._bars.setPen(self._pens.solid(self._token, alpha=90))
        self._mean.setPen(self._pens.solid(self._token, 1.5))

    def draw(self, x: Floats, y: Floats, first: int, phases: Floats, span_s: float, top: float) -> None:
        """Draw the points of the last `span_s` seconds.

        Args:
            x: seconds before now (negative), shape (n,), float64.
            y: values in the unit of `top`, shape (n,), float64.
            first: the absolute index of `x[0]`.
            phases: seconds before now of the marked moments, shape (m,).
            span_s: the width of the range in seconds.
            top: the upper end of the range.
        """
        if self._range != (span_s, top):
            self._range = (span_s, top)
            self._plot.setRange(xRange=(-span_s, 0), yRange=(-0.02 * top, 1.06 * top), padding=0)
            self._base.setData([-span_s, 0.0], [0.0, 0.0])
        buckets = decimate(x, y, bucket_size(len(x), self._plot.width()), first)
        self._bars.setData(*bars(buckets))
        self._mean.setData(
            buckets.x, buckets.mean, connect=joined(buckets, _longest_pause_s(buckets)), antialias=antialias(self._plot)
        )
        seen = phases[phases >= -span_s]
        self._phases.setData(np.repeat(seen, 2), np.tile([0.0, top], len(seen)))


def _longest_pause_s(buckets: Buckets) -> float:
    """Return the longest pause in seconds that a line bridges; over an hour, one bucket exceeds a normal pause."""
    return max(_LONGEST_PAUSE_S, 2 * float(np.median(np.diff(buckets.x)))) if len(buckets) > 1 else _LONGEST_PAUSE_S
