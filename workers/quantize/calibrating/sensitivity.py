"""Which layers cost most in answers, and how few of them must keep their numbers: measured, with few evaluations."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.contracts.process.context import JobContext
from workers.quantize import switches
from workers.quantize.calibrating.similarity import Alike, Held
from workers.quantize.qdq import RangeParams

SAMPLES = 4
"""Inputs that each layer is asked with, alone in 8 bits."""

FILE = "sensitivity.json"
"""Beside the model: what each layer cost in answers, {name: squared error over square}, for a look at the layers."""

RANK, SEARCH = "Look for sensitive layers", "Find how many must stay"


@dataclass
class Clock:
    """A limit of time; `over` tells when it has passed."""

    max_s: float
    _began_s: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        return time.monotonic() - self._began_s > self.max_s


@dataclass(frozen=True)
class Layer:
    """`cost`: squared error of the answers over their square, with this layer alone in 8 bits. `work`: its share of all
    multiplications."""

    name: str
    cost: float
    work: float


def rank(
    prepared: Path, ranges: Any, params: RangeParams, held: Held, open_file: Callable[[Path], Any], ctx: JobContext
) -> list[Layer]:
    """The layers, first those that cost most in answers for the work that 8 bits would save on them."""
    path = prepared.with_name("switches.onnx")
    layers = switches.write(prepared, path, ranges, params)
    ctx.check_cancelled()
    session = switches.ChosenLayer(open_file(path))
    few = held.first(SAMPLES)
    costs = []
    for number in range(len(layers)):
        ctx.progress(RANK, number, len(layers), "layers")
        session.layer = number
        costs.append(few.error(few.ask(session)))
    session.close()
    ctx.progress(RANK, len(layers), len(layers), "layers")
    work = [session.sizes[number] * layer.products for number, layer in enumerate(layers)]
    total = max(1, sum(work))
    found = [Layer(one.name, cost, own / total) for one, cost, own in zip(layers, costs, work, strict=True)]
    return sorted(found, key=lambda layer: -layer.cost / max(layer.work, 1e-9))


def most_kept(layers: Sequence[Layer], share: float) -> int:
    """How many of the layers, from the first on, do at most this share of the work."""
    done = 0.0
    for number, layer in enumerate(layers):
        done += layer.work
        if done > share:
            return number
    return len(layers)


@dataclass(frozen=True)
class Found:
    """`kept` layers keep their numbers; `alike` is what came of it; `evaluations` models were compared."""

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
) -> Found | Alike:
    """The fewest of `worst_first`, from its start, that must stay so that `enough` holds, by bisection.

    First the `most` that may stay: where even that is not enough its similarity is returned, and the search is over
    after one evaluation. `stop` ends the search early with the best so far.
    """
    alike = evaluate(worst_first[:most])
    done = 1
    if not enough(alike):
        return alike
    low, high, best = 0, most, alike  # `low` is known to be too few (none was tried before)
    while high - low > 1:
        ctx.progress(SEARCH, done, None, "evaluations")
        if stop():
            return Found(tuple(worst_first[:high]), best, done, stopped=True)
        middle = (low + high) // 2
        alike = evaluate(worst_first[:middle])
        done += 1
        if enough(alike):
            high, best = middle, alike
        else:
            low = middle
    return Found(tuple(worst_first[:high]), best, done)
