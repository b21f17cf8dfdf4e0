"""What a use case asks of the outside: a use case is a generator that yields steps and is sent their results.

    def inspect(path: str) -> Flow[ModelInfo]:
        done = yield JobStep(kind="inspect", params=OpenParams(path=path), result=InspectResult, title="…")

Written so, a use case reads as straight-line code, while the window's timer and the command line's loop drive it alike
(`app.services.flow.driver`), without threads.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel

from app.services.flow.background import Stopped
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import MeasureParams, MeasureResult
from workers.contracts.process.messages import Limits
from workers.contracts.runtimes import needs_gpu
from workers.contracts.specs import BlockLoad

if TYPE_CHECKING:  # the first page needs steps, and nothing that reads the machine
    from app.services.flow.quiet import QuietWait

T = TypeVar("T")
R = TypeVar("R", bound=BaseModel)


class JobError(Exception):
    """A job could not be done; thrown into the flow, which may catch it to go on without that part."""

    def __init__(self, error: ErrorInfo, exit_code: int) -> None:
        super().__init__(f"{error.title}: {error.detail}")
        self.error, self.exit_code = error, exit_code


class FlowCancelled(Exception):
    """Thrown into the flow when the person cancels."""


@dataclass(frozen=True)
class Done(Generic[R]):
    """A finished job: its result, and the folder that it wrote (in the store, if it is kept).

    `seconds` is how long it took now; `made_s` how long it took once, where it was answered from the store.
    """

    result: R
    folder: Path
    key: str | None
    cached: bool
    seconds: float
    made_s: float = 0.0


@dataclass(frozen=True)
class JobStep(Generic[R]):
    """One job in one process. Its folder is removed when it ends, unless `keep_folder`: then whoever asked removes it.

    `write_paths` are folders beside it that the job may write and that stay, however it ends; they must be there.

    With `cache` the folder goes to the artifact store under a key made of `params`. With `goes_on` besides, what it had
    finished when it was ended stays in a folder (`JobContext.kept_dir`) that the same step gets when it is begun again.

    `identity` replaces, in the key, paths of `params` by what stands for their content. With `by_content` only the job
    itself finds out what the content is; it is begun, and ended where the store has what came of it before.

    `fresh_process`: the job measures its own memory. `shares_card`: it only looks at GPUs, beside whatever runs there.
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


@dataclass(frozen=True)
class MeasuredVariant:
    """One variant in a measurement."""

    variant_id: str
    params: MeasureParams
    read_paths: tuple[Path, ...]


@dataclass(frozen=True)
class Reuse:
    """An earlier measurement of the very same is as good: on this `machine` (its facts as text), not before `since`.

    One that other programs disturbed is taken by the run alone that made it, which began at `began`. Where it shall be
    compared with what was measured apart from it, only one of the same run is as good, which began at `only_of`.
    """

    machine: str
    since: datetime
    began: datetime
    only_of: datetime | None = None


@dataclass(frozen=True)
class MeasureStep:
    """Several variants measured in turn, one live process each (RUNTIME.md, fair timing).

    At `until_s` (`time.monotonic`) it ends with what was measured by then. One whose requests take longer than
    `slow_over_ms` gets two blocks only; `least_block_s` makes those of fast models longer. With `quiet` it begins when
    other programs leave the computer alone. With `reuse` the store may answer, and what is measured is kept there;
    `number` tells the same measured once more from the first time.
    """

    variants: tuple[MeasuredVariant, ...]
    title: str
    sets: int
    blocks: int
    threads: int
    warmup_requests: int = 10
    timed_requests: int = 40
    block_max_s: float = 4.0
    least_block_s: float = 0.0
    until_s: float | None = None
    slow_over_ms: float | None = None
    reuse: Reuse | None = None
    quiet: "QuietWait | None" = None
    number: int = 0
    step_index: int | None = None


Loads = tuple[tuple[tuple[BlockLoad, ...], ...], ...]


@dataclass(frozen=True)
class Measured:
    """`latencies_ms[i][s]` are variant i's requests in set s; `failures[i]` is set where it could not be measured.

    `loads[i][s][b]` tells what else the system did in each block, in the order of its requests; () where it did not.
    `seconds` is how long all of it took, processes and warming up included. `complete` is False where it was cut off.
    `measured_at` is None for what was measured just now, else when it was, in a run that began at `run_began`.
    """

    latencies_ms: tuple[tuple[tuple[float, ...], ...], ...]
    results: tuple[tuple[MeasureResult, ...], ...]
    failures: tuple[ErrorInfo | None, ...]
    busy_share: float | None
    seconds: float = 0.0
    complete: bool = True
    measured_at: datetime | None = None
    loads: Loads = ()
    run_began: datetime | None = None


@dataclass(frozen=True)
class DiskStep:
    """Work of the program's own that reads or writes much, done beside the event loop; what it gives or raises is
    handed to the flow. It starts no process and leaves the database alone.

    It looks now and then whether it is to stop; what was done before it saw that counts as done.

    `ends_late`: it runs a program that needs seconds to end, such as the installer, and a cancel does not wait for it.
    """

    work: Callable[[Stopped], Any]
    ends_late: bool = False


AnyStep = JobStep[Any] | MeasureStep | DiskStep
Flow = Generator[AnyStep, Any, T]


def limits_of_runtime(runtime: str, settings: Mapping[str, Any]) -> Limits:
    """What a job with this runtime may use: CUDA needs the device files and reserves huge address space, and what is
    compiled needs to start the compiler.
    """
    return Limits(gpu=needs_gpu(runtime), start_programs=settings.get("compile") is True)
