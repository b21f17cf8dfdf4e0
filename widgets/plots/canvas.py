"""Share the parts of all pyqtgraph graphs; imported only after the first paint, because it imports pyqtgraph."""

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QPen
from PySide6.QtWidgets import QFrame, QWidget

from widgets.theme import Theme
from widgets.tokens import TEXT_CAPTION

AXIS_WIDTH_PX, AXIS_HEIGHT_PX = 40, 24


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

    def dashed(self, token: str, width_px: float = 1.5) -> QPen:
        """Return a dashed pen of `width_px` logical pixels."""
        made = self.solid(token, width_px)
        made.setDashPattern([5 / width_px, 4 / width_px])
        return made


def caption_font(bold: bool = False) -> QFont:
    """Return the application's font in the size of captions."""
    font = QFont()
    font.setPixelSize(TEXT_CAPTION)
    font.setWeight(QFont.Weight.Medium if bold else QFont.Weight.Normal)
    return font


def make_plot(axis_bottom: pg.AxisItem | None = None) -> pg.PlotWidget:
    """Return a plot without menus, mouse and auto-range; the caller sets its ranges."""
    # Without segmented lines, wide antialiased zigzags are drawn at one frame a second (measured).
    pg.setConfigOptions(segmentedLineMode="on", antialias=False)
    plot = pg.PlotWidget(axisItems={"bottom": axis_bottom} if axis_bottom else {})
    plot.setFrameShape(QFrame.Shape.NoFrame)
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.disableAutoRange()
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
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


def style_axis(axis: pg.AxisItem, theme: Theme, line: QPen | None) -> None:
    """Set soft small labels, and an axis line if `line` is given."""
    axis.setTickFont(caption_font())
    axis.setTextPen(theme.color("soft"))
    axis.setPen(line or QPen(QColor(0, 0, 0, 0)))


def antialias(plot: pg.PlotWidget) -> bool:
    """Return whether lines need antialiasing: not on screens with small pixels."""
    return bool(plot.devicePixelRatioF() < 2)
