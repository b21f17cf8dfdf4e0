"""The application's side of the fork server (`workers/runtime/fork_server.py`): Linux alone has what it needs."""

import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import time
from multiprocessing.connection import Connection, wait

from app.jobs.environment import allowed, only_allowed
from workers.contracts.process.bootstrap import SERVER_NAME, ChildConfig, ForkAnswer, ForkOrder
from workers.contracts.process.messages import RunJob
from workers.start import run_fork_server

MOST_BYTES = 1 << 16
ANSWER_WAIT_S = 30.0
"""It answers within milliseconds, or a part of a second where it loads something just then."""

LIBRARIES = "LD_LIBRARY_PATH"
"""Counts at the birth of a process alone."""

FROM_JOB = 2
"""A program that does one job or two has nothing from a server that loads for as long as a worker."""

IS_OFFERED = sys.platform == "linux" and hasattr(os, "pidfd_open")


class ServerGone(Exception):
    """It does not answer. What it has forked ends with it."""


class ForkedProcess:
    """One worker, with what is used of `multiprocessing.Process`. Its number stays its own until `close`: the server
    does not reap it before.
    """

    def __init__(self, pid: int, server: "ForkServer") -> None:
        self.pid: int | None = pid
        self.sentinel = os.pidfd_open(pid)
        self._number, self._server = pid, server

    def kill(self) -> None:
        """At once."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.sentinel, signal.SIGKILL)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it is over, or for `timeout` seconds."""
        wait([self.sentinel], timeout)

    @property
    def exitcode(self) -> int | None:
        """Minus the signal's number where one ended it; None while it runs."""
        return self._server.exit_code(self._number) if wait([self.sentinel], 0) else None

    def close(self) -> None:
        """Let go of it."""
        os.close(self.sentinel)
        self._server.reap(self._number)


class ForkServer:
    """Starts at once, and forks workers when it has loaded our code.

    Start it from a thread that lives on, as workers. Raises OSError where the system starts no more processes.
    """

    def __init__(self, job_kinds: str = "") -> None:
        self._libraries = os.environ.get(LIBRARIES)
        self._codes: dict[int, int | None] = {}
        self._is_idle = False
        self._pipe, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = multiprocessing.get_context("spawn").Process(
            target=run_fork_server, args=(theirs, job_kinds), name=SERVER_NAME, daemon=True
        )
        try:
            with only_allowed(network=False):
                self._process.start()
        except BaseException:
            self._pipe.close()
            raise
        finally:
            theirs.close()

    def is_idle(self, wait_s: float = 0.0) -> bool:
        """Whether it waits for an order within `wait_s` seconds, and workers find there what new ones find."""
        if os.environ.get(LIBRARIES) != self._libraries:
            return False
        end_s = time.monotonic() + wait_s
        while not self._is_idle and self._hear(end_s - time.monotonic()) is not None:
            pass
        return self._is_idle

    def fork(self, kind: str, config: ChildConfig, connection: "Connection[bytes, bytes]") -> ForkedProcess:
        """A worker for a job of `kind` with this end of its pipe. Raises `ServerGone`, or OSError and ValueError where
        nothing was sent.
        """
        environ = allowed(os.environ, network=config.network)
        order = ForkOrder(kind=kind, config=config, environ=environ, cores=tuple(os.sched_getaffinity(0)))
        socket.send_fds(self._pipe, [order.model_dump_json().encode()], [connection.fileno()])
        self._is_idle = False
        end_s = time.monotonic() + ANSWER_WAIT_S
        while (answer := self._hear(end_s - time.monotonic())) is not None:
            if answer.pid is not None and answer.exit_code is None:
                return ForkedProcess(answer.pid, self)
        raise ServerGone

    def exit_code(self, pid: int) -> int | None:
        """Of a worker that is over."""
        end_s = time.monotonic() + ANSWER_WAIT_S
        while pid not in self._codes and self._hear(end_s - time.monotonic()) is not None:
            pass
        return self._codes.get(pid)

    def reap(self, pid: int) -> None:
        """Nothing of this worker is needed any more."""
        self._codes.pop(pid, None)
        with contextlib.suppress(OSError):
            self._pipe.send(ForkOrder(reap=pid).model_dump_json().encode(), socket.MSG_DONTWAIT)

    def close(self) -> None:
        """End it, and with it the workers that still run."""
        self._pipe.close()
        self._process.kill()
        self._process.join()
        self._process.close()

    def _hear(self, wait_s: float) -> ForkAnswer | None:
        """Its next answer; None where none comes."""
        if not wait([self._pipe], max(0.0, wait_s)):
            return None
        try:
            data = self._pipe.recv(MOST_BYTES)
        except OSError:
            return None
        if not data:
            return None
        answer = ForkAnswer.model_validate_json(data)
        if answer.pid is None:
            self._is_idle = True
        elif answer.exit_code is not None:
            self._codes[answer.pid] = answer.exit_code
        return answer


class Forks:
    """Which jobs are forked: all but those that measure their memory."""

    def __init__(self, server: ForkServer | None = None) -> None:
        self._server = server
        self._is_own = server is None
        self._jobs = 0
        self._may_start = IS_OFFERED

    def start(self, job: RunJob, config: ChildConfig, connection: "Connection[bytes, bytes]") -> ForkedProcess | None:
        """None: start a process anew, which is always right. Never waits for a server that is busy."""
        if job.fresh_process:
            return None
        self._jobs += 1
        if self._server is None:
            self.prestart(self._jobs)
            return None
        try:
            return self._server.fork(job.kind, config, connection) if self._server.is_idle() else None
        except (ServerGone, BrokenPipeError, ConnectionResetError):
            self.close()
        except (OSError, ValueError):  # an order that is too long, or has names that are no text
            pass
        return None

    def prestart(self, jobs: int = FROM_JOB) -> None:
        """Start the server, where the system offers what it needs and enough `jobs` are about to come."""
        if self._may_start and self._server is None and jobs >= FROM_JOB:
            self._may_start = False
            with contextlib.suppress(OSError):
                self._server = ForkServer()

    def begin_again(self) -> None:
        """What the server has loaded is out of date: end it. The next one is started when jobs come."""
        self.close()
        self._is_own, self._may_start, self._jobs = True, IS_OFFERED, 0

    def close(self) -> None:
        """End the server, and with it the workers that it forked; not one that others use."""
        if self._server is not None and self._is_own:
            self._server.close()
        self._server = None
