"""Show a hub search with example queries on the page Model."""

from functools import partial

from PySide6.QtCore import Signal

from widgets.parts.buttons import GhostButton
from widgets.parts.card import Card, Square
from widgets.parts.fields import SearchField
from widgets.parts.layout import STRETCH, in_column, in_flow, in_row
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M
from workers.contracts.translation import _


class HubCard(Card):
    """The hub card of the page Model; `search_requested(text)` leads to the page Hub, with "" for no search."""

    search_requested = Signal(str)

    def __init__(self, theme: Theme) -> None:
        """Create the card."""
        super().__init__(name=_("Find one in the hub"), gap=SPACE_M)
        self._field = SearchField(theme, _("Search the hub"), _("What should it do?"))
        self._field.entered.connect(self._go)
        search = GhostButton(theme, _("Search"), on=lambda: self._go(self._field.text()))
        texts = (_("Recognize pictures"), _("Sort texts"), _("Find things in pictures"))
        chips = (GhostButton(theme, text, "", "small", on=partial(self._go, text)) for text in texts)
        title = in_column(
            label(self.accessibleName(), "section"), words(_("Thousands of trained models"), "soft"), gap=0
        )
        self.add(
            STRETCH,
            in_row(Square(theme, "globe"), (title, 1), gap=SPACE_M),
            in_row((self._field, 1), search),
            in_flow(*chips),
            STRETCH,
        )

    def _go(self, text: str, _checked: bool = False) -> None:
        self.search_requested.emit(text.strip())
