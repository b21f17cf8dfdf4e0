"""Quiet traffic raises no alarm, and what a person would want to know is found within 500 requests.

The small runs are a part of the large ones (`-m slow`), which are those of the promise: 100 logs of 20,000 requests with at
most 5 alarms, and 95 of 100 changes found in time.
"""

from collections.abc import Callable
from functools import cache

import made_texts
import numpy as np
import pytest
from made_traffic import Pool, Traffic, delay, drawn, reference_from, sample

from workers.monitor.reading import LogPart
from workers.monitor.report import Alert, alerts_of, watch_of

MOST_DELAY = 500
NEW_CLASSES = range(10)
DARKER = 0.7

WHAT = [
    "pictures 30 % darker", "a machine at half speed", "half in another language",
    *(f"a new class at 20 %: {kind}" for kind in NEW_CLASSES),
]  # fmt: skip

Found = Callable[[Alert], bool]


@cache
def pictures(without: int | None = None, scale: float = 1.0) -> tuple[Pool, Pool, Pool]:
    """(evaluation data, what comes in, the kind that the model does not know): no picture is in two of them."""
    known = sample()
    whole = known.pool(known.pictures * scale, known.kinds, without)
    order = np.random.default_rng(0).permutation(len(whole))
    one, other = order[:700], order[700:]
    if without is None:
        return whole.of(one), whole.of(other), whole.of(other)
    kinds = known.kinds
    return (
        whole.of(one[kinds[one] != without]),
        whole.of(other[kinds[other] != without]),
        whole.of(np.flatnonzero(kinds == without)),
    )


@cache
def reviews() -> tuple[Pool, Pool, Pool]:
    """(evaluation data, what comes in, the same in another language)."""
    return (
        made_texts.pool(made_texts.ENGLISH, 700, 1),
        made_texts.pool(made_texts.ENGLISH, 3000, 2),
        made_texts.pool(made_texts.GERMAN, 3000, 3),
    )


def quiet(seed: int, pools: tuple[Pool, Pool, Pool]) -> list[Alert]:
    """Alarms of a log of 20,000 requests of one day or of a month in which nothing happens."""
    traffic = Traffic(days=30.0 if seed % 2 else 1.0)
    return alerts_of(watch_of(drawn(pools[1], reference_from(pools[0]), traffic, seed)))


def planted(
    seed: int, pools: tuple[Pool, Pool, Pool | None], share: float, slower: float, is_it: Found
) -> tuple[bool, int | None]:
    """(whether something was told before there was a change, requests until the change was noticed)."""
    traffic = Traffic(requests=4000, days=6.0 if seed % 2 else 0.2)
    change_at = 2000 + 37 * seed % 1000
    part: LogPart = drawn(pools[1], reference_from(pools[0]), traffic, 1000 + seed, change_at, pools[2], share, slower)
    delays = [delay(part, change_at, alert.noticed) for alert in alerts_of(watch_of(part)) if is_it(alert)]
    after = [one for one in delays if one >= 0]
    return len(after) < len(delays), min(after, default=None)


def in_time(count: int, *what: object) -> int:
    """How many of `count` planted changes are noticed within 500 requests, and not before they were there."""
    found = [planted(seed, *what) for seed in range(count)]  # type: ignore[arg-type]
    return sum(not early and late is not None and late <= MOST_DELAY for early, late in found)


def any_alarm(alert: Alert) -> bool:
    return True


def is_slower(alert: Alert) -> bool:
    return alert.code == "slower"


def change(what: str) -> tuple[object, ...]:
    """What is planted: pools, the share that changes, how much slower, which alarm is meant."""
    evaluated, coming, _ = pictures()
    if what == "pictures 30 % darker":
        return (evaluated, coming, pictures(scale=DARKER)[1]), 1.0, 1.0, any_alarm
    if what == "a machine at half speed":
        return (evaluated, coming, None), 1.0, 2.0, is_slower
    if what == "half in another language":
        return reviews(), 0.5, 1.0, any_alarm
    return pictures(int(what[-1])), 0.2, 1.0, any_alarm


@pytest.mark.parametrize("seed", range(2))
def test_quiet_traffic_raises_no_alarm(seed: int) -> None:
    """Given a day and a month as usual, pictures and reviews, then nothing is told."""
    assert not quiet(seed, pictures() if seed else reviews())


@pytest.mark.parametrize("what", ["pictures 30 % darker", "a machine at half speed", "half in another language"])
def test_a_change_is_found(what: str) -> None:
    """Given a change that matters, then it is noticed within 500 requests."""
    assert in_time(2, *change(what)) == 2


@pytest.mark.whole
def test_the_hardest_new_class_is_found() -> None:
    """Given shirts, which a model of other clothes takes for those, as a fifth of all, then it is noticed in time."""
    assert in_time(2, *change("a new class at 20 %: 6")) == 2


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("pools", [pictures, reviews])
def test_of_a_hundred_quiet_logs_five_raise_an_alarm_at_most(pools: Callable[[], tuple[Pool, Pool, Pool]]) -> None:
    """Given 100 logs of 20,000 requests, half of them of a day and half of a month, then 5 of them at most alarm."""
    assert sum(bool(quiet(seed, pools())) for seed in range(100)) <= 5


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", WHAT)
def test_of_a_hundred_changes_ninety_five_are_found_in_time(what: str) -> None:
    """Given a change at a random moment of 100 logs, then it is noticed within 500 requests in 95 of them."""
    assert in_time(100, *change(what)) >= 95
