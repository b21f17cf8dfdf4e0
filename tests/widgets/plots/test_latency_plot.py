"""The latency graph: what was measured, when, in whose color; the rest is reported as not measured."""

import numpy as np
import pytest
from PySide6.QtCore import QObject, QRectF, Signal
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import placed
from widgets.plots.frame_clock import FrameClock
from widgets.plots.labels import Label, place
from widgets.plots.latency_plot import LatencyPlot
from widgets.plots.step_strip import StepValue
from widgets.theme import TOKENS, Theme

STEPS = (
    StepValue("Check", "done", start_s=0, end_s=3),
    StepValue("Original", "done", "", "10.4 ms", 3, 13, 0, (5, 13)),
    StepValue("INT8", "running", start_s=13, end_s=30),
    StepValue("Final", "waiting", start_s=30, end_s=66),
)


@pytest.fixture
def plot(qtbot: QtBot, theme: Theme, clock: FrameClock) -> LatencyPlot:
    made = placed(qtbot, LatencyPlot(theme, clock), 640, 420)
    qtbot.waitUntil(lambda: made._canvas is not None, timeout=10_000)
    return made


def fill(plot: LatencyPlot) -> None:
    plot.set_running(True)
    plot.set_steps(STEPS)
    plot.add("v0", 5 + np.arange(0, 8, 0.0104), np.full(770, 10.4))
    plot.set_series([("v0", "Original 10.4 ms", 0)])
    plot.set_best([(13, 10.4, "best so far 10.4 ms")])
    plot.set_now(20)


def test_axes_hold_all_that_was_measured_and_is_expected(plot: LatencyPlot) -> None:
    """Given steps until 66 s and answers of 10 ms, then both axes hold them and end at round values."""
    fill(plot)
    plot.draw(0)
    assert plot.end_s >= 66 and plot.end_s % 5 == 0
    assert 10.4 < plot._canvas._top_ms <= 15
    assert plot._canvas._unit.text == "ms"


def test_the_axis_moves_only_when_it_must(plot: LatencyPlot) -> None:
    """Given an estimate that wanders a little, then the time axis stays; when it is passed, it grows."""
    fill(plot)
    plot.draw(0)
    end_s = plot.end_s
    for guess in (62, 68, 64, 70):
        plot.set_steps([*STEPS[:3], StepValue("Final", "waiting", start_s=30, end_s=guess)])
        plot.draw(0)
        assert plot.end_s == end_s
    plot.set_now(90)
    plot.draw(0)
    assert plot.end_s >= 90


def test_what_is_not_measured_is_reported_while_running_only(plot: LatencyPlot) -> None:
    """Given a run at 20 s, then from there on it shows that; when the run is over, the graph ends there."""
    fill(plot)
    plot.draw(0)
    canvas = plot._canvas
    assert canvas._future.isVisible() and canvas._future.rect().left() == 20 and canvas._not_yet.isVisible()
    plot.set_running(False)
    plot.draw(0)
    assert not canvas._future.isVisible() and not canvas._now.isVisible() and plot.end_s == 20


def test_best_goes_down_in_steps_until_now(plot: LatencyPlot) -> None:
    """Given two best points, then the dashed line is a stair that ends now; without points there is none."""
    fill(plot)
    plot.set_best([(13, 10.4, ""), (16, 6.9, "best so far 6.9 ms")])
    plot.draw(0)
    x, y = plot._canvas._best.getData()
    assert x.tolist() == [13, 16, 16, 20] and y.tolist() == [10.4, 10.4, 6.9, 6.9]
    plot.set_best([])
    plot.draw(0)
    assert not plot._canvas._best.isVisible()


def test_every_answer_is_in_the_bars(plot: LatencyPlot) -> None:
    """Given 20,000 answers with one slow one, then the bars reach it, or a mark at the top states that it is above."""
    fill(plot)
    values = np.full(20_000, 3.0)
    values[12_345] = 14.0
    plot.add("v1", 14 + np.arange(20_000) * 2e-4, values)
    plot.draw(0)
    line = plot._canvas._lines["v1"]
    assert line.bars.getData()[1].max() == 14.0 and line.bars.getData()[1].min() == 3.0
    assert len(line.mean.getData()[0]) < 400
    values[:] = 500.0
    plot.add("v1", 18.1 + np.arange(3) * 1e-3, values[:3])
    plot.draw(0)
    assert line.clipped.getData()[0].tolist() == pytest.approx([16.25, 18.1], abs=0.01) and plot._canvas._top_ms < 100


def test_pauses_are_no_lines(plot: LatencyPlot) -> None:
    """Given two blocks of one variant with another's between them, then no line joins them."""
    fill(plot)
    for start in (14.0, 18.0):
        plot.add("v1", start + np.arange(100) * 3e-3, np.full(100, 3.0))
    plot.draw(0)
    join = plot._canvas._lines["v1"].mean.opts["connect"]
    assert (join == 0).sum() == 1


def test_slow_models_are_reported_in_seconds(plot: LatencyPlot) -> None:
    """Given a model that takes 30 s an answer, then the axis counts seconds and the line is one."""
    plot.set_running(True)
    plot.add("v0", np.array([30.0, 60.0, 90.0]), np.full(3, 30_000.0))
    plot.set_now(95)
    plot.draw(0)
    assert plot._canvas._unit.text == "s" and plot._canvas._top_ms >= 30_000
    assert plot._canvas._lines["v0"].mean.opts["connect"].all()


def test_names_and_colors(plot: LatencyPlot, theme: Theme) -> None:
    """Given names, then lines have them in their color, in the dark too, and a screen reader shows them."""
    fill(plot)
    plot.draw(0)
    line = plot._canvas._lines["v0"]
    assert line.text.textItem.toPlainText() == "Original 10.4 ms"
    assert plot.rows() == [("Original 10.4 ms", "770", "10.4 ms", "10.4 ms", "10.4 ms")]
    assert all(text in plot.accessibleDescription() for text in plot.rows()[0])
    assert line.mean.opts["pen"].color().name().upper() == TOKENS["light"]["s0"]
    theme.set_choice("dark")
    plot.draw(0)
    assert line.mean.opts["pen"].color().name().upper() == TOKENS["dark"]["s0"]
    assert plot.accessibleName() == "Latency of every answer"


def test_nothing_is_drawn_while_hidden_or_unchanged(plot: LatencyPlot) -> None:
    """Given nothing new, or a hidden page, then no frame is spent; a pixel of time is worth one."""
    fill(plot)
    plot.draw(0)
    assert not plot.is_due(0, False)
    plot.set_now(20.01)
    assert not plot.is_due(0, False)
    plot.set_now(21)
    assert plot.is_due(0, False)
    plot.hide()
    assert not plot.is_due(0, False)


def test_steps_lie_under_their_time(plot: LatencyPlot, qtbot: QtBot) -> None:
    """Given steps, then each box spans its time on the same axis; unknown times have no box."""
    fill(plot)
    qtbot.waitUntil(lambda: plot._canvas.margins_px()[0] > 30, timeout=3000)
    plot._dirty = True
    plot.draw(0)
    strip = plot.strip
    left, right = plot._canvas.margins_px()
    per_s = (strip.width() - left - right) / plot.end_s
    assert strip.box(1).left() == pytest.approx(left + 3 * per_s + 1)
    assert strip.box(1).right() == pytest.approx(left + 13 * per_s - 1)
    plot.set_now(40)
    assert strip.box(2).right() == pytest.approx(left + 40 * per_s - 1)
    strip.set_steps([StepValue("unknown")])
    assert strip.box(0).isEmpty()


class Source(QObject):
    """Sends as a controller does."""

    measured = Signal(str, object, object)


@pytest.mark.whole
def test_thousands_of_batches_and_paints(plot: LatencyPlot, theme: Theme) -> None:
    """Given some thousand batches by signal, with paints and changes of theme, then nothing aborts or grows."""
    fill(plot)
    source = Source()
    source.measured.connect(plot.add)
    for i in range(4000):
        source.measured.emit(f"v{i % 4}", 20 + np.array([i * 1e-2, i * 1e-2 + 1e-3]), np.array([3.0, 4.0]))
        plot.set_now(20 + i * 1e-2)
        if i % 200 == 0:
            theme.set_choice("dark" if i % 400 else "light")
        if i % 10 == 0:
            plot.draw(0)
            plot._canvas.widget.viewport().repaint()
    assert plot._histories["v1"].total == 2000 and len(plot._histories["v1"]) <= 4096


def test_empty_plot_says_what_it_waits_for(plot: LatencyPlot) -> None:
    """Given a run that has measured nothing yet, Then a sentence with the present step is in the plot, and no axis
    of latencies; the first measurement takes the sentence away."""
    plot.set_running(True)
    plot.set_steps([StepValue("Read the examples", "running", start_s=0, end_s=3), *STEPS[3:]])
    plot.set_stage("Read the examples")
    plot.set_now(2)
    plot.draw(0)
    assert plot.waiting.isVisible() and plot.waiting.text().endswith("\nNow: Read the examples")
    assert not plot._canvas._grid.isVisible() and not plot._canvas._now.isVisible()
    fill(plot)
    plot.draw(0)
    assert not plot.waiting.isVisible() and plot._canvas._grid.isVisible()


@pytest.mark.parametrize(("bars_end", "center"), [(104, (100, 94)), (96, (100 + 20 + 6 + 30, 100))])
def test_label_covers_bars_of_its_own_line_only(bars_end: int, center: tuple[int, int]) -> None:
    """Given a line with tall bars, and another line right below it, Then its name is on its own bars; where they are
    another version's, it is at the line's end, at the line's height."""
    line = Label(100, 20, 104, 60, 14, half_width=20, level=100)
    bars = QRectF(80, 20, 40, bars_end - 20)
    (spot,) = place([line], QRectF(0, 0, 400, 200), [QRectF(60, 108, 100, 60)], [bars])
    assert spot is not None and (spot.x(), spot.y()) == center


def _gap_px(plot: LatencyPlot, variant_id: str) -> float:
    """Pixels between a name and the mean line that it names."""
    line, (per_s, per_ms) = plot._canvas._lines[variant_id], plot._canvas._px()
    center, name = line.text.pos(), line.text.boundingRect()
    across = abs(center.x() - line.x_s) * per_s - line.seconds / 2 * per_s - name.width() / 2
    up = abs(center.y() - line.mean_ms) * per_ms - name.height() / 2
    return float(np.hypot(max(0.0, across), max(0.0, up)))


@pytest.mark.parametrize("block_s", [1.0, 12.0])
def test_name_of_line_with_tall_bars_is_near_its_line(plot: LatencyPlot, block_s: float) -> None:
    """Given three versions whose requests vary by the height of the graph, Then each name is near its own line."""
    rng = np.random.default_rng(0)
    plot.set_running(True)
    plot.set_steps([StepValue("Final", "waiting", start_s=40, end_s=60)])
    names = ("Original 5 ms", "OpenVINO 4 ms", "BF16 3 ms")
    for number, ms in enumerate((5.0, 4.0, 3.0)):
        values = ms * np.where(rng.random(500) < 0.25, 3.2, 0.4)
        plot.add(f"v{number}", 2 + number * (block_s + 1) + np.linspace(0, block_s, 500), values)
    plot.set_series([(f"v{number}", name, number) for number, name in enumerate(names)])
    plot.set_now(4 + 3 * (block_s + 1))
    plot.draw(0)
    shown = [one for one in ("v0", "v1", "v2") if plot._canvas._lines[one].text.isVisible()]
    assert len(shown) == 3
    assert max(_gap_px(plot, one) for one in shown) <= 26


def test_empty_plot_names_the_stage_between_two_steps(plot: LatencyPlot) -> None:
    """Given a run between two steps, Then the sentence in the empty graph names what is done now."""
    plot.set_running(True)
    plot.set_steps([StepValue("Read the examples", "done", start_s=0, end_s=3), *STEPS[3:]])
    plot.set_stage("Choosing what to try")
    assert plot.waiting.text().endswith("\nNow: Choosing what to try")
    plot.set_stage("Measure the original: measuring its speed")
    assert plot.waiting.text().endswith("\nNow: Measure the original: measuring its speed")


def test_name_of_tall_bars_is_drawn_at_the_height_of_its_line(plot: LatencyPlot) -> None:
    """Given a version whose slow requests take 28 ms where most take 10.4 ms, and another version right below it, Then
    the name of the first is drawn within 2 ms of its line."""
    times_s, is_slow = 5 + np.arange(0, 8, 0.01), np.arange(800) % 10 == 0
    plot.set_running(True)
    plot.set_steps(STEPS)
    plot.add("v0", times_s, np.where(is_slow, 28.0, 10.4))
    plot.add("v1", times_s, np.where(is_slow, 5.0, 9.5))
    plot.set_series([("v0", "Original 10.4 ms", 0), ("v1", "INT8 9.5 ms", 1)])
    plot.draw(0)
    text = plot._canvas._lines["v0"].text
    assert text.isVisible() and abs(text.pos().y() - 10.4) < 2
