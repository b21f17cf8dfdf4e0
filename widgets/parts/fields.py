"""Define fields that pass file drops to the window and the wheel to the page unless they have the focus."""

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QLineEdit, QSpinBox, QWidget

from widgets.parts.layout import in_row
from widgets.parts.text import label
from widgets.theme import Theme
from widgets.timers import pause
from workers.contracts.translation import _


class TextField(QLineEdit):
    """A field for one line of text; `hint` is shown while it is empty."""

    def __init__(self, text: str = "", name: str = "", hint: str = "", max_chars: int = 500) -> None:
        """Create a field; `name` is its accessible name."""
        super().__init__()
        self.setMaxLength(max_chars)
        self.setText(text)
        self.setAccessibleName(name)
        self.setPlaceholderText(hint)
        self.setCursorPosition(0)
        self.setAcceptDrops(False)


def _prepare(field: QSpinBox | QDoubleSpinBox, name: str, special: str) -> None:
    field.setAccessibleName(name)
    field.setSpecialValueText(special)
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    field.setAcceptDrops(False)
    field.lineEdit().setAcceptDrops(False)
    field.lineEdit().setTextMargins(7, 0, 0, 0)


class WholeField(QSpinBox):
    """A field for a whole number."""

    def __init__(self, name: str = "", low: int = 0, high: int = 99, value: int = 0, *, special: str = "") -> None:
        """Create a field; `name` is its accessible name, `special` is shown instead of the lowest number."""
        super().__init__()
        self.setRange(low, high)
        self.setValue(value)
        _prepare(self, name, special)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the value only with the focus; otherwise the page scrolls."""
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


class DecimalField(QDoubleSpinBox):
    """A field for a number with decimals."""

    def __init__(
        self,
        name: str = "",
        low: float = 0.0,
        high: float = 99.99,
        *,
        digits: int = 2,
        unit: str = "",
        special: str = "",
    ) -> None:
        """Create a field; `name` is its accessible name, `special` is shown instead of the lowest number."""
        super().__init__()
        self.setRange(low, high)
        self.setDecimals(digits)
        self.setSuffix(unit)
        _prepare(self, name, special)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the value only with the focus; otherwise the page scrolls."""
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


class ChoiceField(QComboBox):
    """A field with one of several options."""

    def __init__(
        self,
        name: str = "",
        options: Iterable[tuple[str, Any]] = (),
        chosen: Any = None,
        *,
        small: bool = False,
        elastic: bool = False,
    ) -> None:
        """Create a field.

        Args:
            name: its accessible name.
            options: text and data of each option.
            chosen: the data of the chosen option; the first one is chosen if none has it.
            small: whether the field is as low as a small button.
            elastic: whether long entries of unknown origin are cut to the available width.
        """
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(False)
        policies = QComboBox.SizeAdjustPolicy
        self.setSizeAdjustPolicy(
            policies.AdjustToMinimumContentsLengthWithIcon if elastic else policies.AdjustToContentsOnFirstShow
        )
        self.setMinimumContentsLength(10 if elastic else 0)
        if small:
            self.setProperty("scale", "small")
        for text, data in options:
            self.addItem(text, data)
        self.choose(chosen)

    def choose(self, data: Any) -> None:
        """Choose the option with this data; the first one if none has it."""
        if self.count():
            self.setCurrentIndex(max(0, self.findData(data)))

    def showEvent(self, event: QShowEvent) -> None:
        """Describe a field without a label by its name: on Linux, Qt gives the chosen text to readers as its name."""
        around = self.parentWidget()
        if around is None or all(title.buddy() is not self for title in around.findChildren(QLabel)):
            self.setAccessibleDescription(self.accessibleDescription() or self.accessibleName())
        super().showEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the value only with the focus; otherwise the page scrolls."""
        super().wheelEvent(event) if self.hasFocus() else event.ignore()


def named(title: str, field: QWidget) -> QHBoxLayout:
    """Return a field with its name before it."""
    return in_row(label(title, "soft", wrap=False), (field, 1))


def buddy(title: QLabel, field: QWidget) -> QLabel:
    """Return the label after making it the name of a field, which screen readers on Linux read."""
    title.setBuddy(field)
    return title


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
