"""Define the card "Use it here": what a version does on this computer without being exported."""

from widgets.parts.buttons import Button
from widgets.parts.card import Card
from widgets.parts.layout import MIDDLE, in_flow, in_row
from widgets.parts.text import label
from widgets.tokens import SPACE_L, SPACE_M
from workers.contracts.translation import _


class UseHereCard(Card):
    """A line with a title and one button for each use."""

    def __init__(self, *buttons: Button | None) -> None:
        """Create the card."""
        title = _("Use it here")
        row = in_row((label(title, "section", wrap=False), MIDDLE), (in_flow(*buttons), 1), gap=SPACE_L)
        super().__init__("", row, name=title)
        self.box.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_M)
