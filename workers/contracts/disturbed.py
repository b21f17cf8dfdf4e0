"""Decide whether other programs disturbed a measurement; workers and store share this rule."""

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from pydantic import Field

from workers.contracts.base import Frozen

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

CLEAN_SHARE, HALF_SHARE = 0.05, 0.5
"""Largest waiting of an undisturbed slice, and of one whose time without waiting is used, as shares of its time.

An idle computer shows 0 to 0.04.
"""


class BlockLoad(Frozen):
    """System load during one timed block of `requests` (wall time `elapsed_s`).

    `cpu_s` are processor seconds of the process's own threads; `waited_s` seconds in which they were ready but other
    programs had the processor (Linux: /proc/PID/task/TID/schedstat, second field), None if unknown. `busy_share` is the
    share of all cores that other processes used, 0..1 on average over blocks; a single one is coarse, even negative.
    `stolen_s` are seconds of all cores that the host of a virtual machine gave to others, None if unknown.

    `slice_waits_s` are `waited_s` of each slice, `slice_requests` consecutive requests (the last slice may have fewer);
    None if unknown. The block began with request `first_request`, and the model has `inputs` different requests.
    """

    requests: int
    elapsed_s: float
    cpu_s: float
    waited_s: float | None = None
    busy_share: float | None = None
    stolen_s: float | None = None
    slice_requests: int = Field(1, ge=1)
    slice_waits_s: tuple[float, ...] | None = Field(None, max_length=5000)
    first_request: int = 0
    inputs: int = Field(1, ge=1)


Loads = Sequence[Sequence[BlockLoad]]


def is_under_load(*variants: Loads) -> bool | None:
    """Return whether other programs disturbed any of these versions; None if the load of one is unknown."""
    report = [_is_disturbed([load for one_set in loads for load in one_set]) for loads in variants]
    if any(report) or any(is_uneven(variants[0], loads) for loads in variants[1:]):
        return True
    return None if None in report else False


class Slice(NamedTuple):
    """One undisturbed slice of a block: its first request in the block, its time and its waiting in milliseconds."""

    begin: int
    took_ms: float
    waited_ms: float


def clean_slices(times_ms: Sequence[float], load: BlockLoad, most_share: float = CLEAN_SHARE) -> list[Slice]:
    """Return the complete slices of a block with requests of `times_ms` whose threads waited for `most_share` at most.

    Time that the host of a virtual machine gave to others counts as waiting; it is known for the whole block only.
    """
    size = load.slice_requests
    stolen_share = (load.stolen_s or 0.0) / load.elapsed_s if load.elapsed_s > 0 else 0.0
    found = []
    for number, waited_s in enumerate((load.slice_waits_s or ())[: len(times_ms) // size]):
        took_ms = sum(times_ms[number * size : (number + 1) * size])
        one = Slice(number * size, took_ms, 1000 * waited_s + stolen_share * took_ms)
        if one.waited_ms <= most_share * took_ms:
            found.append(one)
    return found


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
