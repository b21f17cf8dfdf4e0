"""Compute the speedup of a version from measurements that other programs disturbed.

Under load, wall time depends on the other programs more than on the model. Each alternative can be wrong, too: threads
that spin while they wait use processor time for nothing, and a version with one thread waits less than one with two.
Both made slower versions look 1.6 times faster while two programs kept two cores busy. So three measures are used, and
a result counts only if it holds for all of them:

- the wall time of a request,
- the processor time of a request, of all threads,
- the wall time without waiting: times the share of the ready time of its threads in which they ran.

Blocks of the same number are compared, because they were timed directly after each other.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contracts.disturbed import BlockLoad, Loads
from workers.measure.speedup import Speedup, finite_exp

MIN_PAIRS = 3
LEVEL = 0.975

Floats = NDArray[np.float64]


def agreement(original: Loads, variant: Loads) -> tuple[Speedup, float] | None:
    """Return the speedup on which three measures agree, and the ratio of processor times.

    Blocks are paired by set and number; the result is None where nothing can be paired. The speedup is the smallest
    mean of the measures, `high` its upper bound (95 %), and `low` the smallest of their lower bounds. Both bounds are
    None where there are too few blocks, or where the system does not report how long threads waited.
    """
    pairs = [
        [(old, new) for old, new in zip(old_set, new_set, strict=False) if _is_whole(old) and _is_whole(new)]
        for old_set, new_set in zip(original, variant, strict=False)
    ]
    pairs = [one_set for one_set in pairs if one_set]
    if not pairs:
        return None
    cpu = _log_ratios(pairs, lambda block: block.cpu_s / block.requests)
    measures = [cpu, _log_ratios(pairs, lambda block: block.elapsed_s / block.requests)]
    has_waiting = all(block.waited_s is not None for one_set in pairs for pair in one_set for block in pair)
    if has_waiting:
        measures.append(_log_ratios(pairs, _without_waiting_s))
    means = [float(np.mean(np.concatenate(one))) for one in measures]
    reaches = [_reach(one) for one in measures]
    least = min(range(len(measures)), key=means.__getitem__)
    low = high = None
    if has_waiting and None not in reaches:
        low = math.exp(min(mean - (reach or 0.0) for mean, reach in zip(means, reaches, strict=True)))
        high = finite_exp(means[least] + (reaches[least] or 0.0))
    return Speedup(math.exp(means[least]), low, high), math.exp(means[0])


def _is_whole(block: BlockLoad) -> bool:
    return block.requests > 0 and block.cpu_s > 0 and block.elapsed_s > 0


def _without_waiting_s(block: BlockLoad) -> float:
    ran_share = block.cpu_s / (block.cpu_s + (block.waited_s or 0.0))
    return block.elapsed_s / block.requests * ran_share


def _log_ratios(
    pairs: Sequence[Sequence[tuple[BlockLoad, BlockLoad]]], measure: Callable[[BlockLoad], float]
) -> list[Floats]:
    return [np.log([measure(old) / measure(new) for old, new in one_set]) for one_set in pairs]


def _reach(sets: Sequence[Floats]) -> float | None:
    """Return half the t interval of the mean: the wider one of that over blocks and that over sets of processes.

    Processes differ from start to start, so the sets are the sample, with one degree of freedom less than sets.
    """
    values = np.concatenate(sets)
    if values.size < MIN_PAIRS:
        return None
    by_block = _half_width(values)
    return by_block if len(sets) == 1 else max(by_block, _half_width(np.asarray([one.mean() for one in sets])))


def _half_width(values: Floats) -> float:
    """Return half of Student's two-sided 95 % interval of the mean of `values` (n,)."""
    from scipy.special import stdtrit

    return float(stdtrit(values.size - 1, LEVEL)) * float(values.std(ddof=1)) / math.sqrt(values.size)
