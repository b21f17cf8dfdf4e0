"""Run the steps of one worker of a cluster: a process of Fettle's own, which starts the sandboxed worker processes.

Usage: python -m app.jobs.cluster.host FOLDER

It reads `StepRequest`s as lines of JSON and writes one `StepResult` for each. The line ``cancel`` ends the present
step. When its input ends, the process that started it is gone, and the host ends with all its processes.
"""

import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path

from app.filelock import try_lock
from app.jobs.cluster.files import FileIndex, kept, lay_out
from app.jobs.cluster.records import FileRef, StepRequest, StepResult, TimingRecord
from app.jobs.interleaving import BlockGroup, Timing
from app.jobs.outcome import Crashed, explain, read_tail
from app.jobs.pool import WorkerPool
from app.jobs.process import Waitable
from workers.contracts.process.allowance import usable_cores
from workers.contracts.process.messages import TERMINAL, Failed, Finished, RunJob, WorkerMessage

CANCEL = "cancel"
POLL_S, WAIT_S = 0.005, 0.05
"""Seconds of a look where nothing wakes this process, and most seconds of a wait: limits are checked meanwhile."""

INPUT = 0
IDLE_S = 600.0
"""Seconds without a step after which the process ends; the next step starts a new one."""

LOCK = "fettle-measuring"


class Ended(Exception):
    """The step was cancelled, or the program that requested it is gone."""


class Lines:
    """Lines of standard input, read without waiting."""

    def __init__(self) -> None:
        """Create the reader of the lines that the task writes to this process."""
        self._data = b""
        self.is_over = False

    def next(self, wait_s: float) -> str | None:
        """Return the next line, None if none is complete within `wait_s` seconds or the input has ended."""
        while b"\n" not in self._data:
            if self.is_over or not wait([INPUT], wait_s):
                return None
            piece = os.read(INPUT, 1 << 20)
            self.is_over = not piece
            self._data += piece
        line, _, self._data = self._data.partition(b"\n")
        return line.decode()

    def check(self) -> None:
        """Raise `Ended` if the present step was cancelled."""
        if self.next(0) == CANCEL or self.is_over:
            raise Ended


@contextmanager
def only_one(check: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of this machine for measurements of this person; the system releases it when the process ends."""
    name = f"{LOCK}-{os.getuid() if hasattr(os, 'getuid') else 0}.lock"
    handle = os.open(Path(tempfile.gettempdir(), name), os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        while not try_lock(handle):
            check()
            time.sleep(POLL_S)
        yield
    finally:
        os.close(handle)


class Host:
    """The steps of one worker below its folder; owned by the process."""

    def __init__(self, folder: Path, check: Callable[[], None]) -> None:
        """Create the host; `check` raises `Ended` when the present step is to end."""
        self._folder, self._check = folder, check
        self._pool = WorkerPool(
            folder / "jobs", logs_dir=folder / "logs", store=folder / "files", threads=usable_cores()
        )

    def close(self) -> None:
        """End all worker processes that this host started."""
        self._pool.close()

    def run(self, request: StepRequest) -> StepResult:
        """Run one step and return its result; raises `Ended`."""
        place = self._folder / "steps" / uuid.uuid4().hex
        place.mkdir(mode=0o700, parents=True)
        try:
            here = {job.work_dir: str(place / f"work{number}") for number, job in enumerate(request.jobs)}
            for number, one in enumerate(request.inputs):
                here[one.path] = str(place / f"in{number}" / Path(one.path).name)
                lay_out(self._folder, one, Path(here[one.path]))
            jobs = [_here(job, here) for job in request.jobs]
            result = self._job(jobs[0]) if request.measuring is None else self._measured(jobs, request)
            text = result.model_dump_json()
            for there, path in here.items():
                text = text.replace(json.dumps(path)[1:-1], json.dumps(there)[1:-1])
            return StepResult.model_validate_json(text)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _job(self, job: RunJob) -> StepResult:
        client, messages = self._pool.take(), list[WorkerMessage]()
        client.start(job)
        try:
            while True:
                for message in client.poll():
                    messages.append(_as_message(message))
                    if isinstance(message, (*TERMINAL, Crashed)):
                        files = self._keep(Path(job.work_dir)) if isinstance(message, Finished) else {}
                        return StepResult(messages=tuple(messages), files=files, log=read_tail(client.log_path))
                self._wait(client.waitables)
        finally:
            client.close()
            if client.log_path is not None:
                client.log_path.unlink(missing_ok=True)

    def _wait(self, waitables: Sequence[Waitable]) -> None:
        """Wait for a message of a worker process or the end of the step; raises `Ended`."""
        wait([*waitables, INPUT], WAIT_S if waitables else POLL_S)
        self._check()

    def _keep(self, work_dir: Path) -> dict[str, FileRef]:
        """Move the files that a job wrote to the kept ones; return them by name."""
        (written,) = FileIndex().inputs_of((str(work_dir),))
        for name, ref in written.files.items():
            (work_dir / name).replace(kept(self._folder, ref.sha256))
        return written.files

    def _measured(self, jobs: list[RunJob], request: StepRequest) -> StepResult:
        how = request.measuring
        assert how is not None
        with only_one(self._check):
            group = BlockGroup(
                jobs,
                how.pace,
                sets=how.sets,
                budget_s=how.budget_s,
                slow_over_ms=how.slow_over_ms,
                new_client=self._pool.take,
            )
            try:
                while not group.done:
                    group.poll()
                    self._wait(group.waitables)
            finally:
                group.close()
        return StepResult(timings=tuple(map(_record, group.outcomes)))


def _here(job: RunJob, here: dict[str, str]) -> RunJob:
    """Return the job with the paths of this computer, and without folders that outlive it."""
    own = {"write_paths": (), "kept_dir": "", "gpu_cache": "", "threads": min(job.threads, usable_cores())}
    text = job.model_copy(update=own).model_dump_json()
    for there in sorted(here, key=len, reverse=True):
        text = text.replace(json.dumps(there)[1:-1], json.dumps(here[there])[1:-1])
    return RunJob.model_validate_json(text)


def _as_message(message: WorkerMessage | Crashed) -> WorkerMessage:
    """Return a message of a job; the end of its process becomes a message with the reason."""
    if not isinstance(message, Crashed):
        return message
    error, exit_code = explain(message)
    return Failed(error=error, exit_code=exit_code)


def _record(timing: Timing) -> TimingRecord:
    blocks, loads = timing.blocks_ms, timing.loads
    return TimingRecord(
        blocks_ms=tuple(tuple(tuple(block) for block in one_set) for one_set in blocks),
        loads=tuple(map(tuple, loads)),
        results=tuple(timing.results),
        error=timing.failure,
    )


def main(folder: Path) -> None:
    """Serve steps until the input ends."""
    out, lines = os.fdopen(os.dup(1), "w", encoding="utf-8"), Lines()
    os.dup2(2, 1)  # what libraries print is no result
    host = Host(folder, lines.check)
    with contextlib.closing(host):
        while (line := lines.next(IDLE_S)) is not None:
            if line == CANCEL:  # the step ended before
                continue
            try:
                result = host.run(StepRequest.model_validate_json(line))
            except Ended:
                result = StepResult()
            out.write(result.model_dump_json() + "\n")
            out.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
