"""Forecast time and memory of runs, compare forecasts with the outcome, and learn from the difference."""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from app.domain.forecast import Basis, Forecast, Past, correction, forecast, plain_bytes, plain_s
from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from workers.contracts.base import Frozen
from workers.contracts.process.allowance import usable_cores

MOST_LEARNED_FROM = 60
"""Number of latest runs to learn from; older runs say little about the present computer and program."""
KNOWN_SHARE = 0.2
USUAL_N_TEST = 200
"""Number of test inputs to assume before the data are read."""


class Expected(Frozen):
    """Stored forecast of one run; `plain_s` and `plain_bytes` are the values without corrections from earlier runs."""

    seconds: float
    low_s: float
    high_s: float
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
        """Return whether the cache saved so much time that time and memory say little about such a run."""
        return self.saved_s > KNOWN_SHARE * (self.saved_s + (self.seconds or 0.0))


FORECAST = RecordKind("forecast", Owner.RUN, RunForecast)


def learned(plain: Expected, past: Sequence[Past]) -> Expected:
    """Return the forecast corrected by the outcomes of these runs."""
    seconds = plain.plain_s * correction([one.seconds / one.plain_s for one in past if one.plain_s > 0])
    ratios = [one.memory_bytes / one.plain_bytes for one in past if one.memory_bytes and one.plain_bytes > 0]
    return plain.model_copy(update={"seconds": seconds, "memory_bytes": round(plain.plain_bytes * correction(ratios))})


class Forecasts:
    """Reads and writes the forecasts of runs in the database."""

    def __init__(self, repositories: Repositories, machine: str) -> None:
        """Create access to the forecasts of the machine with this name."""
        self._records, self._machine = repositories.records, machine

    def expect(self, basis: Basis) -> Expected:
        """Return a forecast that is corrected by earlier runs on this machine."""
        stage = "refined" if basis.request_ms is not None else "before"
        past = [
            Past(
                was.plain_s,
                was.plain_bytes,
                run.seconds + run.saved_s,
                None if run.is_mostly_known else run.memory_bytes,
            )
            for run in reversed(self._records.by_owner(FORECAST, limit=MOST_LEARNED_FROM).values())
            if run.machine == self._machine and run.whole and run.seconds and (was := getattr(run, stage)) is not None
        ]
        found: Forecast = forecast(basis, past)
        return Expected(**asdict(found), plain_s=plain_s(basis), plain_bytes=plain_bytes(basis))

    def of_run(self, run_id: str) -> RunForecast:
        """Return the forecasts of a run, empty for a run of an older program version."""
        return self._records.get(FORECAST, run_id) or RunForecast(run_id=run_id, machine=self._machine)

    def save(self, run: RunForecast) -> None:
        """Store the forecasts of a run in place of earlier ones."""
        self._records.put(FORECAST, run.run_id, run)


def machine_name() -> str:
    """Return the name of this machine with the number of usable cores."""
    return f"{platform.node()}, {usable_cores()} cores"


def size_on_disk(path: Path) -> int:
    """Return the bytes of a model that was not opened yet, 0 if the path does not exist."""
    try:
        if path.is_dir():
            return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        return path.stat().st_size
    except OSError:
        return 0
