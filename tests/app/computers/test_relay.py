"""Test that a job on another computer looks like one here."""

import hashlib
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_models
from computer_elsewhere import Elsewhere, exchange
from jobs_bench import drive, is_alive
from stopwatch import Stopwatch

from workers.contracts.jobs import AnswerParams, MeasureParams
from workers.contracts.process.messages import (
    Answered,
    BlockDone,
    Cancelled,
    Finished,
    Limits,
    Progress,
    Ready,
    Request,
    RunBlock,
    RunJob,
    Sample,
)
from workers.pipeline.prepared import write_prepared


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a small network and its data."""
    root, kind = tmp_path_factory.mktemp("net"), small_models.KINDS["cnn"]
    small_models.write_folder(root / "model", kind.build(), kind.spec)
    for split in ("test", "calibration"):
        write_prepared(root / "data" / split, [kind.item(np.random.default_rng(7)) for _ in range(24)])
    return root


def job_of(bench: Elsewhere, kind: str, params: Any, model: Path, job_id: str, **more: Any) -> RunJob:
    reads = (str(model / "model"), str(model / "data"))
    return bench.job(kind, params=params(model_dir=reads[0], data_dir=reads[1], runtime="onnxruntime-cpu").model_dump(
        mode="json"), job_id=job_id, read_paths=reads, **more)  # fmt: skip


def test_a_job_there_looks_like_one_here(bench: Elsewhere, inputs: Path) -> None:
    """Given a job with inputs, requests and files, When it runs there, Then messages and files are those of one here."""
    found = {}
    for place in ("here", "there"):
        job = bench.visit(inputs, place)
        began_s = time.monotonic()
        messages = exchange(bench, job, client=bench.client(here=place == "here"))
        first = next(message for message in messages if not isinstance(message, Progress))  # files may take their time
        assert isinstance(first, Ready) and isinstance(messages[-1], Finished), messages
        work = Path(job.work_dir)
        values = messages[-1].result["values"]
        assert (values.pop("work"), values.pop("text")) == (str(work), f"in {work}.") and values.pop("pid")
        files = {str(path.relative_to(work)): path.read_bytes() for path in work.rglob("*") if path.is_file()}
        times_s = [at for message in messages if isinstance(message, Sample) for at in message.times_s]
        assert all(began_s < at < time.monotonic() for at in times_s)
        kinds = [type(message).__name__ for message in messages if type(message).__name__ not in ("Progress", "Log")]
        found[place] = (kinds, values, files, [one.result for one in messages if isinstance(one, Answered)])
        assert (bench.root / "logs" / f"{place}.log").read_text().endswith("said by the worker\n")
        assert not any(path.is_symlink() for path in work.rglob("*"))
    assert found["there"] == found["here"]
    large = inputs / "sub" / "large.bin"
    assert found["here"][1]["digests"][str(large)] == hashlib.sha256(large.read_bytes()).hexdigest()
    assert bench.left == [] and not list((bench.home / "files").glob("*.part"))


def test_answers_there_equal_answers_here(bench: Elsewhere, model: Path) -> None:
    """Given a model and data, When they are evaluated there and here, Then the files of answers are equal."""
    bench.job_kinds, found = "", {}
    for place in ("here", "there"):
        client = bench.client(here=place == "here")
        job = job_of(bench, "answer", AnswerParams, model, place)
        client.start(job)
        (*_, last) = bench.finish(client)
        assert isinstance(last, Finished) and last.result["n"] == 24, last
        with np.load(Path(job.work_dir) / "answers.npz") as arrays:
            found[place] = {name: arrays[name].tobytes() for name in arrays.files if name != "meta"}  # it has seconds
    assert found["there"] == found["here"]


def test_a_measurement_there_has_the_times_of_its_computer(bench: Elsewhere, model: Path) -> None:
    """Given a measuring job, When blocks are requested, Then latencies come, and their times are on the clock here."""
    bench.job_kinds = ""
    client = bench.client()
    client.prepare(job_of(bench, "measure", MeasureParams, model, "m", niceness=0, fresh_process=True))
    drive(client, lambda: client.ready is not None)
    client.begin()
    drive(client, lambda: client.ready is not None and client.ready.state == "loaded")
    began_s = time.monotonic()
    client.send(RunBlock(index=0, timed_requests=20, last=True))
    messages = bench.finish(client)
    (block,) = [message for message in messages if isinstance(message, BlockDone)]
    (sample,) = [message for message in messages if isinstance(message, Sample)]
    assert len(block.latencies_ms) == 20 and sample.values == pytest.approx(block.latencies_ms)
    assert began_s - 0.05 < min(sample.times_s) <= max(sample.times_s) < time.monotonic()
    assert isinstance(messages[-1], Finished) and messages[-1].result["device_ran"] == "cpu"
    assert not (bench.root / "logs" / "m.log").exists()


def test_a_clock_that_differs_by_hours(bench: Elsewhere, inputs: Path) -> None:
    """Given a computer whose clock is two hours ahead, When samples come from there, Then their times are on the clock
    here, to a tenth of a second."""
    bench.wrapper = ["unshare", "--time", "--fork", "--monotonic", "7200"]
    if subprocess.run([*bench.wrapper, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no right to change a clock")
    began_s = time.monotonic()
    messages = exchange(bench, bench.visit(inputs))
    times_s = [at_s for message in messages if isinstance(message, Sample) for at_s in message.times_s]
    assert len(times_s) == 2 and all(began_s - 0.1 < at_s < time.monotonic() + 0.1 for at_s in times_s)


@pytest.mark.parametrize("polite", [True, False])
def test_cancel_reaches_the_worker_there_within_a_second(bench: Elsewhere, polite: bool) -> None:
    """Given a job there that checks for a cancel or does not, When it is cancelled, Then it is gone there and here."""
    client = bench.start(bench.job("sleep", {"polite": polite}, job_id="s"))
    drive(client, lambda: any(bench.home.glob("jobs/s-*/work/half.bin")))
    worker = client.ready.pid
    watch = Stopwatch()
    client.cancel()
    messages = bench.finish(client)
    watch.check(1.2)
    assert messages[-1] == Cancelled() and not is_alive(worker)
    assert bench.left == [] and list((bench.root / "jobs").iterdir()) == []


ENDS = [
    ("touch_memory", "memory", "SIGKILL"),
    ("segv", "crash", "SIGSEGV"),
    ("kill", "killed", "SIGKILL"),
    ("exit", "exit", None),
    ("nonsense", "protocol", None),
]


@pytest.mark.parametrize(("how", "cause", "signal_name"), ENDS)
def test_a_crash_there_is_explained_like_one_here(
    bench: Elsewhere, how: str, cause: str, signal_name: str | None
) -> None:
    """Given a worker there that dies, Then the client reports the same cause, and the log came here."""
    _, messages = bench.run("misbehave", {"how": how}, limits=Limits(memory_bytes=300 << 20))
    assert (messages[-1].cause, messages[-1].signal_name) == (cause, signal_name), messages
    if how == "segv":
        assert "misbehave.py" in messages[-1].log_tail
    assert bench.left == []


def test_two_jobs_send_one_file_once(bench: Elsewhere, inputs: Path) -> None:
    """Given two jobs that read the same large file, When both start at once, Then one sends it and both get it."""
    large = inputs / "sub" / "large.bin"
    large.write_bytes(os.urandom(20 << 20))
    clients = [bench.client(), bench.client()]
    for number, client in enumerate(clients):
        client.start(bench.visit(inputs, f"j{number}"))
    for client in clients:
        drive(client, lambda client=client: client.ready is not None and client.ready.state == "loaded")
        client.send(Request())
    digests = [bench.finish(client)[-1].result["values"]["digests"][str(large)] for client in clients]
    assert digests == [hashlib.sha256(large.read_bytes()).hexdigest()] * 2
    assert not list((bench.home / "files").glob("*.part")) and bench.left == []


def test_files_are_sent_once(bench: Elsewhere, inputs: Path) -> None:
    """Given files that were sent, When another job reads them, Then no byte of them is sent again, and hashes are
    remembered; a file that was changed there is sent anew."""
    hashes = bench.root / "hashes.db"
    os.utime(inputs / "sub" / "large.bin", (1, 1))
    bench.settings["hashes"] = hashes
    assert isinstance(exchange(bench, bench.visit(inputs, "first"))[-1], Finished)
    digest = hashlib.sha256((inputs / "sub" / "large.bin").read_bytes()).hexdigest()
    received = (bench.home / "files" / digest).stat()
    bench.breaking("cut", "here", '"put"', 99)
    assert isinstance(exchange(bench, bench.visit(inputs, "second"))[-1], Finished) and bench.broken == 0
    assert (bench.home / "files" / digest).stat().st_ino == received.st_ino and hashes.stat().st_size > 0
    changed = bench.home / "files" / digest
    changed.chmod(0o600)
    changed.write_bytes(b"x" * received.st_size)
    bench.wrapper = []
    messages = exchange(bench, bench.visit(inputs, "third"))
    assert messages[-1].result["values"]["digests"][str(inputs / "sub" / "large.bin")] == digest
