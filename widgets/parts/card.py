"""Define surfaces: cards, cards to choose from, dividers, the square behind an icon, and the drop area."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QRadioButton, QVBoxLayout, QWidget

from widgets.icons import IconLabel
from widgets.parts.text import ElidedLabel, label, words
from widgets.theme import Theme, restyle
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XS

MAX_CAPTION_PX = 420


class Card(QFrame):
    """A white surface with a vertical layout; `add` accepts widgets and layouts."""

    def __init__(
        self, title: str = "", parent: QWidget | None = None, *, edge: int = SPACE_L, gap: int = SPACE_S
    ) -> None:
        """Create a card with an optional title; `edge` and `gap` are pixels."""
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(edge, edge, edge, edge)
        self.box.setSpacing(gap)
        self.title_row = QHBoxLayout()
        if title:
            self.title_row.addWidget(words(title, "section"), 1)
            self.box.addLayout(self.title_row)
            self.setAccessibleName(title)

    def add_caption(self, text: str) -> None:
        """Add a caption at the right of the title; it is cut if the title needs the room."""
        caption = ElidedLabel(text, "caption")
        caption.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        caption.setMaximumWidth(MAX_CAPTION_PX)
        self.title_row.setStretch(0, 0)
        self.title_row.addStretch(1)
        self.title_row.addWidget(caption)

    def add(self, *items: QWidget | QLayout, stretch: int = 0) -> None:
        """Append widgets or layouts from top to bottom."""
        for item in items:
            if isinstance(item, QWidget):
                self.box.addWidget(item, stretch)
            else:
                self.box.addLayout(item, stretch)

    def swap(self, old: QWidget, new: QWidget) -> QWidget:
        """Show `new` in the place of `old`, which is deleted, and return it."""
        self.box.replaceWidget(old, new)
        old.hide()
        old.deleteLater()
        new.show()
        return new


def divider() -> QFrame:
    """Return a line of one pixel."""
    line = QFrame()
    line.setProperty("kind", "line")
    line.setFixedHeight(1)
    return line


class Square(QFrame):
    """The soft square behind an icon."""

    def __init__(self, theme: Theme, icon: str, side: int = 36, icon_px: int = 20) -> None:
        """Create a square of `side` pixels."""
        super().__init__()
        self.setProperty("kind", "square")
        self.setFixedSize(side, side)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self._icon = IconLabel(theme, icon, "brand", icon_px)
        box.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignCenter)


class ChoiceCard(Card):
    """A card with a radio button; a click on the card, space or the arrow keys choose it."""

    chosen = Signal(str)

    def __init__(self, choice_id: str, title: str, about: str, *, edge: int = SPACE_L) -> None:
        """Create a card for the choice `choice_id`; `title` and `about` are its accessible texts."""
        super().__init__(edge=edge, gap=SPACE_M)
        self.choice_id = choice_id
        self._edge = edge
        self.radio = QRadioButton()
        self.radio.setAccessibleName(title)
        self.radio.setAccessibleDescription(about)
        self.radio.toggled.connect(self._on_toggled)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def _on_toggled(self, is_on: bool) -> None:
        restyle(self, chosen=is_on)
        self._settle()
        if is_on:
            self.chosen.emit(self.choice_id)

    def _settle(self) -> None:
        """Take the room of the chosen card's thicker border from the margin, so that its content does not move.

        Qt counts the new border as frame only when the card is polished the next time.
        """
        edge = self._edge + 1 - self.frameWidth()
        self.box.setContentsMargins(edge, edge, edge, edge)

    def showEvent(self, event: QShowEvent) -> None:
        """Adjust the margin, because the border is known by now."""
        self._settle()
        super().showEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the card by a click on it."""
        is_click = event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint())
        if is_click and self.radio.isEnabled():
            self.radio.setFocus(Qt.FocusReason.MouseFocusReason)
            self.radio.setChecked(True)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Accept the press, so that the release arrives here too."""
        event.accept()


class DropArea(QFrame):
    """A surface that states what can be dropped; the window handles the drop at any position."""

    def __init__(self, theme: Theme, title: str, text: str, icon: str = "upload-simple") -> None:
        """Create a drop area; `icon` "" shows none."""
        super().__init__()
        self.setProperty("kind", "drop")
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        box = QVBoxLayout(self)
        box.setContentsMargins(SPACE_L, SPACE_L, SPACE_L, SPACE_L)
        box.setSpacing(SPACE_XS)
        box.addStretch(1)
        if icon:
            box.addWidget(Square(theme, icon), 0, Qt.AlignmentFlag.AlignHCenter)
            box.addSpacing(SPACE_S)
        for line in (label(title, "section"), words(text, "soft")):
            line.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            box.addWidget(line)
        self._actions = QHBoxLayout()
        self._actions.setSpacing(SPACE_S)
        self._actions.addStretch(1)
        self._actions.addStretch(1)
        box.addLayout(self._actions)
        box.addStretch(1)

    def add_action(self, button: QWidget) -> None:
        """Add a button below the text."""
        if self._actions.count() == 2:
            self._actions.setContentsMargins(0, SPACE_M, 0, 0)
        self._actions.insertWidget(self._actions.count() - 1, button)


def icon_text(theme: Theme, icon: str, title: str, text: str, *, square: bool = True) -> QWidget:
    """Return an explanation of an icon, a strong line and a soft line."""
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(SPACE_M)
    mark: QWidget = Square(theme, icon) if square else IconLabel(theme, icon, "brand")
    row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
    column = QVBoxLayout()
    column.setSpacing(0)
    column.addWidget(label(title, "strong"))
    column.addWidget(words(text, "soft"))
    column.addStretch(1)
    row.addLayout(column, 1)
    return holder
