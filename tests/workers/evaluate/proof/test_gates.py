"""Gates in addition to the share changed: few unchanged items prove nothing."""

from functools import partial

import numpy as np
import pytest

from workers.contracts.proof.proving import FIRST_LEVEL
from workers.evaluate.proof.differences import Differences, Gate
from workers.evaluate.proof.gates import gated
from workers.evaluate.proof.notes import Notes
from workers.evaluate.proof.stats import binomial_upper, bootstrap_sums, mean_upper

MOST = 0.1


def verdict_of(values: np.ndarray, seed: int = 0) -> str:
    draws = bootstrap_sums(values, seed, 500) / len(values)
    is_flags = set(np.unique(values)) <= {0.0, 1.0}
    exact = partial(binomial_upper, float(values.sum()), len(values)) if is_flags else partial(mean_upper, values)
    gate = Gate(float(values.mean()), draws, 0.0, "It moved", MOST, exact)
    items = np.arange(len(values))
    (verdict,) = gated(Differences(items, values > 0, values, gates=(gate,)), 0.01, FIRST_LEVEL, Notes())
    return verdict


def called_safe(n: int, true: float, size: float, runs: int) -> float:
    """Share of runs in which "at most 10 %" is called proven, where shares of `size` make a mean of `true`."""
    rng = np.random.default_rng([n, int(100 * size)])
    return sum(verdict_of(size * (rng.random(n) < true / size)) == "safe" for _ in range(runs)) / runs


def test_gate_of_ten_unchanged_items_proves_nothing() -> None:
    """Given 10 or 30 items without a change, Then "at most 10 %" is not proven; 31 prove it."""
    assert [verdict_of(np.zeros(n)) for n in (10, 30, 31)] == ["not_enough_data", "not_enough_data", "safe"]


IN_FULL = [pytest.param(10_000, n, 1.0, marks=pytest.mark.slow) for n in (10, 20, 31, 40, 49, 100, 300)]


@pytest.mark.parametrize(
    ("runs", "n", "size"), [*((500, n, s) for n in (10, 20, 40, 100) for s in (1.0, 0.5)), *IN_FULL]
)
def test_gate_at_its_limit_is_rarely_called_safe(runs: int, n: int, size: float) -> None:
    """Given a true 10 %, Then "at most 10 %" is called proven in at most 4 % of the runs (2.6 standard errors)."""
    assert called_safe(n, MOST, size, runs) <= FIRST_LEVEL + 2.6 * (FIRST_LEVEL * (1 - FIRST_LEVEL) / runs) ** 0.5


def test_gate_of_few_changes_in_many_items_is_safe() -> None:
    """Given 300 items that changed by a twentieth, Then "at most 10 %" is proven."""
    assert verdict_of(np.full(300, 0.05)) == "safe"
