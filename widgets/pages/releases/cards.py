"""Define the cards of the page Releases: the chosen release and the log of decisions."""

from datetime import datetime

from PySide6.QtWidgets import QVBoxLayout

from widgets.pages.releases.value import ReleasesValue, ReleaseValue
from widgets.parts.buttons import GhostButton, Slot
from widgets.parts.card import Card, divider
from widgets.parts.for_developers import ForDevelopers
from widgets.parts.format import UNKNOWN, moment, size_bytes
from widgets.parts.layout import STRETCH, bare_grid, in_column, in_row
from widgets.parts.small import CheckRow, KeyValue
from widgets.parts.tables.table import Cell, Column, Table, TableRow
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S, SPACE_XL
from workers.contracts.decisions import Decision
from workers.contracts.translation import _

MAX_SHOWN = 200


class ReleaseCard(Card):
    """The card of one release: its changes, figures and actions."""

    def __init__(self, theme: Theme, value: ReleaseValue, on_return: Slot, on_save: Slot) -> None:
        """Create the card of a release."""
        name = _("Release {0}").format(value.number)
        super().__init__(name=name, gap=SPACE_M)
        save = GhostButton(theme, _("Save its bundle…"), "download-simple", on=on_save)
        save.setEnabled(value.state != "removed")
        back = None
        if value.can_return:
            back = GhostButton(theme, _("Make it the current one"), "arrow-counter-clockwise", on=on_return)
        head = in_row((ElidedLabel(f"{name}: {value.title}", "section"), 1), save, back)
        self.add(head, words(value.change), in_row((self._figures(value), 3), (self._facts(value), 4), gap=SPACE_XL))
        if value.switch:
            self.add(
                divider(),
                words(_("A running service can switch to it without losing a request."), "soft"),
                ForDevelopers(theme, [value.switch]),
            )

    def _figures(self, value: ReleaseValue) -> QVBoxLayout:
        grid = bare_grid(stretches=(0, 0, 0, 1))
        with_before = any(before for _unused, before, _unused in value.figures)
        heads = ("", _("Before"), _("This one")) if with_before else ("", "", _("Measured"))
        for at, text in enumerate(heads):
            grid.addWidget(label(text, "caption", wrap=False), 0, at)
        for number, (name, *texts) in enumerate(value.figures, 1):
            grid.addWidget(words(name, "soft", wrap=False), number, 0)
            for at, text in enumerate(texts, 1):
                if text:
                    shown = label(text, "strong" if at == 2 else "", wrap=False)
                    shown.setAccessibleName(f"{name}, {heads[at]}: {text}")
                    grid.addWidget(shown, number, at)
        return in_column(grid, words(value.figures_note, "caption") if value.figures_note else None, STRETCH)

    def _facts(self, value: ReleaseValue) -> QVBoxLayout:
        signed = value.signed_by or _("not signed")
        pairs = (
            (_("Kind"), f"{value.target}, {size_bytes(value.size_bytes)}"),
            (_("sha256"), value.sha256),
            (_("Signed by"), signed),
        )
        return in_column(KeyValue(pairs, 72, "caption"), STRETCH)


class LogCard(Card):
    """The log of decisions, and whether entries were changed afterwards."""

    def __init__(self, theme: Theme, value: ReleasesValue) -> None:
        """Create the card of the log."""
        super().__init__(_("Log of decisions"), gap=SPACE_S)
        self.add_caption(_("goes into each bundle with your account's name"))
        self.add(CheckRow(theme, value.log))
        if not value.decisions:
            return
        shown = value.decisions[:MAX_SHOWN]
        has_why = any(entry.why for entry, _unused in shown)
        titles = [_("When"), _("Who"), _("What"), *([_("Why")] if has_why else [])]
        columns = [Column(title, stretch=number == 2) for number, title in enumerate(titles)]
        table = Table(theme, _("Log of decisions"), columns)
        table.show_rows([self._row(entry, report) for entry, report in shown])
        self.add(table)

    @staticmethod
    def _row(entry: Decision, decided: str) -> TableRow:
        try:
            at = moment(datetime.fromisoformat(entry.at))
        except ValueError:
            at = UNKNOWN
        return TableRow(str(entry.number), (Cell(at), Cell(entry.who), Cell(decided, tip=entry.why), Cell(entry.why)))
