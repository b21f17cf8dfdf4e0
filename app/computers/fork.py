"""Start jobs on another computer: `JobClient(setup, fork=RemoteFork(...))`."""

import errno
import getpass
import platform
import re
import time
import uuid
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from app.computers.order import RelayOrder
from workers.contracts.errors import WorkerError
from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.messages import RunJob

LEASE_S = 45.0
BUSY_WAIT_S = 120.0
END_S = 3.0
"""Seconds that a relay has to end its job there before it is killed itself; the lease then ends the job."""
MOST_BYTES = 64 << 30

Command = Callable[..., list[str]]
"""Returns the program that runs a verb and its words with the agent of a computer."""


class RelayProcess(SpawnProcess):
    """The process here of a job there; a kill lets it end the job there first."""

    _killed_s: float | None = None

    def kill(self) -> None:
        """Let the process end its job and itself; when that takes too long, kill it."""
        if self._killed_s is None:
            self._killed_s = time.monotonic()
            self.terminate()
        elif time.monotonic() - self._killed_s > END_S:
            super().kill()


class RemoteFork:
    """Starts workers on one computer; those of one object may measure there side by side, others must wait."""

    def __init__(
        self,
        command: Command,
        *,
        name: str,
        version: str,
        hashes: Path | None = None,
        lease_s: float = LEASE_S,
        busy_wait_s: float = BUSY_WAIT_S,
    ) -> None:
        """Create a starter of jobs.

        Args:
            command: Returns the program that runs a verb of the agent, such as `ssh_command` of one computer.
            name: The computer's name.
            version: Version of the workers there.
            hashes: File that remembers hashes of files.
            lease_s: Seconds without a connection after which a job ends there.
            busy_wait_s: Most seconds to wait while somebody else measures there.
        """
        self._command, self._name, self._version = command, name, version
        self._hashes, self._lease_s, self._busy_wait_s = hashes, lease_s, busy_wait_s
        self._group = uuid.uuid4().hex

    def __call__(self, job: RunJob, config: ChildConfig, connection: "Connection[bytes, bytes]") -> RelayProcess:
        """Return the relay of a worker there that is at the other end of `connection`; raises OSError."""
        try:
            return self._start(job, config, connection)
        except WorkerError as error:  # there is no program to reach it with
            raise OSError(errno.ENOENT, error.detail) from error

    def _start(self, job: RunJob, config: ChildConfig, connection: "Connection[bytes, bytes]") -> RelayProcess:
        name = f"{re.sub(r'[^A-Za-z0-9_]', '-', job.job_id)[:60]}-{uuid.uuid4().hex[:12]}"
        order = RelayOrder(
            session=tuple(self._command("session", name, f"{self._lease_s:g}")),
            end=tuple(self._command("end", name)),
            name=self._name,
            job=name,
            version=self._version,
            config=config,
            group=self._group if job.fresh_process else "",
            who=f"{getpass.getuser()}@{platform.node()}",
            lease_s=self._lease_s,
            busy_wait_s=self._busy_wait_s,
            hashes=str(self._hashes or ""),
            most_bytes=job.limits.file_bytes or MOST_BYTES,
        )
        process = RelayProcess(
            target=_run, args=(connection, order.model_dump_json()), name="fettle-relay", daemon=True
        )
        process.start()
        return process


def _run(connection: "Connection[bytes, bytes]", order_json: str) -> None:
    from app.computers.relay import run_relay  # the window's process needs none of it

    run_relay(connection, order_json)
