"""Test the waiting worker, which lets torch jobs start at once, and the detection of idle processes."""

import os
import sys
import time
from collections.abc import Iterator

from jobs_bench import Bench, drive, is_alive

from app.jobs.client import JobClient
from app.jobs.idle import IdleWatch, cpu_seconds
from app.jobs.pool import WorkerPool
from workers.contracts.process.messages import Finished, Limits, Progress


def wait_until_ready(pool: WorkerPool) -> JobClient:
    end = time.monotonic() + 60
    while pool.waiting is None or pool.waiting.ready is None:
        pool.tick()
        assert time.monotonic() < end
        time.sleep(0.01)
    return pool.waiting


def test_a_job_starts_at_once_in_the_waiting_torch_worker(bench: Bench) -> None:
    """Given a worker that has imported torch, When a torch job starts, Then it runs in that worker, which starts
    no process; tests/benchmarks holds its limit of 0.3 s."""
    bench.pool.prestart()
    waiting = wait_until_ready(bench.pool)
    pid = waiting.pid
    client = bench.start(bench.job("echo", threads=2), torch=True)
    drive(client, lambda: client.done)

    assert client.pid is None
    assert client is waiting
    assert client.outcome.result["values"]["pid"] == pid
    assert "torch" in client.outcome.result["values"]["modules"]
    assert client.log_path is None, "an empty log is removed"
    assert list((bench.root / "logs").iterdir()) == []


def test_waiting_worker_imports_a_library_that_writes_a_temporary_file(bench: Bench) -> None:
    """Given a library that writes a temporary file at import, When a waiting worker preloads it, Then it gets ready, and a
    job that it takes has temporary files in its own folder only."""
    client = bench.pool.take()
    client.prestart(("fettle_test_handlers._temporary_file",))
    bench.clients.append(client)
    deadline_s = time.monotonic() + 60
    while client.ready is None and not client.done:
        client.poll()
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    assert client.ready is not None, client.outcome
    client.start(bench.job("echo"))
    drive(client, lambda: client.done)
    assert isinstance(client.outcome, Finished)
    assert "fettle_test_handlers._temporary_file" in client.outcome.result["values"]["modules"]


def test_a_job_with_inputs_elsewhere_gets_a_fresh_process(bench: Bench) -> None:
    """Given a waiting worker, When the job's input is outside its roots, Then another process runs it."""
    (bench.root / "elsewhere").mkdir()
    client = bench.pool.take()
    client.prestart(())
    waiting = client.pid
    bench.clients.append(client)
    client.start(bench.job("echo", read_paths=(str(bench.root / "elsewhere"),)))
    messages = bench.finish(client)

    assert isinstance(messages[-1], Finished)
    assert messages[-1].result["values"]["pid"] != waiting
    assert not is_alive(waiting)


def test_a_job_that_may_do_more_gets_a_fresh_process(bench: Bench) -> None:
    for limits in (Limits(network=True), Limits(start_programs=True), Limits(gpu=True)):
        assert not bench.pool.setup.fits(bench.job("echo", limits=limits))
    assert bench.pool.setup.fits(bench.job("echo"))


def test_a_waiting_worker_that_died_is_replaced_by_a_fresh_process(bench: Bench) -> None:
    """Given a waiting worker that was killed, When a job comes, Then it runs all the same."""
    client = bench.pool.take()
    bench.clients.append(client)
    client.prestart(())
    drive(client, lambda: client.ready is not None)
    client._process.kill()
    time.sleep(0.1)
    client.start(bench.job("echo"))
    messages = bench.finish(client)

    assert isinstance(messages[-1], Finished)
    assert any(isinstance(message, Progress) for message in messages)


def test_preload_that_fails_is_not_repeated(bench: Bench, monkeypatch) -> None:
    """Given a machine without torch, When the pool ticks, Then no new process is started."""
    monkeypatch.setattr("app.jobs.pool.TORCH", ("no_such_library",))
    pool = WorkerPool(bench.root / "jobs", prestart_torch=True, job_kinds=bench.pool.setup.job_kinds)
    end = time.monotonic() + 120
    while pool.waiting is not None and time.monotonic() < end:
        pool.tick()
        time.sleep(0.01)
    for _ in range(5):
        pool.tick()

    assert pool.waiting is None
    assert pool.take(torch=True).pid is None


def test_rest_ends_the_waiting_worker_until_wake(bench: Bench) -> None:
    """Given a waiting worker, When the pool rests, Then it has ended and none is started before `wake`."""
    bench.pool.prestart()
    pid = bench.pool.waiting.pid
    bench.pool.rest()
    bench.pool.prestart()
    assert not is_alive(pid) and bench.pool.waiting is None

    bench.pool.wake()
    bench.pool.prestart()
    assert bench.pool.waiting is not None


def test_closing_the_pool_ends_the_waiting_worker(bench: Bench) -> None:
    bench.pool.prestart()
    pid = bench.pool.waiting.pid
    bench.pool.close()

    assert not is_alive(pid)
    assert list((bench.root / "logs").iterdir()) == []


def readings(*values: float | None) -> IdleWatch:
    """Return a watch whose reader returns these values, one per call."""
    left: Iterator[float | None] = iter(values)
    return IdleWatch(lambda: next(left))


def test_no_processor_time_is_idle() -> None:
    """Given a process that stops working, Then it is idle once the limit has passed, not before."""
    watch = readings(0.0, 2.0, 2.005, 2.01, 2.015)
    assert [watch.is_idle(2.0, now_s=now_s) for now_s in (1.0, 2.0, 3.0, 4.0, 5.0)] == [
        False,
        False,
        False,
        False,
        True,
    ]


def test_a_little_work_is_work() -> None:
    """Given a process that uses a hundredth of a core now and then, Then it is never idle."""
    watch = readings(*(0.05 * turn for turn in range(20)))
    assert not any(watch.is_idle(2.0, now_s=float(turn)) for turn in range(1, 20))


def test_a_computer_that_slept_is_no_hang() -> None:
    """Given an hour without a call, Then the wait begins anew."""
    watch = readings(*[0.0] * 9)
    times_s = (1.0, 2.0, 3600.0, 3601.0, 3602.0, 3603.0)
    assert [watch.is_idle(2.0, now_s=now_s) for now_s in times_s] == [False, False, False, False, False, True]


def test_watch_reads_once_a_second_and_ignores_ended_processes() -> None:
    """Given many calls within a second, Then it reads once; an ended process is not idle."""
    watch = readings(0.0)
    assert not any(watch.is_idle(0.1, now_s=1.0 + turn / 100) for turn in range(50))
    assert not readings(None).is_idle(0.1, now_s=1.0)
    assert cpu_seconds(sys.maxsize >> 33) is None


def test_real_seconds() -> None:
    """Given this process at work, Then its processor time grows."""
    before = cpu_seconds(os.getpid())
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    after = cpu_seconds(os.getpid())
    assert before is not None and after is not None and after - before >= 0.05
