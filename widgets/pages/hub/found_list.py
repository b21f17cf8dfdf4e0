"""List the found models or the starters in one row each, with a button for more results."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QWidget

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
_WIDTHS = {_LICENSE: (110, 104), _SIZE: (78, 74), _FORMAT: (166, 152)}
"""Widths of the columns (wide page, narrow page) in pixels."""
_DOES_SHARE, _DOES_LEAST_PX = 0.2, 150
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
        for number in (_DOES, *_WIDTHS):
            table.horizontalHeader().setSectionResizeMode(number, QHeaderView.ResizeMode.Fixed)
        table.chosen.connect(self.chosen)
        return table

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the names the rest of the width, because only the other columns have known widths."""
        super().resizeEvent(event)
        self._place()

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

    def _place(self) -> None:
        share, least = (0.6, 0) if self._value.is_start else (_DOES_SHARE, _DOES_LEAST_PX)
        header = self.table.horizontalHeader()
        header.resizeSection(_DOES, max(least, round(self.width() * share)))
        for number, widths in _WIDTHS.items():
            header.resizeSection(number, widths[self._is_narrow])

    def _refresh(self) -> None:
        is_start = self._value.is_start
        self.table.setColumnHidden(_DOES, self._is_narrow and not is_start)
        for column in (_LICENSE, _SIZE, _FORMAT):
            self.table.setColumnHidden(column, is_start)
        self._place()
        self.table.show_rows([self._row(row) for row in self._value.rows], self._value.chosen)

    def _row(self, row: HubRowValue) -> TableRow:
        model, verdict = row.model, row.model.verdict
        word = verdict.word if verdict else "unknown"
        title = clipped((verdict.title if verdict else model.license) or "", MAX_LICENSE) or _("None stated")
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
