"""Define a search field with a magnifier before the text and a button that clears it."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit

from widgets.parts.fields import TextField
from widgets.parts.timers import pause
from widgets.theme import Theme
from workers.contracts.translation import _

PAUSE_MS = 300
"""Pause in ms after which the typed text counts."""


class SearchField(TextField):
    """A search field; `settled(text)` follows a typing pause, `entered(text)` the Enter key or the clear button."""

    settled = Signal(str)
    entered = Signal(str)

    def __init__(self, theme: Theme, name: str, hint: str, max_chars: int = 200, *, small: bool = False) -> None:
        """Create an empty field; `name` is its accessible name."""
        super().__init__("", name, hint, max_chars)
        if small:
            self.setProperty("scale", "small")
        self._theme = theme
        self._look = QAction(name, self)
        self._clear = QAction(_("Clear the search"), self)
        self.addAction(self._look, QLineEdit.ActionPosition.LeadingPosition)
        self.addAction(self._clear, QLineEdit.ActionPosition.TrailingPosition)
        self._look.triggered.connect(self._on_entered)
        self._clear.triggered.connect(self._on_cleared)
        self._pause = pause(self, PAUSE_MS, lambda: self.settled.emit(self.text().strip()))
        self.textEdited.connect(lambda _text: self._pause.start())
        self.textChanged.connect(lambda text: self._clear.setVisible(bool(text)))
        self.returnPressed.connect(self._on_entered)
        theme.changed.connect(self._tint)
        self._tint()
        self._clear.setVisible(False)

    def show_count(self, text: str) -> None:
        """Set the text without starting a search."""
        self._pause.stop()
        self.setText(text)

    def _on_entered(self) -> None:
        self._pause.stop()
        self.entered.emit(self.text().strip())

    def _on_cleared(self) -> None:
        self.clear()
        self._on_entered()

    def _tint(self) -> None:
        self._look.setIcon(self._theme.icon("magnifying-glass", "soft"))
        self._clear.setIcon(self._theme.icon("x", "soft", 14))
