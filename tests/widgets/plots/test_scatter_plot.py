"""Speed against accuracy by mouse and keys, and where names may stand."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import emitted, left_click, placed
from widgets.plots.labels import Label, place
from widgets.plots.scale import clock, nice_top, tick_text, tick_texts, ticks, ticks_between, time_ticks
from widgets.plots.scatter_plot import PointValue, ScatterPlot
from widgets.theme import Theme

POINTS = (
    PointValue("a", "Original", 10.4, 91.2, 0),
    PointValue("b", "INT8", 3.1, 91.1, 1, True),
    PointValue("c", "Pruned", 5.2, 89.9, 4),
)


@pytest.fixture
def plot(qtbot: QtBot, theme: Theme) -> ScatterPlot:
    made = ScatterPlot(theme, "Accuracy")
    made.set_points(POINTS, 90.3)
    placed(qtbot, made, 462, 220)
    return made


def test_up_and_left_is_better(plot: ScatterPlot) -> None:
    """Given three versions, then faster ones lie further left and better ones higher."""
    a, b, c = (plot.spot_of(point) for point in POINTS)
    assert b.x() < c.x() < a.x() and a.y() < b.y() < c.y()


@pytest.mark.qt_log_ignore("This plugin does not support raise", extend=True)
def test_points_are_chosen_by_mouse_and_keys(plot: ScatterPlot) -> None:
    """Given the graph, then a click chooses the point below it; arrows walk by speed and return chooses."""
    assert emitted(plot.point_chosen, left_click, plot, pos=plot.spot_of(POINTS[2]).toPoint()) == ["c"]
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert emitted(plot.point_chosen, QTest.keyClick, plot, Qt.Key.Key_Return) == ["a"]


def test_it_is_described_in_words(plot: ScatterPlot) -> None:
    """Given the graph, then a screen reader states what it shows."""
    assert plot.accessibleName() == "Speed against accuracy"
    assert "INT8: 3.1 ms, 91.1 %" in plot.accessibleDescription()


def test_a_regression_is_no_dot(plot: ScatterPlot) -> None:
    """Given a version that regressed though its percent are high, Then a cross is there instead of a dot, and a
    screen reader states why."""
    drawn = []
    for is_worse in (False, True):
        plot.set_points((POINTS[0], replace(POINTS[1], is_worse=is_worse)), 90.0)
        image, at = plot.grab().toImage(), plot.spot_of(POINTS[1]).toPoint()
        drawn.append([image.pixelColor(at.x() + x, at.y() + y) for x, y in ((0, 0), (4, 0), (4, 4))])
    dot, cross = drawn
    assert dot[0] == dot[1] == cross[0] and cross[1] != cross[0]
    assert "INT8: 3.1 ms, 91.1 %, silent regression" in plot.accessibleDescription()


def test_no_name_lies_across_the_limit(plot: ScatterPlot) -> None:
    """Given points just above and just below the limit, then neither their names nor the limit's own lie on its line."""
    near = tuple(PointValue(str(n), "INT8, sensitive layers kept", 2.0 + 2 * n, 90.3 + d, n) for n, d in
                 enumerate((0.35, 0.1, -0.12, -0.4)))  # fmt: skip
    for height in (180, 220, 420):
        plot.resize(462, height)
        plot.set_points(near, 90.3)
        line_y = plot.spot_of(PointValue("", "", 1.0, 90.3, 0)).y()
        boxes = [box for box in plot.names(plot.fontMetrics()) if box is not None]
        assert boxes and all(box.bottom() <= line_y or box.top() >= line_y for box in boxes)


@pytest.mark.parametrize("points", [(), POINTS[:1], (POINTS[0], POINTS[0])])
def test_few_or_equal_points_are_drawn(plot: ScatterPlot, points: tuple[PointValue, ...]) -> None:
    """Given none, one or twice the same point, then it is drawn all the same."""
    plot.set_points(points, None)
    assert not plot.grab().isNull()


def test_names_cover_neither_each_other_nor_the_frame() -> None:
    """Given five names at one place, then those that find room are apart, and the rest are left out."""
    frame = QRectF(0, 0, 300, 100)
    spots = place([Label(295, 50, 54, 80, 16) for _ in range(9)], frame)
    boxes = [QRectF(s.x() - 40, s.y() - 8, 80, 16) for s in spots if s is not None]
    assert 2 <= len(boxes) < 9 and all(frame.contains(box) for box in boxes)
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_round_axes() -> None:
    """Given ranges, then ends and ticks are round, few, and say what they mean."""
    assert [nice_top(v) for v in (0, 0.07, 13.4, 101, 9.99)] == [1, pytest.approx(0.08), 15, 120, 10]
    assert ticks(15) == [0, 5, 10, 15] and ticks(0.08) == [0, 0.02, 0.04, 0.06, 0.08]
    assert all(len(ticks(top)) <= 5 for top in (1, 1.2, 3, 18, 250, 1e-4, 3e5))
    assert ticks_between(88.1, 91.9) == [89, 90, 91] and len(ticks_between(0, 1e6)) <= 5 and ticks_between(5, 5) == [5]
    assert time_ticks(66) == [0, 10, 20, 30, 40, 50, 60] and len(time_ticks(1e6)) <= 8
    assert [clock(s) for s in (7, 750, 3750)] == ["0:07", "12:30", "1:02:30"]
    assert tick_texts([91.5, 92.0, 92.5]) == ["91.5", "92.0", "92.5"] and tick_texts([90, 92]) == ["90", "92"]
    assert [tick_text(v) for v in (0, 2.5, 12000, 0.05)] == ["0", "2.5", "12,000", "0.05"]


def test_the_widest_mark_has_room(plot: ScatterPlot) -> None:
    """Given shares so near each other that marks have a decimal ("100.0 %"), Then none is cut at the left."""
    plot.set_points((PointValue("a", "A", 400, 100, 0), PointValue("b", "B", 250, 99.95, 1)), 99.0)
    assert plot.spot_of(PointValue("z", "Z", 0, 99.5, 0)).x() >= plot.marks_width_px() + 8
    plot.set_points((PointValue("a", "A", 400, 90, 0), PointValue("b", "B", 250, 60, 1)), 50.0)
    assert plot.spot_of(PointValue("z", "Z", 0, 60, 0)).x() == 52
