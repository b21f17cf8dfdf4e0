"""Time blocks of requests, with only the request between two clock readings."""

import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil

from workers.contracts.disturbed import BlockLoad
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


class WaitMeter:
    """Reads how long the present threads of this process were ready but had no core; files stay open for quick reading.

    Linux: the second field of each thread's schedstat, nanoseconds (Documentation/scheduler/sched-stats.rst).
    """

    def __init__(self, tasks: Path = Path("/proc/self/task")) -> None:
        """Open the counters of all threads below `tasks`; a system without them has none."""
        self._waited_ns: dict[int, int] = {}
        with contextlib.suppress(OSError):
            for task in list(tasks.iterdir()):
                with contextlib.suppress(OSError):  # a thread may end meanwhile
                    self._waited_ns[os.open(task / "schedstat", os.O_RDONLY)] = 0

    def __enter__(self) -> "WaitMeter":
        """Return the meter, whose files are open since it was created."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files of the counters."""
        for file in self._waited_ns:
            os.close(file)

    def read_s(self) -> float | None:
        """Return the seconds since the threads began; None if unknown. A thread that ended keeps its last reading."""
        for file in self._waited_ns:
            with contextlib.suppress(OSError, ValueError, IndexError):
                self._waited_ns[file] = int(os.pread(file, 64, 0).split()[1])
        return sum(self._waited_ns.values()) / 1e9 if self._waited_ns else None


class OtherLoad:
    """Measures the load by other processes between its creation and `share`."""

    def __init__(self) -> None:
        """Read the current processor times."""
        self._process = psutil.Process()
        self._stolen_s: float | None = getattr(psutil.cpu_times(), "steal", None)
        self._all, self._own = self._read()

    def stolen_s(self) -> float | None:
        """Return the seconds of all cores that the host of this virtual machine gave to others; None if unknown."""
        now_s = getattr(psutil.cpu_times(), "steal", None)
        return None if now_s is None or self._stolen_s is None else max(0.0, now_s - self._stolen_s)

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
    Objects that were excluded before, as in a forked worker, stay so: `gc.unfreeze` would include them, too.
    """
    n_before = gc.get_freeze_count()
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        if not n_before:
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
    check: Callable[[], None], slice_requests: int = 1,
) -> Block:  # fmt: skip
    """Run `warmup` requests untimed and `timed` requests timed, from request number `first` on.

    A block that would take longer than `max_s` ends early, after at least one timed request; a third of it may be
    warm-up. `check` is called between requests at most 20 times a second and may raise. The waiting of the threads is
    read after every `slice_requests` requests.
    """
    others = OtherLoad()
    started = time.perf_counter_ns()
    _warm_up(session, requests, first, warmup, started + int(max_s * 1e9 / 3), check)
    until_ns = started + int(max_s * 1e9)
    with without_collections(), WaitMeter() as meter:
        cpu_s, elapsed_s = time.process_time(), time.perf_counter()
        spans, read_s = _time(session, requests, first, min(timed, MAX_TIMED), until_ns, check, meter, slice_requests)
        cpu_s, elapsed_s = time.process_time() - cpu_s, time.perf_counter() - elapsed_s
    waits_s = _between(read_s)
    offset_s = time.monotonic() - time.perf_counter_ns() / 1e9
    load = BlockLoad(
        requests=len(spans), elapsed_s=elapsed_s, cpu_s=cpu_s,
        waited_s=None if waits_s is None else sum(waits_s), busy_share=others.share(is_short=True),
        stolen_s=others.stolen_s(), slice_requests=slice_requests, slice_waits_s=waits_s, first_request=first,
        inputs=len(requests),
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
    session: Session, requests: Requests, first: int, count: int, until_ns: int, check: Callable[[], None],
    meter: WaitMeter, slice_requests: int,
) -> tuple[list[tuple[int, int]], list[float | None]]:  # fmt: skip
    """Return begin and end of each timed request in nanoseconds, and the meter read around each slice."""
    clock, run = time.perf_counter_ns, session.run
    spans: list[tuple[int, int]] = []
    read_s = [meter.read_s()]
    checked = clock()
    for number in range(first, first + count):
        feeds = requests.feed(number)
        begin = clock()
        outputs = run(feeds)
        end = clock()
        spans.append((begin, end))
        requests.carry(outputs)
        if len(spans) % slice_requests == 0:
            read_s.append(meter.read_s())
        if end > until_ns:
            break
        if end - checked > CHECK_EVERY_NS:
            check()
            checked = end
    if len(spans) % slice_requests:
        read_s.append(meter.read_s())
    return spans, read_s


def _between(read_s: list[float | None]) -> tuple[float, ...] | None:
    """Return the differences of neighboring readings, None if one is unknown."""
    known = [value for value in read_s if value is not None]
    if len(known) < len(read_s):
        return None
    return tuple(max(0.0, after - before) for before, after in pairwise(known))
