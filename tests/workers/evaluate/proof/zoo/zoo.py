"""The zoo: predictions like those of real models, with harmful changes and harmless ones.

Each module `zoo_*.py` in this folder holds `ZOOS`, for one task or a few forms of one. Predictions are made, but of the
shape and spread of real ones; all is seeded.
"""

import importlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import Judgement
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.proof.case import case_of
from workers.evaluate.proof.engine import judge_case
from workers.evaluate.proof.predictions import Predictions, predict

Array = NDArray[Any]
Rng = np.random.Generator
Change = Callable[[list[Array], Rng], Sequence[Array]]


@dataclass(frozen=True)
class Zoo:
    """`task` is the proof task that has to judge. `make(n, rng)` gives the original's predictions.

    `harm` and `harmless` change copies of them. `wrong` makes one item's prediction another one for sure; where each
    item holds `places` that are counted, one of them. `truth` gives the labels: fields of each `Item`, and `steps` of
    sequences. `gallery` is the number of further items that are only searched in. `more` are further facts of `Answers`.
    """

    name: str
    task: str
    kind: str
    make: Callable[[int, Rng], list[Array]]
    harm: dict[str, Change]
    harmless: dict[str, Change]
    wrong: Callable[[Array, Rng], Array]
    truth: Callable[[list[Array], Rng], Sequence[Mapping[str, Any]]] | None = None
    classes: tuple[str, ...] | None = None
    gallery: int = 0
    places: int = 1
    more: Mapping[str, Any] = field(default_factory=dict)
    answers: Callable[["Zoo", Sequence[Array]], Predictions] | None = None

    def answers_of(self, parts: Sequence[Array]) -> Predictions:
        if self.answers is not None:
            return self.answers(self, parts)
        return plain_answers(self, parts)


def plain_answers(zoo: Zoo, parts: Sequence[Array]) -> Predictions:
    """Predictions as they are collected from a model."""
    values = [np.asarray(part, np.float32) for part in parts]
    finite = np.asarray([bool(np.isfinite(part).all()) for part in values])
    more = {"scores": "probabilities", "stateful": False, **zoo.more}
    predicted = predict(values, finite, zoo.kind, more["scores"], more["stateful"])
    return Predictions(values, predicted, finite, {}, zoo.kind, **more)


def decoded_answers(parts: Sequence[Array], kind: str, dtype: type[Any] = np.float32, **more: Any) -> Predictions:
    """Predictions that are decoded to boxes or masks."""
    values = [np.asarray(part, dtype) for part in parts]
    finite = np.asarray([bool(np.isfinite(part).all()) for part in values], np.bool_)
    return Predictions(values, None, finite, {}, kind, "logits", False, decoded=True, **more)


def text_answers(texts: Sequence[str], kind: str) -> Predictions:
    """Predictions that are texts, with token numbers without a meaning."""
    tokens, finite = [np.zeros(1, np.float32) for _ in texts], np.ones(len(texts), np.bool_)
    return Predictions(tokens, None, finite, {}, kind, "logits", False, texts=texts)


@dataclass(frozen=True)
class Drawn:
    """Predictions of the original that all changes share: `old` with those that are only searched in, `before` read."""

    zoo: Zoo
    seed: int
    n: int
    old: list[Array]
    before: Predictions
    data: DataSet

    def judged(self, how: str, limit_pct: float, wrong_share: float = 0.0) -> Judgement:
        """The verdict where they were changed so; of all that is counted about `wrong_share` are others for sure."""
        zoo, n = self.zoo, self.n
        rng = np.random.default_rng([self.seed, n, zlib.crc32(how.encode())])
        new = list((zoo.harm | zoo.harmless)[how]([part.copy() for part in self.old], rng))
        for at in np.flatnonzero(rng.random(n) < wrong_share * zoo.places):
            new[at] = zoo.wrong(new[at], rng)
        return judge_case(case_of(self.data, self.before, _read(zoo, new, n), self.seed), limit_pct)


def draw(zoo: Zoo, n: int, seed: int) -> Drawn:
    rng = np.random.default_rng([seed, n])
    old = zoo.make(n + zoo.gallery, rng)
    facts = [dict(one) for one in zoo.truth(old, rng)[:n]] if zoo.truth is not None else [{} for _ in range(n)]
    steps = tuple(one.pop("steps", None) for one in facts)
    items = tuple(Item(f"item {i}", **one) for i, one in enumerate(facts))
    data = DataSet("arrays", "person", None, zoo.classes, test=items, steps=steps)
    return Drawn(zoo, seed, n, old, _read(zoo, old, n), data)


def _read(zoo: Zoo, parts: Sequence[Array], n: int) -> Predictions:
    return replace(zoo.answers_of(parts[:n]), gallery=[np.asarray(part, np.float32) for part in parts[n:]])


def each(change: Callable[[Array, Rng], Array]) -> Change:
    """The same change of every item."""
    return lambda parts, rng: [change(part, rng) for part in parts]


def some(share: float, change: Callable[[Array, Rng], Array]) -> Change:
    """A change of this share of the items, drawn."""

    def changed(parts: list[Array], rng: Rng) -> Sequence[Array]:
        for at in rng.permutation(len(parts))[: max(1, int(share * len(parts)))]:
            parts[at] = change(parts[at], rng)
        return parts

    return changed


def stacked(change: Callable[[Array, Rng], Array]) -> Change:
    """A change of all items as one array (n, …)."""
    return lambda parts, rng: list(change(np.stack(parts), rng))


def no_number(row: Array, rng: Rng) -> Array:
    return np.full_like(row, np.nan)


def same(parts: list[Array], rng: Rng) -> Sequence[Array]:
    return parts


def bf16(parts: list[Array], rng: Rng) -> Sequence[Array]:
    """Round each number down to BF16."""
    return [(np.asarray(p, np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32) for p in parts]


def fp16(parts: list[Array], rng: Rng) -> Sequence[Array]:
    return [p.astype(np.float16).astype(np.float32) for p in parts]


def other_engine(parts: list[Array], rng: Rng) -> Sequence[Array]:
    """Sums in another order: a few units in the seventh digit."""
    return [(p * (1 + 3e-7 * rng.standard_normal(p.shape))).astype(np.float32) for p in parts]


def all_zoos() -> dict[str, Zoo]:
    """Of every module, by name."""
    modules = sorted(path.stem for path in Path(__file__).parent.glob("zoo_*.py"))
    zoos = [zoo for module in modules for zoo in importlib.import_module(module).ZOOS]
    return {zoo.name: zoo for zoo in zoos}


ROUNDED: dict[str, Change] = {"the same": same, "another engine": other_engine, "BF16": bf16, "FP16": fp16}
"""Harmless changes of any numbers."""

SHARES_HARMLESS: dict[str, Change] = {
    **ROUNDED,
    "off by .02": each(lambda row, rng: np.clip(row + rng.uniform(-0.02, 0.02, row.shape), 0, 1)),
    "rounded to percent": each(lambda row, rng: np.round(row, 2)),
}
"""Harmless changes of scores from 0 to 1."""
