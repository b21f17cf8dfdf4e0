"""Forecast time and memory of runs, compare forecasts with the outcome, and learn from the difference."""

import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import ConfigDict

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from app.services.run.costs import Basis
from workers.contracts.base import Frozen
from workers.contracts.process.allowance import usable_cores

MOST_LEARNED_FROM, LEARNED_FROM = 60, 10
"""Number of latest runs to read, and of those of this machine to learn from."""

MOST_CORRECTION = 3.0
KNOWN_SHARE = 0.2
USUAL_N_TEST = 200
"""Number of test inputs to assume before the data are read."""


class Expected(Frozen):
    """Stored forecast of one run; `plain_s` and `plain_bytes` are the values without corrections from earlier runs.

    Documents of older program versions also hold bounds of the time, which nothing reads.
    """

    model_config = ConfigDict(extra="ignore")

    seconds: float
    memory_bytes: int
    plain_s: float
    plain_bytes: int


class RunForecast(Frozen):
    """Forecasts and outcome of one run; None means not known yet. `saved_s` are seconds that the cache saved."""

    run_id: str
    machine: str
    before: Expected | None = None
    refined: Expected | None = None
    seconds: float | None = None
    saved_s: float = 0.0
    memory_bytes: int | None = None
    whole: bool = False

    @property
    def is_mostly_known(self) -> bool:
        """Return whether the cache saved so much time that memory is not representative of such a run."""
        return self.saved_s > KNOWN_SHARE * (self.saved_s + (self.seconds or 0.0))


FORECAST = RecordKind("forecast", Owner.RUN, RunForecast)


def corrected(plain_s: float, plain_bytes: int, past: Sequence[tuple[Expected, RunForecast]]) -> Expected:
    """Return a forecast corrected by the outcomes of earlier runs; each pair is a forecast and its outcome."""
    times = [((run.seconds or 0.0) + run.saved_s) / was.plain_s for was, run in past if was.plain_s > 0]
    known = [(was, run.memory_bytes) for was, run in past if run.memory_bytes and not run.is_mostly_known]
    memory = [held_bytes / was.plain_bytes for was, held_bytes in known if was.plain_bytes > 0]
    seconds, memory_bytes = plain_s * correction(times), round(plain_bytes * correction(memory))
    return Expected(seconds=seconds, memory_bytes=memory_bytes, plain_s=plain_s, plain_bytes=plain_bytes)


def correction(ratios: Sequence[float]) -> float:
    """Return the median of the latest ratios, trusted more the more there are, within a factor of three."""
    last = ratios[-LEARNED_FROM:]
    if not last:
        return 1.0
    trust = len(last) / (len(last) + 1.0)
    return float(min(MOST_CORRECTION, max(1 / MOST_CORRECTION, median(last))) ** trust)


class Forecasts:
    """Reads and writes the forecasts of runs in the database."""

    def __init__(self, repositories: Repositories, machine: str = "") -> None:
        """Create access to the forecasts of the machine with this name; "" means this one."""
        self._records, self._machine = repositories.records, machine or f"{platform.node()}, {usable_cores()} cores"

    def expect(self, basis: Basis) -> Expected:
        """Return a forecast that is corrected by earlier runs on this machine."""
        stage = "refined" if basis.request_ms is not None else "before"
        past = [
            (was, run)
            for run in reversed(self._records.by_owner(FORECAST, limit=MOST_LEARNED_FROM).values())
            if run.machine == self._machine and run.whole and run.seconds and (was := getattr(run, stage)) is not None
        ]
        forecast = corrected(basis.seconds, basis.memory_bytes, past)
        limit_s = forecast.seconds if basis.budget_s is None else basis.budget_s
        return forecast.model_copy(update={"seconds": min(forecast.seconds, limit_s)})

    def of_run(self, run_id: str) -> RunForecast:
        """Return the forecasts of a run, empty for a run of an older program version."""
        return self._records.get(FORECAST, run_id) or RunForecast(run_id=run_id, machine=self._machine)

    def save(self, run_id: str, **changes: Any) -> None:
        """Change these fields of a run's forecasts and store them."""
        self._records.put(FORECAST, run_id, self.of_run(run_id).model_copy(update=changes))


def usual_basis(path: Path, recipes: int, budget_s: float | None) -> Basis:
    """Return the known facts of a run before its model is opened; a file that does not exist has 0 bytes."""
    try:
        files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        size_bytes = sum(file.stat().st_size for file in files)
    except OSError:
        size_bytes = 0
    return Basis(size_bytes, USUAL_N_TEST, recipes, budget_s)
