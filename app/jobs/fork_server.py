"""Drive the fork server (`workers/runtime/fork_server.py`) from the application; only Linux has the required calls."""

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
"""Most seconds to wait for an answer, which usually takes milliseconds, or longer while the server loads code."""

LIBRARIES = "LD_LIBRARY_PATH"
"""Variable that takes effect only when a process starts."""

FROM_JOB = 2
"""Number of the job from which on forking pays: loading the server takes as long as starting a worker."""

IS_OFFERED = sys.platform == "linux" and hasattr(os, "pidfd_open")


class ServerGone(Exception):
    """The server does not respond, and the workers that it forked end with it."""


class ForkedProcess:
    """One forked worker with the used part of `multiprocessing.Process`'s interface; owned by its `WorkerProcess`.

    Its process id stays reserved until `close`, because the server does not reap it before.
    """

    def __init__(self, pid: int, server: "ForkServer") -> None:
        """Create a handle for the worker `pid` of `server`."""
        self.pid: int | None = pid
        self.sentinel = os.pidfd_open(pid)
        self._number, self._server = pid, server

    def kill(self) -> None:
        """Kill the worker at once."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.sentinel, signal.SIGKILL)

    def join(self, timeout: float | None = None) -> None:
        """Wait until the worker ends, for at most `timeout` seconds."""
        wait([self.sentinel], timeout)

    @property
    def exitcode(self) -> int | None:
        """Return the exit code, which is minus the signal's number after a signal; None while the worker runs."""
        return self._server.exit_code(self._number) if wait([self.sentinel], 0) else None

    def close(self) -> None:
        """Release the handle and let the server reap the worker."""
        os.close(self.sentinel)
        self._server.reap(self._number)


class ForkServer:
    """A process that has loaded our code and forks workers; owned by `Forks`, or by a caller that shares it.

    Create it in a thread that lives as long as its workers.
    """

    def __init__(self, job_kinds: str = "") -> None:
        """Start the server process; raise OSError if the system starts no more processes."""
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
        """Return whether the server awaits an order within `wait_s` seconds and its library path is still current."""
        if os.environ.get(LIBRARIES) != self._libraries:
            return False
        end_s = time.monotonic() + wait_s
        while not self._is_idle and self._next_answer(end_s - time.monotonic()) is not None:
            pass
        return self._is_idle

    def fork(self, kind: str, config: ChildConfig, connection: "Connection[bytes, bytes]") -> ForkedProcess:
        """Return a forked worker for a job of `kind` with this end of its pipe.

        Raises:
            ServerGone: The server does not respond.
            OSError: Nothing was sent.
            ValueError: Nothing was sent.
        """
        environ = allowed(os.environ, network=config.network)
        order = ForkOrder(kind=kind, config=config, environ=environ, cores=tuple(os.sched_getaffinity(0)))
        socket.send_fds(self._pipe, [order.model_dump_json().encode()], [connection.fileno()])
        self._is_idle = False
        end_s = time.monotonic() + ANSWER_WAIT_S
        while (answer := self._next_answer(end_s - time.monotonic())) is not None:
            if answer.pid is not None and answer.exit_code is None:
                return ForkedProcess(answer.pid, self)
        raise ServerGone

    def exit_code(self, pid: int) -> int | None:
        """Return the exit code of a worker that has ended, None if the server does not respond."""
        end_s = time.monotonic() + ANSWER_WAIT_S
        while pid not in self._codes and self._next_answer(end_s - time.monotonic()) is not None:
            pass
        return self._codes.get(pid)

    def reap(self, pid: int) -> None:
        """Release all data of this worker."""
        self._codes.pop(pid, None)
        with contextlib.suppress(OSError):
            self._pipe.send(ForkOrder(reap=pid).model_dump_json().encode(), socket.MSG_DONTWAIT)

    def close(self) -> None:
        """Kill the server and thereby its remaining workers."""
        self._pipe.close()
        self._process.kill()
        self._process.join()
        self._process.close()

    def _next_answer(self, wait_s: float) -> ForkAnswer | None:
        """Return the server's next answer, None if none arrives in time."""
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
    """Decides which jobs of a pool are forked: all but those that measure their memory. Owns its server."""

    def __init__(self, server: ForkServer | None = None) -> None:
        """Create the decision for `server`; None starts an own server when enough jobs come."""
        self._server = server
        self._is_own = server is None
        self._jobs = 0
        self._may_start = IS_OFFERED

    def start(self, job: RunJob, config: ChildConfig, connection: "Connection[bytes, bytes]") -> ForkedProcess | None:
        """Return a forked worker, or None if a new process must be started; never waits for a busy server."""
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
        except (OSError, ValueError):  # the order is too long, or has names that are not text
            pass
        return None

    def prestart(self, jobs: int = FROM_JOB) -> None:
        """Start the server if the system supports it and at least `FROM_JOB` jobs are expected."""
        if self._may_start and self._server is None and jobs >= FROM_JOB:
            self._may_start = False
            with contextlib.suppress(OSError):
                self._server = ForkServer()

    def begin_again(self) -> None:
        """End a server whose loaded code is out of date; later jobs start a new one."""
        self.close()
        self._may_start, self._jobs = IS_OFFERED, 0

    def close(self) -> None:
        """End the own server and thereby its workers; a shared server is left running."""
        if self._server is not None and self._is_own:
            self._server.close()
        self._server, self._is_own = None, True  # the next server is an own one
