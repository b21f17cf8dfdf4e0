"""Bundle what every use case needs: the data folder, its store and database, and the worker processes."""

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.jobs.pool import WorkerPool
from app.paths import DataPaths, unusable
from app.persistence import Repositories, Store
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.steps import JobError, JobStep
from workers.contracts.paths import to_text
from workers.contracts.process.allowance import usable_cores
from workers.contracts.process.messages import Card, Limits, RunJob

KEPT_S = 7 * 24 * 3600
"""Seconds that the finished parts of an interrupted job are kept for its continuation."""

USUAL_MEMORY_BYTES = Limits().memory_bytes


def not_chosen() -> None:
    """Return None: the person has set no memory limit and chosen no GPU."""


@dataclass(frozen=True)
class Workspace:
    """The surroundings of all use cases of one program; owned by the window or the command.

    `jobs` holds one writable folder per job. `memory_limit` returns the person's limit for one job in bytes, None for
    the default. `card` returns the chosen GPU, None for the first one.
    """

    paths: DataPaths
    jobs: Path
    artifacts: ArtifactStore
    pool: WorkerPool
    database: Store
    memory_limit: Callable[[], int | None] = not_chosen
    card: Callable[[], Card | None] = not_chosen

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
        params = step.params.model_dump(mode="json")
        return self.artifacts.key(step.kind, params, step.seed, step.identity, step.threads or usable_cores())

    def new_job(self, step: JobStep[Any], params: dict[str, Any]) -> RunJob:
        """Return a job for one step, with an empty folder of its own."""
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
        if step.goes_on:
            kept = self._begun(step)
            job = job.model_copy(update={"kept_dir": str(kept), "write_paths": (*job.write_paths, str(kept))})
        return self.on_card(job) if step.limits.gpu else job

    def _begun(self, step: JobStep[Any]) -> Path:
        """Return the folder with finished parts of this step; folders unused for `KEPT_S` are removed."""
        folder = self.paths.unfinished / self.key_of(step)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.utime(folder)
        for other in self.paths.unfinished.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another program may remove the folder of a finished job
                if time.time() - other.stat().st_mtime > KEPT_S:
                    shutil.rmtree(other, ignore_errors=True)
        return folder

    def ended_well(self, step: JobStep[Any]) -> None:
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
