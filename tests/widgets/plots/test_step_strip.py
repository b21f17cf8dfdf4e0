"""The boxes of a job's steps: what stands in a narrow one."""

import pytest
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QApplication

from widgets.plots.step_strip import shortened

TITLE = "INT8, sensitive layers kept"


@pytest.mark.parametrize(("letters", "told"), [(30, TITLE), (16, "INT8, sensi"), (4, ""), (1, "")])
def test_a_name_that_says_nothing_is_left_out(qapp: QApplication, letters: int, told: str) -> None:
    """Given boxes of several widths, then the whole title stands there, or enough of it to tell which step it is, or
    nothing: never "IN…"."""
    font = QFont()
    font.setPixelSize(11)
    metrics = QFontMetrics(font)
    shown = shortened(TITLE, metrics, metrics.horizontalAdvance("n" * letters))
    assert shown.startswith(told) and bool(shown) is bool(told)
    assert shown == TITLE or not shown or len(shown) > 8
