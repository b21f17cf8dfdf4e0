"""One measurement of several variants in turn, as the driver needs it."""

import shutil
import time
from pathlib import Path
from statistics import fmean

from app.domain.variant import LatencyPoint
from app.jobs.turns import TurnGroup
from app.services.events import LatenciesMeasured, LogLine, Observer, StepProgress
from app.services.steps import Measured, MeasureStep
from app.services.workspace import Workspace
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import MeasureResult
from workers.contracts.messages import Failed, Limits, Log, RunJob, TurnDone


class Measurer:
    """Polls a `TurnGroup` and turns its messages into events; `measured()` when `done`."""

    def __init__(self, workspace: Workspace, step: MeasureStep) -> None:
        self._step = step
        self._started_s = time.monotonic()
        self._blocks_done = 0
        self._busy: list[float] = []
        jobs = [self._job(workspace, step, index) for index in range(len(step.contenders))]
        self._group = TurnGroup(
            jobs,
            sets=step.sets,
            blocks=step.blocks,
            warmup_requests=step.warmup_requests,
            timed_requests=step.timed_requests,
            block_max_s=step.block_max_s,
            new_client=workspace.pool.take,
        )
        self._work_dirs = [Path(job.work_dir) for job in jobs]

    @staticmethod
    def _job(workspace: Workspace, step: MeasureStep, index: int) -> RunJob:
        contender = step.contenders[index]
        job_id = f"measure-{contender.variant_id[:12]}-{time.monotonic_ns():x}"
        return RunJob(
            job_id=job_id,
            kind="measure",
            params=contender.params.model_dump(mode="json"),
            work_dir=str(workspace.job_dir(job_id)),
            read_paths=tuple(str(path) for path in contender.read_paths),
            threads=step.threads,
            limits=Limits(),
        )

    @property
    def done(self) -> bool:
        return self._group.done

    def cancel(self) -> None:
        self._group.cancel()

    def close(self) -> None:
        """End all its processes at once."""
        self._group.close()

    def poll(self, observe: Observer) -> None:
        """Pass on what has come."""
        total = self._step.sets * self._step.blocks * len(self._step.contenders)
        for index, message in self._group.poll():
            if isinstance(message, TurnDone):
                self._blocks_done += 1
                if message.busy_share is not None:
                    self._busy.append(message.busy_share)
                observe(LatenciesMeasured(self._points(index, message.latencies_ms)))
                observe(StepProgress(self._step.step_index, self._step.title, self._blocks_done, total, "blocks", None))
            elif isinstance(message, Log):
                observe(LogLine(message.level, message.text))
            elif isinstance(message, Failed):
                observe(LogLine("error", f"{message.error.title}: {message.error.detail}"))

    def _points(self, index: int, latencies_ms: list[float]) -> tuple[LatencyPoint, ...]:
        """Requests ran one after the other and the last ended about now."""
        at_s = time.monotonic() - sum(latencies_ms) / 1000
        points = []
        for latency_ms in latencies_ms:
            at_s += latency_ms / 1000
            points.append(LatencyPoint(self._step.contenders[index].variant_id, at_s, latency_ms))
        return tuple(points)

    def measured(self) -> Measured:
        """Everything that was measured; a contender that failed has a failure instead of times."""
        results: list[tuple[MeasureResult, ...]] = []
        latencies: list[tuple[tuple[float, ...], ...]] = []
        failures: list[ErrorInfo | None] = []
        for outcome in self._group.outcomes:
            latencies.append(tuple(tuple(times) for times in outcome.latencies_ms))
            results.append(tuple(outcome.results))
            failures.append(outcome.failure)
        for folder in self._work_dirs:
            shutil.rmtree(folder, ignore_errors=True)
        busy = fmean(self._busy) if self._busy else None
        return Measured(tuple(latencies), tuple(results), tuple(failures), busy)
