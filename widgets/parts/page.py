"""What every page is: a head that stays, a scrolling column, and the four states empty, loading, error and full."""

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QFrame, QLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from widgets.parts.buttons import GhostButton, PrimaryButton, TextButton
from widgets.parts.card import Card
from widgets.parts.cards.error import ErrorCard, ErrorValue
from widgets.parts.format import clipped
from widgets.parts.small import Bar, PageHead
from widgets.parts.text import label
from widgets.theme import Theme
from widgets.tokens import PAGE_EDGE, SPACE_L, SPACE_M, SPACE_XL

NARROW_PX = 900
"""Below this width the page's edges are smaller."""
WIDEST_PX = 1680
"""Wider windows leave the rest free at both sides: nobody reads a table across two meters."""


TALLEST_PX = 1280
"""Higher windows leave the rest free below, except where rows can fill it."""


class LoadingCard(Card):
    """What is being done, how far it is, and a way to stop it. Updated in place."""

    def __init__(self, theme: Theme, cancel_text: str) -> None:
        super().__init__(edge=SPACE_XL, gap=SPACE_M)
        self._text = label("", "section")
        self._bar = Bar(self.tr("Progress"), big=True)
        self._figure = label("", "soft")
        self.cancel = GhostButton(theme, cancel_text, "x")
        self.add(self._text, self._bar, self._figure)
        self.box.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignLeft)

    def say(self, text: str, done: float, total: float | None, left: str) -> None:
        """`left` is the time left in words, or empty."""
        self._text.setText(text)
        self.setAccessibleName(text)
        self._bar.set_share(done / total if total else None)
        parts = [self.tr("{0:,.0f} of {1:,.0f}").format(done, total) if total and total > 1 else "", left]
        line = ", ".join(part for part in parts if part)
        self._figure.setText(line)
        self._figure.setVisible(bool(line))


class PageTop(QWidget):
    """Where the head stands while the column below it scrolls: the page's one main button stays there."""

    changed = Signal()

    def __init__(self, page: "Page") -> None:
        super().__init__(page)
        self.setProperty("kind", "page")
        self._page = page
        self._head: PageHead | None = None
        QVBoxLayout(self)
        self.hide()

    def show_head(self, head: PageHead | None) -> None:
        """Another head in place of the last one, or none."""
        if self._head is not None:
            self._head.hide()
            self._head.setParent(None)
            self._head.deleteLater()  # the button that led here may still be in its own signal
        self._head = head
        layout = self.layout()
        if head is not None and layout is not None:
            layout.addWidget(head)
            head.show()
        self.setVisible(head is not None)

    def event(self, event: QEvent) -> bool:
        """A head that says something longer may need a line more."""
        told = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self.changed.emit()
        return told

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel over the head scrolls the page as well."""
        self._page.wheelEvent(event)


@dataclass(frozen=True)
class NextStep:
    """What can be done now on the way through: the page where it is done, and the words of the button."""

    page_id: str
    text: str


class Page(QScrollArea):
    """A page of the window. Subclasses fill it through `_fill`; only its column scrolls, and only downward."""

    cancel_requested = Signal()
    next_requested = Signal(str)  # from an empty page: id of the page of the next step
    dismissed = Signal()  # an error was read: back to what the page showed before
    fills_height = False
    widest_px = WIDEST_PX

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.state = "empty"
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._loading: LoadingCard | None = None
        self._next = NextStep("model", self.tr("Choose a model"))
        self._next_button: PrimaryButton | None = None
        self._content = QWidget()
        self._top = PageTop(self)
        self._top.changed.connect(self._set_edges)

    def _fill(self, state: str, head: PageHead | None, *items: QWidget | QLayout, grow: int = -1) -> None:
        """Show other contents; `grow` is the item that takes spare height, else it stays below."""
        self.state = state
        self._loading = None
        if state != "empty":
            self._next_button = None
        content = QWidget()
        content.setProperty("kind", "page")
        content.setAccessibleName(self.accessibleName())
        box = QVBoxLayout(content)
        box.setSpacing(SPACE_L)
        for number, item in enumerate(items):
            stretch = 1 if number == grow else 0
            if isinstance(item, QWidget):
                box.addWidget(item, stretch)
            else:
                box.addLayout(item, stretch)
        box.addStretch(1 if grow < 0 else 0)
        self._content = content
        self._swap(head, content)

    def _set_head(self, state: str, head: PageHead) -> None:
        """Another state and head above the same contents."""
        focus = QApplication.focusWidget()
        had_focus = focus is not None and self._top.isAncestorOf(focus)
        self.state = state
        self._top.show_head(head)
        self._set_edges()
        if had_focus:
            _focus_first(head)

    def _swap(self, head: PageHead | None, content: QWidget) -> None:
        focus = QApplication.focusWidget()
        had_focus = focus is not None and self.isAncestorOf(focus)
        self._top.show_head(head)
        self._set_edges()
        old = self.takeWidget()
        if old is not None:
            old.hide()
            old.deleteLater()  # the button that led here may still be in its own signal
        self.setWidget(content)
        content.setAutoFillBackground(False)
        if self.isVisible():
            content.show()
        if had_focus:
            _focus_first(head, content)

    def show(self, value: Any = None) -> None:
        """Show a value as the page's full state; without one it is Qt's own `show`."""
        if value is None:
            super().show()
        else:
            self.show_value(value)

    def show_value(self, value: Any) -> None:
        """The full state; each page takes a value of its own."""
        raise NotImplementedError

    def _on_width_changed(self, is_narrow: bool) -> None:
        """Subclasses place their parts anew where the smallest window asks for it."""

    def _set_edges(self) -> None:
        edge, top = (SPACE_XL, 20) if self.is_narrow else (PAGE_EDGE, SPACE_XL)
        edge = max(edge, (self.width() - self.widest_px) // 2)
        above, layout = self._top.layout(), self._content.layout()
        has_head = self._top.isVisibleTo(self)
        if above is not None and has_head:
            above.setContentsMargins(edge, top, edge, 0)
            width = self.viewport().width()
            height = above.heightForWidth(width) if above.hasHeightForWidth() else above.sizeHint().height()
            self._top.setGeometry(0, 0, width, height)
        self.setViewportMargins(0, self._top.height() if has_head else 0, 0, 0)
        if layout is not None:
            below = 0 if self.fills_height else self.height() - TALLEST_PX
            layout.setContentsMargins(edge, SPACE_L if has_head else top, edge, max(20, below))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The edges follow the width."""
        self._set_edges()
        if event.oldSize().width() != event.size().width():
            self._on_width_changed(self.is_narrow)
        super().resizeEvent(event)

    def show_whole(self, part: QWidget) -> None:
        """Scroll so far that all of a part of the page is seen; of one that is taller than the page, its top."""
        self.ensureWidgetVisible(part)
        if part.height() > self.viewport().height():
            top = part.mapTo(self._content, QPoint(0, 0)).y()
            self.verticalScrollBar().setValue(top)

    @property
    def is_narrow(self) -> bool:
        """Whether the page has the smallest window's width."""
        return self.width() < NARROW_PX

    def show_loading(self, text: str, done: float = 0, total: float | None = None, left: str = "") -> None:
        """Say what is being done; later calls update the same bar. `left` is the time left, in words."""
        if self._loading is None:
            card = LoadingCard(self.theme, self.tr("Cancel"))
            card.cancel.clicked.connect(self.cancel_requested)
            self._fill("loading", PageHead(*self._loading_head()), card)
            self._loading = card
        self._loading.say(text, done, total, left)

    def _loading_head(self) -> tuple[str, str]:
        return self.tr("One moment"), self.tr("You may leave this page; the work goes on.")

    def show_waiting(self, title: str) -> None:
        """Say that the page is about to come: what it shows is still being looked up."""
        bar = Bar(self.tr("Progress"))
        bar.setProperty("tone", "page")
        self._fill("waiting", PageHead(title, self.tr("One moment…")), bar)

    def show_error(self, value: ErrorValue, back_to: str = "") -> None:
        """Show what happened and what can be done next.

        Args:
            value: The error.
            back_to: Name of what the page showed before, which is still in use; "" where there was nothing.
        """
        card = ErrorCard(self.theme, value)
        head = PageHead(value.page_title or self.tr("That did not work"), value.page_subtitle)
        if back_to:
            back = self._back_button(back_to, self.tr("Show “{0}” again; it is unchanged").format(back_to))
            back.clicked.connect(self.dismissed)
            head.add_action(back)
        extra = self._error_actions(card, value)
        self._fill("error", head, card, *extra)

    def _back_button(self, name: str, tip: str) -> TextButton:
        """Return a button for the head that leads back to `name`."""
        back = TextButton(self.theme, self.tr("Back to “{0}”").format(clipped(name, 24)), "arrow-counter-clockwise")
        back.setToolTip(tip)
        return back

    def set_next(self, step: NextStep) -> None:
        """Name what can be done now; an empty page that is shown follows."""
        self._next = step
        if self._next_button is not None:
            self._next_button.setText(step.text)

    def _add_next_button(self) -> PrimaryButton:
        """Return the button of an empty page, which leads to what can be done now."""
        button = self._next_button = PrimaryButton(self.theme, self._next.text, "arrow-right")
        button.clicked.connect(lambda: self.next_requested.emit(self._next.page_id))
        return button

    def choose_files(self) -> bool:
        """Open the page's own dialog for files or folders; return False where it has none."""
        return False

    def show_stopped(self, value: ErrorValue) -> None:
        """Show why nothing at all can be done here."""
        self._fill("stopped", PageHead(value.page_title or value.title), ErrorCard(self.theme, value))

    def _error_actions(self, card: ErrorCard, value: ErrorValue) -> tuple[QWidget, ...]:
        """Subclasses add buttons to the card and return what stands below it."""
        return ()


def _focus_first(*parts: QWidget | None) -> None:
    """The first button of these takes the place of one that is gone."""
    buttons = [part.findChild(QPushButton) for part in parts if part is not None]
    first = next((button for button in buttons if button is not None), None)
    if first is not None:
        first.setFocus(Qt.FocusReason.OtherFocusReason)
