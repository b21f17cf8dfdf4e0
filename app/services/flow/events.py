"""What a running use case tells whoever watches it. Plain values; the window and the command line show them."""

from collections.abc import Callable
from dataclasses import dataclass

from app.domain.run import Run, StepRecord
from app.domain.variant import LatencyPoint, Variant
from workers.contracts.errors import ErrorInfo


@dataclass(frozen=True)
class StepChanged:
    """A step began, ended, or was found not to be needed."""

    step: StepRecord


@dataclass(frozen=True)
class StepProgress:
    """How far the step that runs is; `total` and `eta_s` are None where they cannot be known.

    `says_more`: `stage` is more than the step's own title. `stage_id` as in `Progress`.
    """

    index: int | None
    stage: str
    done: float
    total: float | None
    unit: str
    eta_s: float | None
    says_more: bool = True
    stage_id: str = ""


@dataclass(frozen=True)
class RunProgress:
    """How far a whole run is: `share` 0..1 never falls, `stage` always names what is done now.

    `step` is the number of the step at work, from 1 on, of `steps`; None between two.
    """

    share: float
    stage: str
    step: int | None = None
    steps: int = 0


@dataclass(frozen=True)
class EndExpected:
    """Likely seconds of the final run and of the proof after it, as far as is known by now.

    `version_s` is what the next version will likely take, with what the store saved of those before. `left_s` is what
    is left of the time that the run was given, None without a limit; with `goes_on` a run that was over was given it.
    """

    final_s: float
    proof_s: float
    version_s: float | None = None
    left_s: float | None = None
    goes_on: bool = False


@dataclass(frozen=True)
class RunProgressed:
    progress: RunProgress


@dataclass(frozen=True)
class LatenciesMeasured:
    """One block of timed requests of one variant."""

    points: tuple[LatencyPoint, ...]


@dataclass(frozen=True)
class VariantChanged:
    variant: Variant


@dataclass(frozen=True)
class RunChanged:
    run: Run


@dataclass(frozen=True)
class LogLine:
    level: str
    text: str
    job_id: str = ""


@dataclass(frozen=True)
class MeasuringChanged:
    """True while a timed region runs on the processor: whoever draws should draw seldom."""

    measuring: bool


@dataclass(frozen=True)
class WaitingForQuiet:
    """Other programs use `busy_share` (0..1, None: not known yet) of the processor; it waits `left_s` more at most.

    With `is_over` it is waited no longer. `disturbed_by` names the busiest of them, none where it is quiet.
    """

    busy_share: float | None
    left_s: float
    is_over: bool = False
    disturbed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class MemoryUsed:
    """The processes of this work hold more than ever before: bytes resident, shared pages counted in each."""

    peak_bytes: int


@dataclass(frozen=True)
class JobBegan:
    """A process starts to work; the job is in the history by now. `step_index` as in `StepProgress`."""

    job_id: str
    kind: str
    title: str
    step_index: int | None = None


@dataclass(frozen=True)
class JobEnded:
    """`error` is None when it went well, and when it was cancelled."""

    job_id: str
    kind: str
    error: ErrorInfo | None


Event = (
    StepChanged
    | StepProgress
    | EndExpected
    | RunProgressed
    | LatenciesMeasured
    | VariantChanged
    | RunChanged
    | LogLine
    | MeasuringChanged
    | WaitingForQuiet
    | MemoryUsed
    | JobBegan
    | JobEnded
)
Observer = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An observer that does not look."""
