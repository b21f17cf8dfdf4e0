"""Known numbers and scipy's own functions as oracles."""

import math

import numpy as np
import pytest
from scipy import stats as oracle

from workers.evaluate.proof import stats


@pytest.mark.parametrize("n", [10, 100, 300, 5000])
def test_binomial_upper_without_hits_is_three_over_n(n: int) -> None:
    """Given no event in n trials, then the bound is 1 − .05^(1/n), a little under 3/n."""
    upper = stats.binomial_upper(0, n)
    assert upper == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-9)
    assert 0.85 * 3 / n < upper <= 3 / n


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (3, 50), (25, 50), (50, 50), (499, 500)])
def test_intervals_agree_with_scipy(hits: int, n: int) -> None:
    """Given counts, then the exact interval is scipy's."""
    expected = oracle.binomtest(hits, n).proportion_ci(0.95, "exact")
    assert stats.binomial_interval(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (5, 0), (10, 3), (3, 10), (200, 150)])
def test_mcnemar_is_the_exact_binomial_test(b: int, c: int) -> None:
    """Given discordant counts, then p is P[Bin(b+c, ½) ≥ b]."""
    expected = oracle.binomtest(b, b + c, 0.5, alternative="greater").pvalue if b + c else 1.0
    assert stats.mcnemar_p(b, c) == pytest.approx(expected, abs=1e-12)


def test_bounds_of_the_drop() -> None:
    """Given no change, then both bounds are ± the exact one; given many changes, then those of the normal law."""
    low, high = stats.drop_lower(0, 0, 300), stats.drop_upper(0, 0, 300)
    assert high == stats.binomial_upper(0, 300) == -low
    b, c, n = 300, 200, 5000
    spread = math.sqrt((b + c) / n - ((b - c) / n) ** 2) / math.sqrt(n) * 1.645
    low, high = stats.drop_lower(b, c, n), stats.drop_upper(b, c, n)
    assert low == pytest.approx((b - c) / n - spread, abs=0.0006)
    assert high == pytest.approx((b - c) / n + spread, abs=0.0006)


def test_three_lost_answers_prove_nothing() -> None:
    """Given 3 lost and none gained (p = 1/8), then the lower bound is not above 0; with 5 (p = 1/32) it is."""
    assert stats.drop_lower(3, 0, 1000) <= 0
    assert stats.drop_lower(5, 0, 1000) > 0


def test_score_bound_covers_small_counts() -> None:
    """Given Tango's bound, then the observed difference lies below it and it shrinks with n."""
    assert 0.02 < stats.tango_upper(3, 1, 100) < 0.07
    assert stats.tango_upper(30, 10, 1000) < stats.tango_upper(3, 1, 100)


def test_adjusted_p_values() -> None:
    """Given the classic example, then Holm's are 4·, 3·, 2·, 1· and monotone; Benjamini-Hochberg's are scipy's."""
    p = [0.01, 0.04, 0.03, 0.005]
    assert stats.holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.benjamini_hochberg(p) == pytest.approx(list(oracle.false_discovery_control(p)))
    assert stats.holm([]) == []


def test_clusters_widen_the_bounds() -> None:
    """Given changes that come in whole sequences, then the bounds are wider than for the same count spread out."""
    sizes = np.full(50, 100.0)
    together = np.zeros(50)
    together[:2] = 50
    apart = np.full(50, 2.0)
    assert np.quantile(stats.bootstrap_ratios(together, sizes), 0.95) > 0.03
    assert np.quantile(stats.bootstrap_ratios(apart, sizes), 0.95) == pytest.approx(0.02)


@pytest.mark.parametrize(("n", "flips"), [(200, 0.02), (1000, 0.1), (3000, 0.02), (1000, 0.009)])
def test_more_than_p_keeps_its_level(n: int, flips: float) -> None:
    """Given 4,000 pairs with a true drop of just the margin, then p is under .04 in no more than that (and chance)."""
    margin = 0.009
    rng = np.random.default_rng(1)
    lost, gained = rng.binomial(n, (flips + margin) / 2, 4000), rng.binomial(n, (flips - margin) / 2, 4000)
    p = {(b, c): stats.more_than_p(b, c, n, margin) for b, c in {*zip(lost.tolist(), gained.tolist(), strict=True)}}
    assert np.mean([p[b, c] <= 0.04 for b, c in zip(lost.tolist(), gained.tolist(), strict=True)]) <= 0.05


def test_more_than_p_of_known_counts() -> None:
    """Given a margin of nothing, then it is McNemar's test; losses that the margin allows prove nothing."""
    assert stats.more_than_p(10, 3, 500, 0.0) == pytest.approx(stats.mcnemar_p(10, 3))
    assert stats.more_than_p(0, 0, 500, 0.01) == 1.0
    assert stats.more_than_p(10, 0, 1000, 0.01) > 0.4
    assert stats.more_than_p(30, 3, 1000, 0.01) < 0.001


@pytest.mark.parametrize("n", [1, 7, 300, 30_000])
def test_bootstrap_sums_are_those_of_the_drawn_items(n: int) -> None:
    """Given whole numbers, Then each sum is that of the items which the seed draws."""
    values = np.random.default_rng(1).integers(-5, 50, (n, 2)).astype(np.float64)
    rng = np.random.default_rng(4)
    wanted = [values[rng.integers(n, size=n)].sum(axis=0).tolist() for _ in range(150)]
    assert stats.bootstrap_sums(values, seed=4, draws=150).tolist() == wanted
    alone = stats.bootstrap_sums(values[:, 0], seed=4, draws=150)
    assert alone.tolist() == [first for first, _ in wanted]
