"""Manage one spawned process: its start, its pipe, and the end of its whole group. Knows nothing of jobs."""

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Union

import psutil
from pydantic import BaseModel

from app.jobs.environment import only_allowed
from app.jobs.fork_server import ForkedProcess
from workers.contracts.process.bootstrap import ChildConfig
from workers.contracts.process.channel import Channel
from workers.start import run_worker

GROUP_WAIT_S = 0.1
UNKILLABLE_S = 3.0
"""Seconds after which a killed process counts as hung inside the kernel and is no longer awaited."""


Started = BaseProcess | ForkedProcess
"""A new process or a forked worker."""

Waitable = Union["Connection[bytes, bytes]", int]

Fork = Callable[[ChildConfig, "Connection[bytes, bytes]"], Started | None]
"""Returns a worker with the other end of its pipe, or None if a new process must be started."""


class WorkerProcess:
    """One worker process and its pipe, owned by a client.

    Create it in a thread that lives on: Linux ends the child when the thread that started it ends.
    """

    def __init__(self, config: ChildConfig, log_path: Path, fork: Fork | None = None) -> None:
        """Start the process, forked if possible; raise OSError if the system starts no more processes."""
        log_path.touch(mode=0o600)
        self.log_path = log_path
        self.killed_s: float | None = None
        ours, theirs = multiprocessing.Pipe(duplex=True)
        try:
            process = (fork and fork(config, theirs)) or _spawned(config, theirs)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._process: Started = process
        self.pid = int(process.pid or 0)
        self.channel = Channel(ours)

    def send(self, message: BaseModel) -> None:
        """Queue a message; raises `ChannelClosedError`."""
        self.channel.send(message.model_dump_json().encode())

    @property
    def waitables(self) -> tuple[Waitable, ...]:
        """Return handles for `multiprocessing.connection.wait`; one is ready when it has sent something or ended."""
        return (self.channel.connection, self._process.sentinel)

    @property
    def exited(self) -> bool:
        """Return whether the process has ended, though it may not be reaped yet."""
        return bool(wait([self._process.sentinel], timeout=0))

    @property
    def gone(self) -> bool:
        """Return whether the process has ended, or was killed so long ago that waiting is useless."""
        return self.exited or (self.killed_s is not None and time.monotonic() - self.killed_s > UNKILLABLE_S)

    def resident_bytes(self) -> int | None:
        """Return the resident bytes, None if the process ended or may not be read."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except (OSError, psutil.Error):
            return None

    def rename_log(self, log_path: Path) -> None:
        """Rename the log; on Windows, which cannot rename open files, it keeps its name."""
        if sys.platform != "win32":
            self.log_path.replace(log_path)
            self.log_path = log_path

    def kill(self) -> None:
        """Kill the process and all its children at once."""
        if self.killed_s is None:
            self.killed_s = time.monotonic()
        if sys.platform != "win32":
            # before its setsid the child is in our own group, which must survive
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(self.pid) == self.pid:
                    os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()

    def release(self, wait_s: float = 0.2) -> int | None:
        """Kill the rest of the group, reap the process, close the pipe, and return the exit code.

        The process is reaped after its group is killed, so that its id cannot belong to another process. It is reaped
        before the wait for its group, because an unreaped process still is a group.
        """
        self.kill()
        self._process.join(wait_s)
        exit_code = self._process.exitcode
        if exit_code is not None:
            self._process.close()
        self._wait_for_group()
        self.channel.close()
        return exit_code

    def _wait_for_group(self) -> None:
        """Wait until killed processes are gone; while one lives, no other group can have this id."""
        end_s = time.monotonic() + GROUP_WAIT_S
        with contextlib.suppress(OSError):
            while sys.platform != "win32" and time.monotonic() < end_s:
                os.killpg(self.pid, 0)
                time.sleep(0.001)


def _spawned(config: ChildConfig, connection: "Connection[bytes, bytes]") -> Started:
    process = multiprocessing.get_context("spawn").Process(
        target=run_worker, args=(connection, config.model_dump_json()), name="fettle-worker", daemon=True
    )
    with only_allowed(network=config.network):
        process.start()
    return process
