"""Connect a job to the runtime: throttled progress, cancellation, calibration inputs, measurement blocks."""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from workers.contracts.disturbed import BlockLoad
from workers.contracts.error_info import ErrorInfo
from workers.contracts.process.messages import (
    MAX_SAMPLES_PER_MESSAGE,
    Answered,
    BlockDone,
    Identified,
    Log,
    Ready,
    Request,
    RunBlock,
    Sample,
    StageLimit,
    WorkerMessage,
)
from workers.contracts.process.protections import MissingProtection
from workers.contracts.text import WHOLE
from workers.runtime.calibration import calibration_feeds
from workers.runtime.inbox import Inbox
from workers.runtime.progress import ProgressThrottle
from workers.runtime.reporter import Reporter
from workers.runtime.walls.stage_limit import busy_factor, end_after

if TYPE_CHECKING:
    from workers.contracts.process.context import Feeds


def write_log_line(text: str) -> None:
    """Write a line with the current time to the job's log; characters that cannot be encoded are escaped."""
    line = f"{time.strftime('%H:%M:%S')} {text}\n"
    sys.stderr.write(line.encode(errors="backslashreplace").decode())
    sys.stderr.flush()


@dataclass
class RuntimeContext:
    """Implementation of `workers.contracts.process.context.JobContext` over a reporter and an inbox; one per job.

    Messages are held back between a `RunBlock` and its `BlockDone`: sending them would disturb the measurement.
    """

    reporter: Reporter
    inbox: Inbox
    work_dir: Path
    seed: int = 0
    threads: int = 1
    data_dir: Path | None = None
    persistent_dir: Path | None = None
    original: Path | None = None
    part: str = ""
    ready: Ready | None = None
    missing_limits: tuple[MissingProtection, ...] = ()
    _throttle: ProgressThrottle = field(default_factory=ProgressThrottle)
    _held: list[WorkerMessage] | None = None

    def _send(self, message: WorkerMessage) -> None:
        if self._held is None:
            self.reporter.send(message)
        else:
            self._held.append(message)

    @property
    def protections(self) -> tuple[str, ...]:
        """Return the protections that are active in this process."""
        return self.ready.protections if self.ready is not None else ()

    @property
    def missing_protections(self) -> tuple[MissingProtection, ...]:
        """Return the protections and limits that this computer does not offer, with the reason."""
        return (*(self.ready.missing_protections if self.ready is not None else ()), *self.missing_limits)

    @contextmanager
    def time_limit(self, seconds: float, what: str) -> Iterator[None]:
        """End the process if the block takes longer than `seconds`, extended on a busy computer; see `JobContext`."""
        seconds *= busy_factor(self.threads)
        self.reporter.send(StageLimit(what=what, seconds=seconds))
        try:
            with end_after(seconds):
                yield
        finally:
            self.reporter.send(StageLimit(what=what, seconds=0))

    def check_cancelled(self) -> None:
        """Raise `JobCancelled` if the job was cancelled."""
        self.inbox.check()

    def progress(self, stage: str, done: float, total: float | None = None, unit: str = "", stage_id: str = "") -> None:
        """Report progress, at most ten messages a second."""
        for message in self._throttle.push(stage, done, total, unit, stage_id):
            self._send(message)

    def log(self, text: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        """Write a line to the job's log and send it to the parent."""
        write_log_line(f"{level}: {text}")
        self._send(Log(level=level, text=text))

    def sample(self, series: str, times_s: list[float], values: list[float]) -> None:
        """Send points of a curve, at most `MAX_SAMPLES_PER_MESSAGE` per message; drop values that are not finite."""
        pairs = [pair for pair in zip(times_s, values, strict=True) if math.isfinite(pair[1])]
        for start in range(0, len(pairs), MAX_SAMPLES_PER_MESSAGE):
            part = pairs[start : start + MAX_SAMPLES_PER_MESSAGE]
            self._send(Sample(series=series, times_s=[at for at, _ in part], values=[value for _, value in part]))

    def identified(self, content: str, *, same_result: bool = True) -> None:
        """Report the identity of the job's input content, from which an earlier result may be reused."""
        self._send(Identified(content=content, same_result=same_result))

    def calibration(self, limit: int | None = None) -> "Iterator[Feeds]":
        """Yield the calibration inputs, at most `limit` of them."""
        return calibration_feeds(self.data_dir, limit)

    def loaded(self) -> None:
        """Report that the model is loaded and requests can come."""
        ready = self.ready or Ready(pid=0)
        self.reporter.send(ready.model_copy(update={"state": "loaded"}))

    def blocks(self) -> Iterator[RunBlock]:
        """Yield the measurement blocks as the parent starts them, until the last one."""
        last = False
        while not last:
            turn = self.inbox.next_block()
            self._held = []
            yield turn
            last = turn.last
        self._release()

    def block_done(self, index: int, latencies_ms: list[float], load: BlockLoad | None = None) -> None:
        """Report the latencies (milliseconds) of a block, after the messages that were held back."""
        self._release()
        self.reporter.send(BlockDone(index=index, latencies_ms=latencies_ms, load=load))

    def requests(self) -> Iterator[Request]:
        """Yield the parent's requests until it sends an empty one."""
        while (request := self.inbox.next_request()).request is not None:
            yield request

    def has_request(self) -> bool:
        """Return whether a request is waiting."""
        return self.inbox.has_request()

    def answered(self, index: int, answer: BaseModel | ErrorInfo) -> None:
        """Send the result of a request, or its error."""
        if isinstance(answer, ErrorInfo):
            self.reporter.send(Answered(index=index, error=answer))
        else:
            self.reporter.send(Answered(index=index, result=answer.model_dump(mode="json", context=WHOLE)))

    def _release(self) -> None:
        held, self._held = self._held or [], None
        for message in held:
            self.reporter.send(message)

    def flush(self) -> None:
        """Send all messages that were held back, before the job's terminal message."""
        self._release()
        for message in self._throttle.flush():
            self.reporter.send(message)
