"""Scroll the widget with the keyboard focus into view, for all pages."""

from PySide6.QtCore import QObject, QRect, Qt
from PySide6.QtWidgets import QAbstractItemView, QApplication, QScrollArea, QWidget
from shiboken6 import isValid

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
