"""Draw the icons of the Phosphor font in qtawesome's wheel as tinted pictures.

qtawesome itself is not imported. It imports a Qt wrapper and eleven more fonts, which takes 0.15 s before the first
paint. On Windows it also copies its fonts into the user's font folder.
"""

import json
from importlib.util import find_spec
from pathlib import Path

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPainter, QPixmap

_RATIOS = (1.0, 2.0)
_PREFIX = "ph."


class IconFont:
    """The glyphs by name ("cube" or "ph.cube"), owned by the theme; needs a QGuiApplication.

    An unknown name raises `KeyError`.
    """

    def __init__(self) -> None:
        """Create the font without loading it."""
        self._family: str | None = None
        self._charmap: dict[str, str] = {}
        self._pictures: dict[tuple[str, str, int, float, int], QPixmap] = {}

    def pixmap(self, name: str, color: str, size_px: int, ratio: float = 1.0, gap_px: int = 0) -> QPixmap:
        """Return the glyph in `color` (#RRGGBB), `size_px` logical pixels square, at a device `ratio`."""
        key = (name, color, size_px, ratio, gap_px)
        if key not in self._pictures:
            self._pictures[key] = self._draw(name, color, size_px, ratio, gap_px)
        return self._pictures[key]

    def icon(
        self, name: str, color: str, size_px: int, *, gap_px: int = 0, color_on: str = "", color_off: str = ""
    ) -> QIcon:
        """Return an icon with `gap_px` empty pixels after it.

        `color_on` is used while its button is checked, `color_off` while it is disabled.
        """
        icon = QIcon()
        for ratio in _RATIOS:
            off, on, disabled = (
                self.pixmap(name, tint or color, size_px, ratio, gap_px) for tint in (color, color_on, color_off)
            )
            for mode in (QIcon.Mode.Normal, QIcon.Mode.Active, QIcon.Mode.Selected):
                icon.addPixmap(off, mode, QIcon.State.Off)
                icon.addPixmap(on, mode, QIcon.State.On)
            icon.addPixmap(disabled, QIcon.Mode.Disabled, QIcon.State.Off)
            icon.addPixmap(disabled, QIcon.Mode.Disabled, QIcon.State.On)
        return icon

    def _draw(self, name: str, color: str, size_px: int, ratio: float, gap_px: int) -> QPixmap:
        family = self._family or self._load()
        glyph = self._charmap[name.removeprefix(_PREFIX)]
        side = round(size_px * ratio)
        picture = QPixmap(side + round(gap_px * ratio), side)
        picture.fill(Qt.GlobalColor.transparent)
        font = QFont(family)
        font.setPixelSize(side)
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.setFont(font)
        painter.setPen(QColor(color))
        painter.drawText(QRect(0, 0, side, side), int(Qt.AlignmentFlag.AlignCenter), glyph)
        painter.end()
        picture.setDevicePixelRatio(ratio)
        return picture

    def _load(self) -> str:
        spec = find_spec("qtawesome")
        if spec is None or spec.origin is None:
            raise FileNotFoundError("The package qtawesome, which carries the icons, is missing.")
        folder = Path(spec.origin).parent / "fonts"
        charmap, font = next(folder.glob("phosphor-charmap-*.json")), next(folder.glob("phosphor-*.ttf"))
        codes: dict[str, str] = json.loads(charmap.read_text(encoding="utf-8"))
        self._charmap = {name: chr(int(code, 16)) for name, code in codes.items()}
        families = QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(str(font)))
        if not families:
            raise OSError(f"The icon font {font.name} could not be read.")
        self._family = families[0]
        return self._family
