"""How many times faster one version is than another where other programs disturbed both: what all ways agree on.

Under load a wall time tells more of the other programs than of the model, and each other way alone can be wrong, too:
threads that spin while they wait use processor time for nothing, and a version with one thread waits less than one
with two (both were seen to make slower versions look 1.6 times faster beside two busy programs on two cores). So three
are taken, and only what holds by all of them counts:

- the wall time of a request,
- the processor time of a request, of all threads,
- the wall time without the waiting: times the share of the time its threads were ready in which they ran.

Each is compared block by block, since blocks of one number were timed right after each other.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contracts.disturbed import Loads
from workers.contracts.specs import BlockLoad

MIN_PAIRS = 3
LEVEL = 0.975

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """`cpu_speedup` is the ratio of processor times. `low` is the least of the three lower bounds (95 %), None where
    there are too few blocks, or where the system does not tell how long threads waited.
    """

    cpu_speedup: float
    low: float | None


def agreement(original: Loads, variant: Loads) -> Agreement | None:
    """Original over variant, paired by set and block; None where nothing can be paired."""
    pairs = [
        [(old, new) for old, new in zip(old_set, new_set, strict=False) if _is_whole(old) and _is_whole(new)]
        for old_set, new_set in zip(original, variant, strict=False)
    ]
    pairs = [one_set for one_set in pairs if one_set]
    if not pairs:
        return None
    cpu = _log_ratios(pairs, lambda block: block.cpu_s / block.requests)
    bounds = [_low(cpu), _low(_log_ratios(pairs, lambda block: block.elapsed_s / block.requests))]
    if all(block.waited_s is not None for one_set in pairs for pair in one_set for block in pair):
        bounds.append(_low(_log_ratios(pairs, _without_waiting_s)))
    else:
        bounds.append(None)
    known = [bound for bound in bounds if bound is not None]
    low = math.exp(min(known)) if len(known) == len(bounds) else None
    return Agreement(math.exp(float(np.mean(np.concatenate(cpu)))), low)


def _is_whole(block: BlockLoad) -> bool:
    return block.requests > 0 and block.cpu_s > 0 and block.elapsed_s > 0


def _without_waiting_s(block: BlockLoad) -> float:
    ran_share = block.cpu_s / (block.cpu_s + (block.waited_s or 0.0))
    return block.elapsed_s / block.requests * ran_share


def _log_ratios(
    pairs: Sequence[Sequence[tuple[BlockLoad, BlockLoad]]], measure: Callable[[BlockLoad], float]
) -> list[Floats]:
    return [np.log([measure(old) / measure(new) for old, new in one_set]) for one_set in pairs]


def _low(sets: Sequence[Floats]) -> float | None:
    """Lower bound of the mean by a t interval; whatever varies more, blocks or sets of processes, counts."""
    from scipy.special import stdtrit

    values = np.concatenate(sets)
    if values.size < MIN_PAIRS:
        return None
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    if len(sets) > 1:
        error = max(error, float(np.std([one_set.mean() for one_set in sets], ddof=1)) / math.sqrt(len(sets)))
    return float(values.mean()) - float(stdtrit(values.size - 1, LEVEL)) * error
