"""A worker that is started ahead of its job: it loads our code, waits, and costs the job nothing."""

import os
import signal
import time

import pytest
from jobs_bench import Bench, drive, is_alive

from app.jobs.client import JobClient
from app.jobs.outcome import Crashed
from workers.contracts.process.messages import Cancelled, Failed, Finished, Limits, Ready, RunJob


def prepared(bench: Bench, job: RunJob) -> JobClient:
    """Up, and waiting for `begin`."""
    client = bench.pool.take()
    bench.clients.append(client)
    client.prepare(job)
    messages = drive(client, lambda: client.ready is not None)
    assert [type(message) for message in messages] == [Ready]
    return client


def test_it_waits_and_then_does_its_job(bench: Bench) -> None:
    """Given a worker that was prepared, Then it does nothing until it may begin, and then what any other does."""
    client = prepared(bench, bench.job("echo", {"x": 1}, seed=7, threads=2))
    pid = client.pid
    time.sleep(0.1)
    assert client.poll() == [] and not (bench.root / "jobs" / "echo-0" / "out.txt").exists()

    client.begin()
    values = bench.finish(client)[-1].result["values"]
    assert (values["x"], values["seed"], values["omp"], values["pid"]) == (1, 7, "2", pid)
    assert not is_alive(pid)


def test_the_time_of_the_job_counts_from_its_begin(bench: Bench) -> None:
    """Given a job of a second and one that ends where it is idle for as long, When they wait longer, Then both are
    done."""
    for limits in (Limits(wall_s=1.0), Limits(idle_s=1.0)):
        client = prepared(bench, bench.job("echo", limits=limits))
        watch = time.monotonic()
        while time.monotonic() < watch + 1.2:
            assert client.poll() == []
            time.sleep(0.05)
        client.begin()
        assert isinstance(bench.finish(client)[-1], Finished)


@pytest.mark.parametrize("how", ["cancel", "close"])
def test_one_that_waits_can_be_let_go(bench: Bench, how: str) -> None:
    """Given a worker that waits, When it is not wanted any more, Then it is gone with its folder."""
    client = prepared(bench, bench.job("sleep"))
    pid = client.pid
    if how == "cancel":
        client.cancel()
        assert bench.finish(client)[-1] == Cancelled()
    else:
        client.close()
    assert not is_alive(pid)
    assert list((bench.root / "jobs").iterdir()) == []


def test_the_death_of_one_that_waits_is_told(bench: Bench) -> None:
    """Given a worker that waits, When somebody kills it, Then that is told, and `begin` afterwards changes nothing."""
    client = prepared(bench, bench.job("sleep"))
    os.kill(client.pid, signal.SIGKILL)
    messages = bench.finish(client)
    assert [message.cause for message in messages if isinstance(message, Crashed)] == ["killed"]
    client.begin()
    assert client.poll() == []


def test_what_cannot_be_loaded_ahead_is_told_by_the_job(bench: Bench) -> None:
    """Given a kind that does not exist, Then its worker waits as any other, and its job fails in words."""
    client = prepared(bench, bench.job("nothing_such"))
    client.begin()
    failed = bench.finish(client)[-1]
    assert isinstance(failed, Failed) and failed.error.code == "unknown_kind"


def test_a_client_begins_once(bench: Bench) -> None:
    """Given nothing to begin, or a job that has begun, Then that is the caller's mistake."""
    with pytest.raises(RuntimeError):
        bench.pool.take().begin()
    client = prepared(bench, bench.job("echo"))
    client.begin()
    with pytest.raises(RuntimeError):
        client.begin()
    with pytest.raises(RuntimeError):
        client.prepare(bench.job("echo"))
    bench.finish(client)
