"""The sequential tests against river's detectors, whose results a script stored (`river_figures.py`)."""

import json

import numpy as np
import pytest
from river_figures import FIGURES, REQUESTS, SEEDS, SHIFTED_AT, SLOWER_AT, latencies, requests

from workers.monitor import shifts, slowing
from workers.monitor.bins import binned, edges_of
from workers.monitor.series import ends_of, starts_of

RIVER = json.loads(FIGURES.read_text(encoding="utf-8"))
PER_LINE, Z = 25, 4.75
"""At the level of 1e-6."""


def first_slower(seed: int, slower: bool) -> int | None:
    """Return the number of blocks after which the cumulative sum exceeds its threshold."""
    sums, _ = slowing.cumulated(latencies(seed, slower))
    beyond = np.flatnonzero(sums > slowing.DECISION)
    return int(beyond[0]) + 1 if len(beyond) else None


def first_shift(seed: int, shifted: bool) -> int | None:
    """Return the number of requests after which a window differs from a thousand others."""
    usual = np.random.default_rng(999).normal(0, 1, 1000)
    edges = edges_of(usual)
    expected = binned(usual, edges)
    lines = np.stack([binned(one, edges) for one in requests(seed, shifted).reshape(-1, PER_LINE)])
    n = np.full(len(lines), PER_LINE)
    ends = ends_of(n)
    starts = starts_of(n, ends)
    z, _ = shifts.mean_shift(lines, expected, shifts.places(expected), starts, ends, shifts.LOCATION_MARGIN)
    beyond = np.flatnonzero((z > Z) & (starts >= 0))
    return int(ends[beyond[0]]) * PER_LINE if len(beyond) else None


@pytest.mark.parametrize("seed", SEEDS)
def test_slow_down_is_detected_where_page_hinkley_detects_it(seed: int) -> None:
    """Given a median that doubles, then both detect it within eight blocks, at most one apart; else neither does."""
    ours, theirs = first_slower(seed, True), RIVER["slower"][seed]
    assert ours is not None and SLOWER_AT < ours <= SLOWER_AT + 8
    assert abs(ours - theirs) <= 1
    assert first_slower(seed, False) is None and RIVER["not_slower"][seed] is None


@pytest.mark.parametrize("seed", SEEDS)
def test_shift_is_detected_about_when_adaptive_windows_detect_it(seed: int) -> None:
    """Given a figure that moves by .8 of its spread, then both detect it within 500 requests; else neither does."""
    ours, theirs = first_shift(seed, True), RIVER["shifted"][seed]
    assert ours is not None and SHIFTED_AT < ours <= SHIFTED_AT + 500
    assert SHIFTED_AT < theirs <= SHIFTED_AT + 500
    assert first_shift(seed, False) is None and RIVER["not_shifted"][seed] is None
    assert ours <= REQUESTS
