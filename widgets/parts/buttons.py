"""Define the buttons of each style; the text is also the name for screen readers."""

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyleOptionButton, QWidget

from widgets.icons import IconBinding, bind_icon
from widgets.theme import Theme

Kind = Literal["primary", "ghost", "text", "link", "toggle"]
Size = Literal["", "big", "small"]

_TOKENS = {"primary": "on-brand", "ghost": "ink", "text": "soft", "link": "brand", "toggle": "ink"}


class Button(QPushButton):
    """A push button with an optional Phosphor icon; `wide` fills the available width."""

    def __init__(
        self,
        theme: Theme,
        text: str,
        icon: str = "",
        kind: Kind = "ghost",
        size: Size = "",
        parent: QWidget | None = None,
        *,
        wide: bool = False,
    ) -> None:
        """Create a button; `size` "" is the normal size."""
        super().__init__(parent)
        self._points_on = icon == "arrow-right"
        self.setText(text)
        self.setProperty("kind", kind)
        if size:
            self.setProperty("scale", size)
        self.setAccessibleName(text)
        self.setAutoDefault(True)
        if self._points_on:
            self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        if not wide:
            self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._binding: IconBinding | None = bind_icon(theme, self, icon, _TOKENS[kind]) if icon else None
        self._token = _TOKENS[kind]

    def initStyleOption(self, option: QStyleOptionButton) -> None:
        """Add a gap before an arrow that follows the text, because Qt leaves none."""
        super().initStyleOption(option)
        if self._points_on:
            option.text = f"{option.text}\u2002"

    def relabel(self, text: str, icon: str = "") -> None:
        """Set another text and optionally another icon, without changing the style."""
        self.setText(text)
        self.setAccessibleName(text)
        if icon and self._binding:
            self._binding.set(icon, self._token)


class PrimaryButton(Button):
    """The button of the main next step of a screen."""

    def __init__(self, theme: Theme, text: str, icon: str = "", size: Size = "") -> None:
        """Create a primary button."""
        super().__init__(theme, text, icon, "primary", size)


class GhostButton(Button):
    """The button of any other step."""

    def __init__(self, theme: Theme, text: str, icon: str = "", size: Size = "") -> None:
        """Create a ghost button."""
        super().__init__(theme, text, icon, "ghost", size)


class TextButton(Button):
    """A quiet button without a border."""

    def __init__(self, theme: Theme, text: str, icon: str = "", size: Size = "") -> None:
        """Create a text button."""
        super().__init__(theme, text, icon, "text", size)


class FoldButton(Button):
    """A button that opens and closes the content below it: `toggled(bool)` reports it, and a caret shows it."""

    def __init__(self, theme: Theme, text: str, size: Size = "", kind: Kind = "text") -> None:
        """Create a closed fold."""
        super().__init__(theme, text, "caret-right", kind, size)
        self.setCheckable(True)
        self.toggled.connect(self._on_toggled)

    def _on_toggled(self, is_open: bool) -> None:
        self.relabel(self.text(), "caret-down" if is_open else "caret-right")
