"""The page "What was tried" by mouse, and what it says."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from widgets.pages.tried.page import TriedPage
from widgets.pages.tried.value import ForecastRowValue, SaidValue, TriedRowValue, TriedValue
from widgets.theme import Theme

VALUE = TriedValue(
    headline="7 ways were tried, 5 others were left out or not needed.",
    rows=(
        TriedRowValue("Original", "What everything else is compared with.", "none", "To compare with", "4.0 ms"),
        TriedRowValue(
            "16-bit numbers (BF16)", "Half the digits.", "ok", "Recommended", "2.1 ms, 1.9 × as fast",
            note="Measured on 2026-01-02 at 03:04, and not measured again since nothing has changed.",
        ),
        TriedRowValue("INT8, all layers", "8 bits.", "bad", "Dropped", "1.5 ms", "Beyond your limit of 1 %"),
        TriedRowValue("On the graphics card", "", "none", "Left out", because="There is none."),
    ),
    said=(SaidValue("scales", "Why this one", ("It is the fastest.", "So it is taken.")),),
    forecast=(ForecastRowValue("Time", "80 s", "70 s", "66 s", "6 % too high"),),
    forecast_note="Memory is what all of its processes held at once.",
)  # fmt: skip


@pytest.fixture
def page(theme: Theme, shown: Callable[[Any], Any]) -> TriedPage:
    made = TriedPage(theme)
    made.show(VALUE)
    shown(made)
    return made


def test_each_way_has_a_row_with_its_reason(page: TriedPage, said: Any) -> None:
    """Given a run's way, then title, why, what it gave and why not stand there, and the forecast beside what came."""
    text = said(page)
    for row in VALUE.rows:
        for part in (row.title, row.why, row.gave, row.because, row.outcome, row.note):
            assert part in text
    assert "It is the fastest. So it is taken." in text
    assert "6 % too high" in text


def test_ways_out(page: TriedPage, qtbot: QtBot) -> None:
    """Given the page, then one button leads back, and one measures everything once more."""
    for caption, signal in (("Back to Compare", page.compare_requested), ("Measure again", page.again_requested)):
        button = next(button for button in page.findChildren(QPushButton) if button.text() == caption)
        with qtbot.waitSignal(signal, timeout=1000):
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_nothing_yet(page: TriedPage, said: Any) -> None:
    """Given no run, then the page says what will stand there."""
    page.show_empty()
    assert "Nothing was tried yet" in said(page)
