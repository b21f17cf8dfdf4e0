"""The sequential tests against river's detectors, whose findings lie beside the script that made them."""

import json

import numpy as np
import pytest
from river_figures import FIGURES, REQUESTS, SEEDS, SHIFTED_AT, SLOWER_AT, latencies, requests

from workers.monitor import shifts, slowing
from workers.monitor.bins import binned, edges_of
from workers.monitor.series import WINDOW, ends_of, starts_of

RIVER = json.loads(FIGURES.read_text(encoding="utf-8"))
PER_LINE, Z = 25, 4.75
"""At the level of 1e-6."""


def first_slower(seed: int, slower: bool) -> int | None:
    """After how many blocks the cumulative sum is beyond its threshold."""
    sums, _ = slowing.cumulated(latencies(seed, slower))
    beyond = np.flatnonzero(sums > slowing.DECISION)
    return int(beyond[0]) + 1 if len(beyond) else None


def first_shift(seed: int, shifted: bool) -> int | None:
    """After how many requests a window differs from a thousand others."""
    usual = np.random.default_rng(999).normal(0, 1, 1000)
    edges = edges_of(usual)
    expected = binned(usual, edges)
    lines = np.stack([binned(one, edges) for one in requests(seed, shifted).reshape(-1, PER_LINE)])
    n = np.full(len(lines), PER_LINE)
    ends = ends_of(n)
    starts = starts_of(n, ends, WINDOW)
    z, _ = shifts.mean_shift(lines, expected, shifts.places(expected), starts, ends, shifts.LOCATION_MARGIN)
    beyond = np.flatnonzero((z > Z) & (starts >= 0))
    return int(ends[beyond[0]]) * PER_LINE if len(beyond) else None


def test_the_figures_are_those_of_the_version_that_is_named() -> None:
    """Given the file, then it says which river wrote it, for each seed."""
    assert RIVER["river"] == "0.26.0"
    assert all(len(RIVER[name]) == len(SEEDS) for name in ("slower", "not_slower", "shifted", "not_shifted"))


@pytest.mark.parametrize("seed", SEEDS)
def test_slower_answers_are_found_where_page_and_hinkley_find_them(seed: int) -> None:
    """Given a median that doubles, then both speak within eight blocks and at most one apart; else neither does."""
    ours, theirs = first_slower(seed, True), RIVER["slower"][seed]
    assert ours is not None and SLOWER_AT < ours <= SLOWER_AT + 8
    assert abs(ours - theirs) <= 1
    assert first_slower(seed, False) is None and RIVER["not_slower"][seed] is None


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shift_is_found_about_when_adaptive_windows_find_it(seed: int) -> None:
    """Given a figure that moves by .8 of its spread, then both speak within 500 requests; else neither does."""
    ours, theirs = first_shift(seed, True), RIVER["shifted"][seed]
    assert ours is not None and SHIFTED_AT < ours <= SHIFTED_AT + 500
    assert SHIFTED_AT < theirs <= SHIFTED_AT + 500
    assert first_shift(seed, False) is None and RIVER["not_shifted"][seed] is None
    assert ours <= REQUESTS
