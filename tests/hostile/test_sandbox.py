"""The sandbox proven from inside: a job tries each escape alone; each is stopped and reported in words."""

import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from forking import shared_server
from stopwatch import busyness

from app.jobs.client import Crashed, ForkJob, JobClient
from app.jobs.fork_server import IS_OFFERED, Forks
from app.jobs.outcome import explain
from app.jobs.setup import WorkerSetup
from workers.contracts.process.messages import TERMINAL, Failed, Finished, Limits, RunJob

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these walls")

TIGHT = Limits(memory_bytes=400 << 20, wall_s=30, file_bytes=8 << 20)
DENIED = (
    "read", "read_a_link", "list", "write", "remove", "move", "hard_link", "connect", "listen", "datagram",
    "start_a_program", "become_a_program", "end_the_window", "fork_on_and_on",
    "truncate", "empty_for_reading", "empty_for_nothing", "empty_by_openat2", "signal_by_owner", "signal_by_pidfd",
    "queue_signal", "limit_the_window", "read_memory", "count_events", "send_to_a_socket",
)  # fmt: skip
STOPPED = {
    "take_memory": "out_of_memory",
    "run_for_ever": "time_limit",
    "wait_for_ever": "time_limit",
    "fill_the_disk": "file_too_large",
}

HANDLERS = "fettle_hostile_handlers"


@pytest.fixture
def port() -> Iterator[int]:
    """A server that would answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "socket"))
        yield folder


@pytest.fixture
def fork() -> ForkJob | None:
    """Return what forks a worker, None where the system cannot and each worker is started anew."""
    return Forks(shared_server(HANDLERS)).start if IS_OFFERED else None


def attempt(
    root: Path, what: str, outside: Path, port: int, limits: Limits = TIGHT, fork: ForkJob | None = None
) -> Finished | Failed | Crashed:
    """Let a job try it; its end. Nothing of it may be left, neither a folder nor a process."""
    if limits.wall_s is not None:
        limits = limits.model_copy(update={"wall_s": limits.wall_s * busyness()})
    name = what.partition(",")[0]
    job = RunJob(
        job_id=name,
        kind="tries",
        params={"what": what, "outside": str(outside), "port": port},
        work_dir=str(root / "jobs" / name),
        limits=limits,
    )
    client = JobClient(WorkerSetup(root / "jobs", job_kinds=HANDLERS), fork)
    client.start(job)
    pid, end_s = client.pid, time.monotonic() + 60 * busyness()
    while not client.done:
        for message in client.poll():
            if isinstance(message, (*TERMINAL, Crashed)):
                end = message
        assert time.monotonic() < end_s
        time.sleep(0.005)
    client.close()
    assert not Path(job.work_dir).exists() or isinstance(end, Finished)
    assert pid is not None
    assert not psutil.pid_exists(pid)
    return end


def check_untouched(outside: Path) -> None:
    assert [path.name for path in outside.iterdir()] == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == "secret"
    assert (outside / "secret.txt").stat().st_nlink == 1


@pytest.mark.parametrize("what", DENIED)
def test_each_escape_is_stopped(tmp_path: Path, outside: Path, port: int, what: str, fork: ForkJob | None) -> None:
    """Given a job that tries to leave, Then it is reported that this is not permitted, and outside nothing has changed."""
    end = attempt(tmp_path, what, outside, port, fork=fork)

    error, _ = explain(end)
    assert error.code == "not_permitted", error
    assert error.detail.endswith(".") and error.hint.endswith(".")
    check_untouched(outside)


def test_worker_started_anew_is_walled_in_as_well(tmp_path: Path, outside: Path, port: int) -> None:
    """Given a worker that was not forked, Then each escape ends there as in a forked one."""
    end = attempt(tmp_path, ",".join(DENIED), outside, port)

    assert isinstance(end, Finished), end
    assert json.loads(end.result["answer"]) == dict.fromkeys(DENIED, "not permitted")
    check_untouched(outside)


@pytest.mark.whole
@pytest.mark.parametrize("is_forked", [True, False])
@pytest.mark.parametrize("what", STOPPED)
def test_what_has_no_end_is_ended(
    tmp_path: Path, outside: Path, port: int, what: str, is_forked: bool, fork: ForkJob | None
) -> None:
    """Given a job that takes all there is, Then it is stopped at its limit, and reported in words."""
    limits = TIGHT.model_copy(update={"wall_s": 1.5}) if STOPPED[what] == "time_limit" else TIGHT
    error, _ = explain(attempt(tmp_path, what, outside, port, limits, fork if is_forked else None))

    assert error.code == STOPPED[what], error
    assert error.detail.endswith(".") and error.hint.endswith(".")


@pytest.mark.whole
def test_processor_time_has_an_end_too(tmp_path: Path, outside: Path, port: int) -> None:
    """Given a limit on the processor's time alone, Then the system ends a job that burns it."""
    error, _ = explain(attempt(tmp_path, "run_for_ever", outside, port, Limits(cpu_s=1)))

    assert error.code == "cpu_limit"


@pytest.mark.parametrize("start_programs", [False, True])
def test_modes_outside_stay(tmp_path: Path, outside: Path, port: int, start_programs: bool) -> None:
    """Given a job that changes a mode outside, which Landlock does not cover, Then that is answered and not done."""
    before = (outside / "secret.txt").stat().st_mode
    limits = TIGHT.model_copy(update={"start_programs": start_programs})

    assert isinstance(attempt(tmp_path, "change_mode", outside, port, limits), Finished)
    assert (outside / "secret.txt").stat().st_mode == before


def test_threads_without_end(tmp_path: Path, outside: Path, port: int) -> None:
    """Given a job that starts threads on and on, Then it ends at its limits, in words, and nothing of it is left."""
    error, _ = explain(attempt(tmp_path, "threads_on_and_on", outside, port))

    assert error.code == "out_of_memory"
