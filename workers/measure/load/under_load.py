"""Measure batch sizes with energy, and latency at several request rates, without LoadGen."""

import time
from collections.abc import Sequence
from pathlib import Path

from workers.contracts.after.load import Energy, RatePoint, ServingResult, SweepPoint, SweepResult
from workers.contracts.errors import InputRefused
from workers.contracts.translation import mark
from workers.infer.base import Session
from workers.infer.batch_mates import depends_on_mates
from workers.measure.energy import EnergyMeter
from workers.measure.latency import median_bounds, summarize, throughput_bounds
from workers.measure.requests import Requests, load_requests, run_first
from workers.measure.speech import tokens_an_answer
from workers.measure.throughput import Check, knee, served_ms, timed_calls, warm_up

LATER_WARMUP_S = 0.5
"""Warm-up of later batch sizes in seconds; the first one warms the runtime up, further ones only allocate memory."""
SHARES = (0.3, 0.5, 0.7, 0.8, 0.9)
"""Request rates as shares of the model's own throughput."""
SHARES_A_RANGE = mark(
    "This version rounds over a whole batch but was tested item by item, so it takes one item at a time."
)


def sweep_point(session: Session, requests: Requests, seconds: float, check: Check) -> SweepPoint:
    """Measure one batch size."""
    spans = timed_calls(session, requests, seconds, check)
    began_s = spans[0][0]
    low, high = throughput_bounds([end for _, end in spans], began_s, requests.batch)
    return SweepPoint(
        batch=requests.batch,
        n=len(spans),
        throughput_per_s=len(spans) * requests.batch / (spans[-1][1] - began_s),
        throughput_low=low,
        throughput_high=high,
        latency=summarize([(end - begin) * 1000 for begin, end in spans]),
    )


def sweep(
    session: Session, folder: Path, data: Path, runtime: str, batches: tuple[int, ...], seconds: float,
    energy_files: Sequence[str], check: Check,
) -> SweepResult:  # fmt: skip
    """Measure all batch sizes, smallest first, for `seconds` together, then energy at the knee for `seconds`.

    It ends early, with a sentence in `stopped`, where the model takes no batch of a size or was evaluated item by item
    only.
    """
    each = seconds / len(batches)
    points: list[SweepPoint] = []
    stopped = SHARES_A_RANGE if depends_on_mates(folder) else ""
    for batch in [1] if stopped else sorted(set(batches)):
        try:
            requests = load_requests(folder, data, batch)
            run_first(session, requests, runtime)
            warm_up(session, requests, each if not points else min(each, LATER_WARMUP_S), check)
            points.append(sweep_point(session, requests, each, check))
        except InputRefused as refused:
            if not points:
                raise
            stopped = refused.detail
            break
    best = knee([point.batch for point in points], [point.throughput_per_s for point in points])
    used = _energy(session, load_requests(folder, data, best), seconds, energy_files, check)
    return SweepResult(points=tuple(points), knee_batch=best, stopped=stopped, energy=used)


def _energy(session: Session, requests: Requests, seconds: float, files: Sequence[str], check: Check) -> Energy:
    """Read the device's counter around requests one after the other; without a counter nothing runs."""
    meter = EnergyMeter(session.device_ran, files)
    if meter.counter is None:
        return meter.read(0.0, 0)
    began_s = time.perf_counter()
    answers = len(timed_calls(session, requests, seconds, check)) * requests.batch
    found = meter.read(time.perf_counter() - began_s, answers)
    return found.model_copy(update={"tokens": answers * tokens_an_answer(session)})


def serving(session: Session, folder: Path, data: Path, seconds: float, seed: int, check: Check) -> ServingResult:
    """Measure latency at five request rates, for `seconds` together, with one request at a time.

    Queued requests depend on each other, so the bounds of p50 come from stretches.
    """
    requests = load_requests(folder, data)
    capacity_per_s = warm_up(session, requests, seconds / 4, check)
    points = []
    for rate_per_s in (capacity_per_s * share for share in SHARES):
        latencies_ms = served_ms(session, requests, rate_per_s, seconds / len(SHARES), seed, check)
        low, high = median_bounds(latencies_ms)
        latency = summarize(latencies_ms).model_copy(update={"p50_low_ms": low, "p50_high_ms": high})
        points.append(RatePoint(rate_per_s=rate_per_s, latency=latency))
    return ServingResult(alone=tuple(points))
