"""Show a text to read, scroll and copy."""

import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF, QResizeEvent
from PySide6.QtWidgets import QPlainTextEdit

EDGES_PX = 26


class LogText(QPlainTextEdit):
    """Read-only lines in the style of a log; `hint` is shown while there are none."""

    def __init__(self, name: str, text: str = "", hint: str = "") -> None:
        """Create the field; `name` is its accessible name."""
        super().__init__(text)
        self.setProperty("role", "log")
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)
        self.setAccessibleName(name)
        self.setPlaceholderText(hint)


class ReadText(QPlainTextEdit):
    """A read-only text as high as its lines, with at most `most_lines`."""

    def __init__(self, name: str, most_lines: int) -> None:
        """Create an empty text; `name` is its accessible name."""
        super().__init__()
        self._most_lines, self._fitted_px = most_lines, 0
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)
        self.setAccessibleName(name)

    def show_text(self, text: str) -> None:
        """Show another text."""
        self.setPlainText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Adjust the height after a change of the width."""
        super().resizeEvent(event)
        if self.width() != self._fitted_px:
            self._fit()

    def _fit(self) -> None:
        self._fitted_px = self.width()
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # it would reduce the width
        needed = max(1, round(self.document().size().height()))  # a plain text's document counts in lines
        if needed > self._most_lines:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        line_px = math.ceil(QFontMetricsF(self.font()).lineSpacing())
        self.setFixedHeight(min(needed, self._most_lines) * line_px + EDGES_PX)
