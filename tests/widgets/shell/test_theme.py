"""Light and dark: one table, enough contrast, applied at once."""

import re
from itertools import product
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

import widgets.theme
from widgets.icon_font import IconFont
from widgets.icons import IconLabel, bind_icon
from widgets.theme import TOKENS, Theme, restyle, style_sheet
from widgets.tokens import SERIES, series_token

ON_SURFACES = ("ink", "soft", "brand", "ok", "warn", "bad")
SURFACES = ("bg", "panel", "raised")
TEXT_PAIRS = [
    *product(ON_SURFACES, SURFACES),
    ("on-brand", "brand"), ("on-brand", "brand-hover"), ("ink", "brand-soft"), ("soft", "brand-soft"),
    ("brand", "brand-soft"), ("ok", "ok-soft"), ("warn", "warn-soft"), ("bad", "bad-soft"), ("ink", "ok-soft"),
    ("ink", "warn-soft"), ("ink", "bad-soft"), ("panel", "ink"), *((series, "panel") for series in SERIES),
]  # fmt: skip
SHAPE_PAIRS = [("edge", "panel"), ("edge", "bg"), ("brand", "panel"), ("brand", "bg")]


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_shapes_meet_wcag_aa(scheme: str) -> None:
    """Given the token table, then text has 4.5:1 on every ground that it is on, and shapes have 3:1."""
    token = TOKENS[scheme]
    weak = [(a, b, round(contrast(token[a], token[b]), 2)) for a, b in TEXT_PAIRS if contrast(token[a], token[b]) < 4.5]
    weak += [(a, b, round(contrast(token[a], token[b]), 2)) for a, b in SHAPE_PAIRS if contrast(token[a], token[b]) < 3]
    assert weak == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_style_sheet_uses_only_the_table(scheme: str) -> None:
    """Given the style sheet, then nothing is left to fill in and every color is a token's."""
    sheet = style_sheet(scheme)
    assert "$" not in sheet
    assert set(re.findall(r"#[0-9A-Fa-f]{6}", sheet)) <= set(TOKENS[scheme].values())
    assets = Path(widgets.theme.__file__).parent / "assets"
    for name in re.findall(r"fettle:([\w.-]+)", sheet):
        drawn = (assets / name).read_text(encoding="utf-8")
        assert set(re.findall(r"#[0-9A-Fa-f]{6}", drawn)) <= set(TOKENS[scheme].values())


def test_choice_is_applied_at_once(qapp: QApplication, theme: Theme) -> None:
    """Given light, when dark is chosen, then palette, sheet and colors change before `changed` comes."""
    seen: list[str] = []
    theme.changed.connect(lambda: seen.append(qapp.palette().window().color().name().upper()))
    theme.set_choice("dark")
    assert seen == [TOKENS["dark"]["bg"]] and theme.scheme == "dark"
    assert TOKENS["dark"]["brand"] in qapp.styleSheet()
    theme.set_choice("dark")
    assert len(seen) == 1
    theme.set_choice("light")
    assert theme.hex("brand") == TOKENS["light"]["brand"]


def test_system_scheme_is_followed_only_when_asked(qapp: QApplication, theme: Theme) -> None:
    """Given "light" chosen, when the system turns dark, then it stays light; Unknown means light."""
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.scheme == "light"
    theme.set_choice("system")
    expected = "dark" if qapp.styleHints().colorScheme() == Qt.ColorScheme.Dark else "light"
    assert theme.scheme == expected


def test_icons_follow_the_theme(qtbot: QtBot, theme: Theme) -> None:
    """Given a button and a label with icons, when the theme changes, then both are drawn in the new color."""
    button, label = QPushButton("go"), IconLabel(theme, "cube", "brand", 20)
    for widget in (button, label):
        qtbot.addWidget(widget)
    bind_icon(theme, button, "ph.cube", "brand")

    def colors() -> set[str]:
        found = set()
        for image in (button.icon().pixmap(16).toImage(), label.pixmap().toImage()):
            pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
            found.add(max(pixels, key=lambda c: c.alpha()).name().upper())
        return found

    assert colors() == {TOKENS["light"]["brand"]}
    theme.set_choice("dark")
    assert colors() == {TOKENS["dark"]["brand"]}


def test_unknown_icons_are_refused(qapp: QApplication) -> None:
    """Given a name that the font lacks, then it is an error at once and no empty square."""
    with pytest.raises(KeyError):
        IconFont().pixmap("no-such-icon", "#000000", 16)


def test_restyle_is_seen(qtbot: QtBot, theme: Theme) -> None:
    """Given a label, when its tone becomes a warning, then it is drawn in that color."""
    label = QLabel("careful")
    qtbot.addWidget(label)
    label.ensurePolished()
    restyle(label, tone="warn")
    assert label.palette().color(label.foregroundRole()).name().upper() == TOKENS["light"]["warn"]


def test_the_original_keeps_its_color() -> None:
    """Given more variants than colors, then they repeat, and never take the original's."""
    tokens = [series_token(number) for number in range(14)]
    assert tokens[0] == "s0" and "s0" not in tokens[1:] and tokens[1] == tokens[7]
