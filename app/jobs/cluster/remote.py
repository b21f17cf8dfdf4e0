"""Run jobs on one worker of a cluster, behind the same clients that start local processes."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from app.files import digest_of
from app.jobs.client import JobClient, Message
from app.jobs.cluster.files import FileIndex, get, inner_path, missing, pieces_of, put
from app.jobs.cluster.records import PIECE_BYTES, FileRef, Input, Measuring, StepRequest, StepResult, TimingRecord
from app.jobs.cluster.task import do_step
from app.jobs.fork_server import ForkedProcess
from app.jobs.interleaving import BlockGroup, Pace, Timing
from app.jobs.pool import WorkerPool
from app.jobs.process import Waitable
from workers.contracts.error_info import ErrorInfo
from workers.contracts.paths import from_text
from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.messages import BlockDone, Failed, RunJob
from workers.contracts.translation import _, mark

NO_PROCESS = 1 << 30
"""A process id that no system assigns; a job elsewhere has no process here."""

ALIVE_S, LOOK_S = 20.0, 0.1
"""Seconds between looks whether a worker still answers, and whether a step was cancelled here."""

LOST = "computer_lost"
MISSING = 6


class StepCancelled(Exception):
    """The step was cancelled here."""


class Worker:
    """One worker of a cluster, by its address; owned by a study. Its methods block and may be called in any thread."""

    def __init__(self, client: Any, address: str, name: str, index: FileIndex) -> None:
        """Create access to the worker by a `distributed.Client`; `index` has the hashes of this computer's files."""
        self.name, self._client, self._address, self._index = name, client, address, index
        self._there = set[str]()  # hashes of files that the worker has

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function returns on the worker; raises OSError if the worker is gone."""
        answers = self._client.run(function, *arguments, workers=[self._address])
        if self._address not in answers:
            raise ConnectionError(f"{self._address} is gone")
        return answers[self._address]

    def do(self, jobs: tuple[RunJob, ...], ended: threading.Event, measuring: Measuring | None = None) -> StepResult:
        """Run one step on the worker and fetch the files that its job wrote into the job's folder.

        Raises:
            StepCancelled: `ended` was set.
            Exception: The worker is lost, whatever Dask raises for that.
        """
        paths = tuple(dict.fromkeys(path for job in jobs for path in job.read_paths))
        inputs = self._index.inputs_of(paths)
        self._send(inputs, ended)
        request = StepRequest(jobs=jobs, inputs=inputs, measuring=measuring)
        future = self._client.submit(
            do_step, request.model_dump_json(), workers=[self._address], pure=False, key=f"fettle-{jobs[0].job_id}"
        )
        woken = threading.Event()
        future.add_done_callback(lambda _future: woken.set())
        looked_s = time.monotonic()
        try:
            while not woken.wait(LOOK_S):
                if ended.is_set():
                    raise StepCancelled
                if time.monotonic() - looked_s > ALIVE_S:
                    self.call(os.getpid)
                    looked_s = time.monotonic()
            result = StepResult.model_validate_json(future.result())
        finally:
            future.release()  # cancels the task unless it is over; the scheduler forgets its result
        if measuring is None:
            self._fetch(result.files, from_text(jobs[0].work_dir), ended)
            self._there.update(ref.sha256 for ref in result.files.values())
        return result

    def _send(self, inputs: tuple[Input, ...], ended: threading.Event) -> None:
        """Send the files that the worker lacks."""
        places = {
            ref.sha256: (from_text(one.path) / name if name else from_text(one.path))
            for one in inputs
            for name, ref in one.files.items()
        }
        if unknown := [sha256 for sha256 in places if sha256 not in self._there]:
            for sha256, offset in self.call(missing, unknown):
                self._send_file(sha256, places[sha256], offset, ended)
            self._there.update(unknown)

    def _send_file(self, sha256: str, place: Path, offset: int, ended: threading.Event) -> None:
        with place.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(offset)
            is_last = False
            while not is_last:
                if ended.is_set():
                    raise StepCancelled
                piece = file.read(PIECE_BYTES)
                is_last = offset + len(piece) >= size
                if not self.call(put, sha256, offset, piece, is_last):
                    raise OSError(f"{place} changed while it was sent")
                offset += len(piece)

    def _fetch(self, files: dict[str, FileRef], folder: Path, ended: threading.Event) -> None:
        """Fetch what a job wrote; raise ValueError for a name outside of the folder or another content."""
        places = {name: folder / inner_path(name) for name in files}
        for place in places.values():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch(exist_ok=False)
        for pieces in pieces_of(files):
            if ended.is_set():
                raise StepCancelled
            came = self.call(get, [(files[name].sha256, offset, size) for name, offset, size in pieces])
            for (name, offset, size), piece in zip(pieces, came, strict=True):
                if not isinstance(piece, bytes) or len(piece) != size:
                    raise ValueError(f"{name} has no {size} bytes at {offset}")
                with places[name].open("ab") as file:
                    file.write(piece)
        for name, ref in files.items():
            if digest_of(places[name]) != ref.sha256:
                raise ValueError(f"{name} is not what the worker said")

    def failure(self, error: Exception) -> Failed:
        """Return the message of a step that the worker did not do."""
        return Failed(
            error=ErrorInfo(
                code=LOST,
                title=mark("The other computer is gone"),
                detail=_("{0} did not finish its step: {1}").format(
                    self.name, f"{type(error).__name__}: {error}"[:400]
                ),
                hint=mark("What was made is kept. Run the same command again when it is back."),
            ),
            exit_code=MISSING,
        )


class RemoteJob(ForkedProcess):
    """One job on a worker, in place of a local process; owned by a `WorkerProcess`.

    A thread waits for the result, because Dask's calls wait for the network.
    """

    def __init__(
        self, worker: Worker, job: RunJob, log_path: str | None, connection: "Connection[bytes, bytes]"
    ) -> None:
        """Begin the job; its messages go to `connection`, and its log to a file."""
        self.pid: int | None = NO_PROCESS
        self.sentinel, self._alive = os.pipe()
        self._ended = threading.Event()
        pipe = Connection(os.dup(connection.fileno()))
        arguments = worker, job, log_path, pipe
        threading.Thread(target=self._run, args=arguments, daemon=True, name=job.job_id).start()

    def kill(self) -> None:
        """End the job; the worker stops its processes."""
        self._ended.set()

    @property
    def exitcode(self) -> int | None:
        """Return 0 once the job has ended: its messages say how."""
        return 0 if wait([self.sentinel], 0) else None

    def close(self) -> None:
        """Release the handle of the step; the step itself must have ended."""
        os.close(self.sentinel)

    def _run(self, worker: Worker, job: RunJob, log_path: str | None, pipe: "Connection[bytes, bytes]") -> None:
        result = StepResult()
        try:
            result = worker.do((job,), self._ended)
        except StepCancelled:
            pass
        except Exception as error:
            result = StepResult(messages=(worker.failure(error),))
        with contextlib.suppress(OSError):
            if log_path is not None:
                Path(log_path).write_text(result.log, encoding="utf-8")
        with contextlib.suppress(OSError), pipe:
            for message in result.messages:
                pipe.send_bytes(message.model_dump_json().encode())
        os.close(self._alive)


class RemoteBlocks(BlockGroup):
    """One measurement on a worker; owned by a `Measurer`.

    The worker measures all of it with its own clock, and its messages come at the end.
    """

    def __init__(self, worker: Worker, jobs: Sequence[RunJob], measuring: Measuring) -> None:
        """Send the measurement to its worker as one task."""
        self.outcomes = [Timing() for _ in jobs]
        self.done, self._total = False, measuring.sets * measuring.pace.blocks * len(jobs)
        self._ended, self._result = threading.Event(), StepResult()
        self._sentinel, self._writer = os.pipe()
        arguments = (worker, tuple(jobs), measuring)
        threading.Thread(target=self._run, args=arguments, daemon=True, name=jobs[0].job_id).start()

    @property
    def total_blocks(self) -> int:
        """Return the blocks that were planned."""
        return self._total

    @property
    def pids(self) -> list[int]:
        """Return nothing: no process works here."""
        return []

    @property
    def is_timing(self) -> bool:
        """Return False: nothing is timed on this computer."""
        return False

    @property
    def waitables(self) -> tuple[Waitable, ...]:
        """Return a handle that is ready when everything is measured."""
        return () if self.done else (self._sentinel,)

    def poll(self) -> list[tuple[int, Message]]:
        """Return (number of the job, message) for all blocks once everything is measured."""
        if self.done or not wait([self._sentinel], 0):
            return []
        self._finish()
        came: list[tuple[int, Message]] = []
        for index, (timing, record) in enumerate(zip(self.outcomes, self._result.timings, strict=True)):
            timing.blocks_ms = [[list(block) for block in one_set] for one_set in record.blocks_ms]
            timing.loads, timing.results = [list(loads) for loads in record.loads], list(record.results)
            timing.outcome = None if record.error is None else Failed(error=record.error)
            blocks = [block for one_set in timing.blocks_ms for block in one_set]
            came += [(index, BlockDone(index=number, latencies_ms=block)) for number, block in enumerate(blocks)]
        return came

    def cancel(self) -> None:
        """Cancel the measurement; the worker stops its processes."""
        self.close()

    def close(self) -> None:
        """Cancel the measurement; the worker stops its processes."""
        self._ended.set()
        self._finish()

    def _finish(self) -> None:
        if not self.done:
            self.done = True
            os.close(self._sentinel)

    def _run(self, worker: Worker, jobs: tuple[RunJob, ...], measuring: Measuring) -> None:
        try:
            result = worker.do(jobs, self._ended, measuring)
            if len(result.timings) != len(jobs):
                raise ValueError("not all versions were measured")
            self._result = result
        except StepCancelled:
            pass
        except Exception as error:
            lost = TimingRecord(error=worker.failure(error).error)
            self._result = StepResult(timings=(lost,) * len(jobs))
        finally:
            os.close(self._writer)


class ClusterPool(WorkerPool):
    """Clients of jobs that run on one worker of a cluster; owned by a study."""

    def __init__(self, worker: Worker, machine: str, jobs_root: Path, logs_dir: Path, store: Path) -> None:
        """Create the pool; `machine` is the identity of the worker's machine."""
        super().__init__(jobs_root, logs_dir=logs_dir, store=store)
        self.machine, self._worker = machine, worker

    def take(self, torch: bool = False) -> JobClient:
        """Return a client for one job; the worker decides itself what it has ready."""
        return JobClient(self.setup, self._fork)

    def measure(self, jobs: Sequence[RunJob], pace: Pace, **how: Any) -> BlockGroup:
        """Begin a measurement on the worker; see `BlockGroup`."""
        kept = {name: how[name] for name in ("sets", "budget_s", "slow_over_ms")}
        return RemoteBlocks(self._worker, jobs, Measuring(pace=pace, **kept))

    def _fork(self, job: RunJob, config: ChildConfig, connection: "Connection[bytes, bytes]") -> RemoteJob:
        return RemoteJob(self._worker, job, config.log_path, connection)
