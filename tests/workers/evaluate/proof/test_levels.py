"""Adding examples until it is proven must not err more often than one look (seeded simulations)."""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

from workers.contracts.proof.proving import FIRST_LEVEL, level_of_look
from workers.evaluate.judge import judge
from workers.evaluate.proof.needed import FAR_LEVEL, FAR_TIMES, could_prove
from workers.evaluate.proof.stats import binomial_lower, binomial_upper, drop_upper

Make = Callable[..., Any]
MARGIN = 0.01
ALPHA = 0.05
IN_FULL = [pytest.mark.slow, pytest.mark.timeout(900)]


@cache
def upper(b: int, c: int, n: int, alpha: float) -> float:
    return drop_upper(b, c, n, alpha)


def ever_safe(sizes: Sequence[int], flips: float, runs: int, *, corrected: bool) -> float:
    """Share of versions that lose just the limit and are called safe at any look; each look adds the next size."""
    rng = np.random.default_rng(11)
    shares = [(flips + MARGIN) / 2, (flips - MARGIN) / 2, 1 - flips]
    safe = 0
    for _ in range(runs):
        b = c = n = 0
        earlier = 0
        for size in sizes:
            lost, gained, _same = rng.multinomial(size, shares)
            b, c, n = b + int(lost), c + int(gained), n + size
            alpha = level_of_look(earlier) if corrected else ALPHA
            if upper(b, c, n, alpha) <= MARGIN:
                safe += 1
                break
            earlier += could_prove(n, MARGIN, alpha)
    return safe / runs


def bound(runs: int) -> float:
    """5 % and three standard errors."""
    return ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / runs)


LOOKS = [(48, 100, 100, 300, 300), (180, 150, 150, 150, 150), (600, 300, 300, 300, 300)]
AT_THE_LIMIT = [
    pytest.param(8000, sizes, flips, marks=IN_FULL) for sizes in LOOKS for flips in (0.01, 0.015, 0.02, 0.03)
]


@pytest.mark.parametrize(
    ("runs", "sizes", "flips"), [(800, LOOKS[1], 0.01), (800, (300, 200, 200, 200, 200), 0.01), *AT_THE_LIMIT]
)
def test_repeated_looks_err_in_five_percent(runs: int, sizes: Sequence[int], flips: float) -> None:
    """Given versions that lose just the limit and five looks, Then at most 5 % (three standard errors) are ever called
    safe; without the correction it would be clearly more."""
    assert ever_safe(sizes, flips, runs, corrected=True) <= bound(runs)
    assert runs > 800 or ever_safe(sizes, flips, runs, corrected=False) > bound(runs)


def test_levels_add_up_to_five_percent() -> None:
    """Given any number of looks, Then their levels together are below .05, and each is smaller than the one before."""
    levels = [level_of_look(earlier) for earlier in range(2000)]
    assert sum(levels) < 0.05 and levels[0] == FIRST_LEVEL
    assert levels == sorted(levels, reverse=True)


@pytest.mark.parametrize(
    ("n", "limit", "proves"), [(320, 0.01, False), (321, 0.01, True), (62, 0.05, False), (63, 0.05, True)]
)
def test_could_prove_at_the_first_look(n: int, limit: float, proves: bool) -> None:
    """Given no change at all, Then 1 % takes 321 items at the first look and 5 % takes 63."""
    assert could_prove(n, limit, FIRST_LEVEL) is proves


def test_adding_unchanged_examples_keeps_the_promised_number(labelled: Make, class_answers: Make) -> None:
    """Given 200 alike examples and the promised number of alike ones more, Then it is safe at the second look."""
    first = judged(labelled, class_answers, 200, 0)
    assert first.verdict == "not_enough_data" and first.missing_examples is not None
    second = judged(labelled, class_answers, 200 + first.missing_examples, 0)
    assert second.verdict == "safe" and second.level == FIRST_LEVEL


def test_further_look_needs_more_examples(labelled: Make, class_answers: Make) -> None:
    """Given 330 alike examples that were looked at once before, Then they prove nothing now, with a note."""
    again = judged(labelled, class_answers, 330, 1)
    assert again.verdict == "not_enough_data" and again.level == pytest.approx(0.00608, abs=1e-5)
    assert any("looked at before" in note for note in again.notes)
    assert again.missing_examples is not None and again.missing_examples > 150


def judged(labelled: Make, class_answers: Make, n: int, earlier: int) -> Any:
    predicted = np.arange(n) % 3
    answers = class_answers(predicted)
    return judge(labelled([None] * n), answers, answers, 1.0, earlier=earlier)


def wrongly_safe(runs: int, n: int = 330, versions: int = 30, *, all_count: bool = False) -> float:
    """Share of runs in which a version that changes more than 1 % is called safe. Each tries versions on the same items
    until one that is truly worse is called safe: damaged ones (5 to 50 % changed), identical ones and such of just the
    limit. Looks at versions that are identical or far beyond the limit cost nothing."""
    rng, limit, wrong = np.random.default_rng(n), 0.01, 0
    for _ in range(runs):
        earlier = 0
        for true in rng.choice([0.0, limit, 0.02, 0.05, 0.5], versions, p=[0.2, 0.2, 0.1, 0.2, 0.3]):
            changes = int(rng.binomial(n, true))
            if binomial_upper(changes, n, 1 - level_of_look(earlier)) <= limit and true >= limit:
                wrong += 1
                break
            is_free = not changes or binomial_lower(changes, n, 1 - FAR_LEVEL) > FAR_TIMES * limit
            earlier += all_count or not is_free
    return wrong / runs


MANY_RUNS = [pytest.param(8000, n, marks=IN_FULL) for n in (321, 330, 508, 600, 1000)]


@pytest.mark.parametrize(("runs", "n"), [(600, 330), (600, 600), *MANY_RUNS])
def test_looks_that_cost_nothing_keep_five_percent(runs: int, n: int) -> None:
    """Given 30 versions on the same items, most of them damaged or identical, Then at most 5 % of the runs call a worse
    one safe (three standard errors)."""
    assert wrongly_safe(runs, n) <= bound(runs)
