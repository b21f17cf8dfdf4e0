"""One score for each time step, over whole sequences."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from zoo import SHARES_HARMLESS, Array, Change, Rng, Zoo, each, no_number, some, stacked

STEPS = 60


def sequences(n: int, rng: Rng) -> list[Array]:
    """(60,) each: on and off now and then."""
    on = np.cumsum(rng.random((n, STEPS)) < 0.08, axis=1) % 2
    return list(np.clip(0.08 + 0.84 * on + rng.normal(0, 0.03, on.shape), 0, 1).astype(np.float32))


def tail(count: int, value: float) -> Change:
    def cut(row: Array, rng: Rng) -> Array:
        row[-count:] = value
        return row

    return each(cut)


def late(row: Array, rng: Rng) -> Array:
    return np.concatenate([row[:1].repeat(3), row[:-3]])


def spike(row: Array, rng: Rng) -> Array:
    at = rng.integers(len(row))
    row[at] = 1 - row[at]
    return row


def truths(old: list[Array], rng: Rng) -> Sequence[Mapping[str, Any]]:
    """Each moment that is right by the original, but one in twenty."""
    return [{"steps": (row >= 0.5).astype(np.int64) ^ (rng.random(len(row)) < 0.05)} for row in old]


HARM: dict[str, Change] = {
    "last moments silent": tail(10, 0.0),
    "drifts": each(lambda row, rng: np.clip(row - np.linspace(0, 0.24, len(row), dtype=np.float32), 0, 1)),
    "three steps late": each(late),
    "one step late": each(lambda row, rng: np.concatenate([row[:1], row[:-1]])),
    "turned round in time in 5 %": some(0.05, lambda row, rng: row[::-1]),
    "one moment wrong in 5 %": some(0.05, spike),
    "noise on 5 %": some(0.05, lambda row, rng: rng.random(row.shape).astype(np.float32)),
    "no number on 5 %": some(0.05, no_number),
    "always silent": each(lambda row, rng: np.zeros_like(row)),
    "sequences of others": stacked(lambda rows, rng: rows[rng.permutation(len(rows))]),
    "shorter by a step in 5 %": some(0.05, lambda row, rng: row[:-1]),
}
HARMLESS: dict[str, Change] = {
    **SHARES_HARMLESS,
    "drifts by .03": each(lambda row, rng: np.clip(row - np.linspace(0, 0.03, len(row), dtype=np.float32), 0, 1)),
}
ZOOS = [
    Zoo(name, "moments", "score", sequences, HARM, HARMLESS, lambda row, rng: 1 - row, known, more={"stateful": True})
    for name, known in (("scores of moments", None), ("scores of moments that are known", truths))
]
