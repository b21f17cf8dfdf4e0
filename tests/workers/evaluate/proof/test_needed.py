"""How many examples are promised to be enough."""

import math

import pytest
from scipy import stats as oracle

from workers.evaluate.proof.needed import (
    POWER,
    binomial_mass,
    needed_examples,
    needed_unlabelled,
    paired_power,
    unlabelled_power,
)


def test_the_design_s_example() -> None:
    """Given a limit of one point and 5 % flips, then 3,090 items prove it with 80 % power; 10 % are added."""
    assert needed_examples(0.01, 0.05) == math.ceil(3089.49 * 1.1) == 3399


def test_the_edges() -> None:
    """Given no flips, then about 3/δ are needed; given no margin or too many changes, then no number proves it."""
    three = math.ceil(math.log(0.05) / math.log(0.99) * 1.1)
    assert needed_examples(0.01, 0.0) == needed_unlabelled(0.01, 0.0) == three
    assert needed_examples(0.0, 0.05) is None
    assert needed_unlabelled(0.01, 0.01) is None
    assert needed_examples(1.5, 0.1) == 1


@pytest.mark.parametrize("flips", [0.002, 0.005, 0.01, 0.02])
def test_few_flips_get_what_the_exact_power_asks_for(flips: float) -> None:
    """Given so few flips that the formula promises too little, then the promise still holds."""
    count = needed_examples(0.01, flips)
    assert count is not None and POWER <= paired_power(count, flips, 0.01) < 0.93


@pytest.mark.parametrize("changed", [0.0005, 0.002, 0.005])
def test_unlabelled_promise_holds(changed: float) -> None:
    """Given a share of changes below the margin, then the promised number proves it in four of five cases."""
    count = needed_unlabelled(0.01, changed)
    assert count is not None and POWER <= unlabelled_power(count, changed, 0.01) < 0.95


def test_mass_agrees_with_scipy() -> None:
    """Given counts, then the binomial mass is scipy's."""
    for hits in (0, 1, 7, 50):
        assert binomial_mass(hits, 50, 0.1) == pytest.approx(oracle.binom.pmf(hits, 50, 0.1))
    assert binomial_mass(0, 9, 0.0) == 1.0
