"""Classes: three, twenty, a thousand, two with scores, and with labels."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from zoo import ROUNDED, SHARES_HARMLESS, Array, Change, Rng, Zoo, each, no_number, some, stacked

LEAST_LEAD = 0.25
"""Least lead of the first class, so large that 16 bits do not decide."""


def logits(n: int, rng: Rng, classes: int) -> list[Array]:
    """(classes,) each; the first is ahead by 4 on average. Classes are not equally frequent."""
    frequent = rng.dirichlet(np.full(classes, 5.0))
    rows = rng.standard_normal((n, classes))
    first = rng.choice(classes, n, p=frequent)
    rows[np.arange(n), first] = rows.max(axis=1) + LEAST_LEAD + rng.gamma(2.0, 2.0, n)
    return list(rows.astype(np.float32))


def shares(n: int, rng: Rng) -> list[Array]:
    """(1,) each: the probability of the second class, most of them clear."""
    sure = rng.beta(6, 1.2, n) * 0.44 + 0.56
    return list(np.where(rng.random(n) < 0.4, sure, 1 - sure).astype(np.float32)[:, None])


def accepted(old: list[Array], rng: Rng) -> Sequence[Mapping[str, Any]]:
    """Labels by which nine of ten predictions are right."""
    report = np.argmax(np.stack(old), axis=1)
    other = (report + 1) % old[0].size
    return [{"labels": (int(k),)} for k in np.where(rng.random(len(report)) < 0.9, report, other)]


def accepted_of_two(old: list[Array], rng: Rng) -> Sequence[Mapping[str, Any]]:
    """The original is right as often as its confidence states."""
    return [{"labels": (int(rng.random() < row[0]),)} for row in old]


def other_class(row: Array, rng: Rng) -> Array:
    return np.roll(row, 1)


def never(rows: Array, rng: Rng, part: float) -> Array:
    """The most frequent of the classes that hold at least `part` of the items is not named any more."""
    counts = np.bincount(rows.argmax(axis=1), minlength=rows.shape[1])
    wanted = int(np.argmin(np.where(counts >= part * len(rows), counts, len(rows) + 1)))
    rows[:, wanted] = rows.min() - 1
    return rows


def merged(rows: Array, rng: Rng) -> Array:
    """Two classes became one."""
    first, second = np.argsort(-np.bincount(rows.argmax(axis=1), minlength=rows.shape[1]))[:2]
    rows[:, first] = np.maximum(rows[:, first], rows[:, second])
    rows[:, second] = rows.min() - 1
    return rows


def rarest_favored(rows: Array, rng: Rng) -> Array:
    """A bias on the rarest class: what others win by less than 3 goes to it."""
    counts = np.bincount(rows.argmax(axis=1), minlength=rows.shape[1])
    rare = int(np.argmin(counts))
    near = rows.max(axis=1) - np.sort(rows, axis=1)[:, -2] < 3
    rows[near, rare] = rows[near].max(axis=1) + 0.1
    return rows


def rare_swapped(rows: Array, rng: Rng) -> Array:
    """The two rarest of the classes that hold a fiftieth of the items and more, each taken for the other."""
    counts = np.bincount(rows.argmax(axis=1), minlength=rows.shape[1])
    first, second = np.argsort(np.where(counts >= len(rows) / 50, counts, len(rows)))[:2]
    rows[:, [first, second]] = rows[:, [second, first]]
    return rows


def endless(row: Array, rng: Rng) -> Array:
    row[rng.integers(len(row))] = np.inf
    return row


def noise(row: Array, rng: Rng) -> Array:
    return rng.normal(row.mean(), row.std(), row.shape).astype(np.float32)


def second(row: Array, rng: Rng) -> Array:
    first, second = np.argsort(-row)[:2]
    row[[first, second]] = row[[second, first]]
    return row


def shuffled_below(row: Array, rng: Rng) -> Array:
    order = np.argsort(-row)
    row[order[1:]] = rng.permutation(row[order[1:]])
    return row


def one_longer(parts: list[Array], rng: Rng) -> Sequence[Array]:
    """Hardly sure of anything, and one answer of another size, so that shares of all items are no table."""
    rows = [row * np.float32(0.15) for row in parts]
    return [np.append(rows[0], rows[0].min()), *rows[1:]]


HARM: dict[str, Change] = {
    "scores zeroed": each(lambda row, rng: np.zeros_like(row)),
    "classes shifted by one": each(lambda row, rng: np.roll(row, 1)),
    "answers of other items": stacked(lambda rows, rng: rows[rng.permutation(len(rows))]),
    "noise on 5 %": some(0.05, noise),
    "no number on 5 %": some(0.05, no_number),
    "second best on 5 %": some(0.05, second),
    "two classes became one": stacked(merged),
    "always the same": stacked(lambda rows, rng: np.broadcast_to(rows[0], rows.shape)),
    "rarest class favored": stacked(rarest_favored),
    "one class lost": stacked(partial(never, part=0.03)),
    "two rare classes swapped": stacked(rare_swapped),
    "infinity on 5 %": some(0.05, endless),
    "hardly sure of anything": each(lambda row, rng: row * np.float32(0.15)),
    "hardly sure and one answer longer": one_longer,
}
HARMLESS: dict[str, Change] = {
    **ROUNDED,
    "sharper": each(lambda row, rng: row * np.float32(1.05)),
    "one number more on all": each(lambda row, rng: row + np.float32(0.5)),
    "low scores in another order": each(shuffled_below),
}  # fmt: skip


TWO_HARM: dict[str, Change] = {
    "pulled to the middle": each(lambda row, rng: 0.5 + (row - 0.5) * np.float32(0.6)),
    "all higher": each(lambda row, rng: np.clip(row + np.float32(0.15), 0, 1)),
    "turned round": each(lambda row, rng: 1 - row),
    "noise on 5 %": some(0.05, lambda row, rng: rng.random(row.shape).astype(np.float32)),
    "no number on 5 %": some(0.05, no_number),
    "never the second class": each(lambda row, rng: np.minimum(row, np.float32(0.45))),
    "only sure and unsure": each(lambda row, rng: np.round(row * 2) / 2),
    "scores of other items": stacked(lambda rows, rng: rows[rng.permutation(len(rows))]),
}
KNOWN_TWO_HARM = {
    **{how: change for how, change in TWO_HARM.items() if how != "noise on 5 %"},
    "noise on 15 %": some(0.15, lambda row, rng: rng.random(row.shape).astype(np.float32)),
}
"""By labels. Noise names the same one of two classes half of the time by chance: 5 % of it lose 2 % of right predictions,
the limit itself."""

TWO_HARMLESS: dict[str, Change] = {
    **SHARES_HARMLESS,
    "a little surer": each(lambda row, rng: np.clip(0.5 + (row - 0.5) * np.float32(1.02), 0, 1)),
}


OF_MANY_ITEMS = ("one class lost", "two classes became one", "two rare classes swapped")


def _zoo(name: str, classes: int, *, labelled: bool = False) -> Zoo:
    few = classes > 100
    return Zoo(
        name=name,
        task="class",
        kind="class",
        make=partial(logits, classes=classes),
        # of a thousand no class holds 3 %
        harm={k: v for k, v in HARM.items() if not (few and k in OF_MANY_ITEMS)},
        harmless=HARMLESS,
        wrong=other_class,
        truth=accepted if labelled else None,
        classes=tuple(f"kind {i}" for i in range(classes)),
        more={"scores": "logits"},
    )


ZOOS = [
    _zoo("three classes", 3),
    _zoo("twenty classes", 20),
    _zoo("thousand classes", 1000),
    _zoo("three classes with labels", 3, labelled=True),
    Zoo("two classes with scores", "class", "score", shares, TWO_HARM, TWO_HARMLESS, lambda row, rng: 1 - row),
    Zoo(
        "two classes with scores and labels",
        "class",
        "score",
        shares,
        KNOWN_TWO_HARM,
        TWO_HARMLESS,
        lambda row, rng: 1 - row,
        truth=accepted_of_two,
        more={"scores": "probabilities"},
    ),
]
