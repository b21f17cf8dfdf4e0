"""The job that times one model in blocks, and what it is made of."""

import gc
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from workers.contracts.errors import BackendMissing, InputRefused, JobCancelled
from workers.contracts.jobs import MeasureParams
from workers.contracts.process.messages import RunBlock
from workers.jobs.measure import run
from workers.measure.opening import open_session
from workers.measure.requests import Requests, load_requests
from workers.measure.timing import OtherLoad, frozen, run_block
from workers.pipeline.prepared import write_prepared
from workers.runtime.recording import RecordingContext

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
def test_turns_are_timed_and_told(small, tmp_path: Path) -> None:
    """Given two blocks, when the job runs, then it says that it is loaded and gives each turn its latencies."""
    blocks = [RunBlock(index=3, timed_requests=20), RunBlock(index=7, timed_requests=30, last=True)]
    ctx = RecordingContext(tmp_path, planned_blocks=blocks)
    result = run(params(small), ctx)
    assert ctx.loaded_calls == 1 and not ctx.progress_sent and not ctx.logs, "nothing is sent while requests are timed"
    assert [(done.index, len(done.latencies_ms)) for done in ctx.blocks_done] == [(3, 20), (7, 30)]
    assert [len(sample.values) for sample in ctx.samples] == [20, 30]
    assert all(value > 0 for done in ctx.blocks_done for value in done.latencies_ms)
    ends = [at for sample in ctx.samples for at in sample.times_s]
    assert ends == sorted(ends)
    for block in ctx.blocks_done:  # what the system did meanwhile
        load = block.load
        assert load is not None and load.requests == len(block.latencies_ms) and load.cpu_s > 0
        assert 0 < sum(block.latencies_ms) / 1000 <= load.elapsed_s
        assert sys.platform != "linux" or (load.waited_s is not None and load.waited_s >= 0)
    assert result.load_ms > 0 and result.first_ms > 0 and result.device_ran == "cpu"
    assert result.peak_memory_bytes is not None and result.peak_memory_bytes >= 0


@pytest.mark.whole
def test_a_block_begins_where_it_is_told(small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given turns that name their first request, Then that is what each block begins with."""
    begun = []

    def noted(session, requests, *, first, **how):
        begun.append(first)
        return run_block(session, requests, first=first, **how)

    monkeypatch.setattr("workers.jobs.measure.run_block", noted)
    blocks = [RunBlock(index=at, timed_requests=5, first_request=(80, 120)[at], last=at == 1) for at in range(2)]
    run(params(small), RecordingContext(tmp_path, planned_blocks=blocks))
    assert begun == [80, 120]


class Slow:
    """A session whose clock-independent work is to remember what it was fed."""

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


def test_inputs_rotate_in_order() -> None:
    """Given five inputs and seven requests from number 4 on, then they rotate, warm-up and timed alike."""
    session = Slow()
    block = block_of(session, 7, first=4)
    assert session.fed == [4, 0, 1, 4, 0, 1, 2, 3, 4, 0]
    assert len(block.latencies_ms) == 7


def test_a_slow_model_gets_one_timed_request() -> None:
    """Given no time at all, then a block still has one timed request."""
    assert len(block_of(Slow(), 40, max_s=0.0).latencies_ms) == 1


def test_cancel_inside_a_block() -> None:
    """Given a check that raises, then the block ends by it and garbage collection is on again."""

    def check() -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        block_of(Slow(), 40, check=check)
    assert gc.isenabled()


def test_state_is_carried_between_requests(make_small) -> None:
    """Given a stateful model, then each time step is a request, and its state comes from the one before."""
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
def test_what_cannot_be_measured_is_refused(
    make_small, tmp_path: Path, items: list, runtime: str, error: type[Exception], words: str
) -> None:
    """Given no items, items of another size than the model takes, or an unknown runtime, then the job refuses in words."""
    write_prepared(tmp_path / "test", items)
    bad = params(make_small("cnn")).model_copy(update={"data_dir": str(tmp_path), "runtime": runtime})
    with pytest.raises(error, match=words):
        run(bad, RecordingContext(tmp_path))


def test_peak_is_above_the_level() -> None:
    """Given 64 MiB that are filled after the level was taken, then the peak shows them, also when freed again.

    In a fresh process, as a measurement has it: in one that did other work, memory of that work may go meanwhile.
    """
    done = subprocess.run([sys.executable, "-c", FILLS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 60 << 20 < int(done.stdout) < 120 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell how long threads waited")
def test_waiting_for_a_core_is_counted() -> None:
    """Given another program on the one core that this process may use, Then what it ran and what it waited is the time
    that went by."""
    code = (
        "import os, subprocess, sys, time; from workers.measure.timing import waited_s;"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "other = subprocess.Popen([sys.executable, '-c', 'while True: pass']);"
        "waited, cpu, began = waited_s(), time.process_time(), time.perf_counter();"
        "exec('while time.perf_counter() - began < 1: pass');"
        "print(waited_s() - waited, time.process_time() - cpu, time.perf_counter() - began); other.kill()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    waited, cpu_s, elapsed_s = map(float, done.stdout.split())
    assert waited > 0.1
    assert waited + cpu_s == pytest.approx(elapsed_s, rel=0.1)


def test_other_load_is_a_share() -> None:
    load = OtherLoad()
    time.sleep(0.1)
    share = load.share()
    assert share is not None and 0 <= share <= 1


def test_what_is_frozen_while_blocks_are_timed_is_free_again() -> None:
    """Given things that are there before, Then the collector leaves them alone meanwhile, and none afterwards, also where
    a block fails."""
    before = gc.get_freeze_count()
    with pytest.raises(KeyError), frozen():
        assert gc.get_freeze_count() > before
        raise KeyError
    assert gc.get_freeze_count() == 0
