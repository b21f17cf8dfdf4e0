"""Apply the light or dark theme: Fusion style, a palette and one style sheet made from the token table."""

from pathlib import Path
from string import Template
from typing import Literal

from PySide6.QtCore import QDir, QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QPalette, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from widgets.icon_font import IconFont
from widgets.tokens import TEXT_BODY, TOKENS, Scheme

__all__ = ["TOKENS", "Choice", "Scheme", "Theme", "apply", "restyle"]

Choice = Literal["system", "light", "dark"]
_ASSETS = Path(__file__).parent / "assets"


class Theme(QObject):
    """The current theme, created once with the application and passed to every widget that paints itself.

    `changed` is emitted after palette and style sheet are applied, so that graphs and icons can read their colors
    again.
    """

    changed = Signal()

    def __init__(self, app: QApplication, choice: Choice = "system") -> None:
        """Apply the theme to `app`."""
        super().__init__(app)
        self._app = app
        self._choice: Choice = choice
        self._icons = IconFont()
        self._scheme: Scheme = self._wanted()
        apply(app, self._scheme)
        app.styleHints().colorSchemeChanged.connect(self._on_system_scheme_changed)

    @property
    def scheme(self) -> Scheme:
        """Return the scheme that is shown now."""
        return self._scheme

    @property
    def choice(self) -> Choice:
        """Return the user's choice."""
        return self._choice

    def set_choice(self, choice: Choice) -> None:
        """Follow the system's scheme, or stay light or dark; the caller saves the choice."""
        self._choice = choice
        self._refresh()

    def hex(self, token: str) -> str:
        """Return the current color of `token` as #RRGGBB."""
        return TOKENS[self._scheme][token]

    def color(self, token: str) -> QColor:
        """Return the current color of `token`."""
        return QColor(self.hex(token))

    def icon(self, name: str, token: str = "ink", size_px: int = 16, token_on: str = "", gap_px: int = 0) -> QIcon:
        """Return the icon `name` in a token's color (`token_on` while checked); it does not follow `changed`."""
        on = self.hex(token_on) if token_on else ""
        color, off = self.hex(token), self.hex("edge")
        return self._icons.icon(name, color, size_px, gap_px=gap_px, color_on=on, color_off=off)

    def pixmap(self, name: str, token: str, size_px: int, ratio: float) -> QPixmap:
        """Return the icon as a picture for one device pixel ratio."""
        return self._icons.pixmap(name, self.hex(token), size_px, ratio)

    def _wanted(self) -> Scheme:
        if self._choice != "system":
            return self._choice
        dark = self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return "dark" if dark else "light"  # an unknown scheme counts as light

    def _refresh(self) -> None:
        scheme = self._wanted()
        if scheme != self._scheme:
            self._scheme = scheme
            apply(self._app, scheme)
            self.changed.emit()

    def _on_system_scheme_changed(self, _scheme: Qt.ColorScheme) -> None:
        self._refresh()


def apply(app: QApplication, scheme: Scheme) -> None:
    """Give `app` Fusion, the font size, the palette and the style sheet of `scheme`."""
    QDir.setSearchPaths("fettle", [str(_ASSETS)])
    style = app.style()
    if style is None or style.objectName().lower() != "fusion":
        app.setStyle("Fusion")
    font = QFont(app.font())
    font.setPixelSize(TEXT_BODY)
    font.setFeature(QFont.Tag("tnum"), 1)
    app.setFont(font)
    app.setPalette(_palette(scheme))
    app.setStyleSheet(style_sheet(scheme))


def style_sheet(scheme: Scheme) -> str:
    """Return the style sheet of `scheme` with the colors of the token table."""
    colors = {name.replace("-", "_"): value for name, value in TOKENS[scheme].items()}
    return Template((_ASSETS / "style.css").read_text(encoding="utf-8")).substitute(colors, scheme=scheme)


def restyle(widget: QWidget, **properties: str | bool) -> None:
    """Set dynamic properties (`role="caption"`, `tone="warn"`) and apply the style sheet to the widget again."""
    for name, value in properties.items():
        widget.setProperty(name, value)
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()


def _palette(scheme: Scheme) -> QPalette:
    token = {name: QColor(value) for name, value in TOKENS[scheme].items()}
    role = QPalette.ColorRole
    palette = QPalette()
    for which, name in (
        (role.Window, "bg"), (role.Base, "panel"), (role.AlternateBase, "raised"), (role.Button, "panel"),
        (role.WindowText, "ink"), (role.Text, "ink"), (role.ButtonText, "ink"),
        (role.PlaceholderText, "soft"), (role.ToolTipBase, "ink"), (role.ToolTipText, "panel"),
        (role.Highlight, "brand"),
        (role.HighlightedText, "on-brand"), (role.Link, "brand"), (role.LinkVisited, "brand"),
        (role.Accent, "brand"), (role.Light, "panel"), (role.Midlight, "raised"), (role.Mid, "line"),
        (role.Dark, "edge"), (role.Shadow, "edge"), (role.BrightText, "bad"),
    ):  # fmt: skip
        palette.setColor(which, token[name])
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, token["edge"])
    return palette
