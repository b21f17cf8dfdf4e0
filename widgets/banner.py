"""Show a one-line message below the top bar, on all pages."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from widgets.icons import IconLabel, bind_icon
from widgets.parts.buttons import Button
from widgets.parts.cards.error import ErrorCard, ErrorValue
from widgets.parts.text import words
from widgets.theme import Theme, restyle
from widgets.tokens import SPACE_M, SPACE_S
from workers.contracts.translation import _


class Banner(QFrame):
    """The message line of the window: title and next step, with a button "More" that opens the whole error card.

    The close button or `MainWindow.banner(None)` hides it.
    """

    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        """Create a hidden banner."""
        super().__init__(parent)
        self.setProperty("kind", "banner")
        self._theme = theme
        self._value: ErrorValue | None = None
        self._icon = IconLabel(theme, "", "bad", 18)
        self._text = words("")
        self._more = Button(theme, _("More"), "", "link")
        self._more.clicked.connect(self._on_more)
        self._close = QToolButton()
        self._close.setAccessibleName(_("Close this message"))
        self._close.setToolTip(_("Close this message"))
        bind_icon(theme, self._close, "x", "soft")
        self._close.clicked.connect(self._on_close)
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_M, 6, SPACE_S, 6)
        row.setSpacing(SPACE_M)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(self._more)
        row.addWidget(self._close)
        self.hide()

    def show_value(self, value: ErrorValue) -> None:
        """Show a message; it replaces the previous one."""
        self._value = value
        self._icon.set_icon(value.icon, value.tone)
        self._text.setText(f"{value.title.rstrip('.')}. {value.next_step}")
        self.setAccessibleName(self._text.text())
        restyle(self, tone=value.tone)
        self.show()

    def _on_close(self) -> None:
        self.hide()
        self.closed.emit()

    def _on_more(self) -> None:
        if self._value is not None:
            dialog = QDialog(self.window())
            dialog.setWindowTitle(self._value.title)
            dialog.setMinimumWidth(640)
            QVBoxLayout(dialog).addWidget(ErrorCard(self._theme, self._value))
            dialog.open()
            dialog.finished.connect(dialog.deleteLater)
