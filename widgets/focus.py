"""Draw a ring around the widget with the keyboard focus, and scroll it into view."""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QTextEdit,
    QWidget,
)
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


MARGIN_PX = 16


class FocusScroll(QObject):
    """The scroller of one window, owned by it. Only keys scroll, because the mouse reaches visible widgets only."""

    def __init__(self, app: QApplication, window: QWidget) -> None:
        """Create a scroller that follows the focus in `window`."""
        super().__init__(window)
        self._window = window
        app.focusChanged.connect(self._on_focus_changed)

    def _on_focus_changed(self, _old: QWidget | None, new: QWidget | None) -> None:
        if new is None or not isValid(self._window) or new.window() is not self._window:
            return
        if self._window.testAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange):
            bring_into_view(new, current_rect(new))


def current_rect(widget: QWidget) -> QRect:
    """Return the part of a widget that keys act on: the selected row of a table, else the whole widget."""
    if isinstance(widget, QAbstractItemView) and widget.currentIndex().isValid():
        row = widget.visualRect(widget.currentIndex())
        return QRect(widget.viewport().mapTo(widget, row.topLeft()), row.size())
    return widget.rect()


def bring_into_view(widget: QWidget, part: QRect) -> None:
    """Scroll each area around `widget` until `part` of it (in its own coordinates) is visible."""
    above = widget.parentWidget()
    while above is not None:
        content = above.widget() if isinstance(above, QScrollArea) else None
        if isinstance(above, QScrollArea) and content is not None and content.isAncestorOf(widget):
            _scroll_to(above, QRect(widget.mapTo(content, part.topLeft()), part.size()))
        above = above.parentWidget()


def _scroll_to(area: QScrollArea, place: QRect) -> None:
    """Scroll as little as possible; of a part higher than the view, the top is shown."""
    bar = area.verticalScrollBar()
    top, bottom = place.top() - MARGIN_PX, place.bottom() + MARGIN_PX
    seen = area.viewport().height()
    if top < bar.value() or bottom - top > seen:
        bar.setValue(top)
    elif bottom > bar.value() + seen:
        bar.setValue(bottom - seen)
