"""The parts of a measurement under load that are not LoadGen's: batch sizes, request rates, batching, a cache."""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from workers.contracts.after.load import BatchingResult, CacheResult, RatePoint, ServingResult, SweepPoint, SweepResult
from workers.contracts.errors import InputRefused
from workers.contracts.specs import LatencySummary
from workers.infer.base import Session
from workers.infer.batch_mates import depends_on_mates
from workers.measure.latency import summarize
from workers.measure.load.answer_cache import AnswerCache, Feeds, che_hit_rate, run_cached, zipf
from workers.measure.load.batching import Policy, Served, poisson_arrivals, serve, simulate
from workers.measure.load.batching_times import measured_service
from workers.measure.requests import Requests, load_requests, run_first
from workers.measure.spread import median_bounds, throughput_bounds
from workers.measure.throughput import knee, warm_up
from workers.pipeline.pipeline import load_pipeline

Check = Callable[[], None]

LATER_WARMUP_S = 0.5
"""The first batch size warms the runtime up; further ones only need their memory."""
SHARES = (0.3, 0.5, 0.7, 0.8, 0.9)
"""Request rates as shares of what the model can do alone."""
BATCHING_SHARE = 0.5
"""Rate at which batching is tried, as a share of what full batches can do: near that, waiting has no steady state."""
LEAST_BATCH = 4
CACHE_ITEMS, CACHE_SHARE, CACHE_EXPONENT = 1000, 0.25, 1.0
MAX_ORDER = 200_000
ONE_STEP = "It carries state from one call to the next, so it takes one step at a time."
SHARES_A_RANGE = "It rounds over a whole batch and was proven item by item, so it takes one item at a time."


@contextmanager
def without_collections() -> Iterator[None]:
    """Python's collector stops everything for milliseconds."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def timed_calls(session: Session, requests: Requests, seconds: float, check: Check) -> list[tuple[float, float]]:
    """Beginning and end (seconds of one clock) of requests one after the other, for `seconds`, one at least."""
    spans: list[tuple[float, float]] = []
    clock = time.perf_counter
    with without_collections():
        end = started = clock()
        while end - started < seconds or not spans:
            check()
            feeds = requests.feed(len(spans))
            begin = clock()
            outputs = session.run(feeds)
            end = clock()
            spans.append((begin, end))
            requests.carry(outputs)
    return spans


def sweep_point(session: Session, requests: Requests, seconds: float, check: Check) -> SweepPoint:
    """One batch size."""
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
    session: Session,
    one_core: Callable[[], Session],
    folder: Path,
    data: Path,
    runtime: str,
    batches: tuple[int, ...],
    seconds: float,
    threads: int,
    check: Check,
) -> SweepResult:
    """All batch sizes, smallest first, for `seconds` together; then, on a processor, batch 1 with one thread.

    Ends early, and says so, where the model takes no batch of a size, or was proven item by item only.
    """
    each = seconds / (len(batches) + (threads > 1))
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
    alone = None
    if threads > 1 and session.device_ran.startswith("cpu"):
        single, requests = one_core(), load_requests(folder, data)
        warm_up(single, requests, min(each, LATER_WARMUP_S), check)
        alone = sweep_point(single, requests, each, check)
        single.close()
    best = knee([point.batch for point in points], [point.throughput_per_s for point in points])
    return SweepResult(points=tuple(points), knee_batch=best, threads=threads, one_core=alone, stopped=stopped)


def serving(
    session: Session, folder: Path, data: Path, max_batch: int, seconds: float, seed: int, check: Check
) -> ServingResult:
    """Half the time at five request rates, the other half for batches: their times, then a run with arrivals.

    What takes no batches (a model with state, a language model, one that rounds over a whole batch) is served one by
    one, and it is said why.
    """
    requests = load_requests(folder, data)
    capacity = warm_up(session, requests, seconds / 4, check)
    alone = tuple(_rate(session, requests, capacity, share, seconds / 10, seed, check) for share in SHARES)
    if load_pipeline(folder).stateful:
        return ServingResult(capacity_per_s=capacity, alone=alone, why_no_batching=ONE_STEP)
    if depends_on_mates(folder):
        return ServingResult(capacity_per_s=capacity, alone=alone, why_no_batching=SHARES_A_RANGE)
    try:
        load_requests(folder, data, LEAST_BATCH)
    except InputRefused as refused:
        return ServingResult(capacity_per_s=capacity, alone=alone, why_no_batching=refused.detail)
    batching = _batching(session, requests, folder, max(max_batch, LEAST_BATCH), seconds / 2, seed, check)
    return ServingResult(capacity_per_s=capacity, alone=alone, batching=batching)


def _rate(
    session: Session, requests: Requests, capacity: float, share: float, seconds: float, seed: int, check: Check
) -> RatePoint:
    def answer(first: int, _size: int) -> None:
        requests.carry(session.run(requests.feed(first)))

    arrivals = poisson_arrivals(capacity * share, seconds, seed)
    with without_collections():
        served = serve(arrivals, answer, Policy(), check)
    return RatePoint(rate_per_s=capacity * share, load_share=share, latency=_summary(served))


def _summary(served: Served) -> LatencySummary:
    """Requests that wait behind each other are alike, so the bounds of p50 come from stretches of them."""
    values = [float(value) * 1000 for value in served.latencies_s]
    low, high = median_bounds(values)
    return summarize(values).model_copy(update={"p50_low_ms": low, "p50_high_ms": high})


def _batching(
    session: Session, requests: Requests, folder: Path, max_batch: int, seconds: float, seed: int, check: Check
) -> BatchingResult:
    """A fifth of the time for the times of batches, gathered as arrivals are; the rest for the run itself."""
    pipeline = load_pipeline(folder)

    def answer(first: int, size: int) -> None:
        feeds = [requests.feed(first + offset) for offset in range(size)]
        session.run(feeds[0] if size == 1 else pipeline.batch(feeds))

    with without_collections():
        times = measured_service(answer, max_batch, seconds / 5, check)
    full_s = times.median(max_batch)
    policy = Policy(max_batch, full_s)
    rate = BATCHING_SHARE * max_batch / full_s
    arrivals = poisson_arrivals(rate, seconds * 4 / 5, seed)
    expected = simulate(arrivals, times.drawn(seed), policy)
    with without_collections():
        measured = serve(arrivals, answer, policy, check)
    return _compared(policy, rate, expected, measured)


def _compared(policy: Policy, rate: float, expected: Served, measured: Served) -> BatchingResult:
    found = _summary(measured)
    p50, p90 = (float(value) * 1000 for value in np.percentile(expected.latencies_s, (50, 90)))
    return BatchingResult(
        max_batch=policy.max_batch,
        max_wait_ms=policy.max_wait_s * 1000,
        rate_per_s=rate,
        n=found.n,
        expected_p50_ms=p50,
        expected_p90_ms=p90,
        expected_mean_batch=expected.mean_batch,
        measured=found,
        measured_mean_batch=measured.mean_batch,
        error_p50=p50 / found.p50_ms - 1,
        error_p90=p90 / found.p90_ms - 1,
    )


def cached(session: Session, folder: Path, data: Path, seconds: float, seed: int, check: Check) -> CacheResult:
    """Half the time without a cache, half with one that is full already; the same requests.

    Raises `InputRefused` for a model with state, and for fewer than 8 inputs.
    """
    if load_pipeline(folder).stateful:
        raise _no_cache(ONE_STEP)
    requests = load_requests(folder, data, limit=CACHE_ITEMS)
    items = len(requests)
    if items < 2 * LEAST_BATCH:
        raise _no_cache(f"There are only {items} test inputs, too few to tell what comes again.")
    chances, capacity = zipf(items, CACHE_EXPONENT), max(1, round(CACHE_SHARE * items))
    warm_up(session, requests, seconds / 4, check)
    order: list[int] = np.random.default_rng(seed).choice(items, MAX_ORDER, p=chances).tolist()
    without = run_cached(order, requests.feed, session.run, AnswerCache(0), seconds / 2, check)
    cache = AnswerCache(capacity)
    known = _answers(session, requests, check)
    for item in order[: -20 * capacity : -1]:  # a full cache, as it is after a while
        cache.answer(requests.feed(item), partial(_known, known[item]))
    with_cache = run_cached(order, requests.feed, session.run, cache, seconds / 2, check)
    n, hits = len(with_cache.hit), int(with_cache.hit.sum())
    low, high = _wilson(hits, n)
    return CacheResult(
        items=items,
        capacity=capacity,
        exponent=CACHE_EXPONENT,
        n=n,
        expected_hit_rate=che_hit_rate(chances, capacity),
        hit_rate=hits / n,
        hit_rate_low=low,
        hit_rate_high=high,
        without_p50_ms=float(np.median(without.latencies_ms)),
        with_p50_ms=float(np.median(with_cache.latencies_ms)),
        hit_p50_ms=float(np.median(with_cache.latencies_ms[with_cache.hit])) if hits else None,
        without_per_s=len(without.hit) / without.seconds,
        with_per_s=n / with_cache.seconds,
    )


def _known(answer: object, _feeds: Feeds) -> object:
    return answer


def _answers(session: Session, requests: Requests, check: Check) -> list[object]:
    found: list[object] = []
    for number in range(len(requests)):
        check()
        found.append(session.run(requests.feed(number)))
    return found


def _wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """95 % bounds of a share (Wilson 1927)."""
    share, spread = hits / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * (share * (1 - share) / n + spread / (4 * n)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def _no_cache(detail: str) -> InputRefused:
    return InputRefused("no_cache", "A cache of answers was not measured", detail, "Everything else is measured.")
