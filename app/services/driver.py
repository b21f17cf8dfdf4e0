"""Drives one use case: starts its jobs, polls them, hands their results back. Called by a timer or by a plain loop."""

import shutil
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from app.jobs.client import Crashed, JobClient
from app.jobs.outcome import explain
from app.services.events import JobEnded, LogLine, MeasuringChanged, Observer, StepProgress
from app.services.measuring import Measurer
from app.services.steps import Done, Flow, FlowCancelled, JobError, JobStep, MeasureStep
from app.services.store import Entry
from app.services.workspace import Workspace
from workers.contracts.messages import Cancelled, Failed, Finished, Log, Progress, RunJob, WorkerMessage

T = TypeVar("T")


class Driver(Generic[T]):
    """`tick()` until it returns False, then read `result` or `error`.

    `error` is a `JobError`, a `FlowCancelled`, or whatever else the flow raised.
    """

    def __init__(self, workspace: Workspace, flow: Flow[T], observe: Observer) -> None:
        self._workspace, self._flow, self._observe = workspace, flow, observe
        self._client: JobClient | None = None
        self._measurer: Measurer | None = None
        self._step: JobStep[Any] | None = None
        self._job: RunJob | None = None
        self._key: str | None = None
        self._began_s = 0.0
        self._cancelling = False
        self.result: T | None = None
        self.error: BaseException | None = None
        self.finished = False
        self._advance(lambda: next(self._flow))

    def tick(self) -> bool:
        """Do what can be done without waiting; False when the flow is over."""
        if self._measurer is not None:
            self._tick_measurer(self._measurer)
        elif self._client is not None:
            self._tick_job(self._client)
        return not self.finished

    def cancel(self) -> None:
        """Stop what runs within a second; the flow is then told by `FlowCancelled`."""
        if self.finished or self._cancelling:
            return
        self._cancelling = True
        if self._measurer is not None:
            self._measurer.cancel()
        elif self._client is not None:
            self._client.cancel()

    def interrupt(self) -> None:
        """End everything at once, without a word from the job: the program closes. The flow sees GeneratorExit."""
        if self._measurer is not None:
            self._measurer.close()
        if self._client is not None:
            self._client.close()
        self._client = self._measurer = None
        self._flow.close()
        self.finished = True

    def _tick_job(self, client: JobClient) -> None:
        for message in client.poll():
            if isinstance(message, (Finished, Failed, Cancelled, Crashed)):
                self._end_job(client, message)
                return
            self._pass_on(message)

    def _tick_measurer(self, measurer: Measurer) -> None:
        measurer.poll(self._observe)
        if not measurer.done:
            return
        self._measurer = None
        self._observe(MeasuringChanged(False))
        measured = measurer.measured()
        if self._cancelling:
            self._throw(FlowCancelled())
        else:
            self._advance(lambda: self._flow.send(measured))

    def _pass_on(self, message: WorkerMessage) -> None:
        index = self._step.step_index if self._step else None
        if isinstance(message, Progress):
            self._observe(StepProgress(index, message.stage, message.done, message.total, message.unit, message.eta_s))
        elif isinstance(message, Log):
            self._observe(LogLine(message.level, message.text, self._job.job_id if self._job else ""))

    def _end_job(self, client: JobClient, message: Finished | Failed | Cancelled | Crashed) -> None:
        step, job, key = self._step, self._job, self._key
        assert step is not None
        assert job is not None
        client.close()
        self._client = self._step = self._job = None
        work_dir = self._workspace.job_dir(job.job_id)
        if isinstance(message, Finished) and not self._cancelling:
            self._observe(JobEnded(job.job_id, job.kind, None))
            seconds = time.monotonic() - self._began_s
            if key is not None:
                if step.content_key is not None:
                    content = {"content": step.content_key(message.result), "asked": key}
                    key = self._workspace.artifacts.key(step.kind, content, step.seed, {})
                entry = self._workspace.artifacts.adopt(work_dir, key, message.result)
                self._send(step, entry, False, seconds)
            else:
                if not step.keep_folder:
                    shutil.rmtree(work_dir, ignore_errors=True)
                done = Done(step.result.model_validate(message.result), work_dir, None, False, seconds)
                self._advance(lambda: self._flow.send(done))
            return
        shutil.rmtree(work_dir, ignore_errors=True)
        if self._cancelling or isinstance(message, Cancelled):
            self._observe(JobEnded(job.job_id, job.kind, None))
            self._throw(FlowCancelled())
            return
        error, exit_code = (message.error, message.exit_code) if isinstance(message, Failed) else explain(message)
        self._observe(JobEnded(job.job_id, job.kind, error))
        self._throw(JobError(error, exit_code))

    def _send(self, step: JobStep[Any], entry: Entry, cached: bool, seconds: float) -> None:
        done = Done(step.result.model_validate(entry.result), entry.folder, entry.key, cached, seconds)
        self._advance(lambda: self._flow.send(done))

    def _throw(self, error: Exception) -> None:
        self._cancelling = False
        self._advance(lambda: self._flow.throw(error))

    def _advance(self, resume: Callable[[], JobStep[Any] | MeasureStep]) -> None:
        """Resume the flow and begin the step that it yields; steps that are in the store are answered at once."""
        try:
            step = resume()
        except StopIteration as stop:
            self.result, self.finished = stop.value, True
        except BaseException as error:  # kept for whoever drives; nothing may get lost in a timer
            self.error, self.finished = error, True
        else:
            if self._cancelling:
                self._throw(FlowCancelled())
            elif isinstance(step, MeasureStep):
                self._measurer = Measurer(self._workspace, step)
                self._observe(MeasuringChanged(True))
            else:
                self._begin(step)

    def _begin(self, step: JobStep[Any]) -> None:
        store = self._workspace.artifacts
        params = step.params.model_dump(mode="json")
        self._key = store.key(step.kind, params, step.seed, step.identity) if step.cache else None
        known = self._key is not None and step.content_key is None
        if known and (entry := store.get(str(self._key))) is not None:
            self._send(step, entry, True, 0.0)
            return
        self._job = self._workspace.new_job(step, params)
        self._step, self._began_s = step, time.monotonic()
        self._client = self._workspace.pool.take(torch=step.torch)
        self._client.start(self._job)


def run_to_end(driver: Driver[T], pause_s: float = 0.01) -> T:
    """Drive without a window. Raises what the flow raised."""
    while driver.tick():
        time.sleep(pause_s)
    if driver.error is not None:
        raise driver.error
    return driver.result  # type: ignore[return-value]
