"""Compute matched values of two models side by side, group by group, with few values in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.changes import Histograms
from workers.contracts.process.context import JobContext
from workers.explain.agreement import Axes, Difference, Gains, axes_of, histograms_of, turned
from workers.explain.inner_values.base import InnerModel, Part, Run, Values, plan
from workers.explain.rounding import changed, coarsest
from workers.infer.base import Arrays, NotRunnable
from workers.infer.words import Words

STAGE = "Compare inner values"
LOCAL_ITEMS = 8
"""Number of examples on which the error of single operators is computed."""


Forms = dict[str, tuple[tuple[int, ...], np.dtype[Any]]]
"""Shape and number type of values of the second model for one example."""


@dataclass
class Pair:
    """Two operators that compute the same.

    Attributes:
        position: Place of the pair among the compared nodes.
        a: Name of the first model's value; `b` is the second's.
        rounds_to: Coarsest number type to which a model rounds on the way from other matched values.
        weight_error: Relative error of weights in 8 bits on this way.
        size: Bytes of both values of an example.
        axes: Order of axes; None if the values cannot be compared.
        cut: Whether the second model can go on from the first model's value.
        whole: Difference of both models.
        histograms: Values of both models in the first example.
        local: Difference of the second's operator alone, from the first model's inner values.
        gains: The same by channels.
        moved: How far small changes of these values move it.
    """

    position: int
    a: str
    b: str
    rounds_to: str = ""
    weight_error: float = 0.0
    size: int = 0
    axes: Axes | None = None
    cut: bool = False
    whole: Difference = field(default_factory=Difference)
    histograms: Histograms | None = None
    local: Difference = field(default_factory=Difference)
    gains: Gains = field(default_factory=Gains)
    moved: Difference = field(default_factory=Difference)


def groups_of(first: InnerModel, second: InnerModel, pairs: Iterable[Pair], budget_bytes: int) -> list[list[Pair]]:
    """Return consecutive pairs whose values, and the weights on the way to them, stay below `budget_bytes`."""
    groups: list[list[Pair]] = [[]]
    known: tuple[set[str], set[str]] = (set(), set())
    used = 0
    for pair in pairs:
        size = pair.size
        for model, done, name, copies in zip((first, second), known, (pair.a, pair.b), (1, 2), strict=True):
            operators = model.part([name], done).operators if name not in done else ()
            size += copies * sum(operator.weight_bytes for operator in operators)
            done |= {value for operator in operators for value in operator.gives}
        if groups[-1] and used + size > budget_bytes:
            groups.append([])
            used = 0
        groups[-1].append(pair)
        used += size
    return groups


class Walk:
    """One pass of both models over groups of pairs.

    `held_bytes` is the largest size of the values of one example that were held from one group to the next; `failed`
    counts groups whose operators do not run alone.
    """

    def __init__(
        self, first: InnerModel, second: InnerModel, groups: Sequence[Sequence[Pair]], in_steps: bool, ctx: JobContext
    ) -> None:
        """Plan the parts; `in_steps` says how inputs are changed (`rounding.changed`)."""
        self._models, self._groups, self.in_steps, self._ctx = (first, second), groups, in_steps, ctx
        self._cuts: dict[str, Pair] = {}
        self._alone: list[Part] = []
        kept: dict[str, int] = {}
        passed: set[str] = set()
        for number, group in enumerate(groups):
            self._cuts |= {pair.b: pair for pair in group if pair.cut}
            passed |= {pair.a for pair in group}
            for pair in group:
                sides = first.part([pair.a], passed), second.part([pair.b], self._cuts)
                on_the_way = [operator for side in sides for operator in side.operators]
                kinds = (operator.rounds_to for operator in on_the_way)
                pair.weight_error = max(operator.weight_error for operator in on_the_way)
                pair.rounds_to = coarsest((*kinds, first.precision, second.precision))
            self._alone.append(second.part((pair.b for pair in group), dict(self._cuts)))
            kept |= {self._cuts[name].a: number for name in self._alone[-1].takes if name in self._cuts}
        self._plans = (
            plan(first, [[pair.a for pair in group] for group in groups], kept),
            plan(second, [[pair.b for pair in group] for group in groups], {}),
        )
        self.held_bytes = self.failed = 0

    def run(self, items: Sequence[tuple[Arrays, Arrays]], start: int, total: int) -> None:
        """Compare these examples, of `total` of which `start` come before, and add to the pairs' differences."""
        held: list[list[Values]] = [[dict(feeds) for feeds in pair] for pair in items]
        forms: list[Forms] = [{} for _ in items]
        for number, group in enumerate(self._groups):
            parts = [planned[number] for planned, _ in self._plans]
            sessions = zip(self._models, parts, strict=True)
            runs = [model.start(part) if part.gives else None for model, part in sessions]
            alone: Run | None = None
            looks = any(pair.cut for pair in group)
            for place, sides in enumerate(held):
                self._ctx.check_cancelled()
                done = start * len(self._groups) + number * len(items) + place
                self._ctx.progress(STAGE, done, total * len(self._groups), "steps")
                for run, part, values in zip(runs, parts, sides, strict=True):
                    if run is not None:
                        values.update(run({name: values[name] for name in part.takes}))
                self._compare(group, sides, forms[place])
                if looks and start + place < LOCAL_ITEMS:
                    try:
                        alone = alone or self._models[1].start(self._alone[number])
                        self._look_alone(alone, number, sides, forms[place])
                    except NotRunnable as error:
                        self._ctx.log(f"Operators do not run alone: {error}", "warning")
                        self.failed += 1
                        looks = False
                self._forget(number, sides)

    def _forget(self, number: int, sides: list[Values]) -> None:
        size = 0
        for (_, last_use), model, values in zip(self._plans, self._models, sides, strict=True):
            for name in [name for name in values if name not in model.inputs and last_use.get(name, -1) <= number]:
                del values[name]
            size += sum(getattr(value, "nbytes", 0) for value in values.values())
        self.held_bytes = max(self.held_bytes, size)

    def _compare(self, group: Sequence[Pair], sides: list[Values], forms: Forms) -> None:
        second = self._models[1]
        for pair in group:
            a, b = sides[0][pair.a], sides[1][pair.b]
            if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
                continue
            forms[pair.b] = b.shape, b.dtype
            real = second.dequantized(pair.b, b)
            if pair.whole.count == 0 and pair.axes is None:
                pair.axes = axes_of(a, real)
                pair.size = a.nbytes + 3 * b.nbytes
                pair.cut = pair.axes is not None and a.dtype.kind == b.dtype.kind == "f"
            if (fitted := _fitted(pair, a, real)) is not None:
                pair.whole.add(a, fitted)
                pair.histograms = pair.histograms or histograms_of(a, fitted)

    def _look_alone(self, run: Run, number: int, sides: list[Values], forms: Forms) -> None:
        """Run the second model's operators on the first one's values; raise NotRunnable if they refuse these."""
        rng = np.random.default_rng(number)
        fed = {name: self._fed(name, sides, forms) for name in self._alone[number].takes}
        own = run(fed)
        moved = run({name: changed(value, self.in_steps, rng) for name, value in fed.items()})
        for pair in self._groups[number]:
            if pair.cut:
                a = sides[0][pair.a]
                if (fitted := _fitted(pair, a, own[pair.b])) is not None:
                    pair.local.add(a, fitted)
                    pair.gains.add(a, fitted)
                pair.moved.add(own[pair.b], moved[pair.b])

    def _fed(self, name: str, sides: list[Values], forms: Forms) -> NDArray[Any]:
        pair = self._cuts.get(name)
        if pair is None or pair.axes is None:
            given: NDArray[Any] = sides[1][name]
            return given
        shape, dtype = forms[name]
        if sides[0][pair.a].size != np.prod(shape):
            raise NotRunnable(Words("the models' values have different sizes for some examples"))
        return np.asarray(turned(sides[0][pair.a], tuple(np.argsort(pair.axes)), shape), dtype, order="C")


def _fitted(pair: Pair, first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any] | None:
    """Return the second model's value in the first one's shape; None if its size does not fit for this example."""
    if pair.axes is None or first.size != second.size:
        return None
    value = turned(second, pair.axes, first.shape)
    return value if value.shape == first.shape else None
