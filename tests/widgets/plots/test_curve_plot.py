"""Measured points joined by lines: where they lie, and how keys and pointer tell them."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import placed
from widgets.plots.curve_plot import Curve, CurvePlot
from widgets.plots.point_plot import PlotPoint
from widgets.theme import Theme

CURVES = (
    Curve("Original", 0, (PlotPoint(1, 100, "batch 1: 100"), PlotPoint(8, 200, "batch 8: 200", 190, 210, True))),
    Curve("INT8", 1, (PlotPoint(1, 300, "batch 1: 300"), PlotPoint(2, 400, "batch 2: 400"))),
    Curve("Nothing", 2, ()),
)


@pytest.fixture
def plot(qtbot: QtBot, theme: Theme) -> CurvePlot:
    made = CurvePlot(theme, "Answers over batches", "Batch", "Answers a second", doubling=True, mark="the knee")
    made.set_curves(CURVES)
    placed(qtbot, made, 462, 240)
    return made


def test_doubling_is_one_step_and_up_is_more(plot: CurvePlot) -> None:
    """Given batches, Then 1 to 2 is a third of 1 to 8, and 400 lies twice as high as 200."""
    one, two, eight = (plot.place_of(x, 0).x() for x in (1, 2, 8))
    assert 3 * (two - one) == pytest.approx(eight - one)
    zero, low, high = (plot.place_of(1, y).y() for y in (0, 200, 400))
    assert zero - high == pytest.approx(2 * (zero - low))


def test_all_points_are_reported(plot: CurvePlot) -> None:
    assert plot.accessibleName() == "Answers over batches"
    assert "Original: batch 1: 100; batch 8: 200" in plot.accessibleDescription()
    assert "Nothing" not in plot.accessibleDescription()


@pytest.mark.qt_log_ignore("This plugin does not support raise", extend=True)
def test_keys_walk_along_and_between_lines(plot: CurvePlot, qtbot: QtBot) -> None:
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: "batch 8: 200" in QToolTip.text())
    QTest.keyClick(plot, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: "INT8: batch 2: 400" in QToolTip.text())
    QTest.keyClick(plot, Qt.Key.Key_Right)
    QTest.keyClick(plot, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: "INT8: batch 1: 300" in QToolTip.text())


def test_the_pointer_shows_the_nearest(plot: CurvePlot, qtbot: QtBot) -> None:
    spot = plot.place_of(8, 200).toPoint() + QPoint(3, 3)
    QApplication.sendEvent(plot, QHelpEvent(QHelpEvent.Type.ToolTip, spot, plot.mapToGlobal(spot)))
    qtbot.waitUntil(lambda: "Original: batch 8: 200" in QToolTip.text())


def test_without_points_it_is_an_empty_graph(plot: CurvePlot) -> None:
    plot.set_curves(())
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert not plot.grab().isNull() and plot.accessibleDescription() == ""
