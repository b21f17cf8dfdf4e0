"""Draw a model's layers as blocks from input to output, each as wide as its time."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy

from widgets.parts.format import sized
from widgets.plots.point_plot import TipWidget
from widgets.theme import Theme
from widgets.tokens import TEXT_CAPTION, series_token
from workers.contracts.after.changes import Layer
from workers.contracts.translation import _

BLOCK_PX, GAP_PX, TEXT_PX, LEAST_PX = 34, 1, 18, 1.0
MOST_KINDS = 6
"""Number of layer kinds with their own color; the other kinds share one."""


class LayerFlow(TipWidget):
    """The row of layers over `whole_ms`, owned by the page Layers.

    `block_chosen(order)` is emitted by a click, or by arrow keys and return.
    """

    block_chosen = Signal(int)

    def __init__(self, theme: Theme, name: str) -> None:
        """Create an empty row; `name` is its accessible name."""
        super().__init__()
        self._theme = theme
        self._blocks: tuple[tuple[Layer, str], ...] = ()
        self._kinds: tuple[str, ...] = ()
        self._whole_ms, self._at, self._chosen = 1.0, 0, -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(BLOCK_PX + TEXT_PX + 6)
        self.setAccessibleName(name)
        theme.changed.connect(self.update)

    def set_blocks(self, blocks: Sequence[tuple[Layer, str]], kinds: Sequence[str], whole_ms: float) -> None:
        """Show these layers, each with its text for tooltip and screen readers.

        `kinds` get colors in their order, `whole_ms` corresponds to the whole width.
        """
        self._blocks, self._kinds = tuple(blocks), tuple(kinds[:MOST_KINDS])
        self._whole_ms = max(whole_ms, 1e-9)
        self._at, self._chosen = 0, -1
        slowest = sorted(self._blocks, key=lambda block: -block[0].ms)[:5]
        self.setAccessibleDescription(". ".join(text for _unused, text in slowest))
        self.update()

    def choose(self, order: int) -> None:
        """Mark one block."""
        self._chosen = order
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size that takes the available width."""
        return QSize(600, self.height())

    def rects(self) -> list[QRectF]:
        """Return the area of each block in pixels."""
        rects, left = [], 1.0
        scale = (self.width() - 2) / self._whole_ms
        for layer, _unused in self._blocks:
            width = layer.ms * scale
            rects.append(QRectF(left, 2, max(LEAST_PX, width - (GAP_PX if width > 3 else 0)), BLOCK_PX))
            left += width
        return rects

    def token_of(self, kind: str) -> str:
        """Return the color token of a layer kind."""
        return series_token(self._kinds.index(kind) + 1) if kind in self._kinds else "soft"

    def _block_at(self, point: QPointF) -> int | None:
        for number, rect in enumerate(self.rects()):
            if rect.left() <= point.x() <= rect.right() and rect.top() <= point.y() <= rect.bottom():
                return number
        return None

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the blocks and the names of both ends."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, ((layer, _unused), rect) in enumerate(zip(self._blocks, self.rects(), strict=True)):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color(self.token_of(layer.kind)))
            painter.drawRoundedRect(rect, 2, 2)
            focused = self.hasFocus() and number == self._at
            if focused or layer.order == self._chosen:
                painter.setPen(QPen(self._theme.color("ink"), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(rect.adjusted(-1, -1, 1, 1), 2, 2)
        painter.setFont(sized(painter.font(), TEXT_CAPTION))
        painter.setPen(self._theme.color("soft"))
        below = QRectF(1, BLOCK_PX + 4, self.width() - 2, TEXT_PX)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, _("input"))
        rects = self.rects()
        if rects and rects[-1].right() > 90:
            end = QRectF(1, BLOCK_PX + 4, rects[-1].right(), TEXT_PX)
            painter.drawText(end, Qt.AlignmentFlag.AlignRight, _("answer"))
        painter.end()

    def _tip_at(self, at: QPointF) -> str:
        number = self._block_at(at)
        return "" if number is None else self._blocks[number][1]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the block under the pointer."""
        number = self._block_at(event.position())
        if number is not None:
            self._at = number
            self._choose_here()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Accept the release, because the press was handled here."""
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move between blocks with the arrow keys and choose one with return or space."""
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() in moves and self._blocks:
            self._at = max(0, min(len(self._blocks) - 1, self._at + moves[Qt.Key(event.key())]))
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._blocks:
            self._choose_here()
        else:
            super().keyPressEvent(event)

    def _choose_here(self) -> None:
        order = self._blocks[self._at][0].order
        self.choose(order)
        self.block_chosen.emit(order)
