"""Show one example: a picture with boxes, two masks with a movable line between them, or a sound's levels."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.parts.format import sized
from widgets.parts.pictures import PictureStore, PictureValue, paint_value, place_in
from widgets.theme import Theme
from workers.contracts.translation import _

STEP, NAME_PX, HANDLE_PX = 0.05, 11, 9


class InputView(QWidget):
    """The view of one example: a picture, the levels of a sound, or nothing.

    Over a picture with masks of both models, mouse or arrow keys move a line. Left of it is the original's mask, right
    of it the optimized version's.
    """

    def __init__(self, theme: Theme, store: PictureStore) -> None:
        """Create an empty view; `store` decodes its pictures."""
        super().__init__()
        self._theme, self._store = theme, store
        self._picture = PictureValue()
        self._levels: tuple[float, ...] = ()
        self._share = 0.5
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(96, 96)
        store.ready.connect(self._on_ready)
        theme.changed.connect(self.update)

    def _on_ready(self) -> None:
        self.update()

    def sizeHint(self) -> QSize:
        """Return the preferred size; the view grows with the available room."""
        return QSize(180, 180)

    @property
    def is_swiped(self) -> bool:
        """Return whether there is a movable line."""
        return self._picture.mask is not None and self._picture.mask_after is not None

    def show_value(self, picture: PictureValue, levels: tuple[float, ...] = (), caption: str = "") -> None:
        """Show another input."""
        self._picture, self._levels = picture, levels
        name = picture.name or picture.text or caption
        if self.is_swiped:
            name = _("{0}; arrow keys move the line between both masks").format(name)
        self.setAccessibleName(name[:300])
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if self.is_swiped else Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.SplitHCursor if self.is_swiped else Qt.CursorShape.ArrowCursor)
        self.update()

    # -- the line --
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the line to the pointer."""
        self._move_to(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the line with the pointer."""
        self._move_to(event)

    def _move_to(self, event: QMouseEvent) -> None:
        place = self._place()
        if self.is_swiped and place.width():
            self._set_share((event.position().x() - place.left()) / place.width())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the line with the arrow keys."""
        step = {Qt.Key.Key_Left: -STEP, Qt.Key.Key_Right: STEP}.get(Qt.Key(event.key()))
        if step is None or not self.is_swiped:
            super().keyPressEvent(event)
            return
        self._set_share(self._share + step)

    def _set_share(self, share: float) -> None:
        self._share = min(max(share, 0.0), 1.0)
        self.update()

    # -- painting --
    def _place(self) -> QRectF:
        """Return the area of the picture."""
        side = min(self.width(), self.height())
        square = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        pixmap, _unused = self._store.get(self._picture, round(side * self.devicePixelRatioF()))
        return square if pixmap is None else place_in(square, pixmap)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture or the levels."""
        painter = QPainter(self)
        if self._picture.is_picture:
            side = min(self.width(), self.height())
            place = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
            paint_value(painter, self._theme, self._store, place, self._picture, self._share)
            if self.is_swiped:
                self._paint_line(painter, self._place())
        elif self._levels:
            self._paint_levels(painter)
        painter.end()

    def _paint_line(self, painter: QPainter, place: QRectF) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x = place.left() + self._share * place.width()
        for color, width in (("panel", 4.0), ("brand", 2.0)):
            painter.setPen(QPen(self._theme.color(color), width))
            painter.drawLine(round(x), round(place.top()), round(x), round(place.bottom()))
        painter.setBrush(self._theme.color("brand"))
        painter.setPen(QPen(self._theme.color("panel"), 2.0))
        painter.drawEllipse(QRectF(x - HANDLE_PX, place.center().y() - HANDLE_PX, 2 * HANDLE_PX, 2 * HANDLE_PX))
        painter.setFont(sized(painter.font(), NAME_PX))
        height = painter.fontMetrics().height() + 4
        for text, is_left in ((_("Original"), True), (_("Optimized"), False)):
            width = painter.fontMetrics().horizontalAdvance(text) + 10
            left = place.left() + 4 if is_left else place.right() - width - 4
            words = QRectF(left, place.bottom() - height - 4, width, height)
            painter.fillRect(words, self._theme.color("panel"))
            painter.setPen(self._theme.color("ink"))
            painter.drawText(words, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_levels(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("brand"))
        step = self.width() / len(self._levels)
        largest = max(*self._levels, 0.001)
        for number, level in enumerate(self._levels):
            height = max(2.0, level / largest * (self.height() - 8))
            bar = QRectF(number * step + step * 0.15, (self.height() - height) / 2, step * 0.7, height)
            painter.drawRoundedRect(bar, 1, 1)
