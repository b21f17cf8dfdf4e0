"""How often the verdict errs, on simulated pairs (seeded). The long forms are marked slow."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest

from workers.contracts.proof.proving import FIRST_LEVEL, level_of_look
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.proof.bounds import Counts
from workers.evaluate.proof.case import case_of
from workers.evaluate.proof.differences import Differences, Units
from workers.evaluate.proof.engine import judge_case
from workers.evaluate.proof.needed import needed_examples, needed_unlabelled, paired_power, unlabelled_power
from workers.evaluate.proof.passages import WORDS, block_of
from workers.evaluate.proof.predictions import Predictions
from workers.evaluate.proof.stats import drop_upper

Make = Callable[..., Any]
ACCURACY = 0.9
LIMIT_PCT = 1.0
IN_FULL = [pytest.mark.slow, pytest.mark.timeout(1800)]
MARGIN = ACCURACY * LIMIT_PCT / 100


def simulate(
    labelled: Make, class_answers: Make, n: int, flips: float, drop: float, runs: int, seed: int
) -> Counter[str]:
    """Judgements of pairs in which `flips` of the answers change sides and the true drop is `drop`.

    A right answer that is lost becomes another class; a gained one becomes the label. Three classes; each item has a
    brightness, a sharpness, a size and a camera, so that a dozen parts are judged, too. The scores of the task are left
    out: they change no verdict on classes.
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
        data = with_facts(labelled(labels), rng)
        verdicts[verdict_of(data, class_answers(old), class_answers(new), run)] += 1
    return verdicts


def verdict_of(data: DataSet, old: Predictions, new: Predictions, seed: int) -> str:
    return judge_case(case_of(data, old, new, seed), LIMIT_PCT).verdict


def with_facts(data: DataSet, rng: np.random.Generator) -> DataSet:
    """The same items with what slices are made of."""
    n = len(data.test)
    numbers = rng.random((n, 3))
    cameras = rng.integers(0, 5, n)
    items = [
        replace(
            item,
            facts=dict(zip(("brightness", "sharpness", "pixels"), row.tolist(), strict=True)),
            columns={"camera": f"number {camera}"},
        )
        for item, row, camera in zip(data.test, numbers, cameras, strict=True)
    ]
    return replace(data, test=tuple(items))


def simulate_unlabelled(labelled: Make, class_answers: Make, n: int, changed: float, runs: int) -> Counter[str]:
    """Pairs of answers without labels of which a share of `changed` becomes another class."""
    rng = np.random.default_rng(n)
    verdicts: Counter[str] = Counter()
    for run in range(runs):
        old = rng.integers(0, 3, n)
        new = np.where(rng.random(n) < changed, (old + 1) % 3, old)
        data = with_facts(labelled([None] * n), rng)
        verdicts[verdict_of(data, class_answers(old), class_answers(new), run)] += 1
    return verdicts


def too_many(count: int, runs: int, share: float = 0.05) -> bool:
    """Whether so many of `runs` could not be by chance (three standard errors) if the share were kept."""
    return count > runs * share + 3 * math.sqrt(runs * share * (1 - share))


CASES = [
    *(pytest.param(20, 4, *one, marks=pytest.mark.whole) for one in ((200, 0.04), (600, 0.06), (1200, 0.05))),
    *(pytest.param(1000, 50, *one, marks=IN_FULL) for one in product((100, 1000), (0.02, 0.1))),
]


@pytest.mark.parametrize(("runs", "most", "n", "flips"), CASES)
@pytest.mark.parametrize("drop", [0.0, MARGIN / 2, MARGIN, 2 * MARGIN])
def test_labelled_verdicts_rarely_err(
    labelled: Make, class_answers: Make, runs: int, most: int, n: int, flips: float, drop: float
) -> None:
    """Given a true drop within the margin or of twice the margin, then at most 5 % are called regressed, or safe (chance
    of the short form allowed)."""
    verdicts = simulate(labelled, class_answers, n, flips, drop, runs, seed=n)
    assert verdicts["safe" if drop > MARGIN else "regressed"] <= most, verdicts


@pytest.mark.parametrize(
    ("runs", "most"), [pytest.param(20, 4, marks=pytest.mark.whole), pytest.param(1000, 50, marks=IN_FULL)]
)
@pytest.mark.parametrize("n", [200, 1000])
def test_unlabelled_verdicts_rarely_err(labelled: Make, class_answers: Make, n: int, runs: int, most: int) -> None:
    """Given as many changed answers as the limit allows, or twice as many, then at most 5 % are called wrongly (chance of
    the short form allowed)."""
    limit = LIMIT_PCT / 100
    assert simulate_unlabelled(labelled, class_answers, n, limit, runs)["regressed"] <= most
    assert simulate_unlabelled(labelled, class_answers, n, 2 * limit, runs)["safe"] <= most


COUNTED = [
    (0.01, 0.002), (0.005, 0.005), (0.01, 0.005), (0.01, 0.01), (0.01, 0.02), (0.02, 0.01), (0.02, 0.02), (0.02, 0.05), (0.05, 0.1),
]  # fmt: skip


@pytest.mark.parametrize(("margin", "flips"), COUNTED)
def test_exact_power_at_the_promised_number(margin: float, flips: float) -> None:
    """Given flips that are counted and not drawn, then the power is 80 % within 3 points at the promised N.

    Where fewer than six flips are expected, one more or less decides: there the promise is kept, and may be exceeded.
    """
    n = needed_examples(margin, flips)
    assert n is not None
    found = paired_power(n, flips, margin)
    assert found >= 0.795
    assert found <= 0.83 or n * flips < 6


@pytest.mark.parametrize("margin", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5])
def test_exact_power_without_labels(margin: float, share: float) -> None:
    """Given a share of the limit's changes, then the promised N proves it in at least 80 %."""
    n = needed_unlabelled(margin, share * margin)
    assert n is not None and unlabelled_power(n, share * margin, margin) >= 0.795


def exact_error(n: int, margin: float, alpha: float, flips: float) -> float:
    """P[the bound of the drop is at most `margin`] where it is just that, summed over all counts that may come."""
    lost, gained = (flips + margin) / 2, (flips - margin) / 2
    total = 0.0
    for b in range(math.ceil(n * flips + 8 * math.sqrt(n * flips) + 8)):
        for c in range(math.ceil(n * gained + 8 * math.sqrt(n * gained) + 8)):
            if (b - c) / n <= margin and bound_of(b, c, n, alpha) <= margin:
                total += trinomial(b, c, n, lost, gained)
    return total


@cache
def bound_of(b: int, c: int, n: int, alpha: float) -> float:
    return drop_upper(b, c, n, alpha)


def trinomial(b: int, c: int, n: int, lost: float, gained: float) -> float:
    combinations = math.lgamma(n + 1) - math.lgamma(b + 1) - math.lgamma(c + 1) - math.lgamma(n - b - c + 1)
    log_gained = c * math.log(gained) if c else 0.0
    return math.exp(combinations + b * math.log(lost) + log_gained + (n - b - c) * math.log1p(-lost - gained))


FEW_CHANGES, MANY_CHANGES = (0.015, 0.03), (0.012, 0.015, 0.02, 0.03, 0.05)
DROPS = [
    *(pytest.param(*one, 0.01, FEW_CHANGES, marks=pytest.mark.whole) for one in ((321, 0), (508, 1))),
    *(
        pytest.param(n, looks, margin, MANY_CHANGES, marks=IN_FULL)
        for n, looks, margin in product((321, 400, 508, 700, 1000, 2000), range(3), (0.009, 0.01))
    ),
]


@pytest.mark.parametrize(("n", "looks", "margin", "shares"), DROPS)
def test_drop_upper_keeps_its_level(n: int, looks: int, margin: float, shares: tuple[float, ...]) -> None:
    """Given a drop of just the limit, Then the bound errs no more often than its level: the bootstrap and Tango's
    score are no exact bounds, so the error is summed exactly."""
    level = level_of_look(looks)
    found = [exact_error(n, margin, level, flips) for flips in (1.01 * margin, *shares)]
    assert max(found) <= level, found


def texts_called_safe(texts: int, broken: float, runs: int, mixed: float = 0.0005) -> float:
    """Share of runs in which 1 % is called proven, where this share of texts of 200 words breaks wholly (the first
    words stay) and of the other words few change."""
    rng = np.random.default_rng([texts, int(1000 * broken)])
    sizes, safe = np.full(texts, 200.0), 0
    for _ in range(runs):
        changed = rng.binomial(200, np.where(rng.random(texts) < broken, 0.995, mixed)).astype(np.float64)
        items = np.arange(texts)
        units = Units(changed, sizes, np.ones(texts, np.bool_))
        counts = Counts.of(Differences(items, changed > 0, changed / 200, units=units))
        safe += counts.changed_upper(FIRST_LEVEL) <= 0.01
    return safe / runs


BROKEN = [(texts, broken) for texts in (30, 100, 300) for broken in (0.01, 0.02, 0.05)]
MORE_BROKEN = [*BROKEN, (400, 0.01), (400, 0.02), (1000, 0.01), (1000, 0.012)]


@pytest.mark.parametrize(
    ("runs", "texts", "broken"),
    [*((300, *one) for one in BROKEN), *(pytest.param(20_000, *one, marks=IN_FULL) for one in MORE_BROKEN)],
)
def test_texts_that_break_wholly_are_rarely_called_safe(runs: int, texts: int, broken: float) -> None:
    """Given texts of which 1, 2 or 5 % break wholly, then at most 4 % of runs call that within 1 % of the words."""
    assert not too_many(int(runs * texts_called_safe(texts, broken, runs)), runs, FIRST_LEVEL)


def test_texts_of_a_careful_version_are_called_safe() -> None:
    """Given 400 texts of a version that changes one word in 2,000, then nine runs in ten prove 1 %."""
    assert texts_called_safe(400, 0.0, 100) >= 0.9


def passages_called_safe(texts: int, broken: float, stretch: float, runs: int, longest: int = 0) -> float:
    """Share of runs in which 1 % is called proven, where of 200 words of each text one block is judged, and of this
    share of texts a stretch of so much of its words breaks, which begins anywhere. In addition, `longest` long texts are
    read that share all words with the others; nothing in them breaks."""
    rng, words = np.random.default_rng([texts, int(1000 * broken), int(1000 * stretch)]), 200
    edges = np.asarray([block_of(words, number) for number in range(words)])
    sizes = np.concatenate([np.full(texts, float(WORDS)), np.full(longest, 256.0)])
    alone, safe, places = np.arange(len(sizes)) < texts, 0, np.arange(words)
    for _ in range(runs):
        starts, stops = edges[rng.integers(words, size=texts)].T
        begin = rng.integers(words, size=texts)
        wrong = (places - begin[:, None]) % words < np.round(stretch * words)
        wrong &= (rng.random(texts) < broken)[:, None] & (places >= starts[:, None]) & (places < stops[:, None])
        changed = np.concatenate([wrong.sum(axis=1), np.zeros(longest)])
        units = Units(changed, sizes, alone)
        counts = Counts.of(Differences(np.arange(len(sizes)), changed > 0, changed / sizes, units=units))
        safe += counts.changed_upper(FIRST_LEVEL) <= 0.01
    return safe / runs


STRETCHES = [(0.0102, 1.0), (0.0202, 0.5), (0.051, 0.2), (0.202, 0.05)]
"""Shares of texts, and of their words, that together are just above 1 %."""


@pytest.mark.parametrize(
    ("runs", "texts"), [(200, 482), *(pytest.param(10_000, texts, marks=IN_FULL) for texts in (321, 482, 1000))]
)
@pytest.mark.parametrize(("broken", "stretch"), STRETCHES)
def test_passages_of_texts_beyond_the_limit_are_rarely_called_safe(
    runs: int, texts: int, broken: float, stretch: float
) -> None:
    """Given one block of each text, of which 1 % of the words break, then at most 4 % of runs call that safe."""
    assert not too_many(int(runs * passages_called_safe(texts, broken, stretch, runs, 8)), runs, FIRST_LEVEL)


def test_passages_of_a_careful_version_are_called_safe() -> None:
    """Given 482 texts of a version that changes one word in 1,000, then nine runs in ten prove 1 %."""
    assert passages_called_safe(482, 0.2, 0.005, 100, 8) >= 0.9
