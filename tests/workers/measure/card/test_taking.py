"""A session's figures of its card, from stand-ins, whose figures are never reported."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from pydantic import ValidationError
from stand_in_card import StandInDriver, StandInTensorRt
from stand_in_driver import run_beside

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import MeasureResult
from workers.infer import tensorrt, tensorrt_engines
from workers.infer.base import CardSpans, OnCard
from workers.infer.cuda_driver import Driver, Place
from workers.infer.pixels import open_pixels
from workers.infer.tensorrt_editions import Rtx
from workers.measure.card import taking
from workers.measure.card.figures import card_figures
from workers.measure.card.taking import StreamFailed, take_figures
from workers.measure.requests import Requests

REQUESTS = Requests([{"x": np.full((1, 4), number, np.float32)} for number in range(3)])


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure each part for hundredths of a second instead of seconds."""
    for name, seconds in {"SPANS_S": 0.0, "BUSY_S": 0.01, "TRY_S": 0.02}.items():
        monkeypatch.setattr(taking, name, seconds)


def quiet() -> None:
    """Serve as the check for cancellation of a job that is never cancelled."""


@pytest.fixture
def library() -> StandInDriver:
    return StandInDriver()


@pytest.fixture
def session(library: StandInDriver, tmp_path: Path) -> tensorrt.TensorRtSession:
    (tmp_path / "model.onnx").write_bytes(b"a model")
    (tmp_path / "tensorrt.json").write_text('{"profile": {"x": [[1, 4], [1, 4], [8, 4]]}, "engines": []}')
    place = Place("sm89", "Stand-in card", 13_000)
    trt = StandInTensorRt()
    opened = tensorrt_engines.open_engine(tmp_path / "model.onnx", Rtx(), trt, place, None, tensorrt.ignore_progress)
    return tensorrt.TensorRtSession(opened, Driver(library), {})


def test_events_enclose_each_part_of_a_request(session: tensorrt.TensorRtSession, library: StandInDriver) -> None:
    """Given one request, then copying, computing and copying back lie between four events of one stream, which are
    synchronized, read and destroyed."""
    library.calls.clear()
    spans, answers = session.card_spans({"x": np.ones((1, 4), np.float32)})
    np.testing.assert_array_equal(answers["y"], np.full((1, 4), 2, np.float32))
    report = [name for name in library.calls if name not in ("cuCtxSetCurrent", "cuMemAlloc_v2", "cuEventCreate")]
    assert report == [
        "cuEventRecord", "cuMemcpyHtoDAsync_v2", "cuEventRecord", "cuEventRecord", "cuMemcpyDtoHAsync_v2",
        "cuEventRecord", "cuStreamSynchronize", *["cuEventElapsedTime"] * 3, *["cuEventDestroy_v2"] * 4,
    ]  # fmt: skip
    assert spans.to_card_ms == spans.compute_ms == spans.to_host_ms == library.elapsed_ms
    assert spans.enqueue_ms > 0


def test_request_makes_the_context_current_first(session: Any, library: StandInDriver) -> None:
    """Given a request, then its thread makes the card's context current first, because CUDA has one for each thread."""
    library.calls.clear()
    session.run({"x": np.ones((1, 4), np.float32)})
    assert library.calls[0] == "cuCtxSetCurrent"


def test_streams_are_tried_while_the_card_has_room(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a session of 5 ms a request in any number of streams, then 1, 2 and 4 streams are tried and 4 taken; on a card
    with room for two, or if further ones fail, fewer are; all opened sessions are closed."""
    opened: list[Slow] = []

    def reopen() -> Any:
        opened.append(Slow(session))
        return opened[-1]

    monkeypatch.setattr(taking, "TRY_S", 0.1)
    figures = take_figures(Slow(session), REQUESTS, reopen, quiet)
    assert figures is not None and [one.streams for one in figures.tried] == [1, 2, 4] and figures.streams == 4
    assert len(opened) == 3 and all(one.closed for one in opened)
    rates = [one.throughput_per_s for one in figures.tried]
    assert rates == sorted(rates)

    def one_more() -> Any:
        if len(opened) > 3:
            raise InputRefused("runtime_refused_model", "", "there is not enough memory on the card", "")
        return reopen()

    figures = take_figures(Slow(session), REQUESTS, one_more, quiet)
    assert figures is not None and [one.streams for one in figures.tried] == [1, 2] and opened[3].closed
    figures = take_figures(session, REQUESTS, lambda: Counted(session, fails=True), quiet)
    assert figures is not None and figures.streams == 1 and figures.throughput_per_s is not None


def test_each_stream_carries_its_own_state(session: Any) -> None:
    """Given a model whose output is the next request's state, then single requests carry it, and each stream begins with
    the first state and never sees another's."""
    state = {"x": np.ones((1, 4), np.float32)}
    requests = Requests([{} for _ in range(3)], links={"x": "y"}, state=dict(state))
    streams = [Counting(session, spans=True), *(Counting(session) for _ in range(3))]
    rest = iter(streams[1:])
    figures = take_figures(streams[0], requests, lambda: next(rest), quiet)
    assert figures is not None and figures.n >= 3 and figures.streams in (1, 2, 4)
    np.testing.assert_array_equal(requests.state["x"], state["x"])
    for one in streams:
        assert len(one.seen) > 1 and all(after in (1, before + 1) for before, after in pairwise(one.seen))


def test_version_that_takes_pixels_is_timed_with_pixels(session: Any) -> None:
    """Given a version that prepares pictures itself, then its spans on a card are those of pixels; on the processor there
    are none."""
    own = {"input": "x", "mean": [0.0], "std": [1.0], "range": "0..255", "channels": "rgb", "layout": "nhwc"}
    requested: list[Any] = []

    class Card(Counted):
        def card_spans(self, feeds: Any) -> Any:
            requested.append(feeds["x"].dtype)
            return CardSpans(1, 1, 1, 1), {}

    pixels = open_pixels(lambda *given: Card(session), Path("m.onnx"), {"pixels": own}, 1)
    assert isinstance(pixels, OnCard)
    prepared = Requests([{"x": np.full((1, 2, 2, 3), 7, np.float32)}, {"x": np.zeros((1, 2, 2, 3), np.uint8)}])
    figures = take_figures(pixels, prepared, lambda: Counted(session), quiet)
    assert figures is not None and set(requested) == {np.dtype(np.uint8)}
    plain = open_pixels(lambda *given: Counted(session), Path("m.onnx"), {"pixels": own}, 1)
    assert take_figures(plain, prepared, lambda: plain, quiet) is None


def test_failed_request_and_cancellation_are_raised(session: Any) -> None:
    """Given a request that fails, or a check that raises, then that is raised; a session of the processor has no
    figures."""
    with pytest.raises(StreamFailed, match="gone"):
        take_figures(Counted(session, fails=True, spans=True), REQUESTS, lambda: session, quiet)

    with pytest.raises(KeyboardInterrupt):
        take_figures(session, REQUESTS, lambda: Counted(session), Mock(side_effect=KeyboardInterrupt))
    assert take_figures(Counted(session), REQUESTS, lambda: session, quiet) is None


class Counted:
    """A further session, with `spans` one of a card."""

    def __init__(self, session: Any, fails: bool = False, spans: bool = False) -> None:
        self._session, self._fails = session, fails
        self.closed = False
        self.device_ran, self.fallbacks = "cuda:0", ()
        if spans:
            self.card_spans = session.card_spans

    def run(self, feeds: Any) -> Any:
        if self._fails:
            raise ValueError("the card is gone")
        return {"y": feeds["x"]}

    def close(self) -> None:
        self.closed = True


class Slow(Counted):
    """A session of a card that takes 5 ms for a request in any number of streams."""

    def __init__(self, session: Any) -> None:
        super().__init__(session, spans=True)

    def run(self, feeds: Any) -> Any:
        time.sleep(0.005)
        return super().run(feeds)


class Counting(Counted):
    """A session that returns the next state and records those that it received."""

    def __init__(self, session: Any, spans: bool = False) -> None:
        super().__init__(session)
        self.seen: list[float] = []
        if spans:
            self.card_spans = lambda feeds: (CardSpans(1, 1, 1, 1), self.run(feeds))

    def run(self, feeds: Any) -> Any:
        self.seen.append(float(feeds["x"][0, 0]))
        return {"y": feeds["x"] + 1}


def test_result_of_the_processor_has_no_figures_of_a_card() -> None:
    """Given a result of the processor with figures of a card, then it is invalid."""
    figures = card_figures("Stand-in card", [CardSpans(1, 1, 1, 1)])
    with pytest.raises(ValidationError, match="for what ran on cpu"):
        MeasureResult(load_ms=1, first_ms=1, peak_memory_bytes=None, device_ran="cpu", card=figures)


OPEN = """
import json
from workers.contracts.errors import WorkerError
from workers.measure.opening import find_runtime
found = {}
for name in ("onnxruntime-cuda", "onnxruntime-rtx", "torch-cuda", "tensorrt"):
    try:
        found[name] = find_runtime(name).id
    except WorkerError as error:
        found[name] = error.code
print(json.dumps(found))
"""


@pytest.mark.whole
@pytest.mark.parametrize("rc", ["0", "100"])
def test_stand_in_driver_opens_no_runtime(driver_dir: Path, rc: str) -> None:
    """Given stand-ins that list two cards, with a cuInit that fails or succeeds, then no runtime opens a session, so that
    no figures can come from them."""
    report = run_beside(driver_dir, OPEN, FETTLE_FAKECUDA_RC=rc)[-1]
    assert set(report.values()) <= {"runtime_missing", "unknown_runtime"}
