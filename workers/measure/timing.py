"""Time blocks of requests, with only the request between two clock readings."""

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from workers.contracts.specs import BlockLoad
from workers.infer.base import Session
from workers.measure.requests import Requests

CHECK_EVERY_NS = 50_000_000
MAX_TIMED = 5000


@dataclass(frozen=True)
class Block:
    """Milliseconds of single requests, the end of each (`time.monotonic`, seconds), and the load meanwhile."""

    latencies_ms: list[float]
    ended_s: list[float]
    load: BlockLoad


def waited_s() -> float | None:
    """Return the seconds for which this process's threads were ready but had no core; None if unknown.

    Linux: the second field of each thread's schedstat, nanoseconds (Documentation/scheduler/sched-stats.rst).
    """
    total_ns, found = 0, False
    for task in _tasks():
        with contextlib.suppress(OSError, ValueError, IndexError):  # a thread may end meanwhile
            total_ns += int((task / "schedstat").read_text("ascii").split()[1])
            found = True
    return total_ns / 1e9 if found else None


def _tasks() -> list[Path]:
    try:
        return list(Path("/proc/self/task").iterdir())
    except OSError:
        return []


class OtherLoad:
    """Measures the load by other processes between its creation and `share`."""

    def __init__(self) -> None:
        """Read the current processor times."""
        self._process = psutil.Process()
        self._all, self._own = self._read()

    def _read(self) -> tuple[tuple[float, float], float]:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        counted = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        own = self._process.cpu_times()
        return (counted, counted - idle), own.user + own.system

    def share(self, *, is_short: bool = False) -> float | None:
        """Return the load by other processes, 0..1; None where no time passed.

        A short span counts only a few ticks of the system, so 0 may come out slightly wrong. With `is_short` the result
        may be negative, so that a mean over many spans is right.
        """
        (counted, busy), own = self._read()
        span = counted - self._all[0]
        if span <= 0:
            return None
        others = (busy - self._all[1]) - (own - self._own)
        return min(1.0, others / span) if is_short else min(1.0, max(0.0, others / span))


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """Exclude all present objects from garbage collection inside this context.

    Otherwise each block would begin with a collection over all imported modules, which takes some ten milliseconds.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """Disable Python's garbage collector inside this context, because it stops everything for milliseconds."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def run_block(
    session: Session, requests: Requests, *, first: int, warmup: int, timed: int, max_s: float,
    check: Callable[[], None],
) -> Block:  # fmt: skip
    """Run `warmup` requests untimed and `timed` requests timed, from request number `first` on.

    A block that would take longer than `max_s` ends early, after at least one timed request; a third of it may be
    warm-up. `check` is called between requests at most 20 times a second and may raise.
    """
    others = OtherLoad()
    started = time.perf_counter_ns()
    _warm_up(session, requests, first, warmup, started + int(max_s * 1e9 / 3), check)
    with without_collections():
        waited, cpu_s, elapsed_s = waited_s(), time.process_time(), time.perf_counter()
        spans = _time(session, requests, first, min(timed, MAX_TIMED), started + int(max_s * 1e9), check)
        cpu_s, elapsed_s = time.process_time() - cpu_s, time.perf_counter() - elapsed_s
        waited_after = waited_s()
    offset_s = time.monotonic() - time.perf_counter_ns() / 1e9
    load = BlockLoad(
        requests=len(spans), elapsed_s=elapsed_s, cpu_s=cpu_s,
        waited_s=None if waited is None or waited_after is None else max(0.0, waited_after - waited),
        busy_share=others.share(is_short=True),
    )  # fmt: skip
    return Block([(end - begin) / 1e6 for begin, end in spans], [end / 1e9 + offset_s for _, end in spans], load)


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
