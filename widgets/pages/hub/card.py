"""Show a hub search with example queries on the page Model."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card, Square
from widgets.parts.flow import FlowLayout
from widgets.parts.search_field import SearchField
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S
from workers.contracts.translation import _


class HubCard(Card):
    """The hub card of the page Model; `search_requested(text)` leads to the page Hub, with "" for no search."""

    search_requested = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Create the card."""
        super().__init__(gap=SPACE_M)
        self.setAccessibleName(_("Find one in the hub"))
        self.box.addStretch(1)
        self.add(self._head(theme))
        self._field = SearchField(theme, _("Search the hub"), _("What should it do?"))
        search = GhostButton(theme, _("Search"))
        search.clicked.connect(lambda: self._go(self._field.text()))
        self._field.entered.connect(self._go)
        row = QHBoxLayout()
        row.setSpacing(SPACE_S)
        row.addWidget(self._field, 1)
        row.addWidget(search)
        self.add(row)
        chips = QWidget()
        row_of_chips = FlowLayout(chips, SPACE_S)
        texts = (_("Recognize pictures"), _("Sort texts"), _("Find things in pictures"))
        for text in texts:
            chip = GhostButton(theme, text, "", "small")
            chip.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            chip.clicked.connect(lambda _checked=False, text=text: self._go(text))
            row_of_chips.addWidget(chip)
        self.add(chips)
        self.box.addStretch(1)

    def _head(self, theme: Theme) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(SPACE_M)
        row.addWidget(Square(theme, "globe"))
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(label(_("Find one in the hub"), "section"))
        column.addWidget(words(_("Thousands of trained models"), "soft"))
        row.addLayout(column, 1)
        return row

    def _go(self, text: str) -> None:
        self.search_requested.emit(text.strip())
