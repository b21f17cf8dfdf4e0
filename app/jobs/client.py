"""Run one job in one worker process: start, poll, cancel. No Qt and no threads.

`poll()` returns new messages. Its very last message is one of `Finished`, `Failed`, `Cancelled`, `Crashed`. By then the
process and all its children are gone, and so is its work folder unless it finished.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from app.jobs.idle import IdleWatch, cpu_seconds
from app.jobs.outcome import CrashCause, Crashed, Outcome, crash, read_tail
from app.jobs.process import Started, Waitable, WorkerProcess
from app.jobs.setup import WorkerSetup, remove_links
from workers.contracts.process.bootstrap import HOME_FOLDER, ChildConfig
from workers.contracts.process.channel import BadFrameError, ChannelClosedError
from workers.contracts.process.disk import DiskFull, file_sizes, is_full, lacks_room
from workers.contracts.process.messages import (
    TERMINAL,
    Cancel,
    Cancelled,
    Failed,
    Finished,
    Ready,
    Request,
    RunBlock,
    RunJob,
    StageLimit,
    WorkerMessage,
    worker_messages,
)
from workers.contracts.translation import mark

POLL_BUDGET_S = 0.006
CANCEL_GRACE_S = 0.5
EXIT_GRACE_S = 1.0
CLOSE_WAIT_S = 3.0
MEMORY_CHECK_S = 0.05
NEAR_LIMIT = 0.85
STAGE_SLACK_S = 0.5

Message = WorkerMessage | Crashed
ForkJob = Callable[[RunJob, ChildConfig, "Connection[bytes, bytes]"], Started | None]

__all__ = ["Crashed", "JobClient", "Message"]


class JobClient:
    """A worker process for at most one job; a cancelled job has half a second, then its process group is killed."""

    def __init__(self, setup: WorkerSetup | None = None, fork: ForkJob | None = None) -> None:
        """Create a client without a process.

        Args:
            setup: Folders and preparation of workers; None derives them from the first job.
            fork: Starts a job by forking from a server; None starts a new interpreter.
        """
        self._setup, self._fork = setup, fork
        self._process: WorkerProcess | None = None
        self._job: RunJob | None = None
        self._last_word: Finished | Failed | Cancelled | None = None
        self._reason: CrashCause | None = None
        self._stage: StageLimit | None = None
        self._stage_s = 0.0
        self._cancel_s: float | None = None
        self._over_s: float | None = None
        self._started_s = self._memory_s = 0.0
        self._peak_bytes = 0
        self._idle = IdleWatch(lambda: cpu_seconds(self.pid or 0))
        self._start_error = ""
        self._lacked_room = False
        self._is_drained = False
        self.begun = False
        self.ready: Ready | None = None
        self.outcome: Outcome | None = None
        self.log_path: Path | None = None

    @property
    def pid(self) -> int | None:
        """Return the worker's process id, None without a process."""
        return self._process.pid if self._process is not None else None

    @property
    def waitables(self) -> tuple[Waitable, ...]:
        """Return handles of which one is ready when `poll` may have messages; () before the start and after the end.

        A pipe that has ended stays ready, so only the end of the process is awaited after it.
        """
        if self._process is None:
            return ()
        return self._process.waitables if self._over_s is None else self._process.waitables[1:]

    @property
    def running(self) -> bool:
        """Return whether there is a process or a job whose end was not returned yet."""
        return self.outcome is None and (self._process is not None or self._job is not None)

    @property
    def done(self) -> bool:
        """Return whether the job has ended."""
        return self.outcome is not None

    def prestart(self, preload: tuple[str, ...]) -> None:
        """Start a worker that imports `preload` and waits for a job; raises OSError."""
        if self._setup is None:
            raise RuntimeError("a waiting worker needs the folders of its setup")
        self._setup.make_folders()
        self.log_path = self._setup.new_log()
        self._process = WorkerProcess(self._setup.for_waiting(preload, self.log_path), self.log_path)

    def start(self, job: RunJob) -> None:
        """Begin the job, in the waiting worker if its sandbox fits; `poll` returns failures."""
        self._enter(job, ahead=False)
        self.begin()

    def prepare(self, job: RunJob) -> None:
        """Start a worker that loads this job's code, sends `Ready` and waits for `begin`; `poll` returns failures."""
        self._enter(job, ahead=True)

    def begin(self) -> None:
        """Begin the prepared job; its time counts from here on."""
        if self._job is None or self.begun:
            raise RuntimeError("a client begins the one job that it was given")
        self.begun, self._started_s = True, time.monotonic()
        try:
            self._send(self._job)
        except PydanticSerializationError as error:
            self._fail_to_start(error)

    def poll(self, budget_s: float = POLL_BUDGET_S) -> list[Message]:
        """Return new messages within about `budget_s` seconds, without waiting."""
        if not self.running:
            return []
        is_gone = self._process is None or self._process.gone  # checked first, so that no message can follow the rest
        messages: list[Message] = list(self._drain(time.monotonic() + budget_s))
        self._check_limits()
        self._climb_ladder()
        if is_gone and self._is_drained:
            messages.append(self._conclude())
        return messages

    def send(self, message: RunBlock | Request) -> None:
        """Send one turn of a measurement, or a request to a job that stays open; `poll` reports a lost worker."""
        self._send(message)

    def cancel(self) -> None:
        """Request the end of the job; `poll` enforces it."""
        if self._cancel_s is None and self.running:
            self._cancel_s = time.monotonic()
            self._send(Cancel())

    def kill(self, reason: CrashCause = "killed") -> None:
        """Kill the process and all its children at once; `poll` reports a crash for `reason`."""
        if self._reason is None and self._last_word is None:
            self._reason = reason
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End everything that still runs, wait for it and release all resources; safe to call twice."""
        if self._process is not None:
            self._process.release(CLOSE_WAIT_S)
            self._process = None
        if self.outcome is None and self._job is not None:
            self.outcome = Cancelled()
            shutil.rmtree(self._job.work_dir, ignore_errors=True)
        if self._job is None and self.log_path is not None:
            self.log_path.unlink(missing_ok=True)

    def _enter(self, job: RunJob, *, ahead: bool) -> None:
        if self._job is not None:
            raise RuntimeError("a client does one job")
        self._job = job
        setup = self._setup = self._setup or WorkerSetup(jobs_root=Path(job.work_dir).parent)
        try:
            setup.make_folders()
            Path(job.work_dir).mkdir(parents=True, exist_ok=True)
            self._enter_process(setup, job, setup.new_log(job.job_id), ahead)
        except (OSError, PydanticSerializationError) as error:
            self._fail_to_start(error)

    def _enter_process(self, setup: WorkerSetup, job: RunJob, log_path: Path, ahead: bool) -> None:
        waiting = self._process
        if waiting is not None and (waiting.exited or not setup.fits(job)):
            self._process = self.ready = None
            waiting.release(CLOSE_WAIT_S)
            waiting.log_path.unlink(missing_ok=True)
            self._over_s = None
        if self._process is None:
            fork = partial(self._fork, job) if self._fork is not None else None
            self._process = WorkerProcess(setup.for_job(job, log_path, ahead=ahead), log_path, fork)
        else:
            self._process.rename_log(log_path)
        self.log_path = self._process.log_path

    def _fail_to_start(self, error: OSError | PydanticSerializationError) -> None:
        self._reason = "start"
        self._start_error = (error.strerror if isinstance(error, OSError) else None) or str(error)
        self._lacked_room = lacks_room(error)
        if isinstance(error, PydanticSerializationError):
            self._start_error = mark("a file's name holds bytes that are no text; give the file another name")
        if self._process is not None:
            self._process.release()
            self._process = None

    def _send(self, message: BaseModel) -> None:
        if self._process is not None:
            try:
                self._process.send(message)
            except ChannelClosedError:
                self._mark_over()

    def _mark_over(self) -> None:
        if self._over_s is None:
            self._over_s = time.monotonic()

    def _drain(self, until_s: float) -> Iterator[WorkerMessage]:
        """Yield all messages but the last one, which is returned once the process is gone."""
        self._is_drained = False
        while self._process is not None and self._last_word is None:
            message = self._receive(self._process)
            if message is None:
                break
            if isinstance(message, TERMINAL):
                self._last_word = message
                self._mark_over()
                break
            if isinstance(message, Ready):
                self.ready = message
            elif isinstance(message, StageLimit):
                self._stage = message if message.seconds else None
                self._stage_s = time.monotonic()
            yield message
            if time.monotonic() > until_s:
                return
        self._is_drained = True

    def _receive(self, process: WorkerProcess) -> WorkerMessage | None:
        try:
            process.channel.flush()
        except ChannelClosedError:
            self._mark_over()  # messages sent before are still readable
        try:
            data = process.channel.receive()
            return None if data is None else worker_messages.validate_json(data)
        except ChannelClosedError:
            self._mark_over()
        except (BadFrameError, ValidationError):
            self.kill("protocol")
        return None

    def _check_limits(self) -> None:
        """Watch memory and time also from here, in case the worker's own watchdog cannot run."""
        job, process, now = self._job, self._process, time.monotonic()
        if job is None or not self.begun or process is None:
            return
        if self._over_s is not None or process.killed_s is not None:
            return
        limits = job.limits
        if limits.wall_s is not None and now - self._started_s > limits.wall_s:
            self.kill("wall_time")
        elif limits.idle_s is not None and self._idle.is_idle(limits.idle_s):
            self.kill("idle")
        elif limits.memory_bytes is not None and now - self._memory_s >= MEMORY_CHECK_S:
            self._memory_s = now
            self._peak_bytes = max(self._peak_bytes, process.resident_bytes() or 0)
            if self._peak_bytes > limits.memory_bytes:
                self.kill("memory")

    def _climb_ladder(self) -> None:
        if self._process is None or self._process.killed_s is not None:
            return
        now = time.monotonic()
        waits = ((self._cancel_s, CANCEL_GRACE_S), (self._over_s, EXIT_GRACE_S))
        if any(since_s is not None and now - since_s > grace_s for since_s, grace_s in waits):
            self._process.kill()

    def _conclude(self) -> Outcome:
        exit_code = self._process.release() if self._process is not None else None
        self._process = None
        outcome: Outcome
        if self._cancel_s is not None and not isinstance(self._last_word, Finished):
            outcome = Cancelled()
        elif self._last_word is not None:
            outcome = self._last_word
        else:
            outcome = self._crash(exit_code)
        if self._job is not None:
            self._clean_up(self._job, isinstance(outcome, Finished))
        self.outcome = outcome
        return outcome

    def _clean_up(self, job: RunJob, is_finished: bool) -> None:
        """Keep only the output of a finished job, and folders that outlive it."""
        work_dir = Path(job.work_dir)
        for place in job.write_paths:
            remove_links(Path(place))
        if not is_finished:
            shutil.rmtree(work_dir, ignore_errors=True)
            return
        shutil.rmtree(work_dir / HOME_FOLDER, ignore_errors=True)
        remove_links(work_dir)
        self._drop_empty_log()

    def _crash(self, exit_code: int | None) -> Crashed:
        limit = self._job.limits.memory_bytes if self._job is not None else None
        near_limit = limit is not None and self._peak_bytes > NEAR_LIMIT * limit
        log_tail = self._start_error or read_tail(self.log_path)
        if self._reason is None and self._is_stage_over():
            self._reason = "stage_time"
        return crash(
            exit_code, log_tail, self._reason, near_memory_limit=near_limit, stage=self._stage, full=self._full_disk()
        )

    def _full_disk(self) -> DiskFull | None:
        """Return whether the disk is full, before the job's output is removed."""
        if self._job is None:
            return None
        folder = Path(self._job.work_dir)
        if not self._lacked_room and not is_full(folder if folder.is_dir() else folder.parent):
            return None
        return DiskFull(folder.parent, written_bytes=sum(file_sizes(folder)))

    def _is_stage_over(self) -> bool:
        """Return whether the time of the announced stage is up, since its clock began a moment before ours.

        The exit code does not matter, because reporting the hang can itself crash.
        """
        return self._stage is not None and time.monotonic() - self._stage_s > self._stage.seconds - STAGE_SLACK_S

    def _drop_empty_log(self) -> None:
        """Remove an empty log: a measurement has many processes, and most of them log nothing."""
        if self.log_path is not None and self.log_path.is_file() and self.log_path.stat().st_size == 0:
            self.log_path.unlink()
            self.log_path = None
