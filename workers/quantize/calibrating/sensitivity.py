"""Measure what each layer in 8 bits costs and saves, and find the fewest layers that must keep their numbers."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.process.context import JobContext, in_steps
from workers.contracts.translation import mark
from workers.quantize.calibrating.similarity import Alike, HeldOutExamples

SAMPLES = 12
"""Number of inputs that measure each layer alone in 8 bits."""

LEAST_SAVED = 0.05
"""Least share of its time that a layer counts as saving, against divisions by 0 and an order made of noise."""

CHOSEN = "fettle_chosen_layer"
"""Input of a switchable model: the number of the layer that computes in 8 bits."""
NONE = -1

RANK, SEARCH = mark("Look for sensitive layers"), mark("Find how many must stay")


@dataclass(frozen=True)
class Layer:
    """One layer with what it costs and saves.

    `cost` is the squared error of the predictions over their square, with only this layer in 8 bits. `ms` and `ms_8`
    are its times in 32 and in 8 bits.
    """

    name: str
    cost: float
    ms: float
    ms_8: float

    @property
    def saved_ms(self) -> float:
        """Return the milliseconds that 8 bits save, at least `LEAST_SAVED` of the time in 32 bits."""
        return max(self.ms - self.ms_8, LEAST_SAVED * self.ms, 1e-9)


class ChosenLayer:
    """A session of the switchable model that runs one layer, chosen by its number, in 8 bits."""

    def __init__(self, session: Any) -> None:
        """Wrap an open session of the switchable model; no layer is chosen."""
        self._session = session
        self.layer = NONE

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the predictions with the chosen layer in 8 bits."""
        answers: dict[str, NDArray[Any]] = self._session.run({**feeds, CHOSEN: np.array(self.layer, np.int64)})
        return answers

    def close(self) -> None:
        """Close the session of the switchable model and release its memory."""
        self._session.close()


def costs(names: Sequence[str], session: Any, held: HeldOutExamples, ctx: JobContext) -> list[float]:
    """Return the cost of each layer of the switchable model that `session` runs."""
    few, found = held.first(SAMPLES), []
    with closing(ChosenLayer(session)) as chosen:
        for number in in_steps(ctx, RANK, range(len(names)), "layers"):
            chosen.layer = number
            found.append(few.error(few.predict(chosen)))
    return found


def ranked(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers by their cost for each millisecond that they save, the worst first.

    Costs add up, so the layers behind each place of this order are the best choice for their total cost.
    """
    return sorted(layers, key=lambda layer: -layer.cost / layer.saved_ms)


def most_unquantized(layers: Sequence[Layer], share: float) -> int:
    """Return how many layers, from the start of the list, save at most `share` of the time that all save."""
    most_ms, lost_ms = share * sum(layer.saved_ms for layer in layers), 0.0
    for number, layer in enumerate(layers):
        lost_ms += layer.saved_ms
        if lost_ms > most_ms * (1 + 1e-9):
            return number
    return len(layers)


@dataclass(frozen=True)
class SensitiveLayers:
    """Result of the search.

    `kept` are the layers that keep their numbers, `alike` is the resulting similarity, and `stopped` means that the
    time limit ended the search.
    """

    kept: tuple[str, ...]
    alike: Alike
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
            return SensitiveLayers(tuple(worst_first[:high]), best, stopped=True)
        middle = (low + high) // 2
        alike = evaluate(worst_first[:middle])
        done += 1
        if enough(alike):
            high, best = middle, alike
        else:
            low = middle
    return SensitiveLayers(tuple(worst_first[:high]), best)
