"""The empty state of a page: what will stand here, and the one step that leads there."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from widgets.parts.buttons import Button
from widgets.parts.card import Card, Square
from widgets.parts.text import label, words
from widgets.theme import Theme
from widgets.tokens import SPACE_M, SPACE_S, SPACE_XL


class EmptyCard(Card):
    """An icon, a line, a sentence and a button in the middle of a wide card."""

    def __init__(self, theme: Theme, icon: str, title: str, text: str, button: Button) -> None:
        super().__init__(edge=SPACE_XL, gap=SPACE_S)
        self.setAccessibleName(title)
        self.setMinimumHeight(260)
        self.setMaximumHeight(420)
        head = label(title, "section")
        sentence = words(text, "soft")
        sentence.setMaximumWidth(560)
        self.box.addStretch(1)
        middle = Qt.AlignmentFlag.AlignHCenter
        parts: tuple[QWidget, ...] = (Square(theme, icon, 48, 24), head, sentence, button)
        for number, part in enumerate(parts):
            if number in (1, 3):
                self.box.addSpacing(SPACE_M)
            self.box.addWidget(part, 0, middle)
        self.box.addStretch(1)
