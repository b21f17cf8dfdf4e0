"""Decide whether other programs disturbed a measurement; workers and store share this rule."""

from collections.abc import Sequence
from statistics import fmean, stdev

from workers.contracts.specs import BlockLoad

WAIT_SHARE = 0.1
"""Share of its time that a disturbed process's ready threads wait; an idle computer shows 0 to 0.04."""

BUSY_SHARE = 0.15
"""Share of all cores from which on other programs count as load; such a load moved medians by a tenth."""

UNEVEN_SHARE, UNEVEN_ERRORS = BUSY_SHARE / 2, 2.5
"""Limits from which on a load in the blocks of only one version counts.

Half of `BUSY_SHARE` is enough if the difference exceeds the chance effect of the system's coarse clock, in standard
errors.
"""
MIN_PAIRS = 3

Loads = Sequence[Sequence[BlockLoad]]


def is_under_load(*variants: Loads) -> bool | None:
    """Return whether other programs disturbed any of these versions; None if the load of one is unknown."""
    report = [_is_disturbed([load for one_set in loads for load in one_set]) for loads in variants]
    if any(report) or any(is_uneven(variants[0], loads) for loads in variants[1:]):
        return True
    return None if None in report else False


def is_uneven(original: Loads, version: Loads) -> bool:
    """Return whether other programs were busy during the blocks of only one version.

    Blocks with the same number are compared.
    """
    gaps = [
        old.busy_share - new.busy_share
        for old_set, new_set in zip(original, version, strict=False)
        for old, new in zip(old_set, new_set, strict=False)
        if old.busy_share is not None and new.busy_share is not None
    ]
    if len(gaps) < MIN_PAIRS:
        return False
    gap, error = abs(fmean(gaps)), stdev(gaps) / len(gaps) ** 0.5
    return gap >= UNEVEN_SHARE and gap > UNEVEN_ERRORS * error


def _is_disturbed(blocks: Sequence[BlockLoad]) -> bool | None:
    if not blocks:
        return None
    elapsed_s = sum(block.elapsed_s for block in blocks)
    busy = [block.busy_share * block.elapsed_s for block in blocks if block.busy_share is not None]
    if busy and elapsed_s > 0 and sum(busy) / elapsed_s >= BUSY_SHARE:
        return True
    waits = [block.waited_s for block in blocks if block.waited_s is not None]
    ready_s = sum(waits) + sum(block.cpu_s for block in blocks)
    if len(waits) == len(blocks) and ready_s > 0:
        return sum(waits) / ready_s >= WAIT_SHARE
    return False if busy else None
