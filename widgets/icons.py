"""Show icons that follow the theme, on buttons and as labels."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QAbstractButton, QLabel

from widgets.theme import Theme


class IconBinding(QObject):
    """The icon of a button in the color of its token; the button owns it."""

    def __init__(self, theme: Theme, button: QAbstractButton, size_px: int, gap_px: int) -> None:
        """Create a binding without an icon; `gap_px` are empty pixels after the icon."""
        super().__init__(button)
        self._theme = theme
        self._button = button
        self._size_px, self._gap_px = size_px, gap_px
        self._name = self._token = self._token_on = ""
        button.setIconSize(QSize(size_px + gap_px, size_px))
        theme.changed.connect(self._on_theme_changed)

    def set(self, name: str, token: str, token_on: str = "") -> None:
        """Show another icon, or the same in another token's color; "" shows none."""
        self._name, self._token, self._token_on = name, token, token_on
        self._on_theme_changed()

    def _on_theme_changed(self) -> None:
        icon = QIcon()
        if self._name:
            icon = self._theme.icon(self._name, self._token, self._size_px, self._token_on, self._gap_px)
        self._button.setIcon(icon)


def bind_icon(
    theme: Theme,
    button: QAbstractButton,
    name: str,
    token: str = "ink",
    size_px: int = 16,
    token_on: str = "",
    gap_px: int | None = None,
) -> IconBinding:
    """Give `button` the Phosphor icon `name`, tinted by `token` (`token_on` while checked), in every theme.

    `gap_px` are empty pixels before the button's text; None means 4 with a text and 0 without.
    """
    gap = gap_px if gap_px is not None else (4 if button.text() else 0)
    binding = IconBinding(theme, button, size_px, gap)
    binding.set(name, token, token_on)
    return binding


class IconLabel(QLabel):
    """An icon without a button. It is decoration: a text next to it states its meaning."""

    def __init__(self, theme: Theme, name: str = "", token: str = "ink", size_px: int = 16) -> None:
        """Create a label with the icon `name`; "" shows none."""
        super().__init__()
        self._theme = theme
        self._name, self._token, self._size_px = name, token, size_px
        self.setFixedSize(size_px, size_px)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def set_icon(self, name: str, token: str) -> None:
        """Show another icon; "" shows none."""
        if (name, token) != (self._name, self._token):
            self._name, self._token = name, token
            self._on_theme_changed()

    def event(self, event: QEvent) -> bool:
        """Draw the icon again if the window moves to a screen with another pixel ratio."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._on_theme_changed()
        return super().event(event)

    def _on_theme_changed(self) -> None:
        if not self._name:
            self.clear()
            return
        self.setPixmap(self._theme.pixmap(self._name, self._token, self._size_px, self.devicePixelRatioF()))
