"""The tests on histograms against scipy, on the same data."""

import numpy as np
import pytest
from scipy import stats

from workers.monitor import shifts
from workers.monitor.bins import binned, edges_of, expected_of
from workers.monitor.series import ends_of, starts_of

RNG = np.random.default_rng(3)
USUAL, OTHER = RNG.normal(0, 1, 1000), RNG.normal(0.3, 1.2, 400)
EDGES = edges_of(USUAL)
EXPECTED, FOUND = binned(USUAL, EDGES), binned(OTHER, EDGES)
WHOLE = (np.asarray([0]), np.asarray([1]))


def ranked(counts):
    """Return the values of a histogram as a test by ranks sees them."""
    return np.repeat(np.arange(len(counts)), counts)


def test_mean_shift_is_the_test_of_mann_and_whitney() -> None:
    """Given two histograms, then z without a margin is scipy's, except for the pooled variance and the dispersion of 2
    that is assumed at the beginning."""
    z, sign = shifts.mean_shift(FOUND[None], EXPECTED, shifts.places(EXPECTED), *WHOLE, 0.0)
    statistic, p = stats.mannwhitneyu(ranked(FOUND), ranked(EXPECTED), method="asymptotic", use_continuity=False)
    place = float(shifts.places(EXPECTED) @ FOUND) / FOUND.sum()
    assert place == pytest.approx(statistic / (len(OTHER) * len(USUAL)))
    n, m = len(OTHER), len(USUAL)
    independent = z[0] * np.sqrt((2 / n + 1 / m) / (1 / n + 1 / m))
    assert independent == pytest.approx(stats.norm.isf(p / 2), rel=0.03)
    assert sign[0] == 1


def test_chi_square_is_that_of_a_table_of_two_rows() -> None:
    """Given counts of classes, then the statistic is scipy's without Yates' correction."""
    one, other = np.asarray([30.0, 12, 8, 50]), np.asarray([200.0, 120, 60, 300])
    expected = stats.chi2_contingency(np.stack([one, other]), correction=False).statistic
    assert shifts.chi_square(one, other) == pytest.approx(expected)


@pytest.mark.parametrize("free", [1, 9, 30])
@pytest.mark.parametrize("noncentrality", [0.0, 12.0])
@pytest.mark.parametrize("tail", [1e-3, 1e-6])
def test_noncentral_chi_square_deviate_is_slightly_conservative(free: int, noncentrality: float, tail: float) -> None:
    """Given a quantile far out, then the approximated deviate is at most the exact one, and at most a seventh less."""
    law = stats.ncx2(free, noncentrality) if noncentrality else stats.chi2(free)
    z = shifts.beyond_noncentral(np.asarray([law.isf(tail)]), free, np.asarray([noncentrality]))
    assert 6 / 7 < z[0] / stats.norm.isf(tail) <= 1


def test_bound_of_a_share_is_never_below_the_exact_tail() -> None:
    """Given any count, then the bound is not below the binomial tail, and within a factor 30 of it."""
    counts = np.arange(0, 401, dtype=np.float64)
    bound = shifts.log_upper_tail(counts, np.full(401, 400.0), 0.05)
    exact = stats.binom.logsf(counts - 1, 400, 0.05)
    assert (bound >= exact - 1e-9).all()
    finite = np.isfinite(exact)
    assert (bound[finite] - exact[finite] < np.log(30)).all()


def test_dispersion_is_the_number_of_equal_requests_in_a_row() -> None:
    """Given five equal values in a row, then means of blocks vary five times as much; one change of level adds nothing."""
    values = np.repeat(RNG.normal(0, 1, 4000), 5)
    values[10_000:] += 3
    blocks = values.reshape(-1, 50)
    found = shifts.dispersion(np.full(len(blocks), 50.0), blocks.sum(axis=1), 1.0)
    assert found[-1] == pytest.approx(5, rel=0.25)
    alone = RNG.normal(0, 1, (400, 50))
    assert shifts.dispersion(np.full(400, 50.0), alone.sum(axis=1), 1.0)[-1] == pytest.approx(1, abs=0.25)


def test_windows_hold_at_least_their_size() -> None:
    """Given lines of seven, then looks come each 56 requests, and a window of 100 holds 105."""
    n = np.full(40, 7)
    ends = ends_of(n)
    starts = starts_of(n, ends, size=100)
    assert ends.tolist() == [8, 16, 24, 32, 40]
    assert starts.tolist() == [-1, 1, 9, 17, 25]


@pytest.mark.parametrize("values", [np.zeros(50), np.asarray([1.0, 2.0]), np.asarray([3.0, np.nan, np.inf])])
def test_few_or_equal_values_have_a_histogram(values: np.ndarray) -> None:
    """Given equal values, two values, or one finite value, then they lie inside the edges and all others outside."""
    expected = expected_of(values)
    assert expected is not None
    assert expected.counts[0] == expected.counts[-1] == 0
    beyond = binned(np.asarray([-10.0, 10.0]), expected.edges)
    assert (beyond[0], beyond[-1]) == (1, 1)
