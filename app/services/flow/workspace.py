"""Bundle what every use case needs: data folder, store, database, worker processes; and record jobs in the history."""

import contextlib
import dataclasses
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from app.domain.job import ArtifactRecord, JobRecord
from app.jobs.client import JobClient
from app.jobs.interleaving import BlockGroup
from app.jobs.pool import WorkerPool
from app.paths import DataPaths, unusable
from app.persistence import Repositories, Store
from app.services.flow.artifacts import ArtifactStore, Entry
from app.services.flow.steps import JobError, JobStep, Unavailable
from workers.contracts.error_info import ErrorInfo
from workers.contracts.paths import to_text
from workers.contracts.process.allowance import usable_cores
from workers.contracts.process.messages import Card, Limits, RunJob
from workers.contracts.translation import _, mark

KEPT_S = 7 * 24 * 3600
"""Seconds that the finished parts of an interrupted job are kept for its continuation."""

USUAL_MEMORY_BYTES = Limits().memory_bytes


def not_chosen() -> None:
    """Return None: the person has set no memory limit and chosen no GPU."""


class OtherComputers(Protocol):
    """The other computers that a person added (`app.computers.pool.AddedComputers`)."""

    def processors(self) -> Mapping[str, str]:
        """Return the name of each computer with the name of its processor, in the order of their names."""
        ...

    def pool(self, name: str) -> "RemotePool":
        """Return the source of worker processes on a computer; raises KeyError if there is none of this name."""
        ...


class RemotePool(Protocol):
    """The source of worker processes on another computer; `machine` identifies it in keys of the store."""

    machine: str

    def take(self, torch: bool = False) -> JobClient:
        """Return a client for one job."""
        ...


class NoComputers:
    """No other computers."""

    def processors(self) -> Mapping[str, str]:
        """Return no names."""
        return {}

    def pool(self, name: str) -> RemotePool:
        """Raise KeyError."""
        raise KeyError(name)


NONE_ADDED = NoComputers()


@dataclass(frozen=True)
class Workspace:
    """The surroundings of all use cases of one program; owned by the window or the command.

    `jobs` holds one writable folder per job. `memory_limit` returns the person's limit for one job in bytes, None for
    the default. `card` returns the chosen GPU, None for the first one. `elsewhere` are the other computers. `measure`
    begins a measurement.
    """

    paths: DataPaths
    jobs: Path
    artifacts: ArtifactStore
    pool: WorkerPool
    database: Store
    memory_limit: Callable[[], int | None] = not_chosen
    card: Callable[[], Card | None] = not_chosen
    elsewhere: OtherComputers = NONE_ADDED
    measure: Callable[..., BlockGroup] = BlockGroup

    @property
    def repositories(self) -> Repositories:
        """Return the repositories of the database."""
        return self.database.repositories

    def job_dir(self, job_id: str) -> Path:
        """Return the folder that a job may write."""
        return self.jobs / job_id

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Report disk errors inside as errors of the data folder; raises `JobError`."""
        try:
            yield
        except OSError as error:
            problem = unusable(self.paths.root, error)
            raise JobError(problem.info(), problem.exit_code) from error

    def key_of(self, step: JobStep[Any]) -> str:
        """Return the store's key for the output of this step's job."""
        params, threads = step.params.model_dump(mode="json"), step.threads or usable_cores()
        machine = self.machine_of(step.computer)
        return self.artifacts.key(step.kind, params, step.seed, step.identity, threads, machine)

    def machine_of(self, computer: str) -> str:
        """Return the identity of another computer for keys of the store, "" for this one; raises `JobError`."""
        return self._remote(computer).machine if computer else ""

    def pool_of(self, computer: str) -> "WorkerPool | RemotePool":
        """Return the source of worker processes on a computer ("" means this one); raises `JobError`."""
        return self._remote(computer) if computer else self.pool

    def _remote(self, computer: str) -> RemotePool:
        try:
            return self.elsewhere.pool(computer)
        except KeyError as error:
            detail = _("No computer is called {0}.").format(computer)
            hint = mark("Add it in the settings, or choose another one.")
            by_command = "List them: fettle computer list."
            title = "This computer is not known here"
            raise Unavailable("computer_unknown", title, detail, hint, by_command) from error

    def new_job(self, step: JobStep[Any], params: dict[str, Any]) -> RunJob:
        """Return a job for one step, with its own empty folder."""
        job_id = f"{step.kind}-{uuid.uuid4().hex[:12]}"
        folder = self.job_dir(job_id)
        folder.mkdir(parents=True)
        job = RunJob(
            job_id=job_id,
            kind=step.kind,
            params=params,
            work_dir=str(folder),
            read_paths=tuple(to_text(path) for path in step.read_paths),
            write_paths=tuple(str(path) for path in step.write_paths),
            seed=step.seed,
            threads=step.threads or usable_cores(),
            fresh_process=step.fresh_process,
            limits=self.limited(step.limits),
        )
        if step.computer:  # the person's memory limit and the idle limit are of processes of this computer
            return job.model_copy(update={"limits": step.limits.model_copy(update={"idle_s": None})})
        if step.goes_on:
            kept = self.unfinished_folder(self.key_of(step))
            job = job.model_copy(update={"kept_dir": str(kept), "write_paths": (*job.write_paths, str(kept))})
        return self.on_card(job) if step.limits.gpu else job

    def unfinished_folder(self, key: str) -> Path:
        """Return the folder with finished parts of long work; folders unused for `KEPT_S` are removed."""
        folder = self.paths.unfinished / key
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.utime(folder)
        for other in self.paths.unfinished.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another program may remove the folder of a finished job
                if time.time() - other.stat().st_mtime > KEPT_S:
                    shutil.rmtree(other, ignore_errors=True)
        return folder

    def remove_parts(self, step: JobStep[Any]) -> None:
        """Remove the finished parts of a step that succeeded."""
        if step.goes_on:
            shutil.rmtree(self.paths.unfinished / self.key_of(step), ignore_errors=True)

    def on_card(self, job: RunJob) -> RunJob:
        """Return the job on the chosen GPU unless it names one, with the lasting folder of compiled GPU code."""
        limits = job.limits if job.limits.card else job.limits.model_copy(update={"card": self.card()})
        cache = self.paths.gpu_cache
        try:
            cache.mkdir(mode=0o700, exist_ok=True)
        except OSError:  # on a read-only disk each job compiles anew
            return job.model_copy(update={"limits": limits})
        places = (*job.write_paths, str(cache))
        return job.model_copy(update={"limits": limits, "gpu_cache": str(cache), "write_paths": places})

    def limited(self, limits: Limits) -> Limits:
        """Return the limits with the person's memory limit in place of the default; a tighter limit of a step stays."""
        most = self.memory_limit()
        if most is None:
            return limits
        own = limits.memory_bytes
        is_usual = own is None or own == USUAL_MEMORY_BYTES
        return limits.model_copy(update={"memory_bytes": most if is_usual else min(own or most, most)})


LOOKED_UP = frozenset({"hub_search", "hub_model", "hub_login"})
"""Kinds of jobs without history: they leave nothing behind and run with every few keystrokes."""

End = Literal["finished", "failed", "cancelled", "crashed", "interrupted"]


class JobHistory:
    """The job history of one driver, with one record per job; a read-only database records nothing."""

    def __init__(self, workspace: Workspace) -> None:
        """Create a history that writes to the workspace's database."""
        self._root = workspace.paths.root
        writes = not workspace.database.read_only
        self._jobs = workspace.repositories.jobs if writes else None
        self._artifacts = workspace.repositories.artifacts if writes else None
        self._open: dict[str, JobRecord] = {}

    def began(self, job_id: str, kind: str, title: str, device: str) -> None:
        """Record that the job runs now, on `device` ("cpu" or "cuda:1")."""
        if kind in LOOKED_UP:
            return
        now = datetime.now(UTC)
        record = JobRecord(job_id, kind, title, "running", device, created_at=now, started_at=now)
        self._open[job_id] = record
        if self._jobs is not None:
            self._jobs.add(record)

    def ended(self, job_id: str, state: End, error: ErrorInfo | None = None, log_path: Path | None = None) -> None:
        """Record how a job ended; jobs that did not begin here are ignored."""
        record = self._open.pop(job_id, None)
        if record is None or self._jobs is None:
            return
        self._jobs.end(
            dataclasses.replace(
                record,
                state=state,
                finished_at=datetime.now(UTC),
                log_path=self._relative(log_path),
                error_json=error.model_dump_json() if error else None,
            )
        )

    def stored(self, entry: Entry, kind: str, **made_by: object) -> None:
        """Record that the store has a new entry of this kind, and what made it."""
        if self._artifacts is None:
            return
        facts = json.dumps({**made_by, "versions": entry.versions})
        record = ArtifactRecord(entry.key, kind, entry.sha256, entry.size_bytes, datetime.now(UTC), facts)
        self._artifacts.put(record)

    def _relative(self, log_path: Path | None) -> str | None:
        if log_path is None or not log_path.is_relative_to(self._root):
            return None
        return log_path.relative_to(self._root).as_posix()
