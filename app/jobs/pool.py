"""Hands out workers; keeps one ready that has imported torch already, since that takes about a second."""

from pathlib import Path

from app.jobs.client import JobClient
from app.jobs.fork_server import Forks, ForkServer
from app.jobs.setup import WorkerSetup

TORCH = ("torch",)


class WorkerPool:
    """`take(torch=True)` gives the waiting worker, `tick()` (or the next `take`) starts a new one behind it.

    A waiting worker may read `store` and `jobs_root` alone: a job with inputs elsewhere gets a fresh process, which a
    server forks from the third job on; `fork_server` is one that outlives the pool.
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
        self.setup = WorkerSetup(jobs_root, logs_dir, store, threads, job_kinds, sandbox)
        self._forks = Forks(fork_server) if fork_server is not None or not job_kinds else None
        self._waiting: JobClient | None = None
        self._keep_waiting = prestart_torch
        self._is_resting = False
        self.tick()

    @property
    def waiting(self) -> JobClient | None:
        """The pre-started worker, if there is one."""
        return self._waiting

    def prestart(self) -> None:
        """Start the torch worker now: a torch job is about to come. Where that fails, jobs start cold and tell why."""
        if self._waiting is None and not self._is_resting:
            client = JobClient(self.setup)
            try:
                client.prestart(TORCH)
            except OSError:
                self._keep_waiting = False
            else:
                self._waiting = client

    def tick(self) -> None:
        """Start a new waiting worker behind one that was taken. One that died is not tried again."""
        waiting = self._waiting
        if waiting is not None:
            waiting.poll()
            if waiting.done:
                waiting.close()
                self._waiting, self._keep_waiting = None, False
        if self._keep_waiting and self._waiting is None:
            self.prestart()

    def take(self, torch: bool = False) -> JobClient:
        """A client for one job. With `torch` it is the waiting worker, where there is one."""
        if torch and self._waiting is not None:
            self._waiting.poll()
            client, self._waiting = self._waiting, None
            if not client.done:
                return client
            client.close()
        return JobClient(self.setup, self._forks.start if self._forks is not None else None)

    def rest(self) -> None:
        """Packages are about to change: end what has some loaded, and start nothing ahead until `wake`. Workers that
        are taken afterwards are started anew, and see what is there then.
        """
        self._is_resting = True
        self._end_waiting()
        if self._forks is not None:
            self._forks.begin_again()

    def wake(self) -> None:
        """Workers may be started ahead again."""
        self._is_resting = False

    def close(self) -> None:
        """End the waiting worker and the fork server. Clients that were taken belong to whoever took them."""
        self._keep_waiting = False
        self._end_waiting()
        if self._forks is not None:
            self._forks.close()

    def _end_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.close()
            self._waiting = None
