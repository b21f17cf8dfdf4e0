"""Define the steps that a use case yields: a use case is a generator that receives their results.

    def inspect(path: str) -> Flow[ModelInfo]:
        done = yield from JobStep("inspect", OpenParams(path=path), ModelInfo, "…").run()
        return done.result

Such a use case reads as straight-line code. The window's timer and the command line's loop drive it alike
(`app.services.flow.driver`), without threads.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from app.jobs.interleaving import Pace
from app.services.flow.background import Stopped
from workers.contracts.disturbed import BlockLoad
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import MeasureParams, MeasureResult
from workers.contracts.process.disk import DISK_FULL
from workers.contracts.process.messages import Limits
from workers.contracts.runtimes import needs_gpu

if TYPE_CHECKING:  # the first page needs steps but must not load code that reads the machine
    from app.services.flow.quiet import QuietWait

COMPUTER_CODES = "computer_"
"""Beginning of the codes of all errors that concern another computer as a whole."""

T = TypeVar("T")
R = TypeVar("R", bound=BaseModel)


class JobError(Exception):
    """A job failed; thrown into the flow, which may catch the error to continue without that part."""

    def __init__(self, error: ErrorInfo, exit_code: int) -> None:
        """Create the error with its explanation and the exit code of the command line."""
        super().__init__(f"{error.title}: {error.detail}")
        self.error, self.exit_code = error, exit_code

    @property
    def ends_run(self) -> bool:
        """Return whether further versions would fail alike: the disk is full, or the other computer is not usable."""
        return self.error.code == DISK_FULL or self.error.code.startswith(COMPUTER_CODES)


class WordedError(JobError):
    """An error of a flow itself, in words; see `ErrorInfo` for the arguments."""

    exit_code_of_kind: ClassVar[int]

    def __init__(
        self, code: str, title: str, detail: str, hint: str, by_command: str = "", traceback: str = ""
    ) -> None:
        """Create the error with the exit code of its class."""
        info = ErrorInfo(code=code, title=title, detail=detail, hint=hint, by_command=by_command, traceback=traceback)
        super().__init__(info, self.exit_code_of_kind)


class WrongRequest(WordedError):
    """The request makes no sense or is not possible now."""

    exit_code_of_kind = 2


class Refused(WordedError):
    """The user's file, choice or result cannot be used."""

    exit_code_of_kind = 3


class Unavailable(WordedError):
    """A library, device or service that the request needs is missing."""

    exit_code_of_kind = 6


class FlowCancelled(Exception):
    """The person cancelled; thrown into the flow."""


@dataclass(frozen=True)
class StepResult(Generic[R]):
    """Result of a job, and the folder that it wrote.

    `key` is the folder's key in the artifact store, "" if it is not stored. `made_s` is how many seconds a cached
    result took originally.
    """

    result: R
    folder: Path
    key: str = ""
    cached: bool = False
    made_s: float = 0.0


@dataclass(frozen=True)
class JobStep(Generic[R]):
    """One job in one process, yielded by a flow to its driver.

    Attributes:
        kind: Kind of the job.
        params: Its parameters.
        result: Type of its result.
        title: Shown while it runs.
        read_paths: Paths that the job may read.
        write_paths: Existing folders that the job may write and that stay however it ends.
        cache: Whether the job's folder goes to the artifact store under a key made of `params`.
        identity: Replaces paths of `params` in the key by a text that identifies their contents.
        by_content: The job itself finds out the contents; it is ended if the store has a result for them.
        keep_folder: Whether the job's folder stays until the caller removes it; it is otherwise removed at the end.
        goes_on: With `cache`: parts finished before an interruption stay in a folder
            (`JobContext.persistent_dir`) for the same step when it begins again.
        torch: Whether the process needs torch.
        fresh_process: Whether the job measures its own memory.
        shares_card: Whether the job only lists GPUs, which may happen during other work there.
        threads: Cores; None means all usable ones.
        seed: Seed of random numbers.
        limits: Resource limits.
        step_index: Number of the run's step, None outside of runs.
        computer: Name of the other computer on which it runs; "" means this one.
    """

    kind: str
    params: BaseModel
    result: type[R]
    title: str
    read_paths: tuple[Path, ...] = ()
    write_paths: tuple[Path, ...] = ()
    cache: bool = False
    identity: Mapping[str, str] = field(default_factory=dict)
    by_content: bool = False
    keep_folder: bool = False
    goes_on: bool = False
    torch: bool = False
    fresh_process: bool = False
    shares_card: bool = False
    threads: int | None = None
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    step_index: int | None = None
    computer: str = ""

    def run(self) -> "Flow[StepResult[R]]":
        """Yield the step to the driver and return the finished job; raises what the driver throws."""
        done: StepResult[R] = yield self
        return done


@dataclass(frozen=True)
class MeasuredVariant:
    """One variant in a measurement."""

    variant_id: str
    params: MeasureParams
    read_paths: tuple[Path, ...]


@dataclass(frozen=True)
class Reuse:
    """Conditions under which an earlier, identical measurement may be used: on this `machine`, not before `since`.

    A measurement that other programs disturbed is used only by the run that made it, which began at `began`.
    """

    machine: str
    since: datetime
    began: datetime


@dataclass(frozen=True)
class MeasureStep:
    """Several variants measured in turn, with one live process each; yielded by a flow to its driver.

    At `until_s` (`time.monotonic`) it ends with the blocks measured so far. With requests that take longer than
    `slow_over_ms`, a set has two blocks of each variant. With `quiet` it begins when other programs are idle, except on
    another `computer` ("" means this one). With `reuse` the store may provide the result, and new results are stored.
    `number` distinguishes a repeated measurement from the first one.
    """

    variants: tuple[MeasuredVariant, ...]
    title: str
    sets: int
    pace: Pace
    threads: int
    until_s: float | None = None
    slow_over_ms: float | None = None
    reuse: Reuse | None = None
    quiet: "QuietWait | None" = None
    number: int = 0
    step_index: int | None = None
    computer: str = ""


Loads = tuple[tuple[tuple[BlockLoad, ...], ...], ...]


@dataclass(frozen=True)
class Measured:
    """Result of a measurement; `latencies_ms[i][s]` are the requests of variant i in set s, in milliseconds.

    `failures[i]` is set if variant i could not be measured. `loads[i][s][b]` is the system's other load in each block,
    in the order of requests; () if unknown. `seconds` is the total time, with processes and warm-up. `complete` is
    False if the measurement was stopped early. `measured_at` is None for a new measurement, else its time.
    """

    latencies_ms: tuple[tuple[tuple[float, ...], ...], ...]
    results: tuple[tuple[MeasureResult, ...], ...]
    failures: tuple[ErrorInfo | None, ...]
    busy_share: float | None
    seconds: float = 0.0
    complete: bool = True
    measured_at: datetime | None = None
    loads: Loads = ()


@dataclass(frozen=True)
class DiskStep:
    """Work of the program itself that reads or writes much, done in a thread; the flow gets its result or exception.

    It starts no process and leaves the database alone. `work` checks now and then whether to stop; work completed
    before that counts as done. With `ends_late` it runs a program that needs seconds to end, such as the installer, and
    a cancel does not wait for it.
    """

    work: Callable[[Stopped], Any]
    ends_late: bool = False

    def run(self) -> "Flow[Any]":
        """Yield the step to the driver and return the result of the work; raises what the work raises."""
        return (yield self)


AnyStep = JobStep[Any] | MeasureStep | DiskStep
Flow = Generator[AnyStep, Any, T]


def limits_of_runtime(runtime: str, settings: Mapping[str, Any]) -> Limits:
    """Return the resource limits of a job with this runtime.

    CUDA needs the device files and reserves a huge address space; compiled models need to start the compiler.
    """
    return Limits(gpu=needs_gpu(runtime), start_programs=settings.get("compile") is True)
