"""One worker process and its one job: start, poll, cancel. No Qt and no threads.

`poll()` hands out what has come. The last message that it ever gives is exactly one of `Finished`, `Failed`, `Cancelled`,
`Crashed`; by then the process and all that it started are gone, and unless it finished so is its work folder.
"""

import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from pydantic import BaseModel, ValidationError

from app.jobs.memory import resident_bytes
from app.jobs.outcome import Crashed, CrashReason, Outcome, crash, read_tail
from app.jobs.setup import WorkerSetup
from workers.contracts.messages import (
    TERMINAL,
    Cancel,
    Cancelled,
    Failed,
    Finished,
    Ready,
    RunJob,
    Turn,
    WorkerMessage,
    worker_messages,
)
from workers.runtime.config import ChildConfig
from workers.runtime.entry import main as child_main

POLL_BUDGET_S = 0.006
CANCEL_GRACE_S = 0.5
EXIT_GRACE_S = 1.0
UNKILLABLE_S = 3.0
MEMORY_CHECK_S = 0.05
MAX_MESSAGE_BYTES = 64 << 20

Message = WorkerMessage | Crashed

__all__ = ["Crashed", "JobClient", "Message"]


class JobClient:
    """At most one job. Times of the ladder: a cancelled job has half a second, then its process group is killed."""

    def __init__(self, setup: WorkerSetup | None = None) -> None:
        self._setup = setup
        self._process: SpawnProcess | None = None
        self._connection: Connection[bytes, bytes] | None = None
        self._job: RunJob | None = None
        self._last_word: Finished | Failed | Cancelled | None = None
        self._reason: CrashReason | None = None
        self._cancel_s: float | None = None
        self._over_s: float | None = None
        self._killed_s: float | None = None
        self._started_s = 0.0
        self._memory_s = 0.0
        self.ready: Ready | None = None
        self.outcome: Outcome | None = None
        self.log_path: Path | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def running(self) -> bool:
        """A process lives, or its end was not told yet."""
        return self._process is not None and self.outcome is None

    @property
    def done(self) -> bool:
        return self.outcome is not None

    def prestart(self, preload: tuple[str, ...]) -> None:
        """Start a worker that imports `preload` and waits for a job. Raises OSError."""
        setup = self._need_setup()
        setup.make_folders()
        log_path = setup.new_log()
        self._spawn(setup.for_waiting(preload, log_path), log_path)

    def start(self, job: RunJob) -> None:
        """Begin the job, in the waiting worker if there is one and the job fits its walls. Never raises for a child."""
        self._job, self._started_s = job, time.monotonic()
        if self._setup is None:
            self._setup = WorkerSetup(jobs_root=Path(job.work_dir).parent)
        setup = self._setup
        if self._process is not None and not (self._process.is_alive() and setup.fits(job)):
            self._drop_process()
        try:
            setup.make_folders()
            Path(job.work_dir).mkdir(parents=True, exist_ok=True)
            log_path = setup.new_log(job.job_id)
            if self._process is None:
                self._spawn(setup.for_job(job, log_path), log_path)
            else:
                self._rename_log(log_path)
            self._send(job)
        except OSError as error:
            self._reason = self._reason or "start"
            self._note(f"{type(error).__name__}: {error}")
            self._over_s = time.monotonic()

    def poll(self, budget_s: float = POLL_BUDGET_S) -> list[Message]:
        """What has come, within about `budget_s` seconds; never waits."""
        if self.outcome is not None:
            return []
        messages: list[Message] = list(self._drain(time.monotonic() + budget_s))
        self._check_limits()
        self._climb_ladder()
        if self._is_gone():
            messages += self._drain(time.monotonic() + budget_s)
            if self._over_s is not None or self._connection is None:
                messages.append(self._conclude())
        return messages

    def send_turn(self, turn: Turn) -> None:
        """Pass the turn of a measurement; a worker that is gone is told by `poll`."""
        self._send(turn)

    def cancel(self) -> None:
        """Ask the job to stop; `poll` sees to it that it does."""
        if self._cancel_s is None and self.running:
            self._cancel_s = time.monotonic()
            self._send(Cancel())

    def kill(self, reason: CrashReason = "killed") -> None:
        """End the process and all that it started, at once."""
        if self._reason is None and self._last_word is None:
            self._reason = reason
        self._kill_group()

    def close(self) -> None:
        """End whatever still runs, wait for it, give everything back. Safe to call twice."""
        if self._process is not None:
            self._drop_process()
        if self.outcome is None and self._job is not None:
            self.outcome = Cancelled()
            self._remove_work_dir()
        if self._job is None and self.log_path is not None:
            self.log_path.unlink(missing_ok=True)

    # the process

    def _need_setup(self) -> WorkerSetup:
        if self._setup is None:
            raise RuntimeError("a worker that waits needs to be told where its folders are")
        return self._setup

    def _spawn(self, config: ChildConfig, log_path: Path) -> None:
        context = multiprocessing.get_context("spawn")
        log_path.touch(mode=0o600)
        self.log_path = log_path
        ours, theirs = context.Pipe(duplex=True)
        process = context.Process(target=child_main, args=(theirs, config.model_dump_json()), name="fettle-worker")
        try:
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._process, self._connection = process, ours

    def _rename_log(self, log_path: Path) -> None:
        """A waiting worker's log becomes the job's; Windows does not rename open files, so there it keeps its name."""
        if self.log_path is not None and sys.platform != "win32":
            self.log_path.replace(log_path)
            self.log_path = log_path

    def _kill_group(self) -> None:
        process = self._process
        if process is None or process.pid is None:
            return
        if self._killed_s is None:
            self._killed_s = time.monotonic()
        if sys.platform != "win32":
            try:
                # until the child has called setsid it is in our own group
                if os.getpgid(process.pid) == process.pid:
                    os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        process.kill()

    def _drop_process(self) -> None:
        self._kill_group()
        if self._process is not None:
            self._process.join(UNKILLABLE_S)
        self._release()
        self._last_word = self._reason = self._over_s = self._killed_s = self.ready = None

    def _release(self) -> int | None:
        """Close the pipe and reap the process. Returns its exit code."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        process, self._process = self._process, None
        if process is None:
            return None
        exit_code = process.exitcode
        if exit_code is not None:
            process.close()
        return exit_code

    # messages

    def _send(self, message: BaseModel) -> None:
        if self._connection is None:
            return
        try:
            self._connection.send_bytes(message.model_dump_json().encode())
        except OSError:
            self._over_s = self._over_s or time.monotonic()

    def _drain(self, until_s: float) -> Iterator[WorkerMessage]:
        """Yield everything but the last word, which is kept until the process is gone."""
        while self._connection is not None and self._last_word is None:
            try:
                if not self._connection.poll(0):
                    return
                message = worker_messages.validate_json(self._connection.recv_bytes(MAX_MESSAGE_BYTES))
            except ValidationError:
                self.kill("protocol")
                self._over_s = time.monotonic()
                self._connection.close()
                self._connection = None
                return
            except (EOFError, OSError):
                self._over_s = self._over_s or time.monotonic()
                return
            if isinstance(message, TERMINAL):
                self._last_word, self._over_s = message, time.monotonic()
                return
            if isinstance(message, Ready):
                self.ready = message
            yield message
            if time.monotonic() > until_s:
                return

    # the end

    def _check_limits(self) -> None:
        """Memory and time are also watched from here, in case that the worker's own watchdog cannot run."""
        job, now = self._job, time.monotonic()
        if job is None or self.pid is None or self._over_s is not None or self._killed_s is not None:
            return
        if job.limits.wall_s is not None and now - self._started_s > job.limits.wall_s:
            self.kill("wall_time")
        elif job.limits.memory_bytes is not None and now - self._memory_s >= MEMORY_CHECK_S:
            self._memory_s = now
            used = resident_bytes(self.pid)
            if used is not None and used > job.limits.memory_bytes:
                self.kill("memory")

    def _climb_ladder(self) -> None:
        now = time.monotonic()
        if self._killed_s is not None:
            return
        if self._cancel_s is not None and now - self._cancel_s > CANCEL_GRACE_S:
            self._kill_group()
        elif self._over_s is not None and now - self._over_s > EXIT_GRACE_S:
            self._kill_group()

    def _is_gone(self) -> bool:
        process = self._process
        if process is None:
            return True
        if wait([process.sentinel], timeout=0):
            if self._over_s is None and not self._has_more():
                self._over_s = time.monotonic()
            return True
        return self._killed_s is not None and time.monotonic() - self._killed_s > UNKILLABLE_S

    def _has_more(self) -> bool:
        try:
            return self._connection is not None and self._connection.poll(0)
        except OSError:
            return False

    def _conclude(self) -> Outcome:
        self._kill_group()  # what the worker started and left behind; it is not reaped yet, so the number is still its own
        if self._process is not None:
            self._process.join(0.2)
        exit_code = self._release()
        outcome: Outcome
        if isinstance(self._last_word, Finished):
            outcome = self._last_word
        elif self._cancel_s is not None:
            outcome = Cancelled()
        elif self._last_word is not None:
            outcome = self._last_word
        else:
            outcome = crash(exit_code, read_tail(self.log_path), self._reason)
        if isinstance(outcome, Finished):
            self._remove_home()
        else:
            self._remove_work_dir()
        self.outcome = outcome
        return outcome

    def _remove_work_dir(self) -> None:
        if self._job is not None:
            shutil.rmtree(self._job.work_dir, ignore_errors=True)

    def _remove_home(self) -> None:
        if self._job is not None:
            shutil.rmtree(Path(self._job.work_dir) / ".home", ignore_errors=True)

    def _note(self, text: str) -> None:
        if self.log_path is not None:
            with self.log_path.open("a", encoding="utf-8") as file:
                file.write(text + "\n")
