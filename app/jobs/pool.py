"""Provide worker processes; one that has imported torch, which takes about a second, is kept ready."""

from pathlib import Path

from app.jobs.client import JobClient
from app.jobs.fork_server import Forks, ForkServer
from app.jobs.setup import WorkerSetup

TORCH = ("torch",)


class WorkerPool:
    """The source of worker processes of one workspace.

    `take(torch=True)` returns the waiting worker; `tick()` or the next `take` starts a new one. A waiting worker may
    read only `store` and `jobs_root`: a job with other inputs gets its own process, which a server forks from the third
    job on.
    """

    def __init__(
        self,
        jobs_root: Path,
        *,
        prestart_torch: bool = False,
        logs_dir: Path | None = None,
        store: Path | None = None,
        threads: int = 1,
        job_kinds: str = "",
        sandbox: bool = True,
        fork_server: ForkServer | None = None,
    ) -> None:
        """Create a pool.

        Args:
            jobs_root: Folder of all work folders.
            prestart_torch: Whether to keep a worker with torch ready.
            logs_dir: Folder of logs.
            store: Folder of the artifact store.
            threads: Cores of a waiting worker.
            job_kinds: Module with the table of job kinds; "" means the built-in one.
            sandbox: Whether workers are sandboxed.
            fork_server: A server that outlives the pool; None starts an own one.
        """
        self.setup = WorkerSetup(jobs_root, logs_dir, store, threads, job_kinds, sandbox)
        self._forks = Forks(fork_server) if fork_server is not None or not job_kinds else None
        self._waiting: JobClient | None = None
        self._keep_waiting = prestart_torch
        self._is_resting = False
        self.tick()

    @property
    def waiting(self) -> JobClient | None:
        """Return the waiting worker, None without one."""
        return self._waiting

    def prestart(self) -> None:
        """Start the torch worker now; if that fails, jobs start without it and report why."""
        if self._waiting is None and not self._is_resting:
            client = JobClient(self.setup)
            try:
                client.prestart(TORCH)
            except OSError:
                self._keep_waiting = False
            else:
                self._waiting = client

    def tick(self) -> None:
        """Start a new waiting worker after one was taken; one that died is not replaced."""
        waiting = self._waiting
        if waiting is not None:
            waiting.poll()
            if waiting.done:
                waiting.close()
                self._waiting, self._keep_waiting = None, False
        if self._keep_waiting and self._waiting is None:
            self.prestart()

    def take(self, torch: bool = False) -> JobClient:
        """Return a client for one job; with `torch` the waiting worker if there is one."""
        if torch and self._waiting is not None:
            self._waiting.poll()
            client, self._waiting = self._waiting, None
            if not client.done:
                return client
            client.close()
        return JobClient(self.setup, self._forks.start if self._forks is not None else None)

    def rest(self) -> None:
        """End all processes that have packages loaded, and start none ahead until `wake`, because packages will change.

        Workers taken afterwards are new processes with the present packages.
        """
        self._is_resting = True
        self._end_waiting()
        if self._forks is not None:
            self._forks.begin_again()

    def wake(self) -> None:
        """Allow workers to be started ahead again."""
        self._is_resting = False

    def close(self) -> None:
        """End the waiting worker and the fork server; clients that were taken belong to their callers."""
        self._keep_waiting = False
        self._end_waiting()
        if self._forks is not None:
            self._forks.close()

    def _end_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.close()
            self._waiting = None
