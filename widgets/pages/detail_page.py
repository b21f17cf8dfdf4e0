"""Base classes of pages below another page, and the row of buttons that leads to them."""

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QWidget

from widgets.page_registry import pages_below
from widgets.parts.buttons import GhostButton
from widgets.parts.cards.empty import EmptyCard
from widgets.parts.cards.error import ErrorCard, ErrorValue
from widgets.parts.fields import ChoiceField
from widgets.parts.flow import FlowLayout
from widgets.parts.page import Page
from widgets.parts.small import PageHead
from widgets.parts.text import label
from widgets.theme import Theme
from widgets.tokens import CONTROL_HEIGHT, SPACE_S
from workers.contracts.translation import _

VERSION_PX = 260


class BelowCompare(Page):
    """A page below Compare, with a button that leads back."""

    def _error_actions(self, card: ErrorCard, value: ErrorValue) -> tuple[QWidget, ...]:
        card.add_action(self._back())
        return ()

    def _back(self) -> GhostButton:
        text = QCoreApplication.translate("closer", "Back to Compare")
        return GhostButton(self.theme, text, "arrow-left", on=self._to("compare"))


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
            title = QCoreApplication.translate("closer", "Versions are being measured")
            text = QCoreApplication.translate(
                "closer", "What else is done now would disturb the times. Come back when they are done."
            )
        card = EmptyCard(self.theme, self._icon, title, text, self._back())
        self._fill("empty", PageHead(self.accessibleName()), card)

    def _loading_head(self) -> tuple[str, str]:
        return self.accessibleName(), _("You may leave this page; the work continues.")

    def _version_field(self, versions: tuple[tuple[str, str], ...], chosen: str, *, small: bool = False) -> ChoiceField:
        """Return the field that selects one of `versions`, which are (id, title)."""
        options = [(title, version_id) for version_id, title in versions]
        name = QCoreApplication.translate("closer", "Version")
        field = ChoiceField(name, options, chosen, small=small, elastic=True)
        field.activated.connect(lambda _at: self.version_chosen.emit(field.currentData()))
        if not small:
            field.setMinimumWidth(VERSION_PX)
        return field


class DetailRow(QWidget):
    """Buttons to the pages below a page, without those in `left_out`, which would be empty.

    It emits `page_wanted(page id)`.
    """

    page_wanted = Signal(str)

    def __init__(self, theme: Theme, page_id: str, left_out: frozenset[str] = frozenset()) -> None:
        """Create the row for the page `page_id`."""
        super().__init__()
        self.setAccessibleName(_("Look closer"))
        row = FlowLayout(self, SPACE_S)
        title = label(_("Look closer"), "section", wrap=False)
        title.setMinimumHeight(CONTROL_HEIGHT)  # aligns its text with the buttons
        row.addWidget(title)
        for spec in (one for one in pages_below(page_id) if one.id not in left_out):
            button = GhostButton(
                theme, spec.title(), spec.icon, on=lambda _on=False, page=spec.id: self.page_wanted.emit(page)
            )
            row.addWidget(button)
