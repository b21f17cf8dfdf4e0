"""How many examples are promised to be enough."""

import math

import numpy as np
import pytest
from scipy import stats as oracle
from zoo import all_zoos, draw

from workers.evaluate.proof.bounds import loss_bound
from workers.evaluate.proof.differences import Loss
from workers.evaluate.proof.needed import (
    POWER,
    binomial_mass,
    missing_scored,
    needed_examples,
    needed_unlabelled,
    paired_power,
    proven,
)


def test_needed_examples_of_the_documented_case() -> None:
    """Given a limit of one point and 5 % flips, then 3,090 items prove it with 80 % power; 10 % are added."""
    assert needed_examples(0.01, 0.05) == math.ceil(3089.49 * 1.1) == 3399


def test_needed_examples_at_the_edges() -> None:
    """Given no flips, then about 3/δ are needed; given no margin or too many changes, then no number proves it."""
    three = math.ceil(math.log(0.05) / math.log(0.99) * 1.1)
    assert needed_examples(0.01, 0.0) == needed_unlabelled(0.01, 0.0) == three
    assert needed_examples(0.0, 0.05) is None
    assert needed_unlabelled(0.01, 0.01) is None
    assert needed_examples(1.5, 0.1) == 1


def test_binomial_mass_is_scipys() -> None:
    """Given counts, then the binomial mass is scipy's."""
    for hits in (0, 1, 7, 50):
        assert binomial_mass(hits, 50, 0.1) == pytest.approx(oracle.binom.pmf(hits, 50, 0.1))
    assert binomial_mass(0, 9, 0.0) == 1.0


def drawn_loss(rng: np.random.Generator, n: int, drop: float, spread: float) -> Loss:
    """Of a score of 1 that is a mean over items, whose drops are drawn around `drop`."""
    drops = rng.normal(drop, spread, n)
    resampled = drops[rng.integers(0, n, (400, n))].mean(axis=1)
    return Loss("score", 1.0, float(drops.mean()), resampled, n)


@pytest.mark.parametrize("drop", [0.0, 0.01])
def test_promised_number_for_a_score_proves_it(drop: float) -> None:
    """Given scores that fall by less than the limit, then so many more items prove it in about four of five cases."""
    rng = np.random.default_rng(0)
    here = Loss("score", 1.0, drop, rng.normal(drop, 0.2 / 200**0.5, 400), 200)
    missing = missing_scored(here, 0.03, 200, 0.04)
    assert missing is not None
    proven = [loss_bound(drawn_loss(rng, 200 + missing, drop, 0.2).draws, 0.04, 0.04)[1] <= 0.03 for _ in range(200)]
    assert POWER - 0.08 <= np.mean(proven) < 1


def test_loss_at_the_limit_promises_no_number() -> None:
    """Given a loss at the limit, then no number is promised."""
    assert missing_scored(drawn_loss(np.random.default_rng(1), 300, 0.05, 0.01), 0.03, 300, 0.04) is None


def test_few_labelled_transcripts_promise_a_number() -> None:
    """Given 60 unchanged transcripts with references, Then the judgement holds the number that proves a loss under 1 %."""
    judged = draw(all_zoos()["transcripts that are known"], 60, 0).judged("the same", 1.0)
    assert judged.verdict == "not_enough_data" and judged.labelled
    assert judged.missing_examples is not None and 250 <= judged.missing_examples <= 400


@pytest.mark.parametrize(("n", "flips", "margin"), [(321, 0.01, 0.01), (60, 0.1, 0.05), (900, 0.02, 0.012)])
@pytest.mark.parametrize("confidence", [0.95, 0.975])
def test_paired_power_is_the_sum_over_all_proofs(n: int, flips: float, margin: float, confidence: float) -> None:
    """Given small counts, Then the power is the sum over all pairs of lost and gained answers that prove it."""
    total = 0.0
    for count in range(n + 1):
        ways = sum(math.comb(count, b) for b in range(count + 1) if proven(b, count - b, n, margin, confidence))
        total += binomial_mass(count, n, flips) * ways / 2**count
        if count > 80:
            break
    assert paired_power(n, flips, margin, confidence) == pytest.approx(total, abs=1e-12)
