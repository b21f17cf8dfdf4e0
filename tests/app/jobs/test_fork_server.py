"""Test forked workers: their differences from new processes, and the end of their server."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from jobs_bench import HANDLERS, Bench, drive, is_alive

from app.jobs.fork_server import FROM_JOB, IS_OFFERED, Forks, ForkServer, ServerGone
from app.jobs.outcome import Crashed
from app.jobs.pool import WorkerPool
from workers.contracts.process.messages import Finished

pytestmark = pytest.mark.skipif(not IS_OFFERED, reason="Linux alone has what it needs")


@pytest.fixture
def server() -> Iterator[ForkServer]:
    made = ForkServer(HANDLERS)
    assert made.is_idle(60)
    yield made
    made.close()


@pytest.fixture
def forked(server: ForkServer, tmp_path: Path) -> Bench:
    return Bench(tmp_path, WorkerPool(tmp_path / "jobs", job_kinds=HANDLERS, fork_server=server))


@pytest.fixture
def anew(tmp_path: Path) -> Bench:
    return Bench(tmp_path, WorkerPool(tmp_path / "jobs", job_kinds=HANDLERS))


def echoed(bench: Bench, **more: Any) -> dict[str, Any]:
    _, messages = bench.run("echo", **more)
    assert isinstance(messages[-1], Finished), messages[-1]
    values: dict[str, Any] = messages[-1].result["values"]
    return values


def test_forked_worker_equals_a_new_one(
    forked: Bench, anew: Bench, server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an environment and cores that changed after the server began, Then a forked worker has them like a new one,
    none of the server's pipes, and the server as its parent."""
    monkeypatch.setenv("FETTLE_TRIAL", "changed")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        one, other = echoed(forked), echoed(anew)
    finally:
        os.sched_setaffinity(0, before)

    assert one.pop("parent") != os.getpid()
    assert other.pop("parent") == os.getpid()
    for differs in ("pid", "home", "modules", "niceness"):
        one.pop(differs), other.pop(differs)
    assert one.pop("open files") <= other.pop("open files")
    assert one == other
    assert one["trial"] == "changed"


def test_server_loads_libraries_of_frequent_jobs(forked: Bench, server: ForkServer) -> None:
    """Given repeated jobs of one kind, Then from the third on their libraries are loaded."""
    there = []
    for number in range(3):
        assert server.is_idle(60)
        there.append("colorsys" in echoed(forked, job_id=f"echo-{number}")["modules"])

    assert there == [False, False, True]


def test_job_that_measures_its_memory_gets_a_new_process(forked: Bench) -> None:
    """Given a job that needs a fresh process, Then no library was loaded before."""
    report = echoed(forked, fresh_process=True)

    assert report["parent"] == os.getpid()
    assert "numpy" not in report["modules"]


def test_libraries_of_another_place_need_a_new_process(forked: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an LD_LIBRARY_PATH that changed after the server began, Then a new process is started, because it is read
    at the start."""
    monkeypatch.setenv("LD_LIBRARY_PATH", "/somewhere")

    assert echoed(forked)["parent"] == os.getpid()


def test_killed_server_ends_its_workers_and_the_next_job_runs(forked: Bench, server: ForkServer) -> None:
    """Given a running worker, When the server is killed, Then the job has crashed, and the next one gets a new
    process."""
    running = forked.start(forked.job("sleep", {"seconds": 60}))
    drive(running, (forked.root / "jobs" / "sleep-0" / "half.bin").exists)
    os.kill(psutil.Process(running.pid).ppid(), signal.SIGKILL)
    messages = forked.finish(running)

    assert isinstance(messages[-1], Crashed)
    assert echoed(forked)["parent"] == os.getpid()


def test_a_server_starts_when_several_jobs_come(tmp_path: Path) -> None:
    """Given a program with few jobs, Then it has no server; with more jobs it has one, which ends with its pool."""

    def servers() -> list[int]:
        return [child.pid for child in psutil.Process().children() if child.pid not in before]

    resource_tracker.ensure_running()  # Python starts this process with the first job
    before = {child.pid for child in psutil.Process().children()}
    bench = Bench(tmp_path, WorkerPool(tmp_path / "jobs"))
    for number in range(FROM_JOB):
        assert servers() == []
        bench.run("inspect", params={}, job_id=f"refused-{number}")
    (pid,) = servers()
    bench.pool.close()

    assert not is_alive(pid)


class SilentServer:
    """A server that forks nothing and counts how often it is closed."""

    closed = 0

    def is_idle(self) -> bool:
        return True

    def fork(self, *order: object) -> None:
        raise ServerGone

    def close(self) -> None:
        self.closed += 1


def test_server_after_a_silent_shared_one_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a shared server that does not respond, When the pool starts an own one, Then it closes that one alone."""
    shared, own = SilentServer(), SilentServer()
    monkeypatch.setattr("app.jobs.fork_server.ForkServer", lambda: own)
    forks: Any = Forks(shared)
    job = SimpleNamespace(fresh_process=False, kind="echo")
    assert forks.start(job, None, None) is None
    forks.prestart()
    forks.close()
    assert (shared.closed, own.closed) == (0, 1)


SERVE = """
import socket, sys
from workers.runtime.fork_server import serve
serve(socket.socket(fileno=int(sys.argv[1])), "")
"""


def test_a_program_that_ends_with_something_unread_is_no_error() -> None:
    """Given a program that ends before it has read the server's message, Then the server ends without a traceback."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        command = [sys.executable, "-c", SERVE, str(theirs.fileno())]
        root = str(Path(__file__).parents[3])
        with subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE, text=True, cwd=root
        ) as server:
            theirs.close()
            assert select.select([ours], [], [], 120)[0]  # it has reported that it is ready
            ours.close()
            printed = server.stderr.read()
    assert (server.returncode, printed) == (0, "")
