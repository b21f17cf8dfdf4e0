"""A light theme and a clock whose time the test sets."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from widgets.plots.frame_clock import FrameClock


class SetTime:
    """A clock that only moves when the test moves it."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def set_time() -> SetTime:
    return SetTime()


@pytest.fixture
def clock(qapp: QApplication, set_time: SetTime) -> Iterator[FrameClock]:
    made = FrameClock(None, set_time)
    yield made
    made.deleteLater()
