"""Interface between a job and the runtime: progress, cancellation, its folder, its calibration inputs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, cast

from pydantic import BaseModel

from workers.contracts.disturbed import BlockLoad
from workers.contracts.error_info import ErrorInfo
from workers.contracts.process.messages import Request, RunBlock
from workers.contracts.process.protections import MissingProtection

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Feeds = dict[str, NDArray[np.generic]]

Item = TypeVar("Item")


class JobContext(Protocol):
    """The runtime as seen by one job; implemented by `workers.runtime.context` and by the recording one for tests."""

    @property
    def work_dir(self) -> Path:
        """Return the only folder that the job may write to, except `persistent_dir`."""

    @property
    def persistent_dir(self) -> Path | None:
        """Return a folder that outlives the job and that the same job receives again; None if nothing outlives it.

        Results in this folder need not be computed twice.
        """

    @property
    def original(self) -> Path | None:
        """Return the folder of a recipe's first model, for techniques that compare with it; None elsewhere."""

    @property
    def part(self) -> str:
        """Return the part of a two-part model that a technique works on; "" for a whole model."""

    @property
    def seed(self) -> int:
        """Return the seed of the job's random numbers."""
        ...

    @property
    def threads(self) -> int:
        """Return the number of cores that the job may use, limited by affinity and cgroup."""

    @property
    def protections(self) -> tuple[str, ...]:
        """Return the names of the active protections (`workers.contracts.process.protections`)."""

    @property
    def missing_protections(self) -> tuple[MissingProtection, ...]:
        """Return the protections that this system lacks: the name, with the reason in brackets."""

    def time_limit(self, seconds: float, what: str) -> AbstractContextManager[None]:
        """Limit the time of code that works on a file of other people; a timeout ends the process, wherever it hangs.

        Limits cannot be nested. The limit is longer when other programs keep the computer busy.

        Args:
            seconds: Time limit.
            what: Activity that the message about a timeout names ("checking the model").
        """

    def check_cancelled(self) -> None:
        """Raise `JobCancelled` if the user asked to stop; call it between steps, at least ten times a second."""

    def progress(self, stage: str, done: float, total: float | None = None, unit: str = "", stage_id: str = "") -> None:
        """Report progress; at most ten messages a second are sent, always including the first and last of a stage.

        The remaining time is estimated here.
        """

    def log(self, text: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        """Write a line to the job's log and send it to the parent."""
        ...

    def sample(self, series: str, times_s: list[float], values: list[float]) -> None:
        """Send points of a curve; `times_s` are `time.monotonic()` values."""
        ...

    def identified(self, content: str, *, same_result: bool = True) -> None:
        """Report what this job works on, if only the job can find that out (`Identified`); the job may end here."""

    def calibration(self, limit: int | None = None) -> "Iterator[Feeds]":
        """Yield the calibration split as model inputs with a batch axis of 1, in a fixed order; empty without data."""

    def blocks(self) -> Iterator[RunBlock]:
        """Yield each `RunBlock` that the parent sends until the last one; for measurements only."""

    def block_done(self, index: int, latencies_ms: list[float], load: BlockLoad | None = None) -> None:
        """Report the latencies (milliseconds) and the load of a block."""
        ...

    def loaded(self) -> None:
        """Report that the model is loaded and the process waits for a block or a request."""

    def requests(self) -> Iterator[Request]:
        """Yield each `Request` and wait between them, until an empty one; for jobs that stay open."""

    def has_request(self) -> bool:
        """Return whether another `Request` is waiting, so that the current prediction may stop."""

    def answered(self, index: int, answer: BaseModel | ErrorInfo) -> None:
        """Send the result of the `Request` with this index, or its error."""


def in_steps(ctx: JobContext, stage: str, items: Sequence[Item], unit: str) -> Iterator[Item]:
    """Yield each item after a look for a cancellation; report the progress before each one and after the last."""
    for done, item in enumerate(items):
        ctx.check_cancelled()
        ctx.progress(stage, done, len(items), unit)
        yield item
    ctx.progress(stage, len(items), len(items), unit)


def derived(
    ctx: JobContext,
    *,
    work_dir: Path | None = None,
    original: Path | None = None,
    part: str | None = None,
    calibration: "Callable[..., Iterator[Feeds]] | None" = None,
) -> JobContext:
    """Return the context with another folder, original, part or calibration inputs; everything else stays the job's."""
    own = {"work_dir": work_dir, "original": original, "part": part, "calibration": calibration}
    return cast(JobContext, _Derived(ctx, {name: value for name, value in own.items() if value is not None}))


class _Derived:
    def __init__(self, ctx: JobContext, own: dict[str, Any]) -> None:
        self.__dict__.update(own)
        self._ctx = ctx

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)
