"""Show texts with some marked words, as a cut line or as a whole; all of them stay plain text."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit

from widgets.parts.format import visible
from widgets.parts.text import ReadText
from widgets.theme import Theme

FIRST_SHOWN_CHARS, BEFORE_CHARS = 20, 14
"""If the first marked word is further behind, the line begins shortly before it."""


@dataclass(frozen=True)
class MarkedPart:
    """Consecutive words that are all marked or all unmarked."""

    text: str
    is_marked: bool = False


Marked = Sequence[MarkedPart]


def text_of(parts: Marked) -> str:
    """Return the whole text."""
    return "".join(part.text for part in parts)


def line_of(parts: Marked) -> list[MarkedPart]:
    """Return one line that begins near the first marked word."""
    flat = [MarkedPart(" ".join(f"|{visible(part.text)}|".split())[1:-1], part.is_marked) for part in parts]
    ahead = 0
    for at, part in enumerate(flat):
        if part.is_marked:
            if ahead > FIRST_SHOWN_CHARS:
                before = "".join(one.text for one in flat[:at])[-BEFORE_CHARS:]
                return [MarkedPart("… " + before.partition(" ")[2]), *flat[at:]]
            return flat
        ahead += len(part.text)
    return flat


def paint_line(painter: QPainter, theme: Theme, rect: QRect, font: QFont, parts: Marked) -> None:
    """Paint one line in `rect`, cut at its end, with marked words underlined on a colored ground."""
    metrics = QFontMetrics(font)
    painter.save()
    left = rect.left()
    align = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
    for part in line_of(parts):
        if left >= rect.right():
            break
        words = part.text.lstrip()
        left += metrics.horizontalAdvance(part.text[: len(part.text) - len(words)])
        text = metrics.elidedText(words, Qt.TextElideMode.ElideRight, rect.right() - left)
        width = metrics.horizontalAdvance(text)
        place = QRect(left, rect.top(), width, rect.height())
        if part.is_marked:
            painter.fillRect(place, mark_color(theme))
        underlined = QFont(font)
        underlined.setUnderline(part.is_marked)
        painter.setFont(underlined)
        painter.setPen(theme.color("ink"))
        painter.drawText(place.adjusted(0, 0, 2, 0), align, text)
        left += width
    painter.restore()


def mark_color(theme: Theme) -> QColor:
    """Return the color behind marked words."""
    color = QColor(theme.color("warn"))
    color.setAlpha(70)
    return color


class MarkedText(ReadText):
    """A text to read with some of its words marked."""

    def __init__(self, theme: Theme, name: str, most_lines: int) -> None:
        """Create an empty text; `name` is its accessible name."""
        super().__init__(name, most_lines)
        self._theme = theme
        self._parts: Marked = ()
        theme.changed.connect(self._mark)

    def show_parts(self, parts: Marked) -> None:
        """Show another text."""
        self._parts = parts
        self.show_text(visible(text_of(parts)).strip())
        self._mark()

    def _mark(self) -> None:
        found, at = [], 0
        whole = self.toPlainText()
        for part in self._parts:
            text = visible(part.text).strip()
            start = whole.find(text, at) if text else -1
            if start < 0:
                continue
            at = start + len(text)
            if part.is_marked:
                found.append(selection(self, self._theme, start, at))
        self.setExtraSelections(found)


def selection(field: QPlainTextEdit, theme: Theme, start: int, end: int) -> QTextEdit.ExtraSelection:
    """Return the marking of the characters from `start` to `end` of a field."""
    chosen = QTextEdit.ExtraSelection()
    cursor = QTextCursor(field.document())
    cursor.setPosition(start)
    cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    look = QTextCharFormat()
    look.setBackground(mark_color(theme))
    look.setFontUnderline(True)
    chosen.cursor, chosen.format = cursor, look
    return chosen
