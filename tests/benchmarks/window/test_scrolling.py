"""The table of all answers: 100,000 rows scroll at 30 frames a second, and sorting or filtering them holds nothing up."""

import os
import time

import numpy as np
import pytest
from example_answers import all_answers
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from widgets.pages.answers.page import AnswersPage
from widgets.pages.answers.table import AnswersTable
from widgets.pages.answers.value import Filter
from widgets.theme import Theme

ROWS, SECONDS, STEP_PX = 100_000, 5.0, 170
LEAST_FRAMES, MOST_SELECT_S = 30.0, 0.2


class Painted(QObject):
    """When the table was really painted, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.times.append(time.perf_counter())
        return False


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_100_000_rows_scroll_smoothly(qapp: QApplication, qtbot: QtBot) -> None:
    """Given 100,000 rows in a window of 1280 × 800, When they are scrolled 60 times a second by five rows, some of it in
    long jumps, Then at least 30 different places a second are really painted; each filter and order takes under 200 ms.
    """
    theme = Theme(qapp, "light")
    page = AnswersPage(theme)
    page.resize(1072, 714)
    page.show_value(all_answers(ROWS))
    with qtbot.waitExposed(page):
        page.show()
    table = page.findChild(AnswersTable)
    assert table is not None
    table.setCurrentIndex(page._model.index(0, 0))
    painted, bar = Painted(), table.verticalScrollBar()
    table.viewport().installEventFilter(painted)
    ticks = iter(range(1, 100_000))

    def scroll() -> None:
        number = next(ticks)
        jump = bar.maximum() // 7 if number % 50 == 0 else STEP_PX
        bar.setValue((bar.value() + jump) % bar.maximum())

    timer = QTimer()
    timer.setInterval(16)
    timer.timeout.connect(scroll)
    timer.start()
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        qapp.processEvents()
        time.sleep(0.001)
    timer.stop()
    frames = len(painted.times) / (time.perf_counter() - began)
    gaps_ms = np.diff(painted.times) * 1000

    took: dict[str, float] = {}
    for name, wanted in {
        "by kind": Filter(kind="worse"),
        "by class": Filter(class_place=2),
        "search": Filter(text="img e"),
        "by name": Filter(order="name"),
        "by certainty": Filter(order="surer", is_descending=True),
        "by answer": Filter(order="before"),
    }.items():
        since = time.perf_counter()
        page._apply(wanted)
        qapp.processEvents()
        took[name] = time.perf_counter() - since
    report = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in took.items())
    print(  # noqa: T201 - the figures are the point
        f"{ROWS:,} rows: {frames:.0f} frames a second, gap p50 {np.median(gaps_ms):.0f}, p99"
        f" {np.percentile(gaps_ms, 99):.0f} ms; {report}; load {os.getloadavg()[0]:.1f}"
    )
    page.hide()
    page.deleteLater()
    assert frames >= LEAST_FRAMES and max(took.values()) < MOST_SELECT_S
