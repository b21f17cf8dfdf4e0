"""List the found models or the starters in one row each, with a button for more results."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.pages.hub.value import FormatKind, HubListValue, HubRowValue
from widgets.parts.buttons import GhostButton
from widgets.parts.card import TableCard
from widgets.parts.format import UNKNOWN, ago, clipped, short_count, size_bytes
from widgets.parts.layout import in_column, in_row
from widgets.parts.small import Bar, TagKind
from widgets.parts.tables.table import Cell, Column, Table, TableRow
from widgets.parts.text import Tone, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.licenses import LICENSE_WORDS, LicenseWord
from workers.contracts.translation import _

MAX_NAME, MAX_LICENSE = 80, 18
_DOES, _LICENSE, _SIZE, _FORMAT = 1, 2, 3, 4
_NAME_PX, _STARTER_PX = 118, 190
"""Least width in pixels for the name and the author of a model, in a search and before it."""
_LICENSE_TONES: dict[LicenseWord, Tone] = {"ok": "", "conditions": "", "noncommercial": "warn", "unknown": "warn"}
_FORMAT_TAGS: dict[FormatKind, TagKind | None] = {"safe": "ok", "code": "warn", "not_here": "none", "unknown": None}


class HubList(QWidget):
    """The list of models; `chosen(id)` follows mouse and arrow keys, `more_requested` requests the next page."""

    chosen = Signal(str)
    more_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        """Create an empty list."""
        super().__init__()
        self._is_narrow = False
        self._value = HubListValue(())
        self.table = self._make_table(theme)
        self._busy = Bar(_("Searching the hub"))
        self._busy.set_share(None)
        card = TableCard(self._busy, (self.table, 1), name=_("Models"))
        self._note = words("", "caption")
        self._more = GhostButton(theme, _("Show more"), "caret-down", "small", on=self.more_requested)
        below = in_row((self._note, 1), self._more, gap=SPACE_M, edges=(SPACE_L, 0, 0, 0))
        in_column((card, 1), below, parent=self)
        self.set_busy(False)

    def _make_table(self, theme: Theme) -> Table:
        columns = (
            Column(_("Model"), stretch=True),
            Column(_("Does")),
            Column(_("License")),
            Column(_("Size"), right=True),
            Column(_("Format")),
        )
        table = Table(theme, _("Models of the hub"), columns, fits=False, tall=True)
        table.setMinimumHeight(260)
        table.chosen.connect(self.chosen)
        return table

    def show_value(self, value: HubListValue) -> None:
        """Show these models; the chosen one stays chosen if it is still among them."""
        self._value = value
        self._refresh()
        self._note.setText(value.note)
        self._more.setVisible(value.more)
        self.set_busy(False)

    def set_busy(self, is_busy: bool) -> None:
        """Show whether a query to the hub is running."""
        self._busy.setVisible(is_busy)
        self._more.setEnabled(not is_busy)

    def set_narrow(self, is_narrow: bool) -> None:
        """Hide what a model does in the smallest window; the details show it."""
        if is_narrow != self._is_narrow:
            self._is_narrow = is_narrow
            self._refresh()

    def _refresh(self) -> None:
        is_start = self._value.is_start
        self.table.setColumnHidden(_DOES, self._is_narrow and not is_start)
        for column in (_LICENSE, _SIZE, _FORMAT):
            self.table.setColumnHidden(column, is_start)
        self.table.least_stretch_px = _STARTER_PX if is_start else _NAME_PX
        self.table.show_rows([self._row(row) for row in self._value.rows], self._value.chosen)

    def _row(self, row: HubRowValue) -> TableRow:
        model, verdict = row.model, row.model.verdict
        word = verdict.word if verdict else "unknown"
        stated = verdict.title if verdict else model.license
        title = clipped(_(stated), MAX_LICENSE) if stated else _("None stated")
        downloads = _("{0} downloads").format(short_count(model.downloads))
        cells = (
            Cell(clipped(model.name, MAX_NAME), strong=True, below=self._below(row)),
            Cell(clipped(row.does, 40) or UNKNOWN, below=row.about or downloads),
            Cell(title, tone=_LICENSE_TONES[word], tip=LICENSE_WORDS[word] if verdict else ""),
            Cell(size_bytes(model.size_bytes)),
            Cell(self._format(row), tag=_FORMAT_TAGS[row.format]),
        )
        return TableRow(model.repo, cells)

    def _below(self, row: HubRowValue) -> str:
        model = row.model
        parts = [clipped(model.author or model.repo.rpartition("/")[0], 40)]
        if row.mark:
            parts.append(row.mark)
        elif model.gated:
            parts.append(_("on request"))
        elif model.changed_at is not None:
            parts.append(ago(model.changed_at))
        return ", ".join(part for part in parts if part) or UNKNOWN

    def _format(self, row: HubRowValue) -> str:
        names: dict[FormatKind, str] = {
            "safe": _("Safe format"),
            "code": _("May hold code") if self._is_narrow else _("May contain code"),
            "not_here": _("Not for here") if self._is_narrow else _("Does not run here"),
            "unknown": UNKNOWN,
        }
        return names[row.format]
