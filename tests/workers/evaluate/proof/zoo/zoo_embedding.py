"""Vectors to search with: topics in a space that has a large common mean, and copies that lie very near each other."""

from collections.abc import Callable
from functools import partial

import numpy as np
from zoo import ROUNDED, Array, Change, Rng, Zoo, each, no_number, some, stacked

WIDTH = 48
TOPICS = 40


def vectors(n: int, rng: Rng, mean: float) -> list[Array]:
    """(48,) each, of 40 topics; a twentieth are near copies of another one."""
    centers = rng.standard_normal((TOPICS, WIDTH))
    values = centers[rng.integers(0, TOPICS, n)] + 0.8 * rng.standard_normal((n, WIDTH))
    copies = rng.permutation(n)[: n // 20]
    values[copies] = values[rng.integers(0, n, len(copies))] + 0.05 * rng.standard_normal((len(copies), WIDTH))
    direction = np.ones(WIDTH) / np.sqrt(WIDTH)
    return list((values + mean * direction).astype(np.float32))


def spread_noise(share: float) -> Change:
    return stacked(lambda rows, rng: rows + share * rows.std(axis=0) * rng.standard_normal(rows.shape))


def shuffled_under_the_mean(rows: Array, rng: Rng) -> Array:
    """Each keeps what all have in common, and has another's signal."""
    return rows[rng.permutation(len(rows))]


def collapsed(rows: Array, rng: Rng) -> Array:
    """Only a tenth of each signal is left, the rest is one direction."""
    center = rows.mean(axis=0)
    other = rng.standard_normal(rows.shape[1])
    return (
        center + 0.1 * (rows - center) + 0.9 * rows.std() * other + 0.3 * rows.std() * rng.standard_normal(rows.shape)
    )


def half_dead(rows: Array, rng: Rng) -> Array:
    rows[:, ::2] = rows[:, ::2].mean(axis=0)
    return rows


def rotated(rows: Array, rng: Rng) -> Array:
    """All distances are kept, and vectors that a person stored before are found no more."""
    turn, _ = np.linalg.qr(rng.standard_normal((rows.shape[1], rows.shape[1])))
    return rows @ turn


def one_topic_lost(rows: Array, rng: Rng) -> Array:
    """Those nearest to one item, a twentieth, all get its vector turned round."""
    near = np.argsort(((rows - rows[0]) ** 2).sum(axis=1))[: len(rows) // 20]
    rows[near] = 2 * rows.mean(axis=0) - rows[near]
    return rows


HARM: dict[str, Change] = {
    "shuffled under a common mean": stacked(shuffled_under_the_mean),
    "noise of 30 % of the spread": spread_noise(0.3),
    "noise on 5 %": some(0.05, lambda row, rng: rng.permutation(row)),
    "no number on 5 %": some(0.05, no_number),
    "half of the numbers dead": stacked(half_dead),
    "collapsed": stacked(collapsed),
    "turned": stacked(rotated),
    "one topic turned round": stacked(one_topic_lost),
    "lengths scattered": each(lambda row, rng: row * np.float32(np.exp(rng.normal(0, 0.5)))),
    "always the same": stacked(lambda rows, rng: np.broadcast_to(rows[0], rows.shape)),
}
HARMLESS: dict[str, Change] = {
    **ROUNDED,
    "longer": each(lambda row, rng: row * np.float32(2)),
    "a percent longer or shorter": each(lambda row, rng: row * np.float32(rng.uniform(0.99, 1.01))),
    "noise of 1 % of the spread": spread_noise(0.01),
}


UNIT_HARM = HARM | {"a fifth shorter": each(lambda row, rng: row * np.float32(0.8))}
UNIT_HARMLESS = {how: change for how, change in HARMLESS.items() if how != "longer"}


def of_length_1(n: int, rng: Rng) -> list[Array]:
    return [row / np.linalg.norm(row) for row in vectors(n, rng, 0.0)]


def _zoo(
    name: str, make: Callable[[int, Rng], list[Array]], harm: dict[str, Change], harmless: dict[str, Change]
) -> Zoo:
    return Zoo(
        name, "embedding", "embedding", make, harm, harmless, lambda row, rng: rng.permutation(-row), gallery=200
    )


ZOOS = [
    _zoo("vectors", partial(vectors, mean=0.0), HARM, HARMLESS),
    _zoo("vectors with a large mean", partial(vectors, mean=60.0), HARM, HARMLESS),
    _zoo("vectors of length 1", of_length_1, UNIT_HARM, UNIT_HARMLESS),
]
