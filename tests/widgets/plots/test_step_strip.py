"""The boxes of a job's steps: where they lie, and what is in a narrow one."""

import pytest
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from widgets.plots.step_strip import StepStrip, StepValue, shortened
from widgets.theme import Theme

TITLE = "INT8, sensitive layers kept"


@pytest.mark.parametrize(("letters", "expected"), [(30, TITLE), (16, "INT8, sensi"), (4, ""), (1, "")])
def test_a_name_that_is_cut_too_short_is_left_out(qapp: QApplication, letters: int, expected: str) -> None:
    """Given boxes of several widths, then the whole title is there, or enough of it to recognize the step, or
    nothing: never "IN…"."""
    font = QFont()
    font.setPixelSize(11)
    metrics = QFontMetrics(font)
    shown = shortened(TITLE, metrics, metrics.horizontalAdvance("n" * letters))
    assert shown.startswith(expected) and bool(shown) is bool(expected)
    assert shown == TITLE or not shown or len(shown) > 8


@pytest.mark.parametrize(("now_s", "begins_s"), [(35.0, 40.0), (70.0, 70.0)])
def test_what_waits_never_lies_in_the_box_at_work(theme: Theme, qtbot: QtBot, now_s: float, begins_s: float) -> None:
    """Given a step that was expected to end after 40 s, When it takes longer, Then the box of the next one moves on, as
    wide as before."""
    strip = StepStrip(theme)
    qtbot.addWidget(strip)
    strip.resize(1000, 26)
    strip.set_axis(0, 0, 100.0)
    strip.set_steps(
        [StepValue("Final run", "running", start_s=30.0), StepValue("Prove", "waiting", "", "", 40.0, 50.0)]
    )
    strip.set_now(now_s)
    at_work, waits = strip.box(0), strip.box(1)
    assert at_work.right() <= waits.left() == pytest.approx(10 * begins_s + 1)
    assert waits.width() == pytest.approx(98)
