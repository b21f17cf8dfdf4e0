"""Test that no process outlives the program, and that prepared workers are used or ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from jobs_bench import Bench, drive, is_alive

from app.jobs.client import JobClient
from app.jobs.fork_server import IS_OFFERED
from app.jobs.outcome import Crashed
from workers.contracts.process.messages import Cancelled, Failed, Finished, Limits, Ready, RunJob

PARENT = """
import sys, time
sys.path[:0] = {paths!r}
from pathlib import Path
import psutil
from jobs_bench import HANDLERS, Bench
from app.jobs.fork_server import IS_OFFERED, ForkServer
from app.jobs.pool import WorkerPool
if __name__ == "__main__":
    servers = [None, ForkServer(HANDLERS)] if IS_OFFERED else [None]
    assert all(server.is_idle(60) for server in servers[1:])
    benches = [
        Bench(root, WorkerPool(root / "jobs", job_kinds=HANDLERS, fork_server=server))
        for number, server in enumerate(servers) for root in [Path({root!r}) / str(number)]
    ]
    clients = [bench.start(bench.job("sleep", {{"polite": False, "seconds": 3600}})) for bench in benches]
    waiting = benches[0].pool.take()
    waiting.prestart(())
    while waiting.ready is None or not all((one.root / "jobs" / "sleep-0" / "half.bin").exists() for one in benches):
        for client in (*clients, waiting):
            client.poll()
        time.sleep(0.01)
    servers = [psutil.Process(client.pid).ppid() for client in clients[1:]]
    print(*(client.pid for client in (*clients, waiting)), *servers, flush=True)
    time.sleep(3600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_workers_and_server_end_with_a_killed_program(tmp_path: Path, ending: signal.Signals) -> None:
    """Given a program with running workers, a waiting one and a fork server, When it is killed, Then all are gone."""
    script = tmp_path / "parent.py"
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[3])]
    script.write_text(PARENT.format(paths=paths, root=str(tmp_path)))
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as program:
        pids = [int(word) for word in program.stdout.readline().split()]
        assert len(pids) == (4 if IS_OFFERED else 2) and program.pid not in pids
        assert all(is_alive(pid) for pid in pids)
        os.kill(program.pid, ending)
        program.wait()
        end = time.monotonic() + 60
        while any(is_alive(pid) for pid in pids) and time.monotonic() < end:
            time.sleep(0.02)

        assert not any(is_alive(pid) for pid in pids)


def cycles(bench: Bench, count: int) -> tuple[int, int, int]:
    """Run jobs with several ends; return open files, children and resident bytes of this process."""
    for number in range(count):
        job = bench.job("echo" if number % 4 else "misbehave", {"how": "exit"})
        client = bench.pool.take()
        client.start(job.model_copy(update={"job_id": f"job-{number}", "work_dir": f"{job.work_dir}-{number}"}))
        bench.finish(client)
        client.close()
        if number % 4:
            assert isinstance(client.outcome, Finished)
    me = psutil.Process()
    return me.num_fds(), len(me.children(recursive=True)), me.memory_info().rss


@pytest.mark.whole
@pytest.mark.parametrize("count", [24, pytest.param(2000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_job_cycles_leave_nothing_behind(bench: Bench, count: int) -> None:
    """Given many jobs in a row, Then open files, processes and memory do not grow."""
    files, children, rss = cycles(bench, 10)
    files_after, children_after, rss_after = cycles(bench, count)

    assert files_after <= files
    assert children_after <= children
    assert rss_after - rss < 8 << 20


def prepared(bench: Bench, job: RunJob) -> JobClient:
    """Return a client whose worker waits for `begin`."""
    client = bench.pool.take()
    bench.clients.append(client)
    client.prepare(job)
    messages = drive(client, lambda: client.ready is not None)
    assert [type(message) for message in messages] == [Ready]
    return client


def test_prepared_worker_waits_for_begin(bench: Bench) -> None:
    """Given a prepared worker, Then it does nothing until `begin`, and then the job as usual."""
    client = prepared(bench, bench.job("echo", {"x": 1}, seed=7, threads=2))
    pid = client.pid
    time.sleep(0.1)
    assert client.poll() == [] and not (bench.root / "jobs" / "echo-0" / "out.txt").exists()

    client.begin()
    values = bench.finish(client)[-1].result["values"]
    assert (values["x"], values["seed"], values["omp"], values["pid"]) == (1, 7, "2", pid)
    assert not is_alive(pid)


def test_the_time_of_the_job_counts_from_its_begin(bench: Bench) -> None:
    """Given jobs with a wall time and an idle limit of a second, When they wait longer before `begin`, Then both
    finish."""
    for limits in (Limits(wall_s=1.0), Limits(idle_s=1.0)):
        client = prepared(bench, bench.job("echo", limits=limits))
        watch = time.monotonic()
        while time.monotonic() < watch + 1.2:
            assert client.poll() == []
            time.sleep(0.05)
        client.begin()
        assert isinstance(bench.finish(client)[-1], Finished)


@pytest.mark.parametrize("how", ["cancel", "close"])
def test_prepared_worker_can_be_cancelled_or_closed(bench: Bench, how: str) -> None:
    """Given a prepared worker, When it is cancelled or closed, Then it is gone with its folder."""
    client = prepared(bench, bench.job("sleep"))
    pid = client.pid
    if how == "cancel":
        client.cancel()
        assert bench.finish(client)[-1] == Cancelled()
    else:
        client.close()
    assert not is_alive(pid)
    assert list((bench.root / "jobs").iterdir()) == []


def test_death_of_a_prepared_worker_is_reported(bench: Bench) -> None:
    """Given a prepared worker, When it is killed, Then that is reported, and `begin` has no effect."""
    client = prepared(bench, bench.job("sleep"))
    os.kill(client.pid, signal.SIGKILL)
    messages = bench.finish(client)
    assert [message.cause for message in messages if isinstance(message, Crashed)] == ["killed"]
    client.begin()
    assert client.poll() == []


def test_prepared_job_of_an_unknown_kind_fails(bench: Bench) -> None:
    """Given an unknown kind, Then its worker waits as usual, and its job fails."""
    client = prepared(bench, bench.job("nothing_such"))
    client.begin()
    failed = bench.finish(client)[-1]
    assert isinstance(failed, Failed) and failed.error.code == "unknown_kind"


def test_a_client_begins_once(bench: Bench) -> None:
    """Given no prepared job, or one that has begun, Then `begin` raises RuntimeError."""
    with pytest.raises(RuntimeError):
        bench.pool.take().begin()
    client = prepared(bench, bench.job("echo"))
    client.begin()
    with pytest.raises(RuntimeError):
        client.begin()
    with pytest.raises(RuntimeError):
        client.prepare(bench.job("echo"))
    bench.finish(client)
