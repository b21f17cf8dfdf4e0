"""What a job gets from the runtime: progress, cancel, its folder, its calibration inputs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from pydantic import BaseModel

from workers.contracts.errors import ErrorInfo
from workers.contracts.process.messages import Request, RunBlock
from workers.contracts.specs import BlockLoad

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Feeds = dict[str, NDArray[np.generic]]


class JobContext(Protocol):
    """Implemented by `workers.runtime.context` and by the recording one of the tests."""

    @property
    def work_dir(self) -> Path:
        """The only folder that the job may write, but for `kept_dir`."""

    @property
    def kept_dir(self) -> Path | None:
        """A folder that stays when the job is ended and that the same job gets again: what is finished there need not
        be done twice. None: nothing outlives the job.
        """

    @property
    def original(self) -> Path | None:
        """Folder of the model that a recipe began with, for techniques that compare with it; None elsewhere."""

    @property
    def part(self) -> str:
        """Which part of a model of two a technique works on, "" where it is a whole one."""

    @property
    def seed(self) -> int: ...

    @property
    def threads(self) -> int:
        """Cores that the job may use; bounded by affinity and cgroup."""

    @property
    def protections(self) -> tuple[str, ...]:
        """Names of the walls around this process (`workers.contracts.process.protections`)."""

    @property
    def missing_protections(self) -> tuple[str, ...]:
        """Walls that this system lacks: the name, and why in brackets."""

    def time_limit(self, seconds: float, what: str) -> AbstractContextManager[None]:
        """For code that a stranger's file keeps busy: if it takes longer, the process ends, whatever it hangs in.

        Where other programs keep the machine busy, it has more time. What was being done is told to the person
        (`what`: "checking the model"). One at a time, none inside another.
        """

    def check_cancelled(self) -> None:
        """Raise `JobCancelled` if the person asked to stop. Call it between steps, at least ten times a second."""

    def progress(self, stage: str, done: float, total: float | None = None, unit: str = "", stage_id: str = "") -> None:
        """At most ten a second are sent, the first and the last of a stage always; time left is worked out here."""

    def log(self, text: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None: ...

    def sample(self, series: str, times_s: list[float], values: list[float]) -> None: ...

    def identified(self, content: str, *, same_result: bool = True) -> None:
        """Tell what this job works on, where only the job finds that out (`Identified`); it may be ended here."""

    def calibration(self, limit: int | None = None) -> "Iterator[Feeds]":
        """The calibration split as model inputs with a batch axis of 1, in a fixed order. Empty without data."""

    def blocks(self) -> Iterator[RunBlock]:
        """Measurement only: yields each `RunBlock` that the parent passes; ends after the last one."""

    def block_done(self, index: int, latencies_ms: list[float], load: BlockLoad | None = None) -> None: ...

    def loaded(self) -> None:
        """Tell the parent that the model is loaded and the process waits for its turn, or for what is asked."""

    def requests(self) -> Iterator[Request]:
        """Jobs that stay open only: yields each `Request` with a request, waits between them, ends at one without."""

    def has_request(self) -> bool:
        """Whether a further `Request` waits already: whoever still answers the last one may stop."""

    def answered(self, index: int, answer: BaseModel | ErrorInfo) -> None:
        """The answer to the `Request` of this index, or why this one has none."""


def derived(
    ctx: JobContext,
    *,
    work_dir: Path | None = None,
    original: Path | None = None,
    part: str | None = None,
    calibration: "Callable[..., Iterator[Feeds]] | None" = None,
) -> JobContext:
    """The context with a folder, an original or calibration inputs of its own; everything else is the job's."""
    own = {"work_dir": work_dir, "original": original, "part": part, "calibration": calibration}
    return cast(JobContext, _Derived(ctx, {name: value for name, value in own.items() if value is not None}))


class _Derived:
    def __init__(self, ctx: JobContext, own: dict[str, Any]) -> None:
        self.__dict__.update(own)
        self._ctx = ctx

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)
