"""Build the window from rail, top bar, pages and dock; accept drops anywhere and ask before closing.

The window is painted before its parts are imported: `widgets.first_frame` shows how it will look.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSize, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QMainWindow, QScrollArea, QScrollBar, QStackedWidget, QWidget

from widgets.first_frame import FirstFrame
from widgets.tokens import PAGE_EDGE, SPACE_XL, Scheme

if TYPE_CHECKING:
    from widgets.drops import Incoming
    from widgets.page_registry import PageSpec
    from widgets.parts.cards.error import ErrorValue
    from widgets.plots.frame_clock import FrameClock
    from widgets.theme import Theme

_NARROW_PX = 1108
_LEAST_SIZE, _FIRST_SIZE = (860, 560), (1280, 800)
_FRAME_PX = 32
"""Approximate height in pixels of the frame that window managers add above a window."""


class MainWindow(QMainWindow):
    """The main window; each page is created when it is first shown, and a new project starts at the first page.

    `show_frame` and `show` make it visible at once, and `build` fills it. Until then, presses and drops wait for
    `replace_frame`. On closing, the window stays open and emits `close_requested`; the listener calls `close_now` when
    nothing is lost. `first_painted` is emitted once when the window is visible: heavy imports follow it. If
    `takes_pictures` is set, a picture without a file takes precedence over its address.
    """

    page_requested = Signal(str)
    page_shown = Signal(str)
    page_built = Signal(str, QWidget)
    paths_dropped = Signal(list)
    links_dropped = Signal(list)
    text_dropped = Signal(str)
    picture_dropped = Signal(object)
    drag_entered = Signal()
    close_requested = Signal()
    first_painted = Signal()

    def __init__(self) -> None:
        """Create the window without any part."""
        super().__init__()
        self._pages: dict[str, QWidget] = {}
        self._may_close = self._was_painted = self.is_built = False
        self._before: dict[str, str] = {}
        self.takes_pictures = False
        self._frame: FirstFrame | None = None
        self.setWindowTitle("Fettle")
        self.setAcceptDrops(True)
        self.setMinimumSize(QSize(*_LEAST_SIZE).boundedTo(self._room()))
        self.restore_geometry(b"")

    def show_frame(self, scheme: Scheme, picture: Path) -> None:
        """Show how the window will look; see `FirstFrame`."""
        self._frame = FirstFrame(scheme, picture)
        self.setCentralWidget(self._frame)
        self._frame.setFocus()

    def build(self, app: QApplication, theme: "Theme", clock: "FrameClock", pages: "Sequence[PageSpec]") -> None:
        """Create all parts but the pages. A frame stays in front of them until `replace_frame`."""
        from widgets.commands import CLOSE_WINDOW, PASTE, SHOW_PAGE, Commands
        from widgets.focus import FocusRing

        self.theme, self.clock = theme, clock
        self.specs = {spec.id: spec for spec in pages}
        self.first_page = next(iter(self.specs))
        self.setWindowIcon(theme.icon("activity", "brand", 64))
        self.commands = Commands()
        self.commands.offer(SHOW_PAGE, self._on_page_requested)
        self.commands.offer(PASTE, self._on_paste)
        self.commands.offer(CLOSE_WINDOW, self.close)
        self._center = self._make_center()
        self._ring = FocusRing(theme, app, self)
        self._add_keys()
        self.is_built = True
        self._fit_edges()
        if self._frame is None:
            self.setCentralWidget(self._center)

    def replace_frame(self) -> None:
        """Show the parts in the place of the frame, and give them what was pressed and dropped meanwhile."""
        frame, self._frame = self._frame, None
        if frame is not None:
            self.setCentralWidget(self._center)
            self._center.show()
            self.show_page(self.current_page)
            frame.hand_over(self)

    def _make_center(self) -> QWidget:
        from widgets.dock import Dock
        from widgets.parts.layout import in_column, in_row

        self._stack = QStackedWidget()
        self.dock = Dock(self.theme, self.clock)
        self._right, center = QWidget(), QWidget(self)
        self._column = in_column((self._stack, 1), self.dock, gap=0, parent=self._right)
        self._row = in_row((self._right, 1), gap=0, parent=center)
        self._add_bars()
        return center

    def _add_bars(self) -> None:
        from widgets.drops import DropVeil
        from widgets.parts.layout import in_row
        from widgets.rail import Rail
        from widgets.top_bar import Banner, TopBar

        self.rail = Rail(self.theme, tuple(self.specs.values()), self)
        self.top = TopBar(self.theme, self.commands)
        self.notice = Banner(self.theme)
        self._notice_row = in_row(self.notice)
        self._veil = DropVeil(self.theme, self._right)
        self._row.insertWidget(0, self.rail)
        self._column.insertWidget(0, self.top)
        self._column.insertLayout(1, self._notice_row)
        self.notice.closed.connect(self._set_notice_edges)
        self.rail.page_requested.connect(self._on_page_requested)

    def remake(self, page_ids: Iterable[str]) -> None:
        """Make the bars and these pages anew because their texts are in another language; the shown page stays."""
        from PySide6.QtCore import Qt

        from widgets.parts.layout import discard

        shown, before, scrolled = self.current_page, dict(self._before), self._scroll_bar.value()
        focus = QApplication.focusWidget()
        focused = focus.objectName() if focus is not None else ""
        for page_id in page_ids:
            page = self._pages.pop(page_id)
            self._stack.removeWidget(page)
            discard(page)
        self._column.removeItem(self._notice_row)
        for bar in (self.rail, self.top, self.notice, self._veil):
            bar.setParent(None)
            bar.deleteLater()
        self._add_bars()
        self.dock.translate()
        self.show_page(shown)
        self._before = before
        self._fit_edges()
        QTimer.singleShot(0, self, lambda: self._scroll_bar.setValue(scrolled))
        if focused and (found := self._pages[shown].findChild(QWidget, focused)) is not None:
            found.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def _scroll_bar(self) -> QScrollBar:
        shown = self._stack.currentWidget()
        return shown.verticalScrollBar() if isinstance(shown, QScrollArea) else QScrollBar(self)

    def _add_keys(self) -> None:
        from PySide6.QtGui import QKeySequence, QShortcut

        from widgets.commands import BY_KEYS

        for command in BY_KEYS:
            QShortcut(QKeySequence(command.shortcut), self).activated.connect(partial(self.commands.trigger, command))
        for spec in self.specs.values():
            if spec.shortcut:
                QShortcut(QKeySequence(spec.shortcut), self).activated.connect(lambda i=spec.id: self.toggle_page(i))

    # --- pages

    def page(self, page_id: str) -> QWidget:
        """Return a page; creates it if needed."""
        if page_id not in self._pages:
            from widgets.drops import let_drops_through

            page = self.specs[page_id].make(self.theme, self.clock)
            self._pages[page_id] = page
            self._stack.addWidget(page)
            let_drops_through(page)
            self.page_built.emit(page_id, page)
        return self._pages[page_id]

    def show_page(self, page_id: str) -> None:
        """Show a page; an unknown id shows the first page."""
        from widgets.drops import let_drops_through
        from widgets.parts.page import Page

        if page_id not in self.specs:
            page_id = self.first_page
        is_new = page_id != self.current_page or self.focusWidget() is None
        page = self.page(page_id)
        let_drops_through(page)
        if self.specs[page_id].shortcut and self.current_page != page_id:
            self._before[page_id] = self.current_page
        self._stack.setCurrentWidget(page)
        focused = self.focusWidget()
        if is_new and isinstance(page, Page) and (focused is None or not page.isAncestorOf(focused)):
            page.focus_main()
        self.rail.set_current(page_id)
        self.page_shown.emit(page_id)

    @property
    def built_pages(self) -> dict[str, QWidget]:
        """Return the pages that exist, by id."""
        return dict(self._pages)

    @property
    def current_page(self) -> str:
        """Return the id of the shown page, "" before the first."""
        shown = self._stack.currentWidget() if self.is_built else None
        return next((page_id for page_id, page in self._pages.items() if page is shown), "")

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Move the focus as the window is laid out: rail, top bar, page, dock."""
        if not self.is_built:
            return False
        from PySide6.QtCore import Qt

        from widgets.focus import focus_after

        following = focus_after(self, self.focusWidget(), forward)
        if following is not None:
            following.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
        return following is not None

    def toggle_page(self, page_id: str) -> None:
        """Show a page with a shortcut, or return from it to the previous page."""
        back = self._before.get(page_id) or self.first_page
        self._on_page_requested(page_id if self.current_page != page_id else back)

    def _on_page_requested(self, page_id: str) -> None:
        if page_id in self.specs:
            self.show_page(page_id)
            self.page_requested.emit(page_id)

    # --- values from controllers

    def set_project(self, name: str, preset: str) -> None:
        """Set the names of the open project and of its preset; "" for none."""
        self.top.set_project(name, preset)
        self.setWindowTitle(f"{name[:120]} · Fettle" if name else "Fettle")

    def set_jobs(self, count: int, started_at_s: float | None = None, others: int = 0) -> None:
        """Set the number of measuring jobs with their start (monotonic seconds), and the number of other jobs."""
        self.top.set_jobs(count + others)
        self.dock.set_jobs(count, started_at_s, others)
        self.clock.set_job(count > 0)

    def set_progress(self, page_id: str, share: float | None) -> None:
        """Set the progress of a page's job, 0..1, at its entry; None for no job."""
        self.rail.entries[page_id].set_share(share)

    def set_measuring(self, measuring: bool) -> None:
        """Set whether measurements run, during which the window draws about five times a second."""
        self.clock.set_measuring(measuring)

    def set_calm(self, is_calm: bool) -> None:
        """Stop everything that moves by itself; Qt's own effects come back only at the next start."""
        from widgets.motion import stop_effects
        from widgets.parts.small import Bar

        self.setProperty("calm", is_calm)
        self.clock.set_calm(is_calm)
        if is_calm:
            stop_effects()
        for bar in self.findChildren(Bar):
            bar.set_share(bar.share)

    def banner(self, value: "ErrorValue | None") -> None:
        """Show a message on all pages; None removes it."""
        if value is None:
            self.notice.hide()
        else:
            self.notice.show_value(value)
        self._set_notice_edges()

    # --- start and close

    def close_now(self) -> None:
        """Close without asking again."""
        self._may_close = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Close after `close_now`, else ask with `close_requested`."""
        if self._may_close:
            event.accept()
        else:
            event.ignore()
            self.close_requested.emit()

    def geometry_to_save(self) -> bytes:
        """Return size and position for the next start."""
        return bytes(self.saveGeometry().data())

    def restore_geometry(self, kept: bytes) -> None:
        """Restore the last size and position; without one, choose a size that fits the screen with its frame."""
        if kept and self.restoreGeometry(QByteArray(kept)):
            return
        self.resize(QSize(*_FIRST_SIZE).boundedTo(self._room()).expandedTo(self.minimumSize()))

    def _room(self) -> QSize:
        """Return the screen's size without the window's frame; with text twice as large it has half as many pixels."""
        screen = self.screen()
        return (screen.availableSize() if screen is not None else QSize(*_FIRST_SIZE)) - QSize(0, _FRAME_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the window; emit `first_painted` the first time."""
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self, self.first_painted.emit)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use narrow margins in a narrow window."""
        super().resizeEvent(event)
        if self.is_built:
            self._fit_edges()

    def _fit_edges(self) -> None:
        edge_px = SPACE_XL if self.width() < _NARROW_PX else PAGE_EDGE
        self.rail.set_compact(self.width() < _LEAST_SIZE[0])
        self.top.set_edge(edge_px)
        self.dock.set_edge(edge_px)
        self._set_notice_edges()

    def _set_notice_edges(self) -> None:
        edge_px = SPACE_XL if self.width() < _NARROW_PX else PAGE_EDGE
        self._notice_row.setContentsMargins(edge_px, 0 if self.notice.isHidden() else 8, edge_px, 0)

    # --- drop and paste

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept a drag with usable content and show the veil."""
        from widgets.drops import can_take, let_drops_through

        let_drops_through(self)
        if not can_take(event.mimeData()):
            return
        event.acceptProposedAction()
        if self.is_built:
            self._veil.cover(self._stack)
            self.drag_entered.emit()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Accept the drag at any position."""
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Hide the veil, because nothing was dropped."""
        if self.is_built:
            self._veil.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """Accept the drop and process its content after the source has received its reply."""
        from widgets.drops import read

        event.acceptProposedAction()
        incoming = read(event.mimeData())
        if self.is_built:
            self._veil.hide()
        QTimer.singleShot(0, self, lambda: self._hand_over(incoming))

    def _on_paste(self) -> None:
        from widgets.drops import can_take, read

        mime = QApplication.clipboard().mimeData()
        if mime is not None and can_take(mime):
            self._hand_over(read(mime))

    def open_path(self, path: str) -> None:
        """Take a file that the system hands over, as if it had been dropped."""
        from widgets.drops import Incoming

        self._hand_over(Incoming((path,)))

    def _hand_over(self, incoming: "Incoming") -> None:
        if self._frame is not None:
            self._frame.waiting.append(partial(self._hand_over, incoming))
            return
        if incoming.paths:
            self.paths_dropped.emit(list(incoming.paths))
        has_other = bool(incoming.links or incoming.text)
        if incoming.picture is not None and (self.takes_pictures or not has_other):
            self.picture_dropped.emit(incoming.picture)
            return
        if incoming.links:
            self.links_dropped.emit(list(incoming.links))
        if incoming.text:
            self.text_dropped.emit(incoming.text)
