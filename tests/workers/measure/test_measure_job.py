"""The job that times one model in blocks, and its parts."""

import gc
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from recording import RecordingContext

from workers.contracts.errors import BackendMissing, InputRefused, JobCancelled
from workers.contracts.jobs import MeasureParams
from workers.contracts.process.messages import RunBlock
from workers.jobs.measure import run
from workers.measure.opening import open_session
from workers.measure.requests import Requests, load_requests
from workers.measure.timing import WaitMeter, frozen, run_block
from workers.pipeline.prepared import write_prepared

ROOT = Path(__file__).parents[3]
FILLS = """
import numpy as np
from workers.measure.memory import PeakMeter
meter = PeakMeter()
block = np.ones(64 << 20, np.uint8)
del block
print(meter.peak_bytes())
"""


def params(small, **more) -> MeasureParams:
    return MeasureParams(model_dir=str(small.folder), data_dir=str(small.data), runtime="onnxruntime-cpu", **more)


@pytest.mark.whole
def test_each_turn_reports_its_latencies_and_load(small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given two turns with their first requests, then the job reports that it is loaded, and of each block the latencies
    and the load; it sends nothing else while requests are timed."""
    firsts = []

    def noted(session, requests, *, first, **more):
        firsts.append(first)
        return run_block(session, requests, first=first, **more)

    monkeypatch.setattr("workers.jobs.measure.run_block", noted)
    blocks = [
        RunBlock(index=3, timed_requests=20, first_request=80),
        RunBlock(index=7, timed_requests=30, first_request=120, last=True),
    ]
    ctx = RecordingContext(tmp_path, planned_blocks=blocks)
    result = run(params(small), ctx)
    assert ctx.loaded_calls == 1 and not ctx.progress_sent and not ctx.logs and firsts == [80, 120]
    assert [(done.index, len(done.latencies_ms)) for done in ctx.blocks_done] == [(3, 20), (7, 30)]
    assert [len(sample.values) for sample in ctx.samples] == [20, 30]
    assert all(value > 0 for done in ctx.blocks_done for value in done.latencies_ms)
    ends = [at for sample in ctx.samples for at in sample.times_s]
    assert ends == sorted(ends)
    for block in ctx.blocks_done:
        load = block.load
        assert load is not None and load.requests == len(block.latencies_ms) and load.cpu_s > 0
        assert 0 < sum(block.latencies_ms) / 1000 <= load.elapsed_s
        assert sys.platform != "linux" or (load.waited_s is not None and load.waited_s >= 0)
    assert result.load_ms > 0 and result.first_ms > 0 and result.device_ran == "cpu"
    assert result.peak_memory_bytes is not None and result.peak_memory_bytes >= 0


class Slow:
    """A session that records its inputs."""

    device_ran, fallbacks = "cpu", ()

    def __init__(self) -> None:
        self.fed: list[float] = []

    def run(self, feeds):
        self.fed.append(float(feeds["x"][0]))
        return {"y": feeds["x"]}

    def close(self) -> None: ...


def block_of(session, count: int, **more):
    requests = Requests([{"x": np.array([value], np.float32)} for value in range(5)])
    options = {"first": 0, "warmup": 3, "timed": count, "max_s": 10.0, "check": lambda: None, **more}
    return run_block(session, requests, **options)


def test_block_rotates_inputs_and_times_at_least_one() -> None:
    """Given five inputs and seven requests from number 4 on, then they rotate, warm-up and timed alike; given no time at
    all, then one request is timed."""
    session = Slow()
    assert len(block_of(session, 7, first=4).latencies_ms) == 7
    assert session.fed == [4, 0, 1, 4, 0, 1, 2, 3, 4, 0]
    assert len(block_of(Slow(), 40, max_s=0.0).latencies_ms) == 1


@pytest.mark.parametrize("n_frozen", [0, 7])
def test_failing_block_leaves_garbage_collection_as_it_was(monkeypatch: pytest.MonkeyPatch, n_frozen: int) -> None:
    """Given a block that raises, then the collector is on again; objects stay frozen only where some were before."""
    freeze, unfreeze = Mock(), Mock()
    for name, stand_in in (("get_freeze_count", lambda: n_frozen), ("freeze", freeze), ("unfreeze", unfreeze)):
        monkeypatch.setattr(gc, name, stand_in)
    with pytest.raises(JobCancelled), frozen():
        assert (freeze.call_count, unfreeze.call_count) == (1, 0)
        block_of(Slow(), 40, check=Mock(side_effect=JobCancelled))
    assert gc.isenabled() and (freeze.call_count, unfreeze.call_count) == (1, not n_frozen)


def test_state_is_carried_between_requests(make_small) -> None:
    """Given a model with a state, then each time step is a request, and its state comes from the request before."""
    small = make_small("stateful")
    requests = load_requests(small.folder, small.data, limit=10)
    assert len(requests) == 10 and requests.feed(0)["frame"].shape == (1, 8)
    assert not requests.feed(0)["state"].any()
    session = open_session(small.folder, "onnxruntime-cpu", {}, 1)
    outputs = session.run(requests.feed(0))
    requests.carry(outputs)
    np.testing.assert_array_equal(requests.feed(1)["state"], outputs["stateN"])
    with pytest.raises(InputRefused):
        load_requests(small.folder, small.data, batch=4)


def test_requests_join_items_within_a_budget(make_small) -> None:
    """Given batch 3 and 24 items, then there are eight requests of three items; given a budget of one byte, then one."""
    small = make_small("cnn")
    requests = load_requests(small.folder, small.data, batch=3)
    assert len(requests) == 8 and requests.feed(0)["image"].shape == (3, 3, 16, 16)
    assert len(load_requests(small.folder, small.data, max_bytes=1)) == 1


@pytest.mark.parametrize(
    ("items", "runtime", "error", "words"),
    [
        ([], "onnxruntime-cpu", InputRefused, "nothing to measure"),
        ([{"image": np.zeros((1, 4, 16, 16), np.float32)}], "onnxruntime-cpu", InputRefused, "does not run"),
        ([{"image": np.zeros((1, 3, 16, 16), np.float32)}], "no-such-engine", BackendMissing, r"\w"),
    ],
)
def test_unsuitable_items_or_runtime_are_refused(
    make_small, tmp_path: Path, items: list, runtime: str, error: type[Exception], words: str
) -> None:
    """Given no items, items of another size than the model takes, or an unknown runtime, then the job refuses."""
    write_prepared(tmp_path / "test", items)
    bad = params(make_small("cnn")).model_copy(update={"data_dir": str(tmp_path), "runtime": runtime})
    with pytest.raises(error, match=words):
        run(bad, RecordingContext(tmp_path))


def test_peak_memory_counts_from_its_level() -> None:
    """Given a fresh process that fills and frees 64 MiB after the level was recorded, then the peak has them."""
    done = subprocess.run([sys.executable, "-c", FILLS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 60 << 20 < int(done.stdout) < 120 << 20


def test_waiting_is_the_sum_over_threads_and_unknown_without_counters(tmp_path: Path) -> None:
    """Given recorded counters of two threads, then their waiting is added up; a thread whose counter becomes unreadable
    keeps its last value; a system without counters reports nothing, not 0."""
    counters = [tmp_path / name / "schedstat" for name in ("41", "42")]
    for counter, waited_ns in zip(counters, (5_292_566, 1_000_000_000), strict=True):
        counter.parent.mkdir()
        counter.write_text(f"33366053474 {waited_ns} 12\n")
    with WaitMeter(tmp_path) as meter:
        assert meter.read_s() == pytest.approx(1.005292566)
        counters[0].write_text("")
        counters[1].write_text("33366053474 1500000000 13\n")
        assert meter.read_s() == pytest.approx(1.505292566)
    with WaitMeter(tmp_path / "none") as meter:
        assert meter.read_s() is None
    requests = Requests([{"x": np.zeros(1, np.float32)}] * 3)
    options = {"warmup": 0, "max_s": 10.0, "check": lambda: None}
    load = run_block(Slow(), requests, first=7, timed=10, slice_requests=4, **options).load
    assert (load.requests, load.slice_requests, load.first_request, load.inputs) == (10, 4, 7, 3)
    if sys.platform == "linux":
        assert load.slice_waits_s is not None and len(load.slice_waits_s) == 3
        assert sum(load.slice_waits_s) == load.waited_s


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not report how long threads waited")
def test_waiting_for_a_core_is_counted() -> None:
    """Given another program on the one core that this process may use, then its running and waiting times add up to the
    elapsed time, or nearly, where the machine's host took the core away."""
    code = (
        "import os, subprocess, sys, time; from workers.measure.timing import WaitMeter; meter = WaitMeter();"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "other = subprocess.Popen([sys.executable, '-c', 'while True: pass']);"
        "waited, cpu, began = meter.read_s(), time.process_time(), time.perf_counter();"
        "exec('while time.perf_counter() - began < 1: pass');"
        "print(meter.read_s() - waited, time.process_time() - cpu, time.perf_counter() - began); other.kill()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    waited, cpu_s, elapsed_s = map(float, done.stdout.split())
    assert waited > 0.1
    assert 0.75 * elapsed_s < waited + cpu_s < 1.1 * elapsed_s
