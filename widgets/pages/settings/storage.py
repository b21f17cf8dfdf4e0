"""Show in Settings the disk space of the projects and free what is not needed."""

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QSignalBlocker, Qt, SignalInstance
from PySide6.QtWidgets import QVBoxLayout, QWidget

from widgets.parts.buttons import FoldButton, GhostButton, Slot
from widgets.parts.card import Card
from widgets.parts.fields import WholeField
from widgets.parts.format import clipped, size_bytes
from widgets.parts.layout import LEFT, RIGHT, STRETCH, fill, held, in_column, in_row
from widgets.parts.tables.grid import divided_grid
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M
from workers.contracts.translation import _

GB, MOST_GB = 10**9, 100_000
MOST_SHOWN, MOST_ROWS = 5, 200
MAX_NAME = 120


StorageState = Literal["counting", "known", "freeing", "waiting"]
StorageRow = tuple[str, int, int]
"""A name, stored bytes, and bytes that are not needed."""


@dataclass(frozen=True)
class StorageValue:
    """The section's value; `state` is counting, known, freeing, or waiting for the end of a run.

    `projects` are name, stored bytes, bytes that are not needed, and whether it is in the trash. `size_bytes` is None
    before the first count. `message` is the last result, `problem` the last failure.
    """

    state: StorageState = "counting"
    projects: tuple[tuple[str, int, int, bool], ...] = ()
    size_bytes: int | None = None
    freeable_bytes: int = 0
    other_bytes: int = 0
    other_freeable_bytes: int = 0
    limit_bytes: int | None = None
    keep_days: int = 7
    message: str = ""
    problem: str = ""


class StorageCard(Card):
    """The card about disk space: what is used, and how much the store may hold."""

    def __init__(self, theme: Theme, on_free: Slot, limit_changed: SignalInstance) -> None:
        """Create an empty card; its field emits `limit_changed` with bytes, None for no limit."""
        super().__init__(_("Disk space"), gap=SPACE_M)
        self._theme = theme
        self._is_open = False
        self._inside = QWidget()
        # It is never disabled: the focus would move to another card, and the page would scroll there.
        button = GhostButton(theme, _("Free space…"), "trash", on=on_free)
        name = _("Disk space for projects, GB")
        self._limit = WholeField(name, 0, MOST_GB, special=_("no limit"))
        self._limit.setMinimumWidth(130)
        self._limit.setKeyboardTracking(False)
        self._limit.valueChanged.connect(lambda number: limit_changed.emit(number * GB if number else None))
        row = in_row(self._limit, label(_("GB at most"), "soft", wrap=False), STRETCH, gap=SPACE_M)
        self._about = label("", "caption")
        self.add(self._inside, (button, LEFT), row, self._about)

    def show_value(self, value: StorageValue) -> None:
        """Show other sizes; a limit that is being typed stays."""
        box = in_column(
            words(self._summary(value), "soft"),
            words(value.message, "", "ok") if value.message else None,
            words(value.problem, "", "warn") if value.problem else None,
        )
        inside = held(box)
        if value.size_bytes is not None:
            self._add_rows(box, value)
        self._inside = self.swap(self._inside, inside)
        if not self._limit.hasFocus():
            with QSignalBlocker(self._limit):
                self._limit.setValue(0 if value.limit_bytes is None else max(1, round(value.limit_bytes / GB)))
        self._about.setText(self._rules(value))

    def _summary(self, value: StorageValue) -> str:
        if value.state == "freeing":
            return _("Space is being freed…")
        if value.state == "waiting":
            return _("Sizes are calculated when the run is over.")
        if value.size_bytes is None:
            return _("Calculating sizes…")
        held = _("{0} stored.").format(size_bytes(value.size_bytes))
        if not value.freeable_bytes:
            return _("{0} All of it is needed.").format(held)
        return _("{0} {1} of it can be freed.").format(held, size_bytes(value.freeable_bytes))

    def _rules(self, value: StorageValue) -> str:
        if value.limit_bytes is not None and (value.size_bytes or 0) - value.freeable_bytes > value.limit_bytes:
            return _("More than the limit is in use: delete projects that you no longer need.")
        return _(
            "Beyond the limit, the oldest unneeded files are removed after runs and exports and at the start."
            " Runs keep what they need to go on for {0} days. Exported bundles and your own files are never touched."
        ).format(value.keep_days)

    def _add_rows(self, box: QVBoxLayout, value: StorageValue) -> None:
        trashed = _("{0} (in the trash)")
        rows: list[StorageRow] = [
            (trashed.format(clipped(name, MAX_NAME)) if is_trashed else clipped(name, MAX_NAME), stored, freeable)
            for name, stored, freeable, is_trashed in value.projects[:MOST_ROWS]
        ]
        if value.other_bytes:
            rows.append((_("Of no project"), value.other_bytes, value.other_freeable_bytes))
        if not rows:
            return
        fill(box, self._grid(rows[:MOST_SHOWN], has_head=True))
        if len(rows) > MOST_SHOWN:
            rest = self._grid(rows[MOST_SHOWN:], has_head=False)
            fold = FoldButton(self._theme, _("{0} more").format(len(rows) - MOST_SHOWN), "small", opens=rest)
            fold.toggled.connect(self._on_fold)
            fill(box, (fold, LEFT), rest)
            fold.setChecked(self._is_open)

    def _on_fold(self, is_open: bool) -> None:
        self._is_open = is_open

    def _grid(self, rows: list[StorageRow], *, has_head: bool) -> QWidget:
        titles = (_("Project"), _("Holds"), _("Not needed")) if has_head else ("", "", "")
        shown = [
            (
                ElidedLabel(name),
                label(size_bytes(stored), "", wrap=False),
                label(size_bytes(freeable) if freeable else "–", "soft", wrap=False),
            )
            for name, stored, freeable in rows
        ]
        return divided_grid(titles, shown, (1, 0, 0), (Qt.AlignmentFlag(0), RIGHT, RIGHT), least_px=84)
