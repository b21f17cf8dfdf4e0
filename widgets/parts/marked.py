"""Show texts with some marked words, as a cut line or as a whole; all of them stay plain text."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit

from widgets.parts.format import visible
from widgets.parts.text import ReadText
from widgets.theme import Theme

FIRST_SHOWN_CHARS, BEFORE_CHARS = 20, 14
"""If the first marked word is further behind, the line begins shortly before it."""


MarkedPart = tuple[str, bool]
"""Consecutive words, and whether all of them are marked or none is."""
Marked = Sequence[MarkedPart]


def text_of(parts: Marked) -> str:
    """Return the whole text."""
    return "".join(text for text, _is_marked in parts)


def line_of(parts: Marked) -> list[MarkedPart]:
    """Return one line that begins near the first marked word."""
    flat = [(" ".join(f"|{visible(text)}|".split())[1:-1], is_marked) for text, is_marked in parts]
    first = next((at for at, (_text, is_marked) in enumerate(flat) if is_marked), 0)
    ahead = text_of(flat[:first])
    if len(ahead) <= FIRST_SHOWN_CHARS:
        return flat
    return [("… " + ahead[-BEFORE_CHARS:].partition(" ")[2], False), *flat[first:]]


def paint_line(painter: QPainter, theme: Theme, rect: QRect, font: QFont, parts: Marked) -> None:
    """Paint one line in `rect`, cut at its end, with marked words underlined on a colored ground."""
    metrics = QFontMetrics(font)
    painter.save()
    left = rect.left()
    align = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
    for whole, is_marked in line_of(parts):
        if left >= rect.right():
            break
        words = whole.lstrip()
        left += metrics.horizontalAdvance(whole[: len(whole) - len(words)])
        text = metrics.elidedText(words, Qt.TextElideMode.ElideRight, rect.right() - left)
        width = metrics.horizontalAdvance(text)
        place = QRect(left, rect.top(), width, rect.height())
        if is_marked:
            painter.fillRect(place, mark_color(theme))
        underlined = QFont(font)
        underlined.setUnderline(is_marked)
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
        selections, at = [], 0
        whole = self.toPlainText()
        for part, is_marked in self._parts:
            text = visible(part).strip()
            start = whole.find(text, at) if text else -1
            if start < 0:
                continue
            at = start + len(text)
            if is_marked:
                selections.append(selection(self, self._theme, start, at))
        self.setExtraSelections(selections)


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
