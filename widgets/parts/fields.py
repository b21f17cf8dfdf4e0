"""Fields that let file drops through to the window and leave the wheel to the page unless they have the focus."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox


class TextField(QLineEdit):
    """One line of text; `hint` stands in it while it is empty."""

    def __init__(self, text: str = "", name: str = "", hint: str = "", max_chars: int = 500) -> None:
        super().__init__()
        self.setMaxLength(max_chars)
        self.setText(text)
        self.setAccessibleName(name)
        self.setPlaceholderText(hint)
        self.setCursorPosition(0)
        self.setAcceptDrops(False)


class WholeField(QSpinBox):
    """A whole number."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(False)
        self.lineEdit().setAcceptDrops(False)
        self.lineEdit().setTextMargins(7, 0, 0, 0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only with the focus: else the page scrolls on."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class DecimalField(QDoubleSpinBox):
    """A number with decimals."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(False)
        self.lineEdit().setAcceptDrops(False)
        self.lineEdit().setTextMargins(7, 0, 0, 0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only with the focus: else the page scrolls on."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ChoiceField(QComboBox):
    """One of several."""

    def __init__(self, name: str = "", *, small: bool = False, elastic: bool = False) -> None:
        """`elastic`: entries are foreign and may be long; they are cut to the width that is there."""
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
        """Only with the focus: else the page scrolls on."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
