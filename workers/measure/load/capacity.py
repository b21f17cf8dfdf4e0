"""Find the highest rate of requests within a latency limit, by bisection with LoadGen's Server scenario."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.load import CapacityResult, CapacityTry
from workers.infer.base import Session
from workers.measure.load.loadgen import SERVER_LOAD, answers_under_load, run_scenario
from workers.measure.requests import Requests

FIRST_SHARE, MOST_SHARE = 0.5, 1.2
"""First and highest rate as shares of the back-to-back rate of the pilot."""
CLOSE_SHARE = 0.05
"""Relative difference below which two rates count as equal, because the computer's speed varies by as much."""
MOST_TRIES = 8
SETTLING_QUERIES = 1000
"""Number of queries for one rate.

LoadGen needs 662 queries to state that 99 % are within a limit if some are not (early stopping), and more if many are
not.
"""
LEAST_S = 1.0
ROUNDING, FLOOR = 1e-3, 1e-6
"""Tolerance of each number, and as a share of the largest one of its output, for another order of the same sums.

A thousandth of the largest number would hide a score of 0 next to a box at 640.
"""

Outputs = Mapping[str, NDArray[Any]]


def capacity(
    session: Session, requests: Requests, limit_ms: float, seconds: float, pilot_per_s: float, folder: Path, seed: int,
    check: Callable[[], None],
) -> CapacityResult:  # fmt: skip
    """Bisect the request rate until the highest held and the lowest failed rate differ by 5 %.

    Afterwards LoadGen's accuracy mode runs every input once at the held rate, and these predictions are compared with
    those of single requests. This is skipped for models with state, whose predictions depend on earlier requests.

    Args:
        session: the loaded model.
        requests: the requests to run.
        limit_ms: latency limit in milliseconds.
        seconds: largest time for one rate.
        pilot_per_s: requests a second, measured back to back.
        folder: folder of LoadGen's logs.
        seed: seed of LoadGen's random numbers.
        check: called between requests; it may raise.
    """
    tries: list[CapacityTry] = []
    held = fails = None
    target = FIRST_SHARE * pilot_per_s
    for number in range(MOST_TRIES):
        try_s = min(seconds, max(LEAST_S, SETTLING_QUERIES / target))
        found = run_scenario(
            session, requests, "server", try_s, target / SERVER_LOAD, folder / str(number), seed, check, limit_ms
        )
        worst_ms = found.latency.p99_ms if found.latency.p99_ms is not None else found.latency.p90_ms
        # invalid, and yet the percentile is within the limit: there were too few queries to decide
        kept = True if found.valid else False if worst_ms > limit_ms else None
        tries.append(
            CapacityTry(target_per_s=target, kept=kept, n=found.n, seconds=found.seconds, latency=found.latency)
        )
        if kept is None:
            break  # LoadGen had too few queries, and slower rates give even fewer
        held, fails = (target, fails) if kept else (held, target)
        most = MOST_SHARE * pilot_per_s if fails is None else fails
        if most - (held or 0.0) <= CLOSE_SHARE * most:
            break
        target = ((held or 0.0) + most) / 2
    best = max((one for one in tries if one.kept), key=lambda one: one.target_per_s, default=None)
    compared = changed = None
    if best is not None and not requests.links:
        alone = [session.run(requests.feed(number)) for number in range(len(requests))]
        place = folder / "accuracy"
        loaded = answers_under_load(session, requests, best.target_per_s, limit_ms, place, seed, check)
        compared = len(loaded)
        changed = sum(not is_same(alone[number], outputs) for number, outputs in loaded.items())
    return CapacityResult(
        limit_ms=limit_ms,
        per_s=None if best is None else best.target_per_s * requests.batch,
        too_many_per_s=None if fails is None else fails * requests.batch,
        tries=tuple(tries),
        compared=compared,
        changed=changed,
    )


def is_same(one: Outputs, other: Outputs) -> bool:
    """Return whether outputs are equal, for floats within rounding; values must be finite in both or in neither."""
    return one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)


def _is_same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.shape != other.shape or one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    finite = one[np.isfinite(one)]
    floor = FLOOR * float(np.abs(finite).max()) if finite.size else 0.0
    return bool(np.allclose(other, one, rtol=ROUNDING, atol=floor, equal_nan=True))
