"""Share the parts of all pyqtgraph graphs, and draw small ones; imported after the first paint, like pyqtgraph."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPen
from PySide6.QtWidgets import QFrame, QWidget

from widgets.parts.format import sized
from widgets.plots.ring import Buckets, Floats, bars, bucket_size, decimate, joined
from widgets.theme import Theme
from widgets.tokens import TEXT_CAPTION

AXIS_WIDTH_PX, AXIS_HEIGHT_PX = 40, 24
COVER_ALPHA = 210
"""Opacity of the color behind a text, of 255: lines behind it show faintly."""


class Pens:
    """Pens in the theme's colors for one plot, owned by its canvas.

    The pens are cosmetic and count device pixels, so they need the plot's pixel ratio.
    """

    def __init__(self, theme: Theme, plot: QWidget) -> None:
        """Create pens for `plot`."""
        self._theme, self._plot = theme, plot

    def solid(self, token: str, width_px: float = 1.0, alpha: int = 255) -> QPen:
        """Return a solid pen of `width_px` logical pixels."""
        color = self._theme.color(token)
        color.setAlpha(alpha)
        width = width_px * self._plot.devicePixelRatioF()
        # Round caps would show as a dot at each joint, because segments are drawn one by one.
        made = QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.RoundJoin)
        made.setCosmetic(True)
        return made

    def dashed(self, token: str) -> QPen:
        """Return a dashed pen of 1.5 logical pixels."""
        made = self.solid(token, 1.5)
        made.setDashPattern([5 / 1.5, 4 / 1.5])
        return made


def caption_font(bold: bool = False) -> QFont:
    """Return the application's font in the size of captions."""
    return sized(QFont(), TEXT_CAPTION, QFont.Weight.Medium if bold else QFont.Weight.Normal)


def make_plot() -> pg.PlotWidget:
    """Return a plot without menus, mouse and auto-range; the caller sets its ranges."""
    # Without segmented lines, wide antialiased zigzags are drawn at one frame a second (measured).
    pg.setConfigOptions(segmentedLineMode="on", antialias=False)
    plot = pg.PlotWidget()
    plot.setFrameShape(QFrame.Shape.NoFrame)
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.disableAutoRange()
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    plot.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)  # else a screen reader stops at it without a word
    plot.setAcceptDrops(False)
    plot.viewport().setAcceptDrops(False)
    plot.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    plot.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    plot.getPlotItem().setContentsMargins(0, 0, 0, 0)
    return plot


def make_curve(plot: pg.PlotWidget, *, pairs: bool = False, z: float = 0.0) -> pg.PlotCurveItem:
    """Add an empty curve whose points must all be finite."""
    curve = pg.PlotCurveItem(skipFiniteCheck=True, connect="pairs" if pairs else "all", antialias=False)
    curve.setZValue(z)
    plot.addItem(curve, ignoreBounds=True)
    return curve


def make_text(plot: pg.PlotWidget, anchor: tuple[float, float], bold: bool = False) -> pg.TextItem:
    """Add an empty text over the plot, with its anchor in shares of the text's own size."""
    text = pg.TextItem("", anchor=anchor)
    text.setFont(caption_font(bold))
    text.setZValue(20)
    plot.addItem(text, ignoreBounds=True)
    return text


def tint_text(text: pg.TextItem, theme: Theme, token: str) -> None:
    """Color a text, and cover what lies behind it, so that no line crosses its letters."""
    cover = theme.color("panel")
    cover.setAlpha(COVER_ALPHA)
    text.fill = QBrush(cover)
    text.setColor(theme.color(token))


def style_axis(axis: pg.AxisItem, theme: Theme, line: QPen | None) -> None:
    """Set soft small labels, and an axis line if `line` is given."""
    axis.setTickFont(caption_font())
    axis.setTextPen(theme.color("soft"))
    axis.setPen(line or QPen(QColor(0, 0, 0, 0)))


def antialias(plot: pg.PlotWidget) -> bool:
    """Return whether lines need antialiasing: not on screens with small pixels."""
    return bool(plot.devicePixelRatioF() < 2)


_LONGEST_PAUSE_S = 5.0


class StripCanvas:
    """The canvas of a strip plot, owned by it: a mean line over faint bars, phase lines and a base line; no axes."""

    def __init__(self, theme: Theme, token: str) -> None:
        """Create an empty canvas with lines in the color of `token`."""
        self._theme, self._token = theme, token
        self._plot = make_plot()
        self.widget: QWidget = self._plot
        self._pens = Pens(theme, self._plot)
        self._plot.hideAxis("left")
        self._plot.hideAxis("bottom")
        self._base = make_curve(self._plot)
        self._phases = make_curve(self._plot, pairs=True)
        self._bars = make_curve(self._plot, pairs=True, z=1)
        self._mean = make_curve(self._plot, z=2)
        self._range = (0.0, 0.0)
        self.restyle()

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
