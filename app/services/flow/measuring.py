"""Measure several variants side by side for one step of the driver, and keep measurements across runs and projects.

Nothing is measured twice on the same machine. The key covers the contents of each model, the data, runtime and
settings; threads, sets, blocks and this protocol; and the machine with its library versions. A side-by-side measurement
is found only as a whole, since only then were all versions measured under the same conditions.
"""

import functools
import json
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

from pydantic import TypeAdapter

from app.domain.variant import LatencyPoint
from app.jobs.interleaving import LOAD_DEADLINE_S, BlockGroup, Timing
from app.jobs.process import Waitable
from app.services.flow import events
from app.services.flow.artifacts import ArtifactStore, Entry
from app.services.flow.quiet import Waiting
from app.services.flow.steps import Loads, Measured, MeasuredVariant, MeasureStep, limits_of_runtime
from app.services.flow.workspace import Workspace
from workers.contracts.disturbed import BlockLoad, is_under_load
from workers.contracts.error_info import ErrorInfo
from workers.contracts.process.messages import BlockDone, Failed, Log, Progress, RunJob, WorkerMessage
from workers.contracts.text import WHOLE
from workers.contracts.translation import _

PROTOCOL = 4
"""Protocol number; raise it whenever the requests of a block, or how they are timed, change."""

MAX_AGE = timedelta(days=7)
"""Age of the oldest usable measurement; after updates and dust in a fan, older ones no longer fit the machine."""

SENDING_S = 1800.0
"""Seconds after which a process on another computer that does not load is killed; its files are sent first."""

FILE = "measured.json"


NOT_STORED = {"failures": (), "complete": True}
"""Fields of a measurement that are not stored, because only complete measurements without a failure are."""


@functools.cache
def _stored_form() -> TypeAdapter[Measured]:
    return TypeAdapter(Measured)


class SavedMeasurements:
    """The kept measurements in the artifact store, owned by a driver."""

    def __init__(self, artifacts: ArtifactStore, jobs: Path, machine_of: Callable[[str], str] = str) -> None:
        """Create access to measurements in `artifacts`; new entries are first written below `jobs`.

        `machine_of` returns the identity of another computer by its name.
        """
        self._artifacts, self._jobs, self._machine_of = artifacts, jobs, machine_of

    def find(self, step: MeasureStep) -> Measured | None:
        """Return an earlier measurement for the step, None if there is none or if it is older than the step allows."""
        key = self.key(step)
        entry = self._artifacts.get(key) if key is not None else None
        if entry is None or step.reuse is None:
            return None
        try:
            stored = json.loads((entry.folder / FILE).read_text(encoding="utf-8"))
            kept = _stored_form().validate_python({**stored, **NOT_STORED})
        except (OSError, ValueError, TypeError):  # written by another program version
            return None
        oldest = max(step.reuse.since, step.reuse.began) if is_under_load(*kept.loads) else step.reuse.since
        if kept.measured_at is None or kept.measured_at < oldest:
            return None
        return replace(kept, failures=(None,) * len(kept.latencies_ms))

    def save(self, step: MeasureStep, measured: Measured) -> Entry | None:
        """Store a complete measurement; return None if it failed, was stopped, or may not be reused.

        Raises:
            OSError: The entry could not be written.
        """
        key = self.key(step)
        if key is None or step.reuse is None or not measured.complete or any(measured.failures):
            return None
        now = datetime.now(UTC)
        kept = replace(measured, measured_at=now)
        folder = self._jobs / f"measured-{uuid.uuid4().hex[:12]}"
        folder.mkdir(parents=True)
        try:
            (folder / FILE).write_bytes(_stored_form().dump_json(kept, exclude=set(NOT_STORED), context=WHOLE))
            return self._artifacts.adopt(folder, key, {"measured_at": now.isoformat()})
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def key(self, step: MeasureStep) -> str | None:
        """Return the key of a measurement, None if it may not be reused or involves a model outside of the store."""
        variants = [self._facts_of(variant) for variant in step.variants]
        if step.reuse is None or None in variants:
            return None
        how = {"sets": step.sets, "threads": step.threads, **asdict(step.pace)}
        slow_ms = None if step.slow_over_ms is None else "bounded"
        facts = {"protocol": PROTOCOL, "machine": step.reuse.machine, "contenders": variants, **how, "slow": slow_ms}
        if step.number:
            facts["number"] = step.number
        return self._artifacts.key("measured", facts, 0, {}, machine=self._machine_of(step.computer))

    def _facts_of(self, variant: MeasuredVariant) -> dict[str, object] | None:
        params = variant.params
        model = self._artifacts.content_of(Path(params.model_dir))
        if model is None:
            return None
        others = params.model_dump(mode="json", exclude={"model_dir"})
        return {"model": model, **others}


TIME_LIMIT = "time_limit"

NO_TIME = ErrorInfo(
    code=TIME_LIMIT,
    title="The time was up",
    detail="The time of the run ended before it was measured.",
    hint="Allow more time.",
)


class Measurer:
    """One measurement step, owned by the driver: polls a `BlockGroup` and turns its messages into events.

    Call `measured()` when `done` is True.
    """

    def __init__(self, workspace: Workspace, step: MeasureStep) -> None:
        """Create the measurement of a step; it begins at once, or after its wait for a quiet computer."""
        self.job_id = f"measure-{uuid.uuid4().hex[:12]}"
        self.step, self._folder = step, workspace.jobs
        self._began_s = time.monotonic()
        self._blocks_done = 0
        self._cut = self._is_over = False
        self._workspace = workspace
        self._group: BlockGroup | None = None
        self._waiting = Waiting(step.quiet) if step.quiet is not None and not step.computer else None
        self._reported_share: float | None = None
        if self._waiting is None:
            self._group = self._begin()

    def _begin(self) -> BlockGroup:
        step, workspace = self.step, self._workspace
        self._began_s = time.monotonic()
        left_s = None if step.until_s is None else max(0.1, step.until_s - self._began_s)
        return workspace.measure(
            [self._job(workspace, step, index) for index in range(len(step.variants))],
            step.pace,
            sets=step.sets,
            budget_s=left_s,
            slow_over_ms=step.slow_over_ms,
            load_deadline_s=SENDING_S if step.computer else LOAD_DEADLINE_S,
            new_client=workspace.pool_of(step.computer).take,
        )

    def _job(self, workspace: Workspace, step: MeasureStep, index: int) -> RunJob:
        variant = step.variants[index]
        job_id = f"{self.job_id}-{index}"
        limits = limits_of_runtime(variant.params.runtime, variant.params.settings)
        job = RunJob(
            job_id=job_id,
            kind="measure",
            params=variant.params.model_dump(mode="json"),
            work_dir=str(workspace.job_dir(job_id)),
            read_paths=tuple(str(path) for path in variant.read_paths),
            threads=step.threads,
            niceness=0,  # timed processes must not wait behind other programs; blocks are short and the window idles
            fresh_process=True,
            limits=limits if step.computer else workspace.limited(limits),
        )
        return workspace.on_card(job) if limits.gpu and not step.computer else job

    @property
    def done(self) -> bool:
        """Return whether everything was measured or the time is up."""
        if self._group is None:
            return self._is_over
        if not self._group.done and self.step.until_s is not None and time.monotonic() > self.step.until_s:
            self._cut = True
            self._group.close()
        return self._group.done

    @property
    def is_timing(self) -> bool:
        """Return whether a block of requests is timed on this computer now."""
        return self._group is not None and self._group.is_timing and not self.step.computer

    @property
    def waitables(self) -> tuple[Waitable, ...]:
        """Return handles for `multiprocessing.connection.wait`; one is ready when the timed block is over."""
        return self._group.waitables if self._group is not None else ()

    @property
    def waits_for_quiet(self) -> bool:
        """Return whether the measurement still waits for other programs to become idle."""
        return self._waiting is not None

    def skip_wait(self) -> None:
        """Measure at once, and skip all later waits of the same run."""
        if self.step.quiet is not None:
            self.step.quiet.budget.skip()

    @property
    def pids(self) -> list[int]:
        """Return the processes that are measured now."""
        return self._group.pids if self._group is not None else []

    def cancel(self) -> None:
        """Stop within a second."""
        if self._group is not None:
            self._group.cancel()
        self._is_over = True

    def close(self) -> None:
        """End all processes at once."""
        if self._group is not None:
            self._group.close()
        self._is_over = True
        self._remove_folders()

    def _wait(self, waiting: Waiting, observe: events.Observer) -> None:
        """Report each new look at the processor, and begin to measure when the wait is over."""
        goes_on = waiting.tick()
        if goes_on and (self._reported_share is None or waiting.busy_share != self._reported_share):
            self._reported_share = waiting.busy_share
            observe(events.WaitingForQuiet(waiting.busy_share, waiting.left_s, disturbed_by=waiting.disturbed_by))
        elif not goes_on:
            self._waiting = None
            report = events.WaitingForQuiet(waiting.busy_share, 0.0, is_over=True, disturbed_by=waiting.disturbed_by)
            observe(report)
            observe(events.MeasuringChanged(True))
            self._group = self._begin()

    def poll(self, observe: events.Observer) -> None:
        """Handle new messages and report events to `observe`."""
        if self._waiting is not None and not self._is_over:
            self._wait(self._waiting, observe)
        if self._group is None:
            return
        points: list[LatencyPoint] = []
        for index, message in self._group.poll():
            if isinstance(message, BlockDone):
                self._blocks_done += 1
                points += self._points(index, message.latencies_ms)
            elif isinstance(message, Progress):  # another computer sends its files, or waits for its turn
                observe(events.StepProgress(self.step.step_index, message.stage, message.done, message.total, "", None))
            elif isinstance(message, Log):
                observe(events.LogLine(message.level, message.text))
            elif isinstance(message, Failed):
                observe(events.LogLine("error", f"{message.error.title}: {message.error.detail}"))
        if points:  # another computer sends all blocks at once
            observe(events.LatenciesMeasured(tuple(points)))
            observe(self._progress(self._group))

    def _progress(self, group: BlockGroup) -> events.StepProgress:
        total = max(group.total_blocks, self._blocks_done)
        seconds = time.monotonic() - self._began_s
        left_s = seconds / self._blocks_done * (total - self._blocks_done)
        return events.StepProgress(
            self.step.step_index, self.step.title, self._blocks_done, total, "blocks", left_s, says_more=False
        )

    def _points(self, index: int, latencies_ms: list[float]) -> list[LatencyPoint]:
        """Return points with times, assuming that requests ran in sequence and the last one ended just now."""
        at_s = time.monotonic() - sum(latencies_ms) / 1000
        variant_id, points = self.step.variants[index].variant_id, []
        for latency_ms in latencies_ms:
            at_s += latency_ms / 1000
            points.append(LatencyPoint(variant_id, at_s, latency_ms))
        return points

    def measured(self) -> Measured:
        """Return all latencies; a variant that failed or had no turn has a failure instead of times.

        Only sets in which all remaining variants had a turn count.
        """
        self._remove_folders()
        outcomes = self._group.outcomes if self._group is not None else [Timing() for _ in self.step.variants]
        alive = [timing for timing in outcomes if timing.failure is None]
        sets = min((sum(1 for blocks in timing.blocks_ms if blocks) for timing in alive), default=0)
        loads = tuple(_loads(timing, sets) for timing in outcomes)
        return Measured(
            latencies_ms=tuple(_times(timing, sets) for timing in outcomes),
            results=tuple(tuple(timing.results[:sets]) for timing in outcomes),
            failures=tuple(timing.failure or (None if sets else NO_TIME) for timing in outcomes),
            busy_share=busy_share(loads),
            loads=loads,
            seconds=time.monotonic() - self._began_s,
            complete=not self._cut,
        )

    def _remove_folders(self) -> None:
        """Remove the folders that each set of processes used."""
        for folder in Path(self._folder).glob(f"{self.job_id}-*"):
            shutil.rmtree(folder, ignore_errors=True)


def busy_share(loads: Loads) -> float | None:
    """Return the mean share of all cores that other programs used in timed blocks, None if the system reports none."""
    shares = [load.busy_share for sets in loads for one_set in sets for load in one_set if load.busy_share is not None]
    return max(0.0, fmean(shares)) if shares else None


def _loads(timing: Timing, sets: int) -> tuple[tuple[BlockLoad, ...], ...]:
    """Return the loads of the same sets as `_times`, () if any block lacks them."""
    kept = [loads for loads, blocks in zip(timing.loads, timing.blocks_ms, strict=True) if any(blocks)][:sets]
    report = all(len(loads) == len(blocks) for loads, blocks in zip(timing.loads, timing.blocks_ms, strict=True))
    return tuple(tuple(loads) for loads in kept) if report else ()


def _times(timing: Timing, sets: int) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(times) for times in timing.latencies_ms[:sets] if times)


def save_measured(
    kept: SavedMeasurements, measurer: Measurer, measured: Measured, observe: events.Observer
) -> Entry | None:
    """Store the measurement for reuse; a failed write only causes a warning."""
    try:
        return kept.save(measurer.step, measured)
    except OSError as error:
        text = _("The measurement could not be kept for later: {0}.").format(error.strerror or error)
        observe(events.LogLine("warning", text))
        return None


def event_of(message: WorkerMessage, index: int | None) -> events.Event | None:
    """Return the event for a job's message, None if the message is not for observers."""
    if isinstance(message, Progress):
        report = (message.stage, message.done, message.total, message.unit, message.eta_s)
        return events.StepProgress(index, *report, stage_id=message.stage_id)
    if isinstance(message, Log):
        return events.LogLine(message.level, message.text)
    return None
