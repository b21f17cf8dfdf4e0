"""Test the sandbox from inside a job, and the report of missing protections."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jobs_bench import HANDLERS, Bench

from app.jobs.pool import WorkerPool
from workers.contracts.process.messages import Finished, Limits, Log, Ready
from workers.contracts.process.protections import FILES
from workers.runtime.walls import landlock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these walls")

DENIED = ("OSError", "PermissionError", "BlockingIOError")


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def prepare(root: Path) -> tuple[Path, Path]:
    outside, given = root / "outside", root / "given"
    outside.mkdir()
    given.mkdir()
    (outside / "secret.txt").write_text("secret")
    (given / "input.txt").write_text("input")
    return outside, given


def values(root: Path, port: int) -> dict[str, object]:
    return {"outside": str(root / "outside"), "input": str(root / "given" / "input.txt"), "port": port}


def test_nothing_outside_the_job_can_be_reached(bench: Bench, port: int) -> None:
    """Given a job that tries every access, Then its input, its folder and its pipe work, and everything else is
    denied."""
    outside, given = prepare(bench.root)
    _, messages = bench.run("escape", values(bench.root, port), read_paths=(str(given),))

    report = messages[-1].result["values"]
    assert report.pop("read input") == "done: input"
    assert report.pop("write work").startswith("done")
    assert report.pop("pipe").startswith("done")
    assert report.pop("chmod outside").startswith("done"), "answered with success and not done"
    assert {name: what for name, what in report.items() if what not in DENIED} == {}
    assert (outside / "secret.txt").read_text() == "secret"
    left = [path.name for path in (bench.root / "jobs" / "escape-0").rglob("*")]
    assert sorted(left) == ["deep", "ok.txt"], "links are not handed out"
    assert (outside / "secret.txt").stat().st_mode & 0o777 != 0o777
    assert [entry.name for entry in outside.iterdir()] == ["secret.txt"]


def test_a_waiting_worker_is_narrowed_to_its_job(bench: Bench, port: int) -> None:
    """Given a worker that could read the whole store, When it gets a job, Then it reads this job's input only."""
    store = bench.root / "store"
    store.mkdir()
    _, given = prepare(store)
    (bench.root / "jobs" / "other").mkdir(parents=True)
    client = bench.pool.take()
    bench.clients.append(client)
    client.prestart(())
    job = bench.job("escape", values(store, port), read_paths=(str(given),))
    waiting = client.pid
    client.start(job)
    messages = bench.finish(client)

    report = messages[-1].result["values"]
    assert waiting is not None
    assert report["read input"] == "done: input"
    assert report["read outside"] in DENIED
    assert report["write outside"] in DENIED
    assert report["read outside in a thread"] in DENIED


def narrowed(bench: Bench, *preload: str) -> dict[str, Any]:
    """Return the result of a job in a worker that waited with these libraries and could read the whole store before."""
    (bench.root / "store").mkdir()
    other = bench.root / "store" / "other.txt"
    other.write_text("other")
    client = bench.pool.take()
    bench.clients.append(client)
    client.prestart(preload)
    client.start(bench.job("early", {"outside": str(other)}))
    messages = bench.finish(client)
    assert isinstance(messages[-1], Finished), messages[-1]
    values: dict[str, Any] = messages[-1].result["values"]
    return values


def test_waiting_worker_without_threads_is_narrowed_as_a_whole(bench: Bench) -> None:
    """Given a waiting worker without threads of libraries, Then no protection is missing, because our thread starts
    afterwards."""
    assert narrowed(bench)["missing"] == []


def test_waiting_worker_starts_threads_of_libraries_after_its_walls(tmp_path: Path) -> None:
    """Given a worker that waited with numpy and may use two threads, Then BLAS has started none before the sandbox."""
    bench = Bench(tmp_path, WorkerPool(tmp_path / "jobs", store=tmp_path / "store", threads=2, job_kinds=HANDLERS))
    assert narrowed(bench, "numpy")["missing"] == []


def test_waiting_worker_reports_threads_that_stay_outside(bench: Bench) -> None:
    """Given a library whose thread is older than the job, Then the thread is narrowed, too, or the missing protection
    is named."""
    found = narrowed(bench, "fettle_test_handlers._early_thread")

    is_outside = found["read"] == "other"
    assert is_outside == (landlock.abi() < landlock.ALL_THREADS_ABI)
    assert found["missing"] == ([FILES] if is_outside else [])


def test_ready_lists_all_protections(bench: Bench) -> None:
    """Given a machine with Landlock and seccomp, Then `Ready` lists five protections and none missing."""
    client, _ = bench.run("echo")

    assert len(client.ready.protections) == 5
    assert client.ready.missing_protections == ()


def test_ready_lists_missing_protections(tmp_path: Path) -> None:
    """Given a worker without its sandbox, Then `Ready` names every missing protection."""
    bench = Bench(tmp_path, WorkerPool(tmp_path / "jobs", job_kinds=HANDLERS, sandbox=False))
    client, messages = bench.run("echo")

    assert isinstance(messages[-1], Finished)
    assert client.ready.protections == ()
    assert len(client.ready.missing_protections) == 5


def test_programs_start_only_where_the_job_may_start_them(bench: Bench, port: int) -> None:
    """Given a job that may start programs, Then it can, and still reads and writes nothing outside."""
    prepare(bench.root)
    limits = Limits(start_programs=True)
    given = str(bench.root / "given")
    _, messages = bench.run("programs", {"wait": False}, limits=limits, read_paths=(given,))

    assert isinstance(messages[-1], Finished)
    assert [m for m in messages if isinstance(m, Log)]


def test_the_network_opens_only_for_jobs_that_need_it(bench: Bench, port: int) -> None:
    """Given a download job, Then it may connect, and nothing else is permitted."""
    _, given = prepare(bench.root)
    limits = Limits(network=True)
    client, messages = bench.run("escape", values(bench.root, port), limits=limits, read_paths=(str(given),))

    report = messages[-1].result["values"]
    assert report["connect"].startswith("done")
    assert report["read outside"] in DENIED
    assert report["start program"] in DENIED
    assert "network" not in client.ready.protections


@pytest.mark.whole
def test_the_heavy_libraries_work_behind_the_walls(bench: Bench) -> None:
    """Given torch, onnx, ONNX Runtime and OpenVINO, Then export and runs work, and nothing is written elsewhere."""
    client = bench.start(bench.job("libraries"))
    messages = bench.finish(client, 120)

    assert isinstance(messages[-1], Finished), messages[-1]
    assert messages[-1].result["values"]["close"] is True
    assert isinstance(messages[0], Ready)


def test_a_folder_that_outlives_the_job_can_be_written(bench: Bench, port: int) -> None:
    """Given a job with a second writable folder, Then it writes there and nowhere else, and links are removed."""
    outside, given = prepare(bench.root)
    other = bench.root / "other"
    other.mkdir()
    (outside / "old link").symlink_to(other)
    _, messages = bench.run("escape", values(bench.root, port), read_paths=(str(given),), write_paths=(str(outside),))

    report = messages[-1].result["values"]
    assert report["write outside"].startswith("done")
    assert report["remove outside"].startswith("done")
    assert report["start program"] in DENIED
    assert sorted(entry.name for entry in outside.iterdir()) == ["new.txt"], "links are not left"
    assert list(other.iterdir()) == []


def test_a_failed_job_keeps_the_folder_that_outlives_it(bench: Bench) -> None:
    """Given a job that is killed, Then its own folder is removed and its lasting folder stays."""
    kept = bench.root / "kept"
    kept.mkdir()
    (kept / "piece").write_text("half")
    client = bench.start(bench.job("sleep", write_paths=(str(kept),)))
    client.kill()
    bench.finish(client)

    assert (kept / "piece").read_text() == "half"
    assert not (bench.root / "jobs" / "sleep-0").exists()


def test_a_waiting_worker_is_not_taken_for_a_wider_job(bench: Bench) -> None:
    """Given a waiting worker, When a job may write elsewhere, Then it gets its own process."""
    assert bench.pool.setup.fits(bench.job("echo"))
    assert not bench.pool.setup.fits(bench.job("echo", write_paths=(str(bench.root),)))
