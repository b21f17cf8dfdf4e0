"""One spawned process: birth, pipe, end of its whole group. Knows nothing of jobs."""

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Protocol, Union

import psutil
from pydantic import BaseModel

from app.jobs.channel import Channel
from app.jobs.environment import only_allowed
from workers.contracts.process.bootstrap import ChildConfig
from workers.start import run_worker

GROUP_WAIT_S = 0.1
UNKILLABLE_S = 3.0
"""A killed process that is still there after this long hangs inside the kernel; nobody waits for it any more."""


class Started(Protocol):
    """What is used of `multiprocessing.Process`."""

    @property
    def pid(self) -> int | None: ...
    @property
    def sentinel(self) -> int: ...
    def kill(self) -> None: ...
    def join(self, timeout: float | None = None) -> None: ...
    @property
    def exitcode(self) -> int | None: ...
    def close(self) -> None: ...


Waitable = Union["Connection[bytes, bytes]", int]

Fork = Callable[[ChildConfig, "Connection[bytes, bytes]"], Started | None]
"""A worker with the other end of its pipe, None where a process has to be started anew."""


class WorkerProcess:
    """Starts at once, forked where that can be had. Raises OSError where the system starts no more processes.

    Start it from a thread that lives on: Linux ends the child when the thread that started it ends.
    """

    def __init__(self, config: ChildConfig, log_path: Path, fork: Fork | None = None) -> None:
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
        """Queue a message. Raises `ChannelClosedError`."""
        self.channel.send(message.model_dump_json().encode())

    @property
    def waitables(self) -> tuple[Waitable, ...]:
        """Of these one is ready (`multiprocessing.connection.wait`) when it has sent something, or is over."""
        return (self.channel.connection, self._process.sentinel)

    @property
    def exited(self) -> bool:
        """It is over, though not reaped yet."""
        return bool(wait([self._process.sentinel], timeout=0))

    @property
    def gone(self) -> bool:
        """It is over, or was killed so long ago that waiting is no use."""
        return self.exited or (self.killed_s is not None and time.monotonic() - self.killed_s > UNKILLABLE_S)

    def resident_bytes(self) -> int | None:
        """Bytes in memory now; None when the process is over or may not be looked at."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except (OSError, psutil.Error):
            return None

    def rename_log(self, log_path: Path) -> None:
        """Give the log another name; Windows does not rename open files, so there it keeps the old one."""
        if sys.platform != "win32":
            self.log_path.replace(log_path)
            self.log_path = log_path

    def kill(self) -> None:
        """End the process and all that it started, at once."""
        if self.killed_s is None:
            self.killed_s = time.monotonic()
        if sys.platform != "win32":
            # until the child has called setsid it is in our own group, which must live on
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(self.pid) == self.pid:
                    os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()

    def release(self, wait_s: float = 0.2) -> int | None:
        """Kill what is left of the group, reap the process, close the pipe. Returns its exit code.

        The process is not reaped before its group is killed, so that its number cannot belong to another one yet. It is
        reaped before its group is waited for: one that is over and not reaped still is a group.
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
        """Killed programs need a moment to be gone. While one of them lives, no other group can have this number."""
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
