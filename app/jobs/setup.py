"""Define the folders of workers and how workers start."""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from workers.contracts.paths import from_text
from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.messages import RunJob

DEFAULT_THREADS = 1


@dataclass(frozen=True)
class WorkerSetup:
    """Folders and limits of a pool's workers.

    `jobs_root` contains all work folders and is the only folder that workers may write. A waiting worker may read
    `store` (the artifacts); other inputs are opened for their own job only. `logs` gets one file per worker. By default
    `store` and `logs` are in the folder of `jobs_root`.
    """

    jobs_root: Path
    logs: Path | None = None
    store: Path | None = None
    threads: int = DEFAULT_THREADS
    job_kinds: str = ""
    sandbox: bool = True

    @property
    def logs_dir(self) -> Path:
        """Return the folder of logs."""
        return self.logs or self.jobs_root.parent / "logs"

    @property
    def store_dir(self) -> Path:
        """Return the folder of the artifact store."""
        return self.store or self.jobs_root.parent / "store"

    def make_folders(self) -> None:
        """Create missing folders, readable by the person only."""
        for folder in (self.jobs_root, self.logs_dir):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def new_log(self, name: str | None = None) -> Path:
        """Return the path of a log file for a job or a waiting worker."""
        return self.logs_dir / f"{name or f'waiting-{uuid.uuid4().hex[:12]}'}.log"

    def for_waiting(self, preload: tuple[str, ...], log_path: Path) -> ChildConfig:
        """Return the start configuration of a worker that does not know its job yet."""
        return ChildConfig(
            parent_pid=os.getpid(),
            write_root=str(self.jobs_root),
            read_roots=(str(self.store_dir),),
            log_path=str(log_path),
            threads=self.threads,
            preload=preload,
            job_kinds=self.job_kinds,
            sandbox=self.sandbox,
        )

    def for_job(self, job: RunJob, log_path: Path, *, ahead: bool = False) -> ChildConfig:
        """Return the start configuration of a worker for one known job, with a sandbox as narrow as the job.

        A worker started `ahead` loads the job's function before it gets the job.
        """
        return ChildConfig(
            parent_pid=os.getpid(),
            write_root=job.work_dir,
            read_roots=job.read_paths,
            write_paths=job.write_paths,
            log_path=str(log_path),
            home=str(Path(job.work_dir) / ".home"),
            threads=job.threads,
            network=job.limits.network,
            start_programs=job.limits.start_programs,
            gpu=job.limits.gpu,
            card=job.limits.card,
            gpu_cache=job.gpu_cache,
            kind=job.kind if ahead else None,
            job_kinds=self.job_kinds,
            sandbox=self.sandbox,
        )

    def fits(self, job: RunJob) -> bool:
        """Return whether a waiting worker may do the job: no wider rights, and all its folders below the roots."""
        limits = job.limits
        if limits.network or limits.start_programs or limits.gpu or job.write_paths:
            return False
        roots = [place.resolve() for place in (self.store_dir, self.jobs_root)]
        inside = all(any(from_text(p).resolve().is_relative_to(root) for root in roots) for p in job.read_paths)
        return inside and Path(job.work_dir).resolve().is_relative_to(self.jobs_root.resolve())


def remove_links(folder: Path) -> None:
    """Remove symbolic links that a job left, so that readers outside the sandbox are not led elsewhere."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place) / name
            if path.is_symlink():
                path.unlink()
