"""Compare two versions by requests that no other program delayed, so that a busy computer shows the quiet speed.

Linux counts how long a process's threads were ready but had no core. Waiting delays a request by at most the sum of it,
whatever its threads do. The original's time less all its waiting is therefore at most its quiet time, and a version's
time with its waiting is at least its quiet one. So no load makes a version look faster than it is. Slices with little
waiting are compared, because there the bound is close. They are chosen by waiting alone, by one rule for both sides;
for an input without such a slice the original's slices with more waiting count, less that waiting.

Long requests meet more disturbance than short ones. Slices are therefore compared only where both sides have one that
begins with the same input.
"""

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contracts.disturbed import CLEAN_SHARE, HALF_SHARE, BlockLoad, Loads, clean_slices

LEAST_INPUTS = 4
"""Least inputs of which both sides need an undisturbed slice in a set."""

LEAST_SETS = 3

Floats = NDArray[np.float64]
Slices = dict[int, list[tuple[float, float]]]
"""(milliseconds, milliseconds waited) of a request of each slice, by the slice's first input."""


def undisturbed(
    original: Sequence[Sequence[float]], version: Sequence[Sequence[float]], original_loads: Loads, loads: Loads
) -> tuple[Floats, float] | None:
    """Compare the undisturbed slices of original and version, set by set.

    Args:
        original: milliseconds of the original's requests by set; sets of the same number were measured in turn.
        version: milliseconds of the version's requests by set.
        original_loads: the original's blocks by set.
        loads: the version's blocks by set.

    Returns:
        For each set with enough slices the log of the original's time over the version's (sets,), without the
        original's waiting, and the ratio of their 90th percentiles over all sets. None if fewer than `LEAST_SETS` sets
        have enough (all sets where there are fewer).
    """
    logs: list[float] = []
    tails: tuple[list[float], list[float]] = ([], [])
    for old_ms, new_ms, old_loads, new_loads in zip(original, version, original_loads, loads, strict=False):
        old = _slices(old_ms, old_loads, HALF_SHARE) | _slices(old_ms, old_loads)
        new = _slices(new_ms, new_loads)
        both = old.keys() & new.keys()
        if len(both) < min([LEAST_INPUTS, *(load.inputs for load in (*old_loads, *new_loads))]):
            continue
        old_total = sum(float(np.mean([ms - waited for ms, waited in old[one]])) for one in both)
        new_total = sum(float(np.mean([ms for ms, _ in new[one]])) for one in both)
        logs.append(math.log(old_total / new_total))
        for side, found in zip(tails, (old, new), strict=True):
            side += [ms - waited for one in both for ms, waited in found[one]]
    if len(logs) < max(1, min(LEAST_SETS, len(original))):
        return None
    return np.asarray(logs), float(np.percentile(tails[0], 90) / np.percentile(tails[1], 90))


def _slices(times_ms: Sequence[float], loads: Sequence[BlockLoad], most_share: float = CLEAN_SHARE) -> Slices:
    """Return the slices of one set, whose requests took `times_ms`, that waited for `most_share` at most."""
    found: Slices = defaultdict(list)
    if sum(load.requests for load in loads) != len(times_ms):
        return found
    begin = 0
    for load in loads:
        block, begin = times_ms[begin : begin + load.requests], begin + load.requests
        for one in clean_slices(block, load, most_share):
            first_input = (load.first_request + one.begin) % load.inputs
            found[first_input].append((one.took_ms / load.slice_requests, one.waited_ms / load.slice_requests))
    return found
