"""The dock's small graphs: the last minute, or the whole job."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tests.widgets.qt_actions import placed
from widgets.plots.frame_clock import FrameClock
from widgets.plots.ring import Ring
from widgets.plots.strip_plot import StripPlot
from widgets.theme import Theme


@pytest.fixture
def strip(qtbot: QtBot, theme: Theme, clock: FrameClock) -> StripPlot:
    made = placed(qtbot, StripPlot(theme, clock, "Processor load", "s1"), 300, 60)
    qtbot.waitUntil(lambda: made._canvas is not None, timeout=10_000)
    return made


def test_the_last_minute_or_the_whole_job(strip: StripPlot) -> None:
    """Given no job, then a minute is shown; given a job since 100 s, then enough to hold it."""
    assert strip.span_s(1000) == 60
    strip.set_since(900)
    assert strip.span_s(1000) == 120 and strip.span_s(1500) == 600 and strip.span_s(1e6) == 7200
    strip.set_since(None)
    assert strip.span_s(1e6) == 60


def test_range_grows_to_round_values_or_is_fixed(strip: StripPlot) -> None:
    """Given values, then the range holds them; a fixed one stays."""
    strip.add(np.array([999.0]), np.array([4.1e8]))
    assert 4.1e8 < strip.top <= 6e8
    strip.set_top(100)
    strip.add(np.array([999.5]), np.array([4.1e8]))
    assert strip.top == 100


def test_points_are_drawn_before_now(strip: StripPlot) -> None:
    """Given points up to two minutes old, then those of the last minute are drawn at their distance from now."""
    times = np.arange(880.0, 1000.0, 0.5)
    strip.add(times, np.full(240, 50.0))
    strip.set_phases([950.0, 700.0])
    strip.draw(1000.0)
    x, y = strip._canvas._mean.getData()
    assert x.min() >= -60 and x.max() <= 0 and set(y) == {50.0}
    assert strip._canvas._phases.getData()[0].tolist() == [-50, -50]


def test_frames_are_spent_on_news_only(strip: StripPlot) -> None:
    """Given nothing new, then it scrolls by half pixels, and inside timed regions not even that."""
    strip.add(np.array([999.0]), np.array([1.0]))
    assert strip.is_due(1000.0, False) and strip.is_due(1000.0, True)
    strip.draw(1000.0)
    assert not strip.is_due(1000.05, False)
    assert strip.is_due(1000.2, False) and not strip.is_due(1000.2, True)
    strip.hide()
    assert not strip.is_due(2000.0, False)


def test_another_series_is_shown_with_its_past(strip: StripPlot) -> None:
    """Given another device's ring, then its points and name are shown, and new ones go into it."""
    ring = Ring(100)
    ring.append(np.array([990.0, 995.0]), np.array([7.0, 9.0]))
    strip.set_ring(ring, "GPU load")
    assert strip.top >= 9 and strip.accessibleName() == strip._canvas.widget.accessibleName() == "GPU load"
    strip.add(np.array([999.0]), np.array([8.0]))
    assert ring.total == 3


def test_an_hour_is_one_line(strip: StripPlot) -> None:
    """Given an hour of readings, When the hour is shown, Then its mean is one line although a bucket of it is longer than
    a pause in a minute; a gap of ten minutes in it is a gap."""
    times = np.concatenate((np.arange(0.0, 1200.0, 0.1), np.arange(1800.0, 3600.0, 0.1)))
    strip.set_window(3600)
    strip.add(times, np.full(len(times), 50.0))
    strip.draw(3600.0)
    x, _ = strip._canvas._mean.getData()
    connect = np.asarray(strip._canvas._mean.opts["connect"])[: len(x) - 1]
    assert len(x) > 20
    cut = np.diff(x)[connect == 0]  # a bucket may lie in the gap, with points of both its sides
    assert 1 <= len(cut) <= 2 and cut.sum() > 500
