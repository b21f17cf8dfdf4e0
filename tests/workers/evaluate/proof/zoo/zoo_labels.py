"""Several labels at once: twenty, of which most items have none to three."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from zoo import SHARES_HARMLESS, Array, Change, Rng, Zoo, each, no_number, some, stacked

LABELS = 20


def shares(n: int, rng: Rng) -> list[Array]:
    """(20,) probabilities each; nearly all clear."""
    on = rng.random((n, LABELS)) < rng.uniform(0.02, 0.2, LABELS)
    sure = rng.beta(8, 1, (n, LABELS))
    return list(np.where(on, 0.56 + 0.44 * sure, 0.44 * (1 - sure)).astype(np.float32))


def truths(old: list[Array], rng: Rng) -> Sequence[Mapping[str, Any]]:
    """The sets that are right: one label in twelve is missing, one item in six has one more."""
    found = []
    for row in old:
        kept = {int(k) for k in np.flatnonzero(row >= 0.5) if rng.random() > 1 / 12}
        if rng.random() < 1 / 6 or not kept:
            kept.add(int(rng.integers(LABELS)))
        found.append({"labels": tuple(sorted(kept))})
    return found


def lost(label: int) -> Change:
    def changed(row: Array, rng: Rng) -> Array:
        row[label] = min(row[label], 0.02)
        return row

    return each(changed)


def one_more(row: Array, rng: Rng) -> Array:
    row[rng.integers(LABELS)] = 0.9
    return row


def others_set(rows: Array, rng: Rng) -> Array:
    return rows[rng.permutation(len(rows))]


HARM: dict[str, Change] = {
    "scores zeroed": each(lambda row, rng: np.zeros_like(row)),
    "one label of twenty lost": lost(7),
    "pulled down": each(lambda row, rng: row * np.float32(0.7)),
    "all over the threshold": each(lambda row, rng: np.maximum(row, np.float32(0.6))),
    "noise on 5 %": some(0.05, lambda row, rng: rng.random(LABELS).astype(np.float32)),
    "no number on 5 %": some(0.05, no_number),
    "one label too many on 10 %": some(0.1, one_more),
    "sets of other items": stacked(others_set),
    "labels shifted by one": each(lambda row, rng: np.roll(row, 1)),
}
HARMLESS: dict[str, Change] = {
    **SHARES_HARMLESS,
    "low scores lower": each(lambda row, rng: np.where(row < 0.1, row / 2, row)),
}


def other_labels(row: Array, rng: Rng) -> Array:
    return np.where(np.roll(row, 1) >= 0.5, 0.98, 0.01) if (row >= 0.5).any() else one_more(row, rng)


ZOOS = [
    Zoo("several labels", "labels", "labels", shares, HARM, HARMLESS, other_labels),
    Zoo("several labels that are known", "labels", "labels", shares, HARM, HARMLESS, other_labels, truths),
]
