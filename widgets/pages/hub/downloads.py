"""Show the downloads in one row each, with speed, remaining time and buttons."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.pages.hub.value import DownloadValue
from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card, divided
from widgets.parts.format import about, clipped, size_bytes
from widgets.parts.layout import clear, in_column, in_row
from widgets.parts.small import Bar
from widgets.parts.text import ElidedLabel
from widgets.theme import Theme, restyle
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S
from workers.contracts.translation import _


class HubDownloads(Card):
    """The card of all downloads, hidden without any; rows are updated in place.

    Each signal carries the repository of a download.
    """

    pause_requested = Signal(str)
    resume_requested = Signal(str)
    cancel_requested = Signal(str)
    open_requested = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Create a hidden card."""
        super().__init__(name=_("Downloads"), gap=0)
        self.box.setContentsMargins(SPACE_L, SPACE_S, SPACE_L, SPACE_S)
        self._theme = theme
        self._rows: dict[str, DownloadRow] = {}
        self.hide()

    def show_values(self, values: tuple[DownloadValue, ...]) -> None:
        """Show these downloads."""
        if [value.repo for value in values] != list(self._rows):
            self._rebuild(values)
        for value in values:
            self._rows[value.repo].show_value(value)
        self.setVisible(bool(values))

    def _rebuild(self, values: tuple[DownloadValue, ...]) -> None:
        old = self._rows
        self._rows = {value.repo: old.get(value.repo) or self._make(value.repo) for value in values}
        for row in self._rows.values():
            row.setParent(None)
        clear(self.box)
        self.add(*divided(self._rows.values()))
        for row in self._rows.values():
            row.show()

    def _make(self, repo: str) -> "DownloadRow":
        row = DownloadRow(self._theme)
        row.pause.clicked.connect(lambda: self.pause_requested.emit(repo))
        row.resume.clicked.connect(lambda: self.resume_requested.emit(repo))
        row.cancel.clicked.connect(lambda: self.cancel_requested.emit(repo))
        row.open.clicked.connect(lambda: self.open_requested.emit(repo))
        return row


class DownloadRow(QWidget):
    """The row of one download."""

    def __init__(self, theme: Theme) -> None:
        """Create an empty row."""
        super().__init__()
        self._name = ElidedLabel("", "strong")
        self._figures = ElidedLabel("", "soft")
        self._bar = Bar(_("Progress of the download"))
        self.pause = GhostButton(theme, _("Pause"), "pause", "small")
        self.resume = GhostButton(theme, _("Go on"), "play", "small")
        self.cancel = GhostButton(theme, _("Cancel"), "x", "small")
        self.open = GhostButton(theme, _("Use it"), "arrow-right", "small")
        lines = in_column(in_row((self._name, 1), self._figures, gap=SPACE_M), self._bar)
        buttons = (self.open, self.pause, self.resume, self.cancel)
        in_row((lines, 1), *buttons, edges=(0, SPACE_S, 0, SPACE_S), parent=self)

    def show_value(self, value: DownloadValue) -> None:
        """Show the progress of the download."""
        self._name.setText(clipped(value.name, 80))
        figures = self._progress_text(value)
        self._figures.setText(figures)
        restyle(self._figures, tone="bad" if value.state == "failed" else "")
        is_over = value.state in ("done", "failed")
        share = value.done_bytes / value.total_bytes if value.total_bytes else None
        self._bar.set_share(1.0 if value.state == "done" else share if value.state != "checking" else None)
        self._bar.setVisible(value.state != "failed")
        self.pause.setVisible(value.state in ("waiting", "running"))
        self.resume.setVisible(value.state in ("paused", "failed"))
        self.open.setVisible(value.state == "done")
        self.cancel.relabel(_("Remove from the list") if is_over else _("Cancel"))
        for button in (self.pause, self.resume, self.cancel, self.open):
            button.setAccessibleName(f"{button.text()}: {value.name}")
        self.setAccessibleName(f"{value.name}, {figures}")

    def _progress_text(self, value: DownloadValue) -> str:
        amount = size_bytes(value.done_bytes)
        if value.total_bytes is not None:
            amount = _("{0} of {1}").format(amount, size_bytes(value.total_bytes))
        if value.state == "failed":
            return value.note or _("It failed. The downloaded part is kept.")
        if value.state == "done":
            return value.note or _("Whole and checked")
        if value.state == "checking":
            return _("Being checked")
        if value.state == "paused":
            return _("Paused at {0}; it can be resumed").format(amount)
        if value.state == "waiting" and not value.done_bytes:
            return _("Begins")
        speed = _("{0} a second").format(size_bytes(value.bytes_per_s)) if value.bytes_per_s else ""
        left = _("{0} left").format(about(value.left_s)) if value.left_s is not None else ""
        return ", ".join(part for part in (amount, speed, left) if part)
