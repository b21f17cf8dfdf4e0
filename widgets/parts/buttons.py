"""Define the buttons of each style; the text is also the name for screen readers."""

from collections.abc import Callable
from typing import Any, Literal

from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QButtonGroup, QPushButton, QSizePolicy, QStyleOptionButton, QWidget

from widgets.icons import IconBinding, bind_icon
from widgets.parts.format import visible
from widgets.parts.text import plain_tip
from widgets.theme import Theme
from workers.contracts.translation import _

Kind = Literal["primary", "ghost", "text", "link", "toggle"]
Size = Literal["", "big", "small"]
Slot = Callable[..., Any] | SignalInstance
"""A function, or a signal that is emitted."""

_TOKENS = {"primary": "on-brand", "ghost": "ink", "text": "soft", "link": "brand", "toggle": "ink"}


class Button(QPushButton):
    """A push button with an optional Phosphor icon; `wide` fills the available width, `on` follows its clicks."""

    def __init__(
        self,
        theme: Theme,
        text: str,
        icon: str = "",
        kind: Kind = "ghost",
        size: Size = "",
        *,
        wide: bool = False,
        on: Slot | None = None,
    ) -> None:
        """Create a button; `size` "" is the normal size."""
        super().__init__()
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
        if on is not None:
            self.clicked.connect(on)

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


class _KindButton(Button):
    _kind: Kind

    def __init__(
        self,
        theme: Theme,
        text: str,
        icon: str = "",
        size: Size = "",
        *,
        name: str = "",
        tip: str = "",
        on: Slot | None = None,
    ) -> None:
        """Create a button; `name` is its accessible name if the text alone is ambiguous."""
        super().__init__(theme, text, icon, self._kind, size, on=on)
        self.setAccessibleName(name or text)
        self.setToolTip(plain_tip(tip))  # it may hold the name of a file
        self.setAccessibleDescription(visible(tip))


class PrimaryButton(_KindButton):
    """The button of the main next step of a screen."""

    _kind = "primary"


class GhostButton(_KindButton):
    """The button of any other step."""

    _kind = "ghost"


class TextButton(_KindButton):
    """A quiet button without a border."""

    _kind = "text"


class CopyButton(GhostButton):
    """A small button that copies a text to the clipboard."""

    def __init__(self, theme: Theme, copied: str, text: str = "", size: Size = "small", *, name: str = "") -> None:
        """Create the button of the text `copied`; `text` is its own text."""
        super().__init__(theme, text or _("Copy"), "copy", size, name=name)
        self.clicked.connect(lambda: QGuiApplication.clipboard().setText(copied))


class ToggleButton(Button):
    """A small button that stays pressed, such as a filter; `group` releases the others."""

    def __init__(self, theme: Theme, text: str, group: QButtonGroup, *, checked: bool = False, on: Slot) -> None:
        """Create a button of `group`."""
        super().__init__(theme, text, kind="toggle", size="small", on=on)
        self.setCheckable(True)
        self.setChecked(checked)
        group.addButton(self)


class FoldButton(Button):
    """A button that opens and closes the content below it: `toggled(bool)` reports it, and a caret shows it."""

    def __init__(
        self, theme: Theme, text: str, size: Size = "", kind: Kind = "text", *, opens: QWidget | None = None
    ) -> None:
        """Create a closed fold; `opens` is hidden until then."""
        super().__init__(theme, text, "caret-right", kind, size)
        self.setCheckable(True)
        self.toggled.connect(self._on_toggled)
        if opens is not None:
            opens.hide()
            self.toggled.connect(opens.setVisible)

    def _on_toggled(self, is_open: bool) -> None:
        self.relabel(self.text(), "caret-down" if is_open else "caret-right")
