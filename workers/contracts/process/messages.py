"""The messages between the window's process and a worker: JSON bytes of these models over a duplex pipe.

Parent → child: `RunJob`, `RunBlock`, `Request`, `Cancel`. Child → parent: any number of `Ready`, `Progress`,
`StageLimit`, `Log`, `Sample`, `Identified`, `BlockDone`, `Answered`, then exactly one of `Finished`, `Failed`,
`Cancelled`.
"""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter

from workers.contracts.base import Frozen
from workers.contracts.errors import ErrorInfo
from workers.contracts.specs import BlockLoad

MAX_SAMPLES_PER_MESSAGE = 5000
"""Longer batches take the window over 0.3 ms to read (measured)."""


class Card(Frozen):
    """One GPU: NVML's UUID ("GPU-…"), which is the same in every order, and its place among all, as in ``cuda:1``."""

    uuid: str
    index: int = 0


class Limits(Frozen):
    """What one job may use. `None` lifts a limit.

    `gpu` opens the device files of the GPU; memory is then watched but not limited by the system, since CUDA reserves
    huge address space. `card` is the one GPU that the job sees; None: all, in the order of their places (PCI). After
    `idle_s` without any work of the processor the job hangs, and is ended.
    """

    memory_bytes: int | None = 8 << 30
    cpu_s: float | None = 3600
    wall_s: float | None = None
    idle_s: float | None = None
    file_bytes: int | None = 16 << 30
    network: bool = False
    start_programs: bool = False
    gpu: bool = False
    card: Card | None = None


class RunJob(Frozen):
    """Do one job. `kind` is one of `workers.runtime.kinds`, `params` fits the model that its function takes.

    `write_paths` are folders beside `work_dir` that may be written, too: what has come of a download outlives its job.
    `kept_dir` is one of them, where long work keeps what it has finished; "" where nothing is to outlive the job.
    `gpu_cache` is one of them, where drivers and engines keep what they compiled for a card; "" in the job's folder.
    `fresh_process`: it measures its memory, so that no library may be loaded before.
    """

    type: Literal["run_job"] = "run_job"
    job_id: str
    kind: str
    params: dict[str, JsonValue]
    work_dir: str
    read_paths: tuple[str, ...] = ()
    write_paths: tuple[str, ...] = ()
    kept_dir: str = ""
    gpu_cache: str = ""
    seed: int = 0
    threads: int = 1
    niceness: int = 10
    fresh_process: bool = False
    limits: Limits = Limits()


class RunBlock(Frozen):
    """One block of a measurement: the process that holds the turn runs it, all others are silent.

    `warmup_requests` untimed, then `timed_requests` timed ones, both from request number `first_request` on: who gets
    fewer into a block begins the next one with the same input as all others. `last` ends the job after this block.
    """

    type: Literal["block"] = "block"
    index: int
    warmup_requests: int = 10
    timed_requests: int = 40
    max_s: float = 10.0
    last: bool = False
    first_request: int = 0


class Request(Frozen):
    """A question to a job that stays open; `request` is what its kind takes. One without a request ends the job."""

    type: Literal["request"] = "request"
    index: int = 0
    request: dict[str, JsonValue] | None = None


class Cancel(Frozen):
    """Stop at the next check; half a second later the parent kills."""

    type: Literal["cancel"] = "cancel"


class Ready(Frozen):
    """The child is up and waits for `RunJob` (or, in a measurement, has loaded the model and waits for `RunBlock`)."""

    type: Literal["ready"] = "ready"
    pid: int
    state: Literal["started", "loaded"] = "started"
    protections: tuple[str, ...] = ()
    missing_protections: tuple[str, ...] = ()


class Progress(Frozen):
    """How far a named stage is. `total` and `eta_s` are absent where they cannot be known.

    `stage` is for people; `stage_id` is for code, "" where nothing depends on which it is.
    """

    type: Literal["progress"] = "progress"
    stage: str
    stage_id: str = ""
    done: float
    total: float | None = None
    unit: str = ""
    eta_s: float | None = None


class StageLimit(Frozen):
    """From now on `what` is being done ("checking the model"); the process ends itself if that takes `seconds`.

    With `seconds` 0 it is done, and there is no limit until the next message of this kind.
    """

    type: Literal["stage_limit"] = "stage_limit"
    what: str
    seconds: float


class Log(Frozen):
    """One line for the job's log."""

    type: Literal["log"] = "log"
    level: Literal["debug", "info", "warning", "error"] = "info"
    text: str


class Sample(Frozen):
    """One batch of measurements of one series.

    `times_s` are `time.monotonic()` of the machine (comparable between processes on Linux, Windows and macOS), `values`
    in the unit that the series' name ends with (`latency_ms`, `load_pct`, `memory_bytes`, `frequency_hz`).
    """

    type: Literal["sample"] = "sample"
    series: str
    times_s: list[float] = Field(max_length=MAX_SAMPLES_PER_MESSAGE)
    values: list[float] = Field(max_length=MAX_SAMPLES_PER_MESSAGE)


class Identified(Frozen):
    """What the job works on is `content`: its result is kept under that.

    With `same_result` a parent that has what came of it before ends the job and takes that; without, what it tells at
    its end may be otherwise although the files are the same.
    """

    type: Literal["identified"] = "identified"
    content: str
    same_result: bool = True


class BlockDone(Frozen):
    """The block `index` is over; its latencies were sent as `Sample` before, outside the timed region."""

    type: Literal["block_done"] = "block_done"
    index: int
    latencies_ms: list[float] = Field(max_length=MAX_SAMPLES_PER_MESSAGE)
    load: BlockLoad | None = None


class Answered(Frozen):
    """The answer to the `Request` of this index, or why there is none; the job stays open either way."""

    type: Literal["answered"] = "answered"
    index: int
    result: dict[str, JsonValue] | None = None
    error: ErrorInfo | None = None


class Finished(Frozen):
    """The job is done; `result` is what the kind's function returned."""

    type: Literal["finished"] = "finished"
    result: dict[str, JsonValue]


class Failed(Frozen):
    """The job could not be done, in plain words."""

    type: Literal["failed"] = "failed"
    error: ErrorInfo
    exit_code: int = 1


class Cancelled(Frozen):
    """The job stopped because it was asked to."""

    type: Literal["cancelled"] = "cancelled"


ParentMessage = Annotated[RunJob | RunBlock | Request | Cancel, Field(discriminator="type")]
WorkerMessage = Annotated[
    Ready | Progress | StageLimit | Log | Sample | Identified | BlockDone | Answered | Finished | Failed | Cancelled,
    Field(discriminator="type"),
]
TERMINAL = (Finished, Failed, Cancelled)

parent_messages: TypeAdapter[ParentMessage] = TypeAdapter(ParentMessage)
worker_messages: TypeAdapter[WorkerMessage] = TypeAdapter(WorkerMessage)
