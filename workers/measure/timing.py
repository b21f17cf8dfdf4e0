"""Timed blocks of requests: nothing but the request between the two readings of the clock."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from workers.infer.base import Session
from workers.measure.requests import Requests

CHECK_EVERY_NS = 50_000_000
MAX_TIMED = 5000


@dataclass(frozen=True)
class Block:
    """Milliseconds of single requests and when each ended (`time.monotonic`, seconds).

    `busy_share` is the part of all processor time that other processes used meanwhile (0..1), None where it
    is unknown.
    """

    latencies_ms: list[float]
    ended_s: list[float]
    busy_share: float | None


class OtherLoad:
    """How busy other processes keep the processor between `start` and `share`."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._all, self._own = self._read()

    def _read(self) -> tuple[tuple[float, float], float]:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        counted = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        own = self._process.cpu_times()
        return (counted, counted - idle), own.user + own.system

    def share(self) -> float | None:
        (counted, busy), own = self._read()
        span = counted - self._all[0]
        if span <= 0:
            return None
        others = (busy - self._all[1]) - (own - self._own)
        return min(1.0, max(0.0, others / span))


def run_block(
    session: Session,
    requests: Requests,
    *,
    first: int,
    warmup: int,
    timed: int,
    max_s: float,
    check: Callable[[], None],
) -> Block:
    """Run `warmup` requests untimed and `timed` timed ones, from request number `first` on.

    A block that would take longer than `max_s` ends early, with one timed request at least; a third of it
    may go into warming up. `check` is called between requests (it may raise) at most twenty times a second.
    """
    load = OtherLoad()
    started = time.perf_counter_ns()
    _warm_up(session, requests, first, warmup, started + int(max_s * 1e9 / 3), check)
    gc.collect()
    gc.disable()
    try:
        spans = _time(session, requests, first, min(timed, MAX_TIMED), started + int(max_s * 1e9), check)
    finally:
        gc.enable()
    offset_s = time.monotonic() - time.perf_counter_ns() / 1e9
    return Block(
        latencies_ms=[(end - begin) / 1e6 for begin, end in spans],
        ended_s=[end / 1e9 + offset_s for _, end in spans],
        busy_share=load.share(),
    )


def _warm_up(
    session: Session, requests: Requests, first: int, count: int, until_ns: int, check: Callable[[], None]
) -> None:
    for number in range(first, first + count):
        check()
        requests.carry(session.run(requests.feed(number)))
        if time.perf_counter_ns() > until_ns:
            return


def _time(
    session: Session, requests: Requests, first: int, count: int, until_ns: int, check: Callable[[], None]
) -> list[tuple[int, int]]:
    clock, run = time.perf_counter_ns, session.run
    spans: list[tuple[int, int]] = []
    checked = clock()
    for number in range(first, first + count):
        feeds = requests.feed(number)
        begin = clock()
        outputs = run(feeds)
        end = clock()
        spans.append((begin, end))
        requests.carry(outputs)
        if end > until_ns:
            break
        if end - checked > CHECK_EVERY_NS:
            check()
            checked = end
    return spans
