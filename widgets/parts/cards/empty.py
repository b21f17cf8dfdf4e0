"""Show the empty state of a page: what will appear there, and the button that leads to it."""

from PySide6.QtCore import Qt

from widgets.parts.buttons import Button
from widgets.parts.card import Card, Square
from widgets.parts.layout import CENTER, STRETCH
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S, SPACE_XL


class EmptyCard(Card):
    """A wide card with an icon, a line, a sentence and a button in its middle."""

    def __init__(self, theme: Theme, icon: str, title: str, text: str, button: Button) -> None:
        """Create the card; `button` leads to the next step."""
        super().__init__(edge=SPACE_XL, gap=SPACE_S)
        self.setAccessibleName(title)
        self.setMinimumHeight(320)
        self.add(STRETCH, (Square(theme, icon, 48, 24), CENTER), SPACE_M)
        for line in (label(title, "section"), words(text, "soft")):
            line.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            self.add(line)
        self.add(SPACE_M, (button, CENTER), STRETCH)
