"""Define the cards of the page Releases: the chosen release and the log of decisions."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout

from widgets.pages.releases.value import DecisionValue, ReleasesValue, ReleaseValue
from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card, divider
from widgets.parts.for_developers import ForDevelopers
from widgets.parts.format import moment, size_bytes
from widgets.parts.layout import STRETCH, in_column, in_row
from widgets.parts.small import CheckRow, KeyValue
from widgets.parts.tables.table import Cell, Column, Table, TableRow
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XL

MAX_SHOWN = 200


class ReleaseCard(Card):
    """The card of one release: its changes, figures and actions."""

    return_requested = Signal()
    save_requested = Signal()

    def __init__(self, theme: Theme, value: ReleaseValue) -> None:
        """Create the card of a release."""
        super().__init__(gap=SPACE_M)
        self._value = value
        name = self.tr("Release {0}").format(value.number)
        self.setAccessibleName(name)
        head = in_row((ElidedLabel(f"{name}: {value.title}", "section"), 1), self._save(theme))
        if value.can_return:
            back = GhostButton(
                theme, self.tr("Make it the current one"), "arrow-counter-clockwise", on=self.return_requested
            )
            head.addWidget(back)
        self.add(head, words(value.change), in_row((self._figures(value), 3), (self._facts(value), 4), gap=SPACE_XL))
        if value.switch:
            self.add(
                divider(),
                words(self.tr("A running service takes it without losing a request; a developer switches it."), "soft"),
                ForDevelopers(theme, [value.switch]),
            )

    def _save(self, theme: Theme) -> GhostButton:
        button = GhostButton(theme, self.tr("Save its bundle…"), "download-simple", on=self.save_requested)
        button.setEnabled(self._value.state != "removed")
        return button

    def _figures(self, value: ReleaseValue) -> QVBoxLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE_L)
        grid.setVerticalSpacing(SPACE_S)
        with_before = any(figure.before for figure in value.figures)
        heads = ("", self.tr("Before"), self.tr("This one")) if with_before else ("", "", self.tr("Measured"))
        for at, text in enumerate(heads):
            grid.addWidget(label(text, "caption", wrap=False), 0, at)
        for number, figure in enumerate(value.figures, 1):
            grid.addWidget(words(figure.name, "soft", wrap=False), number, 0)
            for at, text in enumerate((figure.before, figure.after), 1):
                if not text:
                    continue
                shown = label(text, "strong" if at == 2 else "", wrap=False)
                shown.setAccessibleName(f"{figure.name}, {heads[at]}: {text}")
                grid.addWidget(shown, number, at)
        grid.setColumnStretch(3, 1)
        return in_column(grid, words(value.figures_note, "caption") if value.figures_note else None, STRETCH)

    def _facts(self, value: ReleaseValue) -> QVBoxLayout:
        signed = value.signed_by or self.tr("not signed")
        pairs = (
            (self.tr("Kind"), f"{value.target}, {size_bytes(value.size_bytes)}"),
            (self.tr("sha256"), value.sha256),
            (self.tr("Signed by"), signed),
        )
        return in_column(KeyValue(pairs, 72, "caption"), STRETCH)


class LogCard(Card):
    """The log of decisions, and whether entries were changed afterwards."""

    def __init__(self, theme: Theme, value: ReleasesValue) -> None:
        """Create the card of the log."""
        super().__init__(self.tr("Log of decisions"), gap=SPACE_S)
        self.add_caption(self.tr("goes into each bundle, with the name of your account"))
        self.add(CheckRow(theme, value.log))
        if not value.decisions:
            return
        shown = value.decisions[:MAX_SHOWN]
        has_why = any(entry.why for entry in shown)
        columns = (Column(self.tr("When")), Column(self.tr("Who")), Column(self.tr("What"), stretch=True))
        why = (Column(self.tr("Why")),) if has_why else ()
        table = Table(theme, self.tr("Log of decisions"), (*columns, *why))
        table.show_rows([self._row(entry, has_why=has_why) for entry in shown])
        self.add(table)

    @staticmethod
    def _row(entry: DecisionValue, *, has_why: bool) -> TableRow:
        cells = (Cell(moment(entry.at)), Cell(entry.who), Cell(entry.what, tip=entry.why))
        return TableRow(str(entry.number), (*cells, Cell(entry.why)) if has_why else cells)
