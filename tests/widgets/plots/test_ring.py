"""Rings and decimation: what is drawn is what was measured."""

import numpy as np
import pytest

from widgets.plots.ring import EMPTY, History, Ring, bars, bucket_size, decimate, joined


@pytest.mark.parametrize(
    ("points", "width_px", "size"), [(0, 300, 1), (150, 300, 1), (151, 300, 2), (72_000, 300, 512), (10, 0, 32)]
)
def test_bucket_size_is_a_power_of_two_of_at_least_two_pixels(points: int, width_px: float, size: int) -> None:
    """Given points and a width, then each bucket gets two pixels or more."""
    assert bucket_size(points, width_px) == size


def test_decimation_keeps_every_extreme() -> None:
    """Given noise with one spike, when it is decimated, then the spike stays and means are exact."""
    rng = np.random.default_rng(1)
    y = rng.normal(10, 1, 1000)
    y[517] = 99
    buckets = decimate(np.arange(1000.0), y, 64)
    assert buckets.high.max() == 99 and buckets.low.min() == y.min()
    assert buckets.mean[0] == pytest.approx(y[:64].mean())
    assert len(buckets) == 16


def test_buckets_stay_where_they_are_when_the_window_scrolls() -> None:
    """Given a scrolled window, then full buckets of both windows are equal."""
    y = np.random.default_rng(2).normal(size=400)
    x = np.arange(400.0)
    before = decimate(x[:300], y[:300], 16, 0)
    after = decimate(x[37:], y[37:], 16, 37)
    assert np.array_equal(before.high[3:18], after.high[1:16])


def test_ring_keeps_the_newest_and_counts_all() -> None:
    """Given more points than fit, in batches that wrap, then the last ones are there in order."""
    ring = Ring(10)
    for start in range(0, 35, 7):
        ring.append(np.arange(start, start + 7.0), np.arange(start, start + 7.0) * 2)
    x, y, first = ring.since(-1)
    assert x.tolist() == list(range(25, 35)) and y.tolist() == [2 * v for v in range(25, 35)]
    assert first == 25 and ring.total == 35 and len(ring) == 10 and ring.last() == 68
    x, _, first = ring.since(31)
    assert x.tolist() == [31, 32, 33, 34] and first == 31
    ring.append(np.arange(100.0), np.arange(100.0))
    assert ring.since(0)[0].tolist() == list(range(90, 100))


def test_empty_ring_and_history() -> None:
    """Given nothing, then nothing is drawn and nothing fails."""
    assert Ring(4).last() is None and len(Ring(4).since(0)[0]) == 0
    assert History().view(0.1) is EMPTY and len(decimate(np.empty(0), np.empty(0), 4)) == 0
    history = History()
    history.append(np.empty(0), np.empty(0))
    assert len(history) == 0


def test_history_merges_and_loses_no_extreme_and_no_point() -> None:
    """Given far more points than buckets, batch by batch, then counts, extremes and means are exact."""
    rng = np.random.default_rng(3)
    t = np.cumsum(rng.uniform(0.001, 0.01, 50_000))
    y = rng.lognormal(1, 0.3, 50_000)
    history = History(256)
    for part in np.array_split(np.arange(50_000), 777):
        history.append(t[part], y[part])
    assert history.total == 50_000 and len(history) <= 256
    view = history.view(0.0)
    assert view.high.max() == y.max() and view.low.min() == y.min()
    keys = np.floor(t / history.step_s).astype(int)
    expected = [y[keys == key].mean() for key in np.unique(keys)]
    assert np.allclose(view.mean, expected)
    assert history.first_s == t[0] and history.last_s == t[-1]


def test_history_view_gets_coarser_only_as_asked() -> None:
    """Given a least width, then buckets are at least as wide and as many as fit."""
    history = History()
    t = np.arange(0, 8, 0.001)
    history.append(t, np.ones_like(t))
    assert len(history.view(0.0)) == 512
    assert len(history.view(1.0)) == 8


def test_lines_break_across_pauses() -> None:
    """Given two blocks with a pause between, then no line claims what was not measured."""
    history = History()
    history.append(np.array([0.0, 0.1, 0.2, 5.0, 5.1]), np.ones(5))
    assert joined(history.view(0.0), 1.0).tolist() == [1, 1, 0, 1, 1]
    x, y = bars(history.view(0.0))
    assert x.tolist() == [0, 0, 0.1, 0.1, 0.2, 0.2, 5, 5, 5.1, 5.1] and len(y) == 10
