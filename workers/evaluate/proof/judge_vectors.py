"""Judging models that give no class: embeddings and tensors by cosine, scores of a sequence over the whole of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import Judgement, Verdict
from workers.contracts.wording import percent
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.proof.groups import MOST_VALUES, groups_of
from workers.evaluate.proof.needed import POWER, SPARE
from workers.evaluate.proof.predictions import Answers, Values
from workers.evaluate.proof.similarity import likenesses
from workers.evaluate.proof.slices import alike_slices, broken, worst_first
from workers.evaluate.proof.stats import CONFIDENCE, mean_bounds, normal_quantile
from workers.evaluate.proof.verdict import MOST_CHANGED, Notes

SAFE_MEAN = 0.999
SAFE_LEAST = 0.99
LEAST_ITEMS = 10
"""Bounds of a mean over fewer items are not believed."""

MOST_TOLD = 3


@dataclass(frozen=True)
class Alike:
    """How alike one output is over all items. `low` and `high` are one-sided 95 % bounds of the mean."""

    name: str
    values: NDArray[np.float64]
    mean: float
    least: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """Safe from .999 on average (bound) and .99 at least; Regressed if the average is below .99 for sure."""
        if self.high < SAFE_LEAST:
            return "regressed"
        enough = len(self.values) >= LEAST_ITEMS
        safe = enough and self.low >= SAFE_MEAN and self.least >= SAFE_LEAST
        return "safe" if safe else "not_enough_data"

    def missing(self) -> int | None:
        """More items that would lift the lower bound to .999; None where the estimate itself is below the limits."""
        n = len(self.values)
        if self.mean <= SAFE_MEAN or self.least < SAFE_LEAST:
            return None
        reach = normal_quantile(CONFIDENCE) + normal_quantile(POWER)
        needed = (reach * float(self.values.std()) / (self.mean - SAFE_MEAN)) ** 2
        return max(1, math.ceil(max(needed, LEAST_ITEMS) * SPARE) - n)


def compare(name: str, old: Sequence[Values], new: Sequence[Values], embedding: bool, seed: int) -> Alike:
    """One output of both models over the same items."""
    values = likenesses(old, new, embedding)
    low, high = mean_bounds(values, seed)
    mean = float(values.mean())
    # bounds of a share of likeness stay within what likeness can be
    return Alike(name, values, mean, float(values.min()), max(low, -1.0), min(high, 1.0))


def compare_outputs(old: Answers, new: Answers, items: NDArray[np.int64], seed: int) -> list[Alike]:
    """The answer first, then every other float output over the items that were kept of it."""
    embedding = old.answer_kind == "embedding"
    parts = [compare("", _of(old.answer, items), _of(new.answer, items), embedding, seed)]
    for name, values in old.others.items():
        kept = [
            i for i in items if i < min(len(values), len(new.others.get(name, ()))) and np.isfinite(values[i]).all()
        ]
        if kept:
            parts.append(compare(name, _of(values, kept), _of(new.others[name], kept), False, seed))
    return parts


def _of(values: Sequence[Values], items: Sequence[int] | NDArray[np.int64]) -> list[Values]:
    return [values[int(i)] for i in items]


def judge_vectors(data: DataSet, old: Answers, new: Answers, seed: int) -> Judgement:
    """The worst of all float outputs counts; how much a person accepts does not move these limits."""
    items = common_items(data, old, new)
    parts = compare_outputs(old, new, items, seed)
    notes = Notes()
    order: list[Verdict] = ["regressed", "not_enough_data", "safe"]
    worst = min(parts, key=lambda part: (order.index(part.verdict), part.mean))
    notes.add(f"The output “{worst.name}” changed most, more than the answer itself.", when=worst.name != "")
    answer = parts[0]
    missing = worst.missing() if worst.verdict == "not_enough_data" else None
    notes.add(
        "The answers are similar, but not close enough to be taken for the same; more examples will not change that.",
        when=worst.verdict == "not_enough_data" and missing is None,
    )
    changed = _changed(answer, items)
    facts = [data.test[i] for i in items]
    slices = alike_slices(groups_of(facts, _names(facts)), answer.values, SAFE_LEAST, SAFE_MEAN)
    worse = broken(slices)
    for part in worse[:MOST_TOLD]:
        notes.add(f"“{part.name}” changed most: their {part.n:,} answers are {percent(part.drop)} less alike.")
    shown = worst_first(slices) if len(changed) else ()
    return Judgement(
        verdict="regressed" if worse else worst.verdict,
        n=len(items),
        labelled=False,
        agreement=worst.mean,
        agreement_min=worst.least,
        drop=1 - worst.mean,
        drop_low=1 - worst.high,
        drop_high=1 - worst.low,
        margin=1 - SAFE_MEAN,
        missing_examples=missing if not worse else None,
        changed=changed[:MOST_CHANGED],
        changed_count=len(changed),
        slices=shown,
        worst_slice=shown[0].name if shown else None,
        worst_slice_drop=shown[0].drop if shown else None,
        notes=tuple(notes.lines),
    )


def _names(items: Sequence[Item]) -> list[str] | None:
    """Labels as they were written, where the answers are no classes; not where nearly each is another."""
    names = [item.group for item in items]
    different = len(set(filter(None, names)))
    return names if 1 < different <= max(MOST_VALUES, len(names) // 10) else None


def common_items(data: DataSet, old: Answers, new: Answers) -> NDArray[np.int64]:
    """Items that both answered and to which the original gives numbers."""
    n = min(old.n, new.n, len(data.test))
    return np.flatnonzero(old.finite[:n])


def _changed(answer: Alike, items: NDArray[np.int64]) -> tuple[int, ...]:
    """Items that are less alike than .999, the worst first."""
    order = np.argsort(answer.values, kind="stable")
    return tuple(int(items[i]) for i in order if answer.values[i] < SAFE_MEAN)
