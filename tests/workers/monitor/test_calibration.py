"""Quiet traffic raises no alarm, and changes that matter are detected within 500 requests.

The quick runs are a part of the slow ones (`-m slow`): 100 logs of 20,000 requests with at most 5 alarms, and 95 of 100
changes detected in time.
"""

from collections.abc import Callable
from functools import cache

import made_texts
import numpy as np
import pytest
from made_traffic import Pool, Traffic, delay, drawn, reference_from, sample

from workers.monitor.report import Alert, alerts_of, watch_of

MOST_DELAY = 500
DARKER, HALF_SPEED, LANGUAGE = "pictures 30 % darker", "a machine at half speed", "half in another language"
NEW_CLASSES = [f"a new class at 20 %: {kind}" for kind in range(10)]
HARDEST = NEW_CLASSES[6]
"""Shirts, which a model that does not know them takes for other clothes."""

Pools = tuple[Pool, Pool, Pool]
"""Evaluation data, usual requests, and changed requests; no item is in two of them."""


@cache
def pictures(without: int | None = None, scale: float = 1.0) -> Pools:
    """Return pools of pictures, changed by brightness or by a kind that the model does not know."""
    clothes = sample()
    whole = clothes.pool(clothes.pictures * scale, clothes.kinds, without)
    order = np.random.default_rng(0).permutation(len(whole))
    one, other = order[:700], order[700:]
    if without is None:
        return whole.of(one), whole.of(other), whole.of(other)
    kinds = clothes.kinds
    return (
        whole.of(one[kinds[one] != without]),
        whole.of(other[kinds[other] != without]),
        whole.of(np.flatnonzero(kinds == without)),
    )


@cache
def reviews() -> Pools:
    """Return pools of texts, changed by their language."""
    return (
        made_texts.pool(made_texts.ENGLISH, 700, 1),
        made_texts.pool(made_texts.ENGLISH, 3000, 2),
        made_texts.pool(made_texts.GERMAN, 3000, 3),
    )


def quiet(seed: int, pools: Pools) -> list[Alert]:
    """Return the alarms of a log of 20,000 requests of a day or of a month without a change."""
    traffic = Traffic(days=30.0 if seed % 2 else 1.0)
    return alerts_of(watch_of(drawn(pools[1], reference_from(pools[0]), traffic, seed)))


def in_time(count: int, what: str) -> int:
    """Return how many of `count` planted changes are detected within 500 requests, and not before they begin."""
    evaluated, usual, changed = pictures(int(what[-1])) if what in NEW_CLASSES else pictures()
    share = 0.2 if what in NEW_CLASSES else 1.0
    if what == DARKER:
        changed = pictures(scale=0.7)[1]
    elif what == LANGUAGE:
        (evaluated, usual, changed), share = reviews(), 0.5
    slower = 2.0 if what == HALF_SPEED else 1.0
    hits = 0
    for seed in range(count):
        traffic = Traffic(requests=4000, days=6.0 if seed % 2 else 0.2)
        change_at = 2000 + 37 * seed % 1000
        new = None if what == HALF_SPEED else changed
        part = drawn(usual, reference_from(evaluated), traffic, 1000 + seed, change_at, new, share, slower)
        alerts = [alert for alert in alerts_of(watch_of(part)) if what != HALF_SPEED or alert.code == "slower"]
        delays = [delay(part, change_at, alert.noticed) for alert in alerts]
        hits += 0 <= min(delays, default=-1) <= MOST_DELAY
    return hits


@pytest.mark.parametrize("seed", range(2))
def test_quiet_traffic_raises_no_alarm(seed: int) -> None:
    """Given pictures or reviews of a day and of a month without a change, then there is no alarm."""
    assert not quiet(seed, pictures() if seed else reviews())


@pytest.mark.parametrize("what", [DARKER, HALF_SPEED, LANGUAGE, pytest.param(HARDEST, marks=pytest.mark.whole)])
def test_change_is_detected_in_time(what: str) -> None:
    """Given a change that matters, then it is detected within 500 requests."""
    assert in_time(2, what) == 2


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("pools", [pictures, reviews])
def test_five_of_a_hundred_quiet_logs_raise_an_alarm_at_most(pools: Callable[[], Pools]) -> None:
    """Given 100 logs of 20,000 requests, half of them of a day and half of a month, then at most 5 raise an alarm."""
    assert sum(bool(quiet(seed, pools())) for seed in range(100)) <= 5


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("what", [DARKER, HALF_SPEED, LANGUAGE, *NEW_CLASSES])
def test_ninety_five_of_a_hundred_changes_are_detected_in_time(what: str) -> None:
    """Given a change at a random moment of 100 logs, then it is detected within 500 requests in 95 of them."""
    assert in_time(100, what) >= 95
