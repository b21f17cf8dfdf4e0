"""Define the events that a running use case reports to its observer, as plain values."""

from collections.abc import Callable
from dataclasses import dataclass

from app.domain.run import Run, StepRecord
from app.domain.variant import LatencyPoint, Variant
from workers.contracts.error_info import ErrorInfo


@dataclass(frozen=True)
class StepProgress:
    """Progress of the running step; `total` and `remaining_s` are None if unknown.

    `says_more` is true if `stage` adds to the step's title. `stage_id` has the meaning of `Progress.stage_id`.
    """

    index: int | None
    stage: str
    done: float
    total: float | None
    unit: str
    remaining_s: float | None
    says_more: bool = True
    stage_id: str = ""


@dataclass(frozen=True)
class RunProgress:
    """Progress of a whole run: `share` (0 to 1) never falls, `stage` names the present work.

    `step` is the number of the running step, from 1 on; None between two steps. `remaining_s` is the expected
    time of the rest, and `steps_s` that of each step (None and () before the run has measured anything). `left_s` is
    the rest of the time limit, None without a limit; `goes_on` is true if it was granted to a run that had ended.
    """

    share: float
    stage: str
    step: int | None = None
    remaining_s: float | None = None
    steps_s: tuple[float, ...] = ()
    left_s: float | None = None
    goes_on: bool = False


@dataclass(frozen=True)
class LatenciesMeasured:
    """One block of timed requests of one variant is complete."""

    points: tuple[LatencyPoint, ...]


@dataclass(frozen=True)
class LogLine:
    """A line for the log was reported."""

    level: str
    text: str


@dataclass(frozen=True)
class MeasuringChanged:
    """A timed measurement began (True) or ended (False); while it lasts, displays should rarely redraw."""

    measuring: bool


@dataclass(frozen=True)
class WaitingForQuiet:
    """A measurement waits until other programs are idle, for at most `left_s` more seconds.

    `busy_share` is their share of the processor (0 to 1, None if not known yet). `is_over` marks the end of the wait.
    `disturbed_by` names the busiest programs, none if the computer is quiet.
    """

    busy_share: float | None
    left_s: float
    is_over: bool = False
    disturbed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class MemoryUsed:
    """The processes of this work hold more memory than before: resident bytes, with shared pages counted in each."""

    peak_bytes: int


@dataclass(frozen=True)
class JobBegan:
    """A process began a job, which is in the history by now; `step_index` has the meaning of `StepProgress.index`.

    `computer` is the name of the other computer that the process is on, "" for this one.
    """

    job_id: str
    kind: str
    title: str
    step_index: int | None = None
    computer: str = ""


@dataclass(frozen=True)
class JobEnded:
    """A job ended; `error` is None if it succeeded or was cancelled."""

    job_id: str
    error: ErrorInfo | None


Event = (
    StepRecord
    | StepProgress
    | RunProgress
    | LatenciesMeasured
    | Variant
    | Run
    | LogLine
    | MeasuringChanged
    | WaitingForQuiet
    | MemoryUsed
    | JobBegan
    | JobEnded
)
"""A step, variant or run is reported as it is after a change."""

Observer = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Ignore the event; use this function where no observer is needed."""
