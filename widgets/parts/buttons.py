"""Buttons of one look each; the text is what a screen reader says."""

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyleOptionButton, QWidget

from widgets.icons import IconBinding, bind_icon
from widgets.theme import Theme

Kind = Literal["primary", "ghost", "text", "link", "toggle"]
Size = Literal["", "big", "small"]

_TOKENS = {"primary": "on-brand", "ghost": "ink", "text": "soft", "link": "brand", "toggle": "ink"}


class Button(QPushButton):
    """A push button with an optional Phosphor icon. `wide` fills the width that it is given."""

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
        """An arrow behind the words needs a gap that Qt does not leave."""
        super().initStyleOption(option)
        if self._points_on:
            option.text = f"{option.text}\u2002"

    def relabel(self, text: str, icon: str = "") -> None:
        """Say another thing; keeps the look."""
        self.setText(text)
        self.setAccessibleName(text)
        if icon and self._binding:
            self._binding.set(icon, self._token)


class PrimaryButton(Button):
    """The one next step of a screen."""

    def __init__(self, theme: Theme, text: str, icon: str = "", size: Size = "") -> None:
        super().__init__(theme, text, icon, "primary", size)


class GhostButton(Button):
    """Any other step."""

    def __init__(self, theme: Theme, text: str, icon: str = "", size: Size = "") -> None:
        super().__init__(theme, text, icon, "ghost", size)


class TextButton(Button):
    """A quiet one, such as a fold."""

    def __init__(self, theme: Theme, text: str, icon: str = "", size: Size = "") -> None:
        super().__init__(theme, text, icon, "text", size)


class FoldButton(Button):
    """Opens and closes what stands below it; `toggled(bool)` is its signal, the caret its mark."""

    def __init__(self, theme: Theme, text: str, size: Size = "", kind: Kind = "text") -> None:
        super().__init__(theme, text, "caret-right", kind, size)
        self.setCheckable(True)
        self.toggled.connect(self._on_toggled)

    def _on_toggled(self, is_open: bool) -> None:
        self.relabel(self.text(), "caret-down" if is_open else "caret-right")
