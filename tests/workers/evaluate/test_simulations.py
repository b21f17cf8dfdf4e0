"""How often the verdict errs, on simulated pairs (seeded). The long forms are marked slow."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from workers.evaluate.judge import judge
from workers.evaluate.needed import needed_examples
from workers.evaluate.stats import drop_bounds
from workers.evaluate.verdict import decide

Make = Callable[..., Any]
ACCURACY = 0.9
LIMIT_PCT = 1.0
MARGIN = ACCURACY * LIMIT_PCT / 100


def simulate(
    labelled: Make, class_answers: Make, n: int, flips: float, drop: float, runs: int, seed: int
) -> Counter[str]:
    """Whole judgements of pairs in which `flips` of the answers change sides and the true drop is `drop`.

    A right answer that is lost becomes another class; a gained one becomes the label. Three classes.
    """
    rng = np.random.default_rng(seed)
    verdicts: Counter[str] = Counter()
    for run in range(runs):
        labels = rng.integers(0, 3, n)
        right = rng.random(n) < ACCURACY
        old = np.where(right, labels, (labels + rng.integers(1, 3, n)) % 3)
        lost = right & (rng.random(n) < (flips + drop) / 2 / ACCURACY)
        gained = ~right & (rng.random(n) < (flips - drop) / 2 / (1 - ACCURACY))
        new = np.where(lost, (labels + 1) % 3, np.where(gained, labels, old))
        data = labelled(labels)
        verdicts[judge(data, class_answers(old), class_answers(new), LIMIT_PCT, run).verdict] += 1
    return verdicts


def too_many(count: int, runs: int, share: float = 0.05) -> bool:
    """Whether so many of `runs` could not be by chance (three standard errors) if the share were kept."""
    return count > runs * share + 3 * math.sqrt(runs * share * (1 - share))


CASES = [(200, 0.04), (600, 0.06), (1200, 0.05)]


@pytest.mark.parametrize(("n", "flips"), CASES)
def test_harmless_changes_are_rarely_called_regressed(
    labelled: Make, class_answers: Make, n: int, flips: float
) -> None:
    """Given no true drop, when judged, then at most 5 % are called regressed (chance of the short form allowed)."""
    verdicts = simulate(labelled, class_answers, n, flips, 0.0, runs=100, seed=n)
    assert not too_many(verdicts["regressed"], 100), verdicts


@pytest.mark.parametrize(("n", "flips"), CASES)
def test_a_drop_of_twice_the_margin_is_rarely_called_safe(
    labelled: Make, class_answers: Make, n: int, flips: float
) -> None:
    """Given a true drop of twice the margin, then at most 5 % are called safe."""
    verdicts = simulate(labelled, class_answers, n, flips, 2 * MARGIN, runs=100, seed=n + 1)
    assert not too_many(verdicts["safe"], 100), verdicts


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("flips", [0.02, 0.1])
@pytest.mark.parametrize("drop", [0.0, 2 * MARGIN])
def test_error_rates_in_full(labelled: Make, class_answers: Make, n: int, flips: float, drop: float) -> None:
    """Given 1,000 simulated pairs, then at most 5 % are wrong in either direction."""
    verdicts = simulate(labelled, class_answers, n, flips, drop, runs=1000, seed=7)
    wrong = verdicts["safe"] if drop else verdicts["regressed"]
    assert wrong <= 50, verdicts


def power(flips: float, margin: float, runs: int) -> float:
    """Share of pairs without a true drop that are proven safe at the promised number of examples."""
    n = needed_examples(margin, flips)
    assert n is not None
    counts = np.random.default_rng(5).multinomial(n, [flips / 2, flips / 2, 1 - flips], size=runs)
    safe: dict[tuple[int, int], bool] = {}
    for b, c in {(int(b), int(c)) for b, c, _ in counts}:
        safe[b, c] = decide((b - c) / n, drop_bounds(b, c, n), margin, False) == "safe"
    return sum(safe[int(b), int(c)] for b, c, _ in counts) / runs


def test_power_at_the_promised_number_roughly() -> None:
    """Given the promised number of examples, then about four of five harmless variants are proven safe."""
    assert 0.73 < power(0.05, 0.01, 300) < 0.90


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("flips", [0.02, 0.05, 0.1])
def test_power_at_the_promised_number_in_full(flips: float) -> None:
    """Given the promised N, then the power is 80 % within 3 points."""
    assert power(flips, 0.01, 4000) == pytest.approx(0.80, abs=0.03)
