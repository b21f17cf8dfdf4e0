"""Define fields that pass file drops to the window and the wheel to the page unless they have the focus."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox


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


class WholeField(QSpinBox):
    """A field for a whole number."""

    def __init__(self, name: str = "") -> None:
        """Create a field; `name` is its accessible name."""
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(False)
        self.lineEdit().setAcceptDrops(False)
        self.lineEdit().setTextMargins(7, 0, 0, 0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the value only with the focus; otherwise the page scrolls."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class DecimalField(QDoubleSpinBox):
    """A field for a number with decimals."""

    def __init__(self, name: str = "") -> None:
        """Create a field; `name` is its accessible name."""
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(False)
        self.lineEdit().setAcceptDrops(False)
        self.lineEdit().setTextMargins(7, 0, 0, 0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the value only with the focus; otherwise the page scrolls."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ChoiceField(QComboBox):
    """A field with one of several options."""

    def __init__(self, name: str = "", *, small: bool = False, elastic: bool = False) -> None:
        """Create a field; `elastic` cuts long entries of unknown origin to the available width."""
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

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the value only with the focus; otherwise the page scrolls."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
