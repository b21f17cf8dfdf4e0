"""A figure over days: where points lie, marks of the axis, and the way by keys."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QToolTip
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import placed
from widgets.plots.course_plot import Course, CoursePlot, time_marks
from widgets.plots.point_plot import PlotPoint
from widgets.theme import Theme

BEGUN = datetime(2026, 11, 3, 9, 30).timestamp()
DAY_S = 86_400.0
POINTS = tuple(PlotPoint(BEGUN + day * DAY_S, 0.3 - 0.02 * (day > 4), f"day {day}") for day in range(10))


@pytest.fixture
def draw(theme: Theme, qtbot: QtBot) -> Callable[..., CoursePlot]:
    def draw_course(points: tuple[PlotPoint, ...], *more: Any) -> CoursePlot:
        return placed(qtbot, CoursePlot(theme, Course("Brightness", "Mean", points, *more), "alarm"), 480, 220)

    return draw_course


def test_an_alarm_is_seen_where_it_was(draw: Callable[..., CoursePlot]) -> None:
    """Given an alarm from the fifth day on, then the ground is colored there, and not before."""
    plot = draw(POINTS, 0.3, "when it was tested", ((POINTS[5].x, POINTS[-1].x),))
    image: QImage = plot.grab().toImage()
    # below the course, above the axis
    y = int(plot._area().bottom()) - 4
    before, after = (image.pixelColor(int(plot.place_of(POINTS[at].x, 0).x()) + 6, y) for at in (3, 7))
    assert before == image.pixelColor(int(plot._area().left()) + 6, y)
    assert after != before


@pytest.mark.parametrize("values", [(5.0,), (5.0, 5.0), (-8.0, -7.0), (0.0, 0.0), (1e9, 2e9)])
def test_all_values_lie_inside(draw: Callable[..., CoursePlot], values: tuple[float, ...]) -> None:
    """Given one point, equal, negative, no or huge values, then all are drawn inside the axes."""
    points = tuple(PlotPoint(BEGUN + number, value, "x") for number, value in enumerate(values))
    plot = draw(points)
    plot.grab()
    area = plot._area().adjusted(-1, -1, 1, 1)
    assert all(area.contains(plot.place_of(point.x, point.y)) for point in points)


def test_shares_end_at_one(draw: Callable[..., CoursePlot]) -> None:
    """Given a confidence near one, then the axis does not go on to more than all."""
    assert draw((PlotPoint(BEGUN, 0.97, "x"), PlotPoint(BEGUN + 5, 0.9, "y")), 0.93)._y_range()[1] == 1.0


def test_keys_walk_along_the_course(draw: Callable[..., CoursePlot], qtbot: QtBot) -> None:
    """Given the focus, when right and left are pressed, then the next point is reported, and the ends hold."""
    plot = draw(POINTS)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left):
        qtbot.keyClick(plot, key)
    assert plot._at == 1 and "day 1" in QToolTip.text()
    for _ in range(20):
        qtbot.keyClick(plot, Qt.Key.Key_Right)
    assert plot._at == len(POINTS) - 1
    assert "day 0" in plot.accessibleDescription()


@pytest.mark.parametrize(
    ("length_s", "first"),
    [
        (0.5, "09:30:00"),
        (5, "09:30:00"),
        (50, "09:30:00"),
        (240, "09:30"),
        (3 * 3600, "10:00"),
        (9 * DAY_S, "5 Nov"),
        (400 * DAY_S, None),
    ],
)
def test_time_marks_are_full_seconds_minutes_hours_or_days(length_s: float, first: str | None) -> None:
    """Given seconds, minutes, hours, days or a year, then a few marks stand at full ones, all of them inside."""
    marks = time_marks(BEGUN, BEGUN + length_s)
    assert 1 <= len(marks) <= 8
    assert all(BEGUN <= t <= BEGUN + length_s for t, _ in marks)
    assert first is None or marks[0][1] == first
