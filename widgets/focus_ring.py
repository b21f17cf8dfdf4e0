"""Draw a ring with a gap around the widget with the keyboard focus, which style sheets cannot draw."""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit, QWidget
from shiboken6 import isValid

from widgets.theme import Theme
from widgets.tokens import RADIUS_CONTROL

_MARGIN = 4
_DRAW_THEIR_OWN = (QLineEdit, QAbstractSpinBox, QComboBox, QTextEdit, QPlainTextEdit)


class FocusRing(QWidget):
    """The focus ring of one window, owned by it.

    Fields show their focus by their border. All other widgets get this ring while keys are used.
    """

    def __init__(self, theme: Theme, app: QApplication, window: QWidget) -> None:
        """Create a hidden ring that follows the focus in `window`."""
        super().__init__(window)
        self._theme = theme
        self._window = window
        self._chain: list[QWidget] = []
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()
        app.focusChanged.connect(self._on_focus_changed)
        theme.changed.connect(self.update)

    @property
    def target(self) -> QWidget | None:
        """Return the widget with the ring, None without one."""
        return self._chain[0] if self._chain and self.isVisible() else None

    def _on_focus_changed(self, _old: QWidget | None, new: QWidget | None) -> None:
        for widget in self._chain:
            if isValid(widget):
                widget.removeEventFilter(self)
        self._chain = []
        if not isValid(self._window):  # the window and its children are being deleted
            return
        by_key = self._window.testAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)
        if new is None or not by_key or new.window() is not self._window or isinstance(new, _DRAW_THEIR_OWN):
            self.hide()
            return
        above: QWidget | None = new
        while above is not None and above is not self._window:  # a scrolled page moves one of these
            above.installEventFilter(self)
            self._chain.append(above)
            above = above.parentWidget()
        self._follow()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the moves of the widget with the ring."""
        if event.type() in (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show):
            self._follow()
        elif event.type() in (QEvent.Type.Hide, QEvent.Type.MouseButtonPress):
            self.hide()
        return False

    def _follow(self) -> None:
        target = self._chain[0] if self._chain and isValid(self._chain[0]) else None
        if target is None or not target.isVisible():
            self.hide()
            return
        corner = target.mapTo(self._window, QPoint(0, 0))
        self.setGeometry(QRect(corner, target.size()).adjusted(-_MARGIN, -_MARGIN, _MARGIN, _MARGIN))
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a ring of two pixels around a gap of two pixels."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("brand"), 2))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), RADIUS_CONTROL + 3, RADIUS_CONTROL + 3)
        painter.end()
