"""The contrast of all words on every page as it is drawn, in light and dark."""

from collections import Counter
from types import ModuleType
from typing import Any

import pytest
from page_states import STATES
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QColor, QImage, QPixmap
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QLineEdit, QWidget
from test_real_geometry import FULL

from tests.widgets.shell.test_theme import contrast
from widgets.parts.page import Page
from widgets.theme import Theme

LEAST_TEXT, LEAST_LARGE, LARGE_PX = 4.5, 3.0, 24
KINDS = (QLabel, QAbstractButton, QComboBox, QLineEdit)


def ground(image: QImage, place: QRect) -> str:
    """The color that most pixels have, as #rrggbb."""
    box = place.intersected(image.rect())
    rows, columns = range(box.top(), box.bottom() + 1, 3), range(box.left(), box.right() + 1, 3)
    (most, _count), *_rest = Counter(image.pixel(x, y) for y in rows for x in columns).most_common(1)
    return QColor(most).name()


def weak_words(page: Page, theme: Theme) -> list[tuple[str, float]]:
    QApplication.processEvents()
    picture = QPixmap(page.size())
    picture.fill(theme.color("bg"))
    page.render(picture)
    image, found = picture.toImage(), []
    for widget in page.findChildren(QWidget):
        words = widget.text() if isinstance(widget, QLabel | QAbstractButton) else "field"
        seen = widget.visibleRegion().boundingRect()
        if (
            not isinstance(widget, KINDS)
            or not words
            or not widget.isEnabled()
            or seen.height() < 8
            or seen.width() < 8
        ):
            continue
        color = widget.palette().color(widget.foregroundRole()).name()
        behind = ground(image, QRect(widget.mapTo(page, QPoint(0, 0)) + seen.topLeft(), seen.size()))
        least = LEAST_LARGE if widget.font().pixelSize() >= LARGE_PX else LEAST_TEXT
        if contrast(color, behind) < least:
            found.append((f"{type(widget).__name__} {words[:40]!r} {color} on {behind}", contrast(color, behind)))
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*FULL, "model-error", "goal-recipes", "hub-gated", "export-running", "compare-worse"])
def test_words_are_drawn_with_enough_contrast(
    theme: Theme, examples: ModuleType, shown: Any, name: str, scheme: str
) -> None:
    """Given a page in a state, When it is drawn, Then the color of its words has 4.5:1 to what is behind them, 3:1 for large
    ones."""
    theme.set_choice(scheme)
    kind, fill = STATES[name]
    page: Page = kind(theme)
    fill(page, examples)
    shown(page, 816, 614)
    assert weak_words(page, theme) == []
