"""Base classes of pages below another page, and the row of buttons that leads to them."""

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtWidgets import QWidget

from widgets.page_registry import pages_below
from widgets.parts.buttons import GhostButton
from widgets.parts.card import EmptyCard
from widgets.parts.cards.error import ErrorValue
from widgets.parts.fields import ChoiceField
from widgets.parts.page import Page
from widgets.parts.small import PageHead, button_row
from widgets.theme import Theme
from workers.contracts.translation import _

VERSION_PX = 260


class BelowCompare(Page):
    """A page below Compare, with a button that leads back."""

    def _error_actions(self, value: ErrorValue) -> tuple[QWidget, ...]:
        return (self._back(),)

    def _back(self) -> GhostButton:
        return GhostButton(self.theme, _("Back to Compare"), "arrow-left", on=self._to("compare"))


class DetailPage(BelowCompare):
    """A page about one version of a run; `version_chosen(id)` selects it."""

    version_chosen = Signal(str)

    def __init__(self, theme: Theme, name: str, icon: str, nothing: tuple[str, str]) -> None:
        """Create the page; `nothing` are title and text of its state without a version."""
        super().__init__(theme, name)
        self._icon, self._nothing = icon, nothing

    def show_empty(self, *, is_measuring: bool = False) -> None:
        """Show that there is no version to inspect, or that versions are being measured."""
        title, text = self._nothing
        if is_measuring:
            title = _("Versions are being measured")
            text = _("What else is done now would disturb the times. Come back when they are done.")
        card = EmptyCard(self.theme, self._icon, title, text, self._back())
        self._fill("empty", PageHead(self.accessibleName()), card)

    def _loading_head(self) -> tuple[str, str]:
        return self.accessibleName(), _("You may leave this page; the work continues.")

    def _version_field(self, versions: tuple[tuple[str, str], ...], chosen: str, *, small: bool = False) -> ChoiceField:
        """Return the field that selects one of `versions`, which are (id, title)."""
        options = [(title, version_id) for version_id, title in versions]
        name = _("Version")
        field = ChoiceField(name, options, chosen, small=small, elastic=True)
        field.activated.connect(lambda _at: self.version_chosen.emit(field.currentData()))
        if not small:
            field.setMinimumWidth(VERSION_PX)
        return field


def detail_row(theme: Theme, page_id: str, wanted: SignalInstance, left_out: frozenset[str]) -> QWidget:
    """Return buttons to the pages below a page, without those in `left_out`; they emit `wanted(page id)`."""
    pages = ((spec.id, _(spec.title), spec.icon) for spec in pages_below(page_id) if spec.id not in left_out)
    return button_row(theme, _("Look closer"), pages, wanted)
