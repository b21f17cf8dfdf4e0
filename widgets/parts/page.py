"""Base class of all pages: a fixed head, a scrolling column, and the states empty, loading, error and full."""

from functools import cached_property
from typing import Any

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QScrollArea, QVBoxLayout, QWidget

from widgets.focus import focus_order
from widgets.parts.buttons import Button, GhostButton, PrimaryButton, Slot, TextButton
from widgets.parts.card import Card, EmptyCard
from widgets.parts.cards.error import ErrorCard, ErrorValue
from widgets.parts.format import clipped, visible
from widgets.parts.layout import LEFT, Item, discard, in_column
from widgets.parts.pictures import PictureStore
from widgets.parts.small import Bar, PageHead
from widgets.parts.text import label, show_text
from widgets.theme import Theme
from widgets.tokens import PAGE_EDGE, SPACE_L, SPACE_M, SPACE_XL
from workers.contracts.translation import _

NARROW_PX, LOW_PX = 900, 400
"""Width in pixels below which the page's margins are smaller, and height below which its head scrolls too."""
LEAST_PX = 790
"""Least width of the content in pixels; a page that is narrower, because text is large, scrolls sideways."""
WIDEST_PX = 1680
"""Largest width of the content in pixels; a wider window leaves the rest free, because wide tables are hard to read."""


TALLEST_PX = 1280
"""Largest height of the content in pixels, unless rows can fill a higher window."""


class LoadingCard(Card):
    """A card with the current work, its progress and a cancel button; updated in place."""

    def __init__(self, theme: Theme, on_cancel: Slot) -> None:
        """Create the card of work that has not started yet; `on_cancel` stops it."""
        super().__init__(edge=SPACE_XL, gap=SPACE_M)
        self._text = label("", "section")
        self._bar = Bar(_("Progress"), big=True)
        self._figure = label("", "soft")
        self.cancel = GhostButton(theme, _("Cancel"), "x", on=on_cancel)
        self.add(self._text, self._bar, self._figure, (self.cancel, LEFT))

    def show_progress(self, text: str, done: float, total: float | None, left: str) -> None:
        """Show the current work; `left` is the remaining time as text, or ""."""
        self._text.setText(text)
        self.setAccessibleName(visible(text))
        self._bar.set_share(done / total if total else None)
        parts = [_("{0:,.0f} of {1:,.0f}").format(done, total) if total and total > 1 else "", left]
        line = ", ".join(part for part in parts if part)
        show_text(self._figure, line)


class PageTop(QWidget):
    """The fixed area of the head above the scrolling column, where the page's main button stays visible."""

    changed = Signal()

    def __init__(self, page: "Page") -> None:
        """Create the area of `page` without a head."""
        super().__init__(page)
        self.setProperty("kind", "page")
        self._page = page
        self._head: PageHead | None = None
        self.has_head = False
        QVBoxLayout(self)
        self.hide()

    def show_head(self, head: PageHead | None) -> None:
        """Replace the head, or remove it if `head` is None."""
        if self._head is not None:
            self._head.hide()
            self._head.setParent(None)
            self._head.deleteLater()  # the pressed button may be in its own signal
        self._head = head
        self.has_head = head is not None
        layout = self.layout()
        if head is not None and layout is not None:
            layout.addWidget(head)
            head.show()
        self.setVisible(head is not None)

    @property
    def head_px(self) -> int:
        """Return the least width of the head in pixels."""
        return self._head.minimumSizeHint().width() if self._head is not None else 0

    def event(self, event: QEvent) -> bool:
        """Emit `changed` when the head needs another height."""
        report = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self.changed.emit()
        return report

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the page with the wheel over the head."""
        self._page.wheelEvent(event)


class Page(QScrollArea):
    """A page of the window, which owns it.

    Subclasses fill it through `_fill`. Its column scrolls, sideways only if text is large; in a low page its head too.
    """

    cancel_requested = Signal()
    page_wanted = Signal(str)  # id of the page that a button leads to
    dismissed = Signal()  # from an error: back to the previous content
    fills_height = False
    widest_px = WIDEST_PX

    def __init__(self, theme: Theme, name: str) -> None:
        """Create an empty page; `name` is its accessible name."""
        super().__init__()
        self.theme = theme
        self.state = "empty"
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._loading: LoadingCard | None = None
        self._next = ("model", _("Choose a model"))
        self._next_button: PrimaryButton | None = None
        self._content = QWidget()
        self._top = PageTop(self)
        self._top.changed.connect(self._set_edges)

    @cached_property
    def _pictures(self) -> PictureStore:
        """Return the cache that decodes the page's pictures."""
        return PictureStore(self)

    def _fill(self, state: str, head: PageHead | None, *items: Item) -> None:
        """Replace the content; spare height goes to the items with a stretch, else it stays at the bottom.

        Items that are None are left out.
        """
        self.state = state
        self._loading = None
        if state != "empty":
            self._next_button = None
        content = QWidget()
        content.setProperty("kind", "page")
        content.setMinimumWidth(LEAST_PX)
        content.setAccessibleName(self.accessibleName())
        box = in_column(*items, gap=SPACE_L, parent=content)
        grows = any(box.stretch(number) for number in range(box.count()))
        box.addStretch(0 if grows else 1)
        self._content = content
        self._swap(head, content)

    def _set_head(self, state: str, head: PageHead) -> None:
        """Set another state and head above the same content."""
        focus = self.window().focusWidget()
        had_focus = focus is not None and self._top.isAncestorOf(focus)
        self.state = state
        self._top.show_head(head)
        self._set_edges()
        if had_focus:
            self.focus_main()

    def _swap(self, head: PageHead | None, content: QWidget) -> None:
        had_focus, before = self._has_focus(), _identity(self.window().focusWidget())
        self._top.setParent(self)  # in a low page it is part of the old content
        self._top.show_head(head)
        self._set_edges()
        old = self.takeWidget()
        discard(old)
        self.setWidget(content)
        content.setAutoFillBackground(False)
        self._place_top()
        if self.isVisible():
            content.show()
        same = [control for control in focus_order(self) if had_focus and _identity(control) == before]
        if same:
            same[0].setFocus(Qt.FocusReason.OtherFocusReason)
        elif had_focus:
            self.focus_main()

    def focus_main(self) -> None:
        """Move the focus to the main button, else to the first control, else to the page, which keys scroll then.

        A control that is hidden in the same turn of the event loop gives it to another one.
        """
        self._focus_now()
        QTimer.singleShot(0, self, self._keep_focus)

    def _keep_focus(self) -> None:
        if self.isVisible() and not self._has_focus():
            self._focus_now()

    def _focus_now(self) -> None:
        controls = focus_order(self)
        main = [control for control in controls if control.property("kind") == "primary"]
        (*main, *controls, self)[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _has_focus(self) -> bool:
        focus = self.window().focusWidget()
        return focus is self or (focus is not None and self.isAncestorOf(focus))

    def show_value(self, value: Any) -> None:
        """Show the full state; each page has its own type of value."""
        raise NotImplementedError

    def _on_width_changed(self, is_narrow: bool) -> None:
        """Arrange the parts for a narrow or wide page; subclasses override it."""

    def _place_top(self) -> None:
        """Let the head scroll with the column of a page that is too low for both."""
        column, is_inside = self._content.layout(), self._top.parentWidget() is self._content
        if isinstance(column, QVBoxLayout) and is_inside != (self.height() < LOW_PX):
            column.removeWidget(self._top) if is_inside else column.insertWidget(0, self._top)
            self._top.setParent(self if is_inside else self._content)
            self._top.setVisible(self._top.has_head)
        self._set_edges()

    def _set_edges(self) -> None:
        edge, top = (SPACE_XL, 20) if self.is_narrow else (PAGE_EDGE, SPACE_XL)
        edge = max(edge, (self.width() - self.widest_px) // 2)
        above, layout = self._top.layout(), self._content.layout()
        has_head = self._top.has_head and self._top.parentWidget() is self
        if above is not None and not has_head:
            hidden_px = min(LEAST_PX - self.viewport().width(), LEAST_PX - 2 * edge - self._top.head_px)
            above.setContentsMargins(0, 0, max(0, hidden_px), 0)  # the head is wrapped to what is seen
        elif above is not None:
            above.setContentsMargins(edge, top, edge, 0)
            width = self.viewport().width()
            height = above.heightForWidth(width) if above.hasHeightForWidth() else above.sizeHint().height()
            self._top.setGeometry(0, 0, width, height)
        self.setViewportMargins(0, self._top.height() if has_head else 0, 0, 0)
        if layout is not None:
            below = 0 if self.fills_height else self.height() - TALLEST_PX
            layout.setContentsMargins(edge, SPACE_L if has_head else top, edge, max(20, below))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Adjust the margins to the size."""
        self._place_top()
        if event.oldSize().width() != event.size().width():
            self._on_width_changed(self.is_narrow)
        super().resizeEvent(event)

    def show_whole(self, part: QWidget) -> None:
        """Scroll until a part of the page is completely visible, or its top if it is taller than the page."""
        self.ensureWidgetVisible(part)
        if part.height() > self.viewport().height():
            top = part.mapTo(self._content, QPoint(0, 0)).y()
            self.verticalScrollBar().setValue(top)

    @property
    def is_narrow(self) -> bool:
        """Return whether the page has the width of the smallest window."""
        return self.width() < NARROW_PX

    def show_loading(self, text: str, done: float = 0, total: float | None = None, left: str = "") -> None:
        """Show the current work; later calls update the same bar. `left` is the remaining time as text."""
        if self._loading is None:
            card = LoadingCard(self.theme, self.cancel_requested)
            self._fill("loading", PageHead(*self._loading_head()), card)
            self._loading = card
        self._loading.show_progress(text, done, total, left)

    def _loading_head(self) -> tuple[str, str]:
        return _("One moment"), _("You may leave this page; the work continues.")

    def show_waiting(self, title: str) -> None:
        """Show that the page's content is still being read."""
        self._fill("waiting", PageHead(title, _("One moment…")), Bar(_("Progress"), "page"))

    def _fill_empty(
        self, icon: str, title: str, text: str, button: Button | None = None, *below: Item, head: str = ""
    ) -> None:
        """Show why the page is empty; `button` leads to its content, by default through the workflow's next step."""
        card = EmptyCard(self.theme, icon, title, text, button or self._add_next_button())
        self._fill("empty", PageHead(head or self.accessibleName()), card, *below)

    def show_error(self, value: ErrorValue, back_to: str = "") -> None:
        """Show what happened and what can be done next.

        Args:
            value: the error.
            back_to: name of the page's previous content, which is still in use; "" if there was none.
        """
        card = ErrorCard(self.theme, value)
        tip = _("Show “{0}” again; it is unchanged").format(back_to)
        back = self._back_button(back_to, tip, self.dismissed) if back_to else None
        head = PageHead(value.page_title or _("That did not work"), value.page_subtitle, back)
        actions = self._error_actions(value)
        card.add_action(*(action for action in actions if isinstance(action, Button)))
        self._fill("error", head, card, *(part for part in actions if not isinstance(part, Button)))

    def _back_button(self, name: str, tip: str, on: Slot) -> TextButton:
        """Return a button for the head that leads back to `name`."""
        text = _("Back to “{0}”").format(clipped(name, 24))
        return TextButton(self.theme, text, "arrow-counter-clockwise", tip=tip, on=on)

    def set_next(self, page_id: str, text: str) -> None:
        """Set the page and the button's text of the workflow's next step; an empty page shows it at once."""
        self._next = page_id, text
        if self._next_button is not None:
            self._next_button.setText(text)

    def _add_next_button(self) -> PrimaryButton:
        """Return the button of an empty page, which leads to the next step."""
        button = self._next_button = PrimaryButton(
            self.theme, self._next[1], "arrow-right", on=lambda: self.page_wanted.emit(self._next[0])
        )
        return button

    def _to(self, page_id: str) -> Slot:
        """Return the action of a button that leads to another page."""
        return lambda: self.page_wanted.emit(page_id)

    def choose_files(self) -> bool:
        """Open the page's own dialog for files or folders; return False if it has none."""
        return False

    def _ask_folder(self, title: str, chosen: SignalInstance) -> None:
        """Open the system's dialog for a folder and emit `chosen(path)`."""
        if path := QFileDialog.getExistingDirectory(self, title):
            chosen.emit(path)

    def _ask_file(self, title: str, kinds: str, chosen: SignalInstance) -> None:
        """Open the system's dialog for a file of these kinds and emit `chosen(path)`."""
        if path := QFileDialog.getOpenFileName(self, title, "", kinds)[0]:
            chosen.emit(path)

    def _ask_place(self, start: str, suffix: str) -> str:
        """Open the system's dialog for a new bundle and return its path, "" for none."""
        title, kinds = _("Where should the bundle be saved?"), _("Bundles (*{0})").format(suffix)
        return QFileDialog.getSaveFileName(self, title, start, kinds)[0]

    def show_stopped(self, value: ErrorValue) -> None:
        """Show why the page cannot do anything."""
        self._fill("stopped", PageHead(value.page_title or value.title), ErrorCard(self.theme, value))

    def _error_actions(self, value: ErrorValue) -> tuple[QWidget, ...]:
        """Return the buttons of the card and the widgets below it; subclasses override it."""
        return ()


def _identity(control: QWidget | None) -> tuple[type, str]:
    """Return what a control has in common with the one that takes its place when a page is filled anew."""
    return type(control), control.accessibleName() if control is not None else ""
