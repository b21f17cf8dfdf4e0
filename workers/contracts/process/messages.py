"""Messages between the application and a worker: JSON bytes of these models over a duplex pipe.

Parent → child: `RunJob`, `RunBlock`, `Request`, `Cancel`. Child → parent: any number of `Ready`, `Progress`,
`StageLimit`, `Log`, `Sample`, `Identified`, `BlockDone`, `Answered`, then exactly one of `Finished`, `Failed`,
`Cancelled`.
"""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter

from workers.contracts.base import Frozen
from workers.contracts.disturbed import BlockLoad
from workers.contracts.error_info import ErrorInfo
from workers.contracts.process.protections import MissingProtection
from workers.contracts.text import Text

MAX_SAMPLES_PER_MESSAGE = 5000
"""Maximum number of samples per message; the window needs more than 0.3 ms to read longer ones (measured)."""


class Card(Frozen):
    """One GPU.

    Attributes:
        uuid: NVML's UUID ("GPU-…"), which is the same in every order.
        index: Position among all GPUs, as in ``cuda:1``.
    """

    uuid: str
    index: int = 0


class Limits(Frozen):
    """Resources that one job may use; None lifts a limit.

    Attributes:
        idle_s: Time without any processor work after which the job counts as hanging and is ended.
        gpu: Open the GPU's device files. Memory is then watched but not limited by the system, since CUDA reserves huge
            address space.
        card: The one GPU that the job sees; None: all, in the order of their positions (PCI).
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
    """Message to run one job.

    Attributes:
        kind: One of `workers.runtime.kinds`.
        params: Parameters for the model of the kind's function.
        write_paths: Folders besides `work_dir` that may be written, such as a download that outlives its job.
        kept_dir: One of `write_paths` for finished parts of long work; "" if nothing outlives the job.
        gpu_cache: One of `write_paths` for kernels and engines compiled for a GPU; "" means the job's folder.
        fresh_process: The job measures its memory, so that no library may be loaded before.
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
    """Message to run one block of a measurement; all other processes stay idle meanwhile.

    The block has `warmup_requests` untimed and then `timed_requests` timed requests, both from request number
    `first_request` on. A process that fits fewer requests into a block therefore starts the next one with the same
    input as all others.

    Attributes:
        max_s: Maximum duration of the block.
        last: The job ends after this block.
        slice_requests: Requests after each of which the waiting for a core is read.
    """

    type: Literal["block"] = "block"
    index: int
    warmup_requests: int = 10
    timed_requests: int = 40
    max_s: float = 10.0
    last: bool = False
    first_request: int = 0
    slice_requests: int = Field(1, ge=1)


class Request(Frozen):
    """Message with a request to a job that stays open; `request` depends on the kind, None ends the job."""

    type: Literal["request"] = "request"
    index: int = 0
    request: dict[str, JsonValue] | None = None


class Cancel(Frozen):
    """Message to stop at the next check; half a second later the parent kills the process."""

    type: Literal["cancel"] = "cancel"


class Ready(Frozen):
    """Message that the child is started and waits for `RunJob`, or has loaded its model and waits for `RunBlock`."""

    type: Literal["ready"] = "ready"
    pid: int
    state: Literal["started", "loaded"] = "started"
    protections: tuple[str, ...] = ()
    missing_protections: tuple[MissingProtection, ...] = ()


class Progress(Frozen):
    """Message about the progress of a named stage.

    Attributes:
        stage: Name for the user.
        stage_id: Id for code; "" if no code depends on it.
        total: None if unknown.
        eta_s: Remaining seconds; None if unknown.
    """

    type: Literal["progress"] = "progress"
    stage: Text
    stage_id: str = ""
    done: float
    total: float | None = None
    unit: str = ""
    eta_s: float | None = None


class StageLimit(Frozen):
    """Message that `what` starts ("checking the model") and that the process ends itself if it takes `seconds`.

    With `seconds` 0 the activity is over, and no limit holds until the next message of this kind.
    """

    type: Literal["stage_limit"] = "stage_limit"
    what: Text
    seconds: float


class Log(Frozen):
    """Message with one line for the job's log."""

    type: Literal["log"] = "log"
    level: Literal["debug", "info", "warning", "error"] = "info"
    text: str


class Sample(Frozen):
    """Message with a batch of measurements of one series.

    Attributes:
        times_s: `time.monotonic()` of the computer (comparable between processes on Linux, Windows and macOS).
        values: Values in the unit at the end of the series' name (`latency_ms`, `load_pct`, `memory_bytes`,
            `frequency_hz`).
    """

    type: Literal["sample"] = "sample"
    series: str
    times_s: list[float] = Field(max_length=MAX_SAMPLES_PER_MESSAGE)
    values: list[float] = Field(max_length=MAX_SAMPLES_PER_MESSAGE)


class Identified(Frozen):
    """Message with the identity of the job's input, `content`, under which its result is stored.

    Attributes:
        same_result: The parent may end the job and reuse an earlier result for this content. False: the result may
            differ although the files are the same.
    """

    type: Literal["identified"] = "identified"
    content: str
    same_result: bool = True


class BlockDone(Frozen):
    """Message that the block `index` is over; its latencies were sent as `Sample` before, outside the timed region."""

    type: Literal["block_done"] = "block_done"
    index: int
    latencies_ms: list[float] = Field(max_length=MAX_SAMPLES_PER_MESSAGE)
    load: BlockLoad | None = None


class Answered(Frozen):
    """Message with the result of the `Request` of this index, or its error; the job stays open either way."""

    type: Literal["answered"] = "answered"
    index: int
    result: dict[str, JsonValue] | None = None
    error: ErrorInfo | None = None


class Finished(Frozen):
    """Terminal message: the job is done; `result` is the return value of the kind's function."""

    type: Literal["finished"] = "finished"
    result: dict[str, JsonValue]


class Failed(Frozen):
    """Terminal message: the job failed, in plain words."""

    type: Literal["failed"] = "failed"
    error: ErrorInfo
    exit_code: int = 1


class Cancelled(Frozen):
    """Terminal message: the job stopped on request."""

    type: Literal["cancelled"] = "cancelled"


ParentMessage = Annotated[RunJob | RunBlock | Request | Cancel, Field(discriminator="type")]
WorkerMessage = Annotated[
    Ready | Progress | StageLimit | Log | Sample | Identified | BlockDone | Answered | Finished | Failed | Cancelled,
    Field(discriminator="type"),
]
TERMINAL = (Finished, Failed, Cancelled)

parent_messages: TypeAdapter[ParentMessage] = TypeAdapter(ParentMessage)
worker_messages: TypeAdapter[WorkerMessage] = TypeAdapter(WorkerMessage)
