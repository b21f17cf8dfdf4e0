"""Fork workers from a process that has already loaded our code; a newly started process spends 0.3 s on imports.

The process opens no files of other people and receives orders over a pair of sockets that only the application holds.
Each worker sets up its sandbox before anything else, like a newly started one. Threads of libraries do not survive a
fork (POSIX fork), so no thread stays outside the sandbox. Libraries that start threads on import are not loaded: ONNX
Runtime, OpenVINO, torch.
"""

import contextlib
import ctypes
import gc
import importlib
import os
import random
import select
import signal
import socket
import traceback
from collections import Counter
from multiprocessing.connection import Connection

from workers.contracts.process.bootstrap import SERVER_NAME, WORKER_NAME, ForkAnswer, ForkOrder
from workers.runtime import entry, environment
from workers.runtime.kinds import load_job

MOST_BYTES = 1 << 18
PR_SET_NAME = 15
WITH_LIBRARIES = 2
"""Number of jobs of a kind before its libraries are loaded; loading takes a second, too long for one job."""


def serve(pipe: socket.socket, job_kinds: str) -> None:
    """Process orders until the application closes its end of `pipe`; never return. Linux only."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(entry.PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    ctypes.CDLL(None).prctl(PR_SET_NAME, SERVER_NAME.encode(), 0, 0, 0)
    entry.let_go_of_tracker()
    environment.prepare(network=True, threads=1, home=None)  # BLAS starts no threads then
    import numpy  # noqa: F401

    server = _Server(pipe, job_kinds)
    server.send(ForkAnswer())
    with contextlib.suppress(ConnectionError):  # the application ended with unread messages
        while server.work():
            pass
    os._exit(0)


class _Server:
    """Fork server of one application: `work()` waits for an order or for the end of a worker.

    An ended worker stays a zombie until the application has killed its process group, so that its process id is not
    reused.
    """

    def __init__(self, pipe: socket.socket, job_kinds: str) -> None:
        self._pipe, self._table = pipe, job_kinds
        self._poll = select.poll()
        self._poll.register(pipe, select.POLLIN)
        self._running: dict[int, int] = {}
        self._jobs: Counter[str] = Counter()

    def send(self, answer: ForkAnswer) -> None:
        """Send a message to the application."""
        self._pipe.send(answer.model_dump_json().encode())

    def work(self) -> bool:
        """Process pending events; return whether the application still runs."""
        for descriptor, _ in self._poll.poll():
            if descriptor != self._pipe.fileno():
                self._ended(descriptor)
            elif not self._obey():
                return False
        return True

    def _obey(self) -> bool:
        data, descriptors, _, _ = socket.recv_fds(self._pipe, MOST_BYTES, 1)
        if not data:
            return False
        order = ForkOrder.model_validate_json(data)
        if order.reap is not None:
            os.waitpid(order.reap, os.WNOHANG)
            return True
        self._fork(order, descriptors[0])
        os.close(descriptors[0])
        self._jobs[order.kind] += 1
        self._load(order.kind, self._jobs[order.kind])
        self.send(ForkAnswer())
        return True

    def _fork(self, order: ForkOrder, connection: int) -> None:
        assert order.config is not None
        config = order.config.model_copy(update={"parent_pid": os.getpid()}).model_dump_json()
        pid = os.fork()
        if pid == 0:
            try:
                self._become_worker(order, connection, config)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        watched = os.pidfd_open(pid)
        self._running[watched] = pid
        self._poll.register(watched, select.POLLIN)
        self.send(ForkAnswer(pid=pid))

    def _become_worker(self, order: ForkOrder, connection: int, config: str) -> None:
        ctypes.CDLL(None).prctl(PR_SET_NAME, WORKER_NAME.encode(), 0, 0, 0)
        self._pipe.close()
        for descriptor in self._running:
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(order.environ)
        os.sched_setaffinity(0, order.cores)
        random.seed()
        entry.main(Connection(connection), config)

    def _ended(self, watched: int) -> None:
        result = os.waitid(os.P_PIDFD, watched, os.WEXITED | os.WNOWAIT)
        assert result is not None
        code = result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
        self._poll.unregister(watched)
        os.close(watched)
        self.send(ForkAnswer(pid=self._running.pop(watched), exit_code=code))

    def _load(self, kind: str, jobs: int) -> None:
        """Import the code of a job kind for its next job, with its libraries if the kind comes repeatedly.

        Import errors are ignored here: the job itself reports them.
        """
        if jobs > WITH_LIBRARIES:
            return
        try:
            function = load_job(kind, self._table)
            for name in function.preload if jobs == WITH_LIBRARIES else ():
                importlib.import_module(name)
        except Exception:
            return
        gc.collect()
        gc.freeze()  # workers do not scan, and so do not copy, memory that is loaded now
