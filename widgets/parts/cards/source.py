"""Show the sources of a figure in a popover that Esc or a click elsewhere closes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QLabel, QSizePolicy, QWidget

from widgets.parts.buttons import Button, ToggleButton
from widgets.parts.format import visible
from widgets.parts.layout import STRETCH, Item, discard, held, in_column, in_flow, in_row
from widgets.parts.small import Figure, KeyValue
from widgets.parts.text import Tone, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S
from workers.contracts.translation import _

WIDTH_PX, HISTOGRAM_PX, EDGE_PX, BARS = 420, 72, 8, 48
WIDEST_SHARE = 0.99
"""Share of the values at which the histogram ends; larger values count in its last bar."""


@dataclass(frozen=True)
class SourceValue:
    """The sources of one figure.

    `values` are raw measurements (a histogram), `lines` single ones as text (each set, each file). `key` distinguishes
    the figures of one version, and `name` is the text of its button. `pairs` hold n and intervals. `how` describes the
    measurement in a sentence.
    """

    key: str
    name: str
    title: str
    figure: str
    how: str
    pairs: tuple[tuple[str, str], ...] = ()
    values: tuple[float, ...] = ()
    ends: tuple[str, str] = ("", "")
    lines: tuple[str, ...] = ()


def bars(values: Sequence[float], count: int = BARS) -> list[int]:
    """Return how many values fall into each of `count` equal steps from the smallest to the 99th percentile."""
    high = np.quantile(values, WIDEST_SHARE, method="higher")
    counts, _edges = np.histogram(np.minimum(values, high), count)
    return [int(number) for number in counts]


class Histogram(QWidget):
    """A histogram of the measurements in small bars."""

    def __init__(self, theme: Theme, values: Sequence[float], name: str) -> None:
        """Create the histogram of `values`; `name` is its accessible name."""
        super().__init__()
        self._theme, self._bars = theme, bars(values)
        self.setFixedHeight(HISTOGRAM_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(visible(name))
        ends = np.quantile(values, (0.0, 0.5, 1.0))
        about = _("{0} values from {1} to {3}, half of them below {2}")
        self.setAccessibleDescription(about.format(len(values), *(f"{end:.3g}" for end in ends)))

    def sizeHint(self) -> QSize:
        """Return the size with the card's width."""
        return QSize(WIDTH_PX, HISTOGRAM_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bars on a line."""
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("brand"))
        step, most, floor = self.width() / len(self._bars), max(self._bars), self.height() - 1
        for number, count in enumerate(self._bars):
            if count:
                height = max(1.5, count / most * (floor - 2))
                painter.drawRect(QRectF(number * step + 0.5, floor - height, step - 1, height))
        painter.fillRect(QRect(0, floor, self.width(), 1), self._theme.color("line"))
        painter.end()


class SourceCard(QFrame):
    """A popover over the window; `show_at` places it below or above a point, always on the screen."""

    def __init__(self, theme: Theme, values: Sequence[SourceValue], chosen: str, parent: QWidget) -> None:
        """Create the popover for the figures `values`, with the key `chosen` first."""
        super().__init__(parent, Qt.WindowType.Popup)
        self._theme, self._values = theme, {value.key: value for value in values}
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("kind", "card")
        self.setFixedWidth(WIDTH_PX + 2 * SPACE_L)
        self._buttons: dict[str, Button] = {}
        self._content = QWidget()
        self._box = in_column(
            self._choices() if len(self._values) > 1 else None,
            self._content,
            edges=(SPACE_L, SPACE_M, SPACE_L, SPACE_L),
            parent=self,
        )
        self.choose(chosen if chosen in self._values else next(iter(self._values)))

    @property
    def chosen(self) -> SourceValue:
        """Return the explained figure."""
        return self._chosen

    def choose(self, key: str) -> None:
        """Explain another figure of the same version."""
        self._chosen = value = self._values[key]
        for name, button in self._buttons.items():
            button.setChecked(name == key)
        self.setAccessibleName(f"{value.title}: {value.figure}")
        self.setAccessibleDescription(visible(value.how))
        old, self._content = self._content, self._explain(value)
        self._box.replaceWidget(old, self._content)
        discard(old)
        self._content.show()
        self.adjustSize()

    def show_at(self, below: QRect) -> None:
        """Show the popover below the figure's screen rectangle `below`, or above it if there is no room."""
        self.adjustSize()
        screen = QGuiApplication.screenAt(below.center()) or QGuiApplication.primaryScreen()
        room = screen.availableGeometry().adjusted(EDGE_PX, EDGE_PX, -EDGE_PX, -EDGE_PX)
        top = below.bottom() + 4
        if top + self.height() > room.bottom():
            top = below.top() - 4 - self.height()
        left = min(max(room.left(), below.left()), room.right() - self.width())
        self.move(QPoint(left, min(max(room.top(), top), room.bottom() - self.height())))
        self.show()
        first = self._buttons.get(self._chosen.key) or self.findChild(Button)
        if first is not None:
            first.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close the popover with Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
            return
        super().keyPressEvent(event)

    def _on_key(self, key: str, _checked: bool = False) -> None:
        self.choose(key)

    # -- parts --
    def _choices(self) -> QWidget:
        group = QButtonGroup(self)
        self._buttons = {
            key: ToggleButton(self._theme, value.name, group, on=partial(self._on_key, key))
            for key, value in self._values.items()
        }
        return in_flow(*self._buttons.values(), gap=4)

    def _explain(self, value: SourceValue) -> QWidget:
        measured: tuple[Item, ...] = ()
        if len(value.values) > 1:
            first, last = (label(end, "caption", wrap=False) for end in value.ends)
            name = _("{0:,} measurements").format(len(value.values))
            measured = Histogram(self._theme, value.values, name), in_row(first, STRETCH, last, gap=None)
        return held(
            in_column(
                label(value.title, "soft"),
                label(value.figure, "headline"),
                *measured,
                *(label(line, "caption") for line in value.lines),
                KeyValue(value.pairs, 132) if value.pairs else None,
                words(value.how, "soft"),
                edges=(0, SPACE_S, 0, 0),
            )
        )


class OpenFigure(Figure):
    """One of the three figures; a click, Enter or Space emits `opened(key)`."""

    opened = Signal(str)

    def __init__(self, key: str, value: str, unit: str, text: str, tone: Tone = "") -> None:
        """Create a figure with its key and its texts."""
        super().__init__(value, unit, text, tone)
        self.key = key
        self.setProperty("opens", True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(_("Where this figure comes from"))
        for part in self.findChildren(QLabel):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open the sources after a click within the figure."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.opened.emit(self.key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the sources with Enter or Space."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.opened.emit(self.key)
            return
        super().keyPressEvent(event)
