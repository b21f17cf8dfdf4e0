"""Job context for unit tests that records everything a job reports."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from workers.contracts.errors import ErrorInfo, JobCancelled
from workers.contracts.process.messages import BlockDone, Log, Progress, Request, RunBlock, Sample
from workers.contracts.specs import BlockLoad
from workers.runtime.calibration import calibration_feeds

if TYPE_CHECKING:
    from workers.contracts.process.context import Feeds


@dataclass
class RecordingContext:
    """Implementation of `workers.contracts.process.context.JobContext` that collects everything in lists.

    Attributes:
        planned_blocks: Blocks that `blocks()` yields.
        planned_requests: Requests that `requests()` yields.
        cancel_after: Number of checks that pass before `check_cancelled` raises, so that a test can stop a job at any
        step; None means never.
    """

    work_dir: Path
    seed: int = 0
    threads: int = 1
    data_dir: Path | None = None
    persistent_dir: Path | None = None
    original: Path | None = None
    part: str = ""
    planned_blocks: Iterable[RunBlock] = ()
    planned_requests: Iterable[Request] = ()
    cancel_after: int | None = None
    checks: int = 0
    loaded_calls: int = 0
    progress_sent: list[Progress] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    blocks_done: list[BlockDone] = field(default_factory=list)
    answers: list[tuple[int, BaseModel]] = field(default_factory=list)
    limited: list[tuple[str, float]] = field(default_factory=list)
    protections: tuple[str, ...] = ()
    missing_protections: tuple[str, ...] = ()

    @contextmanager
    def time_limit(self, seconds: float, what: str) -> Iterator[None]:
        """Record the limit without enforcing it, since this process belongs to the test."""
        self.limited.append((what, seconds))
        yield

    def check_cancelled(self) -> None:
        """Count the check and raise `JobCancelled` after `cancel_after` checks."""
        self.checks += 1
        if self.cancel_after is not None and self.checks > self.cancel_after:
            raise JobCancelled

    def progress(self, stage: str, done: float, total: float | None = None, unit: str = "", stage_id: str = "") -> None:
        """Record a progress message."""
        self.progress_sent.append(Progress(stage=stage, stage_id=stage_id, done=done, total=total, unit=unit))

    def log(self, text: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        """Record a log line."""
        self.logs.append(Log(level=level, text=text))

    def sample(self, series: str, times_s: list[float], values: list[float]) -> None:
        """Record points of a curve."""
        self.samples.append(Sample(series=series, times_s=times_s, values=values))

    def identified(self, content: str, *, same_result: bool = True) -> None:
        """Record the identity of the job's input content."""
        self.contents.append(content)

    def calibration(self, limit: int | None = None) -> "Iterator[Feeds]":
        """Yield the calibration inputs of `data_dir`."""
        return calibration_feeds(self.data_dir, limit)

    def blocks(self) -> Iterator[RunBlock]:
        """Yield the planned blocks."""
        yield from self.planned_blocks

    def block_done(self, index: int, latencies_ms: list[float], load: BlockLoad | None = None) -> None:
        """Record the latencies of a block."""
        self.blocks_done.append(BlockDone(index=index, latencies_ms=latencies_ms, load=load))

    def loaded(self) -> None:
        """Count the calls."""
        self.loaded_calls += 1

    def requests(self) -> Iterator[Request]:
        """Yield the planned requests."""
        yield from self.planned_requests

    def has_request(self) -> bool:
        """Return False: no request waits while another one is processed."""
        return False

    def answered(self, index: int, answer: BaseModel | ErrorInfo) -> None:
        """Record the result of a request."""
        self.answers.append((index, answer))
