"""Limit processor time, file size and memory of one job, and watch what the system does not enforce.

RLIMIT_AS does not fit, because the address space grows by 77 MiB per thread. RLIMIT_DATA therefore catches single huge
allocations, and the watchdog reads the resident memory every 50 ms. The reason for a stop is written to the job's log
before the process ends.
"""

import contextlib
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import wait
from typing import Literal

from workers.contracts.process.bootstrap import RECORD_MARK
from workers.contracts.process.messages import Limits
from workers.contracts.process.protections import MissingProtection
from workers.contracts.translation import mark

if sys.platform != "win32":
    import resource

INTERVAL_S = 0.05
DATA_HEADROOM_BYTES = 1 << 30
DATA_PER_THREAD_BYTES = 16 << 20
CPU_GRACE_S = 5
NEAR_LIMIT = 0.9
EXIT_STOPPED, EXIT_ORPHAN = 97, 98

Reason = Literal["memory", "wall_time"]


@dataclass(frozen=True)
class StopRecord:
    """Reason why the watchdog ended the process; `used` and `limit` are bytes or seconds."""

    reason: Reason
    used: float
    limit: float

    def line(self) -> str:
        """Return the record as the log line that the parent reads."""
        return RECORD_MARK + json.dumps({"reason": self.reason, "used": self.used, "limit": self.limit})


class ResidentMemory:
    """Reader of this process's resident memory, as cheap as the system allows."""

    def __init__(self) -> None:
        """Open the system's memory file on Linux; other systems use psutil."""
        self._file: int | None = None
        self._page_bytes = 0
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                self._file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
                self._page_bytes = os.sysconf("SC_PAGE_SIZE")

    def read(self) -> int | None:
        """Return the resident memory in bytes; None if it cannot be read."""
        if self._file is not None and sys.platform != "win32":
            return int(os.pread(self._file, 128, 0).split()[1]) * self._page_bytes
        try:
            import psutil

            return int(psutil.Process().memory_info().rss)
        except Exception:  # a missing reading must not end the job
            return None


def _sleep() -> bool:
    time.sleep(INTERVAL_S)
    return False


def _parent_watch() -> Callable[[], bool]:
    """Return a function that waits `INTERVAL_S` and returns whether the parent ended meanwhile."""
    parent = parent_process()
    if parent is None:
        return _sleep
    sentinel = parent.sentinel
    if sys.platform == "win32":
        return lambda: bool(wait([sentinel], timeout=INTERVAL_S))
    poll = select.poll()
    poll.register(sentinel, select.POLLIN)
    return lambda: bool(poll.poll(int(INTERVAL_S * 1000)))


def is_near_memory_limit(limits: Limits) -> bool:
    """Return whether this process's peak memory reached `NEAR_LIMIT` of its limit.

    Linux's ru_maxrss is not used: exec passes on the parent's peak, so a large window would count for its jobs.
    """
    if limits.memory_bytes is None or sys.platform == "win32":
        return False
    from workers.measure.memory import peak_resident_bytes

    return (peak_resident_bytes() or 0) > NEAR_LIMIT * limits.memory_bytes


def lower_priority(niceness: int) -> None:
    """Lower this process's priority below the window and other programs."""
    if sys.platform == "win32":
        import psutil

        if niceness > 0:
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    elif niceness > 0:
        os.nice(max(0, niceness - os.nice(0)))


def _set(kind: int, soft: int, hard: int | None = None) -> None:
    """Lower one limit, never above the limit that already holds."""
    old_hard = resource.getrlimit(kind)[1]
    hard = soft if hard is None else hard
    if old_hard != resource.RLIM_INFINITY:
        soft, hard = min(soft, old_hard), min(hard, old_hard)
    resource.setrlimit(kind, (soft, hard))


def set_system_limits(limits: Limits, threads: int) -> list[MissingProtection]:
    """Set the limits in the operating system; return those that it lacks."""
    if sys.platform == "win32":
        name = mark("limits on memory, processor time and file size (watched by the program itself instead)")
        return [MissingProtection(name=name)]
    _set(resource.RLIMIT_CORE, 0)
    if limits.cpu_s is not None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(usage.ru_utime + usage.ru_stime + limits.cpu_s + 0.999)
        _set(resource.RLIMIT_CPU, soft, soft + CPU_GRACE_S)
    if limits.file_bytes is not None:
        _set(resource.RLIMIT_FSIZE, limits.file_bytes)
    if limits.memory_bytes is not None and not limits.gpu:
        data = limits.memory_bytes + DATA_HEADROOM_BYTES + threads * DATA_PER_THREAD_BYTES
        _set(resource.RLIMIT_DATA, data)
    name = mark("a hard limit on memory (watched by the program itself instead)")
    return [] if sys.platform == "linux" else [MissingProtection(name=name)]


class Watchdog(threading.Thread):
    """Thread that ends this process when its parent is gone, it holds too much memory, or its time is over.

    It wakes twenty times a second for some microseconds, also during measurements.
    """

    def __init__(self, parent_pid: int) -> None:
        """Create the watchdog of a worker whose parent has this process id."""
        super().__init__(name="watchdog", daemon=True)
        self._parent_pid = parent_pid
        self._limits: Limits | None = None
        self._deadline: float | None = None
        self._resident = ResidentMemory()

    def watch(self, limits: Limits) -> None:
        """Start to enforce the limits of a job; before this call only the parent is watched."""
        if limits.wall_s is not None:
            self._deadline = time.monotonic() + limits.wall_s
        self._limits = limits

    def run(self) -> None:
        """Check the parent and the limits until one of them ends the process."""
        parent_ended = _parent_watch()
        while True:
            if parent_ended() or (sys.platform != "win32" and os.getppid() != self._parent_pid):
                end_group(EXIT_ORPHAN)
            record = self._exceeded()
            if record is not None:
                os.write(2, f"\n{record.line()}\n".encode())
                end_group(EXIT_STOPPED)

    def _exceeded(self) -> StopRecord | None:
        limits = self._limits
        if limits is None:
            return None
        if limits.memory_bytes is not None:
            used = self._resident.read()
            if used is not None and used > limits.memory_bytes:
                return StopRecord("memory", used, limits.memory_bytes)
        if self._deadline is not None and limits.wall_s is not None and time.monotonic() > self._deadline:
            return StopRecord("wall_time", limits.wall_s, limits.wall_s)
        return None


def end_group(exit_code: int) -> None:
    """End this process and all processes it started at once."""
    if sys.platform != "win32" and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(exit_code)
