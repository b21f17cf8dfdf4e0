"""Wait until other programs are idle before a measurement whose times decide."""

import contextlib
import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from workers.contracts.disturbed import BUSY_SHARE

MOST_S = 60.0
"""Seconds that a run waits in all; on a computer in constant use it would otherwise wait forever."""

FIRST_S = 20.0
"""Most seconds to wait before the original's first measurement; the final run decides and needs the rest more."""

SHARE_OF_LIMIT = 0.1
"""Share of the remaining time limit that one wait may use at most."""

LOOK_S = 1.0
MOST_NAMES, LEAST_PART = 3, 0.1
"""Most programs to name, and the least share of all other programs' use that each needs for it."""

QUIET_LOOKS = 2
"""Number of quiet looks in a row that end the wait, because programs also pause for a moment."""


class QuietBudget:
    """Remaining seconds that one run may wait in all; owned by its `Search`. A person can end all waits of the run."""

    def __init__(self, left_s: float = MOST_S) -> None:
        """Create a budget of `left_s` seconds."""
        self.left_s = left_s

    def skip(self) -> None:
        """Measure at once, now and later in this run."""
        self.left_s = 0.0

    def part(self, most_s: float, run_left_s: float | None) -> "QuietWait":
        """Return the wait before one measurement of a run with `run_left_s` seconds left (None: no limit)."""
        limit_s = most_s if run_left_s is None else min(most_s, SHARE_OF_LIMIT * max(0.0, run_left_s))
        return QuietWait(self, limit_s)


def quiet_budget(environment: Mapping[str, str] = os.environ) -> QuietBudget:
    """Return the wait budget of one run.

    FETTLE_WAIT_FOR_QUIET_S replaces the default minute. It is 0 where programs always run side by side, as on a test
    server.

    Raises:
        ValueError: The variable is not a number of seconds.
    """
    text = environment.get("FETTLE_WAIT_FOR_QUIET_S", "").strip()
    try:
        return QuietBudget(max(0.0, float(text))) if text else QuietBudget()
    except ValueError as error:
        raise ValueError(f"FETTLE_WAIT_FOR_QUIET_S is {text!r}, and has to be a number of seconds.") from error


@dataclass(frozen=True)
class QuietWait:
    """Wait before one measurement, at most `most_s` seconds of the run's `budget`."""

    budget: QuietBudget
    most_s: float


class OtherPrograms:
    """Use of the processor by programs other than Fettle and its workers; owned by a `Waiting`."""

    def __init__(self) -> None:
        """Take the first reading."""
        self._own = psutil.Process()
        self._before = self._read()
        self._programs: dict[tuple[int, str], float] | None = None

    def share(self) -> float | None:
        """Return the share of all cores (0 to 1) that others used since the last call, None if no time passed."""
        before, now = self._before, self._read()
        self._before = now
        span = now[0] - before[0]
        if span <= 0:
            return None
        return min(1.0, max(0.0, (now[1] - before[1] - max(0.0, now[2] - before[2])) / span))

    def names(self) -> tuple[str, ...]:
        """Return the programs that used the processor most since the last call, busiest first; () the first time."""
        before, self._programs = self._programs, self._read_programs()
        if before is None:
            return ()
        used: Counter[str] = Counter()
        for key, seconds in self._programs.items():
            used[key[1]] += round(1000 * max(0.0, seconds - before.get(key, seconds)))
        spent = used.total()
        return tuple(name for name, ms in used.most_common(MOST_NAMES) if ms > LEAST_PART * spent)

    def _read_programs(self) -> dict[tuple[int, str], float]:
        """Return the processor seconds of each foreign process by its number and name."""
        own = {self._own.pid, *(process.pid for process in self._own.children(recursive=True))}
        found = {}
        for process in psutil.process_iter(["name", "cpu_times"]):
            times, name = process.info["cpu_times"], process.info["name"]
            if times is not None and name and process.pid not in own:
                found[process.pid, name] = times.user + times.system
        return found

    def _read(self) -> tuple[float, float, float]:
        """Return the seconds of all cores: counted, used, and used by Fettle."""
        times = psutil.cpu_times()
        counted = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        idle = times.idle + getattr(times, "iowait", 0.0)
        own = 0.0
        for process in (self._own, *self._own.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                used = process.cpu_times()
                own += used.user + used.system
        return counted, counted - idle, own


class Waiting:
    """One wait for a quiet computer, owned by a `Measurer`: call `tick()` until it returns False.

    `busy_share` is from the last look, None before the first. `disturbed_by` names the busiest programs then, once two
    looks were made.
    """

    def __init__(self, wait: QuietWait) -> None:
        """Begin a wait with its limit and the run's budget."""
        self._budget, self._others = wait.budget, OtherPrograms()
        self._last_look_s = self._counted_s = time.monotonic()
        self._end_s = self._counted_s + min(wait.most_s, wait.budget.left_s)
        self._quiet_looks = 0
        self.busy_share: float | None = None
        self.disturbed_by: tuple[str, ...] = ()

    @property
    def left_s(self) -> float:
        """Return the seconds that the wait may still last."""
        return max(0.0, min(self._end_s - time.monotonic(), self._budget.left_s))

    def tick(self) -> bool:
        """Look if a look is due; return False once the computer is quiet, the time is up, or the wait was skipped."""
        now = time.monotonic()
        self._budget.left_s = max(0.0, self._budget.left_s - (now - self._counted_s))
        self._counted_s = now
        if self.left_s <= 0:
            return False
        if now - self._last_look_s >= LOOK_S:
            self._last_look_s = now
            self.busy_share = self._others.share()
            is_quiet = self.busy_share is not None and self.busy_share < BUSY_SHARE
            self._quiet_looks = self._quiet_looks + 1 if is_quiet else 0
            self.disturbed_by = () if is_quiet else self._others.names() or self.disturbed_by
        return self._quiet_looks < QUIET_LOOKS
