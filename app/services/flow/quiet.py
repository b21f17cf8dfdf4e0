"""Waiting until other programs leave the computer alone, before something is measured whose times decide."""

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

from workers.contracts.disturbed import BUSY_SHARE

MOST_S = 60.0
"""A run waits for so long in all; who works beside it would otherwise wait for ever."""

FIRST_S = 20.0
"""Of these at most before the first look at the original: the final run decides, and needs the rest more."""

SHARE_OF_LIMIT = 0.1
"""Where the time is limited, at most this part of what is left."""

LOOK_S = 1.0
MOST_NAMES, LEAST_PART = 3, 0.1
"""So many programs are named, each of which used at least this part of what all others used."""

QUIET_LOOKS = 2
"""Programs pause for a moment, too: so many looks in turn must find the computer quiet."""


class Patience:
    """What one run may still wait in all. A person who does not want to wait says so once for the run."""

    def __init__(self, left_s: float = MOST_S) -> None:
        self.left_s = left_s

    def skip(self) -> None:
        """Measure at once, now and later in this run."""
        self.left_s = 0.0

    def part(self, most_s: float, run_left_s: float | None) -> "QuietWait":
        """For one measurement of a run that has `run_left_s` left (None: no limit)."""
        limit_s = most_s if run_left_s is None else min(most_s, SHARE_OF_LIMIT * max(0.0, run_left_s))
        return QuietWait(self, limit_s)


def run_patience(environment: Mapping[str, str] = os.environ) -> Patience:
    """Of one run. FETTLE_WAIT_FOR_QUIET_S takes the place of the minute: 0 where programs always work side by side, as
    on a server that tests. Raises ValueError where it is no number of seconds.
    """
    said = environment.get("FETTLE_WAIT_FOR_QUIET_S", "").strip()
    try:
        return Patience(max(0.0, float(said))) if said else Patience()
    except ValueError as error:
        raise ValueError(f"FETTLE_WAIT_FOR_QUIET_S is {said!r}, and has to be a number of seconds.") from error


@dataclass(frozen=True)
class QuietWait:
    """Before one measurement, at most `most_s` of what the run may wait."""

    patience: Patience
    most_s: float


class OtherPrograms:
    """The share of all cores (0..1) that others than this program and its workers use, between two looks."""

    def __init__(self) -> None:
        self._own = psutil.Process()
        self._before = self._read()
        self._programs: dict[tuple[int, str], float] | None = None

    def share(self) -> float | None:
        """Since the last look; None where no time went by."""
        before, now = self._before, self._read()
        self._before = now
        span = now[0] - before[0]
        if span <= 0:
            return None
        return min(1.0, max(0.0, (now[1] - before[1] - max(0.0, now[2] - before[2])) / span))

    def names(self) -> tuple[str, ...]:
        """Return the names of the programs that used most of the processor since the last call, the busiest first; none
        at the first call.
        """
        before, self._programs = self._programs, self._read_programs()
        if before is None:
            return ()
        used: Counter[str] = Counter()
        for key, seconds in self._programs.items():
            used[key[1]] += round(1000 * max(0.0, seconds - before.get(key, seconds)))
        spent = used.total()
        return tuple(name for name, ms in used.most_common(MOST_NAMES) if ms > LEAST_PART * spent)

    def _read_programs(self) -> dict[tuple[int, str], float]:
        """Seconds of processor time of each process that is not ours, by number and name."""
        own = {self._own.pid, *(process.pid for process in self._own.children(recursive=True))}
        found = {}
        for process in psutil.process_iter(["name", "cpu_times"]):
            times, name = process.info["cpu_times"], process.info["name"]
            if times is not None and name and process.pid not in own:
                found[process.pid, name] = times.user + times.system
        return found

    def _read(self) -> tuple[float, float, float]:
        """Seconds of all cores, of those that were used, and of those that were used by us."""
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
    """`tick()` until it is False. `busy_share` is the last look's, None before the first; `disturbed_by` names the
    programs that were the busiest then, as far as two looks tell.
    """

    def __init__(
        self,
        wait: QuietWait,
        look: Callable[[], float | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        names: Callable[[], tuple[str, ...]] | None = None,
    ) -> None:
        self._patience, self._clock = wait.patience, clock
        others = OtherPrograms() if look is None or names is None else None
        self._look = look or (others.share if others is not None else lambda: None)
        self._names = names or (others.names if others is not None else tuple)
        self._began_s = self._looked_s = self._counted_s = clock()
        self._end_s = self._began_s + min(wait.most_s, wait.patience.left_s)
        self._quiet_looks = 0
        self.busy_share: float | None = None
        self.disturbed_by: tuple[str, ...] = ()

    @property
    def left_s(self) -> float:
        """Seconds that it may still last."""
        return max(0.0, min(self._end_s - self._clock(), self._patience.left_s))

    def tick(self) -> bool:
        """Look, where it is time to; False once it is quiet, over, or skipped."""
        now = self._clock()
        self._patience.left_s = max(0.0, self._patience.left_s - (now - self._counted_s))
        self._counted_s = now
        if self.left_s <= 0:
            return False
        if now - self._looked_s >= LOOK_S:
            self._looked_s = now
            self.busy_share = self._look()
            is_quiet = self.busy_share is not None and self.busy_share < BUSY_SHARE
            self._quiet_looks = self._quiet_looks + 1 if is_quiet else 0
            self.disturbed_by = () if is_quiet else self._names() or self.disturbed_by
        return self._quiet_looks < QUIET_LOOKS
