"""Define surfaces: cards, cards to choose from, warnings, dividers, the square behind an icon, and the drop area."""

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QRadioButton, QWidget

from widgets.icons import IconLabel
from widgets.parts.buttons import Button
from widgets.parts.format import visible
from widgets.parts.layout import (
    CENTER,
    MIDDLE,
    RIGHT,
    STRETCH,
    TOP,
    Edges,
    Item,
    discard,
    fill,
    held,
    in_column,
    in_row,
)
from widgets.parts.text import ElidedLabel, Tone, label, words
from widgets.theme import Theme, restyle
from widgets.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, SPACE_XS

MAX_CAPTION_PX, LEAST_DROP_PX = 420, 160


class Card(QFrame):
    """A white surface with a vertical layout; `add` accepts widgets and layouts."""

    def __init__(self, title: str = "", *items: Item, name: str = "", edge: int = SPACE_L, gap: int = SPACE_S) -> None:
        """Create a card; `name` is its accessible name without a title, `edge` and `gap` are pixels."""
        super().__init__()
        self.setProperty("kind", "card")
        self.box = in_column(gap=gap, edges=(edge, edge, edge, edge), parent=self)
        self.title_row = QHBoxLayout()
        if title:
            self.title_row.addWidget(words(title, "section"), 1)
            self.add(self.title_row)
        self.setAccessibleName(title or name)
        self.add(*items)

    def add_caption(self, text: str) -> None:
        """Add a caption at the right of the title; it is cut if the title needs the room."""
        caption = ElidedLabel(text, "caption")
        caption.setAlignment(RIGHT | MIDDLE)
        caption.setMaximumWidth(MAX_CAPTION_PX)
        self.title_row.setStretch(0, 0)
        fill(self.title_row, STRETCH, caption)

    def add(self, *items: Item) -> None:
        """Append items from top to bottom."""
        fill(self.box, *items)

    def swap(self, old: QWidget, new: QWidget) -> QWidget:
        """Show `new` in the place of `old`, which is deleted, and return it."""
        self.box.replaceWidget(old, new)
        discard(old)
        new.show()
        return new


class TableCard(Card):
    """A card whose table reaches its edges."""

    def __init__(self, *items: Item, name: str = "") -> None:
        """Create a card of these items; `name` is its accessible name."""
        super().__init__("", *items, name=name, edge=1, gap=0)
        self.box.setContentsMargins(1, 1, 1, 2)


def divider() -> QFrame:
    """Return a line of one pixel."""
    line = QFrame()
    line.setProperty("kind", "line")
    line.setFixedHeight(1)
    return line


def divided(widgets: Iterable[QWidget]) -> list[QWidget]:
    """Return the widgets with a line before each of them but the first."""
    return [part for widget in widgets for part in (divider(), widget)][1:]


class Square(QFrame):
    """The soft square behind an icon."""

    def __init__(self, theme: Theme, icon: str, side: int = 36, icon_px: int = 20) -> None:
        """Create a square of `side` pixels."""
        super().__init__()
        self.setProperty("kind", "square")
        self.setFixedSize(side, side)
        self._icon = IconLabel(theme, icon, "brand", icon_px)
        in_row((self._icon, Qt.AlignmentFlag.AlignCenter), gap=None, parent=self)


class ChoiceCard(Card):
    """A card with a radio button; a click on the card, space or the arrow keys choose it."""

    chosen = Signal(str)

    def __init__(self, choice_id: str, title: str, about: str, *, edge: int = SPACE_L) -> None:
        """Create a card for the choice `choice_id`; `title` and `about` are its accessible texts."""
        super().__init__(edge=edge, gap=SPACE_M)
        self.choice_id = choice_id
        self._edge = edge
        self.radio = QRadioButton()
        self.radio.setAccessibleName(visible(title))
        self.radio.setAccessibleDescription(visible(about))
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

    def __init__(
        self, theme: Theme, title: str, text: str, *actions: QWidget, icon: str = "upload-simple", least_px: int = 0
    ) -> None:
        """Create a drop area with buttons below its text; `icon` "" shows none, `least_px` is its least height."""
        super().__init__()
        self.setProperty("kind", "drop")
        self.setAccessibleName(visible(title))
        self.setAccessibleDescription(visible(text))
        self.setMinimumSize(LEAST_DROP_PX, least_px)
        box = in_column(STRETCH, gap=SPACE_XS, edges=(SPACE_L, SPACE_L, SPACE_L, SPACE_L), parent=self)
        if icon:
            fill(box, (Square(theme, icon), CENTER), SPACE_S)
        buttons = in_row(STRETCH, *actions, STRETCH, edges=(0, SPACE_M if actions else 0, 0, 0))
        fill(box, *centered(title, text), buttons, STRETCH)


def centered(title: str, text: str) -> tuple[QLabel, QLabel]:
    """Return a title and a sentence in the middle of their lines."""
    lines = label(title, "section"), words(text, "soft")
    for line in lines:
        line.setAlignment(CENTER)
    return lines


def icon_text(theme: Theme, icon: str, title: str, text: str, *, square: bool = True) -> QWidget:
    """Return an explanation of an icon, a strong line and a soft line."""
    mark: QWidget = Square(theme, icon) if square else IconLabel(theme, icon, "brand")
    column = in_column(label(title, "strong"), words(text, "soft"), STRETCH, gap=0)
    return held(in_row((mark, TOP), (column, 1), gap=SPACE_M))


class Banner(QFrame):
    """A warning with an icon, a text and buttons."""

    def __init__(
        self,
        theme: Theme,
        name: str,
        text: QWidget,
        *buttons: QWidget | None,
        icon: str = "warning",
        icon_px: int = 16,
        tone: Tone = "warn",
        side: Qt.AlignmentFlag = TOP,
        edges: Edges = (SPACE_L, SPACE_S, SPACE_M, SPACE_S),
    ) -> None:
        """Create the line; `name` is its accessible name, `side` the place of its icon."""
        super().__init__()
        self.setAccessibleName(name)
        self.setProperty("kind", "banner")
        self.setProperty("tone", tone)
        mark = IconLabel(theme, icon, tone, icon_px)
        actions = ((button, MIDDLE) for button in buttons)
        in_row((mark, side), (text, 1), *actions, gap=SPACE_M, edges=edges, parent=self)


class EmptyCard(Card):
    """A wide card with an icon, a line, a sentence and a button in its middle."""

    def __init__(self, theme: Theme, icon: str, title: str, text: str, button: Button) -> None:
        """Create the card; `button` leads to the next step."""
        super().__init__(name=title, edge=SPACE_XL)
        self.setMinimumHeight(320)
        self.add(STRETCH, (Square(theme, icon, 48, 24), CENTER), SPACE_M, *centered(title, text))
        self.add(SPACE_M, (button, CENTER), STRETCH)
