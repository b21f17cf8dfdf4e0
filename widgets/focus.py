"""Draw a ring around the widget with the keyboard focus, scroll it into view, and define where Tab goes next."""

from collections.abc import Iterator, Sequence
from operator import itemgetter

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLayout,
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
BY_KEY = "byKey"
"""Property of a window whose person uses keys."""
_FIELDS = (QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit)
"""Widgets that show their focus themselves, and inside which Tab stops nowhere."""


class FocusRing(QWidget):
    """The focus ring of one window, owned by it.

    Fields show their focus by their border. All other widgets get this ring while keys are used. What gets the focus by
    a key is scrolled into view; the mouse reaches visible widgets only.
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
        window.installEventFilter(self)

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
        if QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton:
            self._window.setProperty(BY_KEY, False)
        if new is None or new.window() is not self._window or not _by_key(self._window):
            self.hide()
            return
        bring_into_view(new, current_rect(new))
        if isinstance(new, _FIELDS):
            self.hide()
            return
        above: QWidget | None = new
        while above is not None and above is not self._window:  # a scrolled page moves one of these
            above.installEventFilter(self)
            self._chain.append(above)
            above = above.parentWidget()
        self._follow()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the moves of the widget with the ring, and the kind of the person's last input."""
        if watched is self._window:
            if event.type() == QEvent.Type.ShortcutOverride:  # it precedes each key that no field takes
                self._window.setProperty(BY_KEY, True)
        elif event.type() in (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show):
            self._follow()
        elif event.type() in (QEvent.Type.Hide, QEvent.Type.MouseButtonPress):
            self.hide()
            if event.type() == QEvent.Type.MouseButtonPress:
                self._window.setProperty(BY_KEY, False)
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
    view = area.viewport()
    for bar, first, last, seen in (
        (area.verticalScrollBar(), place.top(), place.bottom(), view.height()),
        (area.horizontalScrollBar(), place.left(), place.right(), view.width()),
    ):
        start, end = first - MARGIN_PX, last + MARGIN_PX
        if start < bar.value() or end - start > seen:
            bar.setValue(start)
        elif end > bar.value() + seen:
            bar.setValue(end - seen)


def focus_order(root: QWidget) -> list[QWidget]:
    """Return the controls below `root` that Tab reaches, in the order in which they are laid out.

    Qt's own order is that of creation: what is shown later would come last, wherever it stands.
    """
    return [one for one in _laid_out(root) if one is not root and _is_stop(one)]


def focus_after(root: QWidget, widget: QWidget | None, forward: bool) -> QWidget | None:
    """Return the control after or before `widget`, which may be one that Tab passes by; None if there is no control."""
    all_parts = list(_laid_out(root))[:: 1 if forward else -1]
    at = all_parts.index(widget) + 1 if widget in all_parts else 0
    return next((part for part in (*all_parts[at:], *all_parts[:at]) if part is not root and _is_stop(part)), None)


def _by_key(window: QWidget) -> bool:
    """Return whether the person's last input was a key. Qt itself knows it only while Tab is pressed."""
    return bool(window.property(BY_KEY)) or window.testAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)


def _is_stop(widget: QWidget) -> bool:
    """Return whether Tab stops here; of buttons that exclude each other it stops at the checked one."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    checked = group.checkedButton() if group is not None and group.exclusive() else None
    return widget is checked if checked is not None else bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)


def _laid_out(widget: QWidget) -> Iterator[QWidget]:
    is_kept_away = widget.isHidden() and widget.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide)
    if is_kept_away or not widget.isEnabled():
        return
    if widget.focusProxy() is None:
        yield widget
    if isinstance(widget, _FIELDS):
        return
    children = [child for child in widget.children() if isinstance(child, QWidget)]
    placed = list(_placed(widget.layout(), children))
    in_layout = set(placed)
    loose = [child for child in children if child not in in_layout]
    loose.sort(key=lambda child: (child.y(), child.x()))
    for child in (*placed, *loose):
        if child.parentWidget() is widget and not child.isWindow():
            yield from _laid_out(child)


def _placed(layout: QLayout | None, widgets: Sequence[QWidget]) -> Iterator[QWidget]:
    """Yield those of `widgets` that a layout holds, in its order.

    `QLayout.itemAt` is not used: Qt deletes items without notice, and a widget at the address of one that Python still
    knows crashes when it is deleted (PySide 6.11).
    """
    if layout is None:
        return
    parts: list[QWidget | QLayout] = [*widgets, *(one for one in layout.children() if isinstance(one, QLayout))]
    for at, part in sorted(((layout.indexOf(one), one) for one in parts), key=itemgetter(0)):
        if at >= 0 and isinstance(part, QWidget):
            yield part
        elif at >= 0 and isinstance(part, QLayout):
            yield from _placed(part, widgets)
