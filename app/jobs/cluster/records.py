"""Records that the program and the workers of a cluster exchange as JSON."""

from pydantic import Field

from app.jobs.interleaving import Pace
from workers.contracts.base import Frozen
from workers.contracts.disturbed import BlockLoad
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import MeasureResult
from workers.contracts.process.messages import RunJob, WorkerMessage

SHA256 = r"^[0-9a-f]{64}$"
MOST_FILE_BYTES = 64 << 30
MOST_RESULT_CHARS = 64 << 20
"""Longest result of a step, as JSON."""

PIECE_BYTES = 4 << 20
"""Bytes of a file that one message carries."""


class FileRef(Frozen):
    """The contents of one file."""

    sha256: str = Field(pattern=SHA256)
    size: int = Field(ge=0, le=MOST_FILE_BYTES)


class Input(Frozen):
    """A file or folder that jobs read, with the files below it by relative name; "" names a single file itself.

    `path` is its place on the computer that sends it; the jobs' parameters name it.
    """

    path: str
    files: dict[str, FileRef]


class Measuring(Frozen):
    """How the jobs of a step are measured in turn; see `app.jobs.interleaving.BlockGroup`."""

    pace: Pace
    sets: int
    budget_s: float | None
    slow_over_ms: float | None


class StepRequest(Frozen):
    """One step for a worker of the cluster: a job, or with `measuring` several jobs measured in turn."""

    jobs: tuple[RunJob, ...] = Field(min_length=1)
    inputs: tuple[Input, ...] = ()
    measuring: Measuring | None = None


class TimingRecord(Frozen):
    """What was measured of one job; see `app.jobs.interleaving.Timing`."""

    blocks_ms: tuple[tuple[tuple[float, ...], ...], ...] = ()
    loads: tuple[tuple[BlockLoad, ...], ...] = ()
    results: tuple[MeasureResult, ...] = ()
    error: ErrorInfo | None = None


class StepResult(Frozen):
    """Messages of a step's job in order, the files that it wrote by relative name, and what was measured."""

    messages: tuple[WorkerMessage, ...] = ()
    files: dict[str, FileRef] = {}
    timings: tuple[TimingRecord, ...] = ()
    log: str = ""


class WorkerFacts(Frozen):
    """What a worker of the cluster is: its name, the versions of Fettle and Dask, the machine, and its cores."""

    name: str = Field(max_length=200)
    version: str
    machine: str
    cores: int = Field(ge=1)
