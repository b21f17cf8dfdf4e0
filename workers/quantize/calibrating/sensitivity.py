"""Measure how much each layer's quantization costs, and find the fewest layers that must keep their numbers."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.contracts.process.context import JobContext
from workers.contracts.translation import mark
from workers.quantize import switches
from workers.quantize.calibrating.similarity import Alike, HeldOutExamples
from workers.quantize.qdq import RangeParams

SAMPLES = 4
"""Number of inputs that measure each layer alone in 8 bits."""

FILE = "sensitivity.json"
"""File next to the model with the cost of each layer: {name: squared error over square}."""

RANK, SEARCH = mark("Look for sensitive layers"), mark("Find how many must stay")


@dataclass(frozen=True)
class Layer:
    """One layer with its cost and its work.

    `cost` is the squared error of the predictions over their square, with only this layer in 8 bits. `work` is the
    layer's share of all multiplications.
    """

    name: str
    cost: float
    work: float


def rank(
    prepared: Path,
    ranges: Any,
    params: RangeParams,
    held: HeldOutExamples,
    open_file: Callable[[Path], Any],
    ctx: JobContext,
) -> list[Layer]:
    """Return the layers, ordered by cost relative to their share of the work, the most sensitive first."""
    path = prepared.with_name("switches.onnx")
    layers = switches.write(prepared, path, ranges, params)
    ctx.check_cancelled()
    few = held.first(SAMPLES)
    costs = []
    with closing(switches.ChosenLayer(open_file(path))) as session:
        for number in range(len(layers)):
            ctx.progress(RANK, number, len(layers), "layers")
            session.layer = number
            costs.append(few.error(few.predict(session)))
    ctx.progress(RANK, len(layers), len(layers), "layers")
    work = [session.sizes[number] * products for number, products in enumerate(layers.values())]
    total = max(1, sum(work))
    ranked = [Layer(name, cost, own / total) for name, cost, own in zip(layers, costs, work, strict=True)]
    return sorted(ranked, key=lambda layer: -layer.cost / max(layer.work, 1e-9))


def most_unquantized(layers: Sequence[Layer], share: float) -> int:
    """Return how many layers, from the start of the list, do at most `share` of the work."""
    done = 0.0
    for number, layer in enumerate(layers):
        done += layer.work
        if done > share:
            return number
    return len(layers)


@dataclass(frozen=True)
class SensitiveLayers:
    """Result of the search.

    `kept` are the layers that keep their numbers, `alike` is the resulting similarity, `evaluations` counts the
    compared models, and `stopped` means that the time limit ended the search.
    """

    kept: tuple[str, ...]
    alike: Alike
    evaluations: int
    stopped: bool = False


def fewest(
    worst_first: Sequence[str],
    most: int,
    evaluate: Callable[[Sequence[str]], Alike],
    enough: Callable[[Alike], bool],
    stop: Callable[[], bool],
    ctx: JobContext,
) -> SensitiveLayers | Alike:
    """Find by bisection the fewest of `worst_first`, from its start, that must be kept so that `enough` holds.

    The first evaluation keeps `most` layers. If even that is not enough, its similarity is returned. `stop` ends the
    search early with the best result so far.
    """
    alike = evaluate(worst_first[:most])
    done = 1
    if not enough(alike):
        return alike
    low, high, best = 0, most, alike  # `low` is known to be too few (0 was evaluated before)
    while high - low > 1:
        ctx.progress(SEARCH, done, None, "evaluations")
        if stop():
            return SensitiveLayers(tuple(worst_first[:high]), best, done, stopped=True)
        middle = (low + high) // 2
        alike = evaluate(worst_first[:middle])
        done += 1
        if enough(alike):
            high, best = middle, alike
        else:
            low = middle
    return SensitiveLayers(tuple(worst_first[:high]), best, done)
