"""Manage all examples on the page Data: their list, visible thumbnails and edits by hand."""

from PySide6.QtCore import Signal

from app.controllers.data.edits import DataEdits
from app.controllers.page_controller import ControllerContext, PageController
from app.services.data.examples import CHUNK, DataItem, draw, read_items
from widgets.pages.data.grid import ItemValue, Mark, Part
from widgets.pages.data.page import DataPage
from widgets.timers import pause
from workers.contracts.jobs import DataParams

SETTLE_MS = 1200
"""Time in ms after the last edit until the set is read again, so that several clicks cause one reading."""
WAITING = 3
"""Ranges of thumbnails that may wait; older requests are for rows that were scrolled past."""


class DataItems(PageController[DataPage]):
    """The list of examples, owned by the page's controller; `settled(DataParams)` is emitted to read the edited set."""

    settled = Signal(object)

    def __init__(self, context: ControllerContext, page: DataPage) -> None:
        """Create an empty list and connect it to the page."""
        super().__init__(context, page)
        self.edits = DataEdits()
        self._items: tuple[DataItem, ...] = ()
        self._project_id = ""
        self._shown_key: str | None = None
        self._drawn: set[int] = set()
        self._wanted: list[int] = []
        self._settle = pause(self, SETTLE_MS, self.flush)
        page.picture_wanted.connect(self._on_wanted)
        page.edited.connect(self.edit)
        page.undo_requested.connect(lambda: self._go(back=True))
        page.redo_requested.connect(lambda: self._go(back=False))
        context.flows.changed.connect(self._draw_next)

    @property
    def is_pending(self) -> bool:
        """Return whether there are edits that were not read yet."""
        return self._settle.isActive()

    def show(self) -> None:
        """Show the list of the open data set; its thumbnails are requested again."""
        opened = self._session.opened
        if opened is not None and opened.project.id != self._project_id:
            self._project_id, self.edits = opened.project.id, DataEdits()
        own = self._session.own_data
        if own is None:
            self._items = ()
            self._settle.stop()
            return
        _model, params, data = own
        if self.edits.begin(params):
            self._settle.stop()
        if data.key != self._shown_key:
            self._wanted = []
            self._job.cancel()
            self._drawn.clear()
        self._shown_key = data.key
        try:
            self._items = read_items(data.folder)
        except (OSError, ValueError, KeyError):
            self._items = ()  # the store was cleared meanwhile, so that nothing can be displayed
            return
        self._drawn.clear()
        self._page.show_items(self._values(), CHUNK)
        self._show_marks()

    def edit(self, name: str, sources: tuple[str, ...], label: str = "") -> None:
        """Apply an edit to the list at once; the set is read again a little later."""
        if self._session.data is None or not self._items:
            return
        self.edits.edit(name, sources, label)
        self._on_changed()

    def flush(self) -> None:
        """Read the edited set now."""
        self._settle.stop()
        self.settled.emit(self.edits.requested)

    def _go(self, *, back: bool) -> None:
        if back and self.edits.can_undo:
            self.edits.undo()
        elif not back and self.edits.can_redo:
            self.edits.redo()
        else:
            return
        self._on_changed()

    def _on_changed(self) -> None:
        self._show_marks()
        self._settle.start()

    def _show_marks(self) -> None:
        self._page.mark_items(self._values(), can_undo=self.edits.can_undo, can_redo=self.edits.can_redo)

    def _values(self) -> tuple[ItemValue, ...]:
        params = self.edits.requested
        left_out = set(params.left_out)
        return tuple(_value(item, params, item.source in left_out) for item in self._items)

    # --- thumbnails

    def _on_wanted(self, number: int) -> None:
        first = number - number % CHUNK
        if first in self._drawn or first in self._wanted:
            return
        self._wanted = [*self._wanted, first][-WAITING:]
        self._draw_next()

    def _draw_next(self) -> None:
        """Draw one range at a time, the newest request first, and none while an optimization measures."""
        own = self._session.own_data
        if own is None or self._job.is_busy or not self._wanted or self._flows.runs:
            return
        model, params, data = own
        if data.result.kind != "images":
            return
        first, key = self._wanted.pop(), data.key
        self._start(
            draw(params, data, model.folder, first),
            lambda pictures: self._on_drawn(key, first, pictures),
            on_failed=lambda _error: self._on_drawn(key, first, (b"",) * CHUNK),
            on_cancelled=lambda: self._on_drawn("", first, ()),
        )

    def _on_drawn(self, key: str, first: int, pictures: tuple[bytes, ...]) -> None:
        if key == self._shown_key:
            self._drawn.add(first)
            self._page.put_pictures(first, pictures)
        self._draw_next()


def _value(item: DataItem, params: DataParams, is_left_out: bool) -> ItemValue:
    """Return an example with its edits."""
    label = params.relabeled.get(item.source, item.label)
    part: Part = params.moved.get(item.source, "test" if item.is_test else "calibration")
    is_changed = item.source in params.relabeled or item.source in params.moved
    mark: Mark = "left_out" if is_left_out else "changed" if is_changed else ""
    return ItemValue(item.source, label, part, item.text, mark)
