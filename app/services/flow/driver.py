"""Drive one use case: start its jobs, poll them, and pass results back, from a timer or a plain loop."""

import shutil
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from app.jobs.client import Crashed, JobClient
from app.jobs.outcome import explain
from app.jobs.process import Waitable
from app.paths import unusable
from app.services.flow.artifacts import Entry, Holding
from app.services.flow.background import INLINE_BYTES, DiskWork, size_of
from app.services.flow.card_slot import WAITING, CardSlot, device_of
from app.services.flow.events import JobBegan, JobEnded, MeasuringChanged, MemoryUsed, Observer, StepProgress
from app.services.flow.measuring import Measurer, SavedMeasurements, event_of, save_measured
from app.services.flow.memory_meter import MemoryMeter
from app.services.flow.steps import AnyStep, DiskStep, Flow, FlowCancelled, JobError, JobStep, MeasureStep, StepResult
from app.services.flow.workspace import End, JobHistory, Workspace
from workers.contracts.error_info import ErrorInfo
from workers.contracts.process.messages import Cancelled, Failed, Finished, Identified, RunJob

T = TypeVar("T")

Terminal = Finished | Failed | Cancelled | Crashed


class Driver(Generic[T]):
    """The driver of one flow, owned by the window's timer or the command line's loop.

    Call `tick()` until it returns False, then read `result` or `error`. `error` is a `JobError`, a `FlowCancelled`, or
    any other exception of the flow or the observer.
    """

    def __init__(self, workspace: Workspace, flow: Flow[T], observe: Observer) -> None:
        """Begin `flow` in a workspace, and report its events to `observe`."""
        self._workspace, self._flow, self._observe = workspace, flow, observe
        self._history = JobHistory(workspace)
        self._kept = SavedMeasurements(workspace.artifacts, workspace.jobs, workspace.machine_of)
        self._client: JobClient | None = None
        self._measurer: Measurer | None = None
        self._step: JobStep[Any] | None = None
        self._job: RunJob | None = None
        self._key: str | None = None
        self._damaged: str | None = None
        self._began_s = 0.0
        self._memory = MemoryMeter()
        self._cancelling = False
        self._disk = DiskWork()
        self._slot = CardSlot()
        self._held_back: JobStep[Any] | MeasureStep | None = None
        self._resume: Callable[[], AnyStep] | None = None
        self._is_advancing = False
        self.holding = Holding(workspace.artifacts)
        self.result: T | None = None
        self.error: BaseException | None = None
        self.finished = False
        self._advance(lambda: next(self._flow))

    def tick(self) -> bool:
        """Do all work that needs no waiting; return False when the flow is over."""
        try:
            if self._disk.is_running:
                if (after := self._disk.ended()) is not None:
                    self._guarded(after)
            elif self._measurer is not None:
                self._tick_measurer(self._measurer)
            elif self._client is not None:
                self._tick_job(self._client)
            elif self._held_back is not None:
                self._try_card(self._held_back)
        except Exception as error:  # the observer could not record an event, so the flow ends with that error
            self._stop_processes()
            self._throw(error)
        if not self.is_timing and (peak_bytes := self._memory.new_peak(self.pids)) is not None:
            self._observe(MemoryUsed(peak_bytes))
        return not self.finished

    def cancel(self) -> None:
        """Stop everything within a second; the flow then receives `FlowCancelled`."""
        if self.finished or self._cancelling:
            return
        self._cancelling = True
        if self._disk.is_running:
            self._disk.stop()
        elif self._measurer is not None:
            self._measurer.cancel()
        elif self._client is not None:
            self._client.cancel()

    @property
    def is_timing(self) -> bool:
        """Return whether a block of requests is timed now; other work should then leave the processor alone."""
        return self._measurer is not None and self._measurer.is_timing

    @property
    def waitables(self) -> tuple[Waitable, ...]:
        """Return handles for `multiprocessing.connection.wait`; one is ready when the next tick has work to do.

        Without handles, only time brings the flow on.
        """
        if self._disk.is_running or self.finished:
            return ()
        source = self._measurer or self._client
        return source.waitables if source is not None else ()

    @property
    def waits_for_quiet(self) -> bool:
        """Return whether a measurement waits because other programs keep the computer busy."""
        return self._measurer is not None and self._measurer.waits_for_quiet

    def skip_wait(self) -> None:
        """Measure at once, now and for the rest of the run."""
        if self._measurer is not None:
            self._measurer.skip_wait()

    @property
    def pids(self) -> list[int]:
        """Return the processes that work for this flow now."""
        if self._measurer is not None:
            return self._measurer.pids
        pid = self._client.pid if self._client is not None else None
        return [] if pid is None else [pid]

    def interrupt(self) -> None:
        """End everything at once because the program closes; the flow receives GeneratorExit."""
        job_id = self._measurer.job_id if self._measurer else self._job.job_id if self._job else None
        self._stop_processes()
        self.finished = True
        try:
            if job_id is not None:
                self._history.ended(job_id, "interrupted")
        finally:
            self._flow.close()
            self.holding.end()

    def _try_card(self, step: JobStep[Any] | MeasureStep) -> None:
        """Begin a step that waits for the GPU once the GPU is free."""
        if self._cancelling or self._slot.take(step, self._workspace.card()):
            self._held_back = None
            self._guarded(lambda: self._throw(FlowCancelled()) if self._cancelling else self._begin_free(step))

    def _stop_processes(self) -> None:
        self._held_back = None
        self._slot.leave()
        self._disk.stop(forget=True)
        if self._measurer is not None:
            self._measurer.close()
        if self._client is not None:
            self._client.close()
        self._client = self._measurer = self._step = self._job = None

    def _tick_job(self, client: JobClient) -> None:
        for message in client.poll():
            if isinstance(message, Terminal):
                self._end_job(client, message)
                return
            if isinstance(message, Identified):
                self._identified(message)
                if self._client is not client:
                    return
            event = event_of(message, self._step.step_index if self._step else None)
            if event is not None:
                self._observe(event)

    def _identified(self, message: Identified) -> None:
        """Handle a job's digest of its input: if the store has a result for it, end the job and use that result."""
        step, job, client = self._step, self._job, self._client
        if step is None or job is None or client is None or not step.by_content or self._cancelling:
            return
        store = self._workspace.artifacts
        key = self._key = store.key(step.kind, {"content": message.content, "asked": self._key}, step.seed, {})
        if not message.same_result or key == self._damaged or store.peek(key) is None:
            return
        client.close()
        self._client = self._step = self._job = None
        shutil.rmtree(self._workspace.job_dir(job.job_id), ignore_errors=True)
        self._report_end(job.job_id, "finished", None, client)
        self._look_up(step, key)

    def _tick_measurer(self, measurer: Measurer) -> None:
        measurer.poll(self._observe)
        if not measurer.done:
            return
        self._measurer = None
        measured = measurer.measured()
        if not self._cancelling:
            entry = save_measured(self._kept, measurer, measured, self._observe)
            if entry is not None:
                self._history.stored(entry, "measured", job=measurer.job_id)
        failure = next((failure for failure in measured.failures if failure is not None), None)
        state: End = "cancelled" if self._cancelling else "failed" if failure else "finished"
        self._report_end(measurer.job_id, state, None if self._cancelling else failure)
        self._observe(MeasuringChanged(False))
        if self._cancelling:
            self._throw(FlowCancelled())
        else:
            self._advance(lambda: self._flow.send(measured))

    def _end_job(self, client: JobClient, message: Terminal) -> None:
        step, job = self._step, self._job
        if step is None or job is None:
            raise RuntimeError("a job that was never begun has ended")
        client.close()
        self._client = self._step = self._job = None
        if isinstance(message, Finished) and not self._cancelling:
            self._report_end(job.job_id, "finished", None, client)
            self._keep(step, job, message)
            return
        shutil.rmtree(self._workspace.job_dir(job.job_id), ignore_errors=True)
        if self._cancelling or isinstance(message, (Cancelled, Finished)):
            self._report_end(job.job_id, "cancelled", None, client)
            self._throw(FlowCancelled())
            return
        error, exit_code = (message.error, message.exit_code) if isinstance(message, Failed) else explain(message)
        crashed = isinstance(message, Crashed) and not message.was_ended_here
        self._report_end(job.job_id, "crashed" if crashed else "failed", error, client)
        self._throw(JobError(error, exit_code))

    def _report_end(self, job_id: str, state: End, error: ErrorInfo | None, client: JobClient | None = None) -> None:
        self._history.ended(job_id, state, error, client.log_path if client else None)
        self._observe(JobEnded(job_id, error))

    def _keep(self, step: JobStep[Any], job: RunJob, message: Finished) -> None:
        """Pass the result on; the job's folder goes to the store, stays, or is removed, by the fields of the step."""
        if step.by_content and self._key == self._workspace.key_of(step):
            raise RuntimeError(f"a job of the kind {step.kind} did not identify its input")
        work_dir, key = self._workspace.job_dir(job.job_id), self._key
        seconds = time.monotonic() - self._began_s
        if key is None:
            if not step.keep_folder:
                shutil.rmtree(work_dir, ignore_errors=True)
            done = StepResult(step.result.model_validate(message.result), work_dir)
            self._advance(lambda: self._flow.send(done))
            return
        artifacts = self._workspace.artifacts
        self.holding.add(key)
        self._disk.begin(
            size_of(work_dir),
            lambda stopped: artifacts.adopt(work_dir, key, message.result, stopped, seconds),
            lambda adopted: self._adopted(step, job, adopted),
        )

    def _adopted(self, step: JobStep[Any], job: RunJob, adopted: Callable[[], Entry]) -> None:
        try:
            entry = adopted()
        except OSError as error:
            shutil.rmtree(self._workspace.job_dir(job.job_id), ignore_errors=True)
            self._throw(FlowCancelled() if self._cancelling else self._not_kept(error))
        else:
            self._history.stored(entry, job.kind, job=job.job_id, params=job.params, seed=job.seed)
            self._workspace.remove_parts(step)
            self._send(step, entry, False)

    def _send(self, step: JobStep[Any], entry: Entry, cached: bool) -> None:
        made_s = entry.seconds if cached else 0.0
        done = StepResult(step.result.model_validate(entry.result), entry.folder, entry.key, cached, made_s)
        self._advance(lambda: self._flow.send(done))

    def _not_kept(self, error: OSError) -> JobError:
        problem = unusable(self._workspace.paths.root, error)
        return JobError(problem.info(), problem.exit_code)

    def _throw(self, error: Exception) -> None:
        self._cancelling = False
        self._advance(lambda: self._flow.throw(error))

    def _on_worked(self, result: Callable[[], Any]) -> None:
        """Pass on the result of disk work; work that completed before its stop request counts as done."""
        try:
            value = result()
        except Exception:
            if not self._cancelling:
                raise
            self._throw(FlowCancelled())
        else:
            self._advance(lambda: self._flow.send(value))

    def _advance(self, resume: Callable[[], AnyStep]) -> None:
        """Resume the flow and begin the step that it yields.

        Cached steps are resumed in a loop, because a long run has more of them than the recursion limit allows.
        """
        self._slot.leave()
        self._resume = resume
        if self._is_advancing:
            return
        self._is_advancing = True
        try:
            while (waiting := self._resume) is not None:
                self._resume = None
                self._advance_once(waiting)
        finally:
            self._is_advancing = False

    def _advance_once(self, resume: Callable[[], AnyStep]) -> None:
        try:
            step = resume()
        except StopIteration as stop:
            self.result, self.finished = stop.value, True
        except BaseException as error:  # kept for the caller of `tick`; a timer must not lose it
            self.error, self.finished = error, True
        else:
            if self._cancelling:
                self._throw(FlowCancelled())
                return
            self._guarded(lambda: self._begin(step))

    def _guarded(self, action: Callable[[], None]) -> None:
        """Run an action and throw its errors into the flow."""
        try:
            action()
        except OSError as error:
            self._throw(self._not_kept(error))
        except Exception as error:
            self._stop_processes()
            self._throw(error)

    def _begin(self, step: AnyStep) -> None:
        """Start the step's processes, or pass on the cached result."""
        if isinstance(step, DiskStep):
            self._disk.begin(INLINE_BYTES + 1, step.work, self._on_worked, step.ends_late)
        elif not self._slot.take(step, self._workspace.card()):
            self._held_back = step
            self._observe(StepProgress(step.step_index, WAITING, 0.0, None, "", None))
        else:
            self._begin_free(step)

    def _begin_free(self, step: JobStep[Any] | MeasureStep) -> None:
        parts = step.variants if isinstance(step, MeasureStep) else (step,)
        self.holding.add_paths(path for part in parts for path in part.read_paths)
        if isinstance(step, MeasureStep):
            measured = self._kept.find(step)
            if measured is not None:
                self._advance(lambda: self._flow.send(measured))
                return
            self._measurer = Measurer(self._workspace, step)
            self._report_begin(self._measurer.job_id, "measure", step)
            if not self._measurer.waits_for_quiet:
                self._observe(MeasuringChanged(True))
            return
        key = self._workspace.key_of(step) if step.cache else None
        if key is None or step.by_content:
            self._start(step)
        else:
            self._look_up(step, key)

    def _look_up(self, step: JobStep[Any], key: str) -> None:
        store = self._workspace.artifacts
        self.holding.add(key)
        self._disk.begin(
            store.bytes_to_check(key),
            lambda stopped: store.get(key, stopped),
            lambda found: self._looked_up(step, key, found()),
        )

    def _looked_up(self, step: JobStep[Any], key: str, entry: Entry | None) -> None:
        if self._cancelling:
            self._throw(FlowCancelled())
            return
        try:
            if entry is not None:
                step.result.model_validate(entry.result)
        except ValidationError:  # written by another program version
            entry = None
        if entry is not None:
            self._send(step, entry, True)
        else:
            self._damaged = key
            self._start(step)

    def _start(self, step: JobStep[Any]) -> None:
        if step.goes_on:
            self.holding.add(self._workspace.key_of(step))
        self._job = self._workspace.new_job(step, step.params.model_dump(mode="json"))
        self._key = self._workspace.key_of(step) if step.cache else None
        self._step, self._began_s = step, time.monotonic()
        self._client = self._workspace.pool_of(step.computer).take(torch=step.torch)
        self._report_begin(self._job.job_id, step.kind, step)
        self._client.start(self._job)

    def _report_begin(self, job_id: str, kind: str, step: JobStep[Any] | MeasureStep) -> None:
        self._history.began(job_id, kind, step.title, device_of(step, self._workspace.card()))
        self._observe(JobBegan(job_id, kind, step.title, step.step_index, step.computer))
