"""Icons that follow the theme: bound to a button, or as a label."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from widgets.theme import Theme


class IconBinding(QObject):
    """Keeps the icon of a button in its token's color; lives and dies with the button."""

    def __init__(self, theme: Theme, button: QAbstractButton, size_px: int, gap_px: int) -> None:
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
    """Give `button` the Phosphor icon `name`, tinted by `token` (`token_on` while checked), for good.

    `gap_px` is added before the button's text; None means as the design has it: 4 with a text, 0 without.
    """
    gap = gap_px if gap_px is not None else (4 if button.text() else 0)
    binding = IconBinding(theme, button, size_px, gap)
    binding.set(name, token, token_on)
    return binding


class IconLabel(QLabel):
    """An icon by itself. Decoration: what it says stands beside it in words, or in `accessible_name`."""

    def __init__(
        self,
        theme: Theme,
        name: str = "",
        token: str = "ink",
        size_px: int = 16,
        parent: QWidget | None = None,
        accessible_name: str = "",
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name, self._token, self._size_px = name, token, size_px
        self.setFixedSize(size_px, size_px)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAccessibleName(accessible_name)
        theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def set_icon(self, name: str, token: str) -> None:
        """Show another icon, "" for none."""
        if (name, token) != (self._name, self._token):
            self._name, self._token = name, token
            self._on_theme_changed()

    def event(self, event: QEvent) -> bool:
        """Another screen has other pixels."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._on_theme_changed()
        return super().event(event)

    def _on_theme_changed(self) -> None:
        if not self._name:
            self.clear()
            return
        self.setPixmap(self._theme.pixmap(self._name, self._token, self._size_px, self.devicePixelRatioF()))
