"""The wiring from a session to its figures, by stand-ins; and that none of theirs is ever told."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

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
from workers.measure.card.figures import card_figures
from workers.measure.card.taking import StreamFailed, take_figures
from workers.measure.requests import Requests

REQUESTS = Requests([{"x": np.full((1, 4), number, np.float32)} for number in range(3)])
SHORT = {"spans_s": 0.0, "busy_s": 0.01, "try_s": 0.02}


def quiet() -> None:
    """Nobody asked to stop."""


@pytest.fixture
def library() -> StandInDriver:
    return StandInDriver()


@pytest.fixture
def session(library: StandInDriver, tmp_path: Path) -> tensorrt.TensorRtSession:
    (tmp_path / "model.onnx").write_bytes(b"a model")
    (tmp_path / "tensorrt.json").write_text('{"profile": {"x": [[1, 4], [1, 4], [8, 4]]}, "engines": []}')
    place = Place("sm89", "Stand-in card", 13_000)
    trt = StandInTensorRt()
    opened = tensorrt_engines.open_engine(tmp_path / "model.onnx", Rtx(), trt, place, None, tensorrt.nobody)
    return tensorrt.TensorRtSession(opened, Driver(library), {})


def test_events_stand_around_each_part(session: tensorrt.TensorRtSession, library: StandInDriver) -> None:
    """Given one request, Then copying there, computing and copying back lie between four events of the same stream, all
    waited for before they are read, and given back."""
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


def test_asked_from_another_thread_the_context_is_current_there(session: Any, library: StandInDriver) -> None:
    """Given requests of several threads, Then each makes the card's context its own first (CUDA has one a thread)."""
    library.calls.clear()
    session.run({"x": np.ones((1, 4), np.float32)})
    assert library.calls[0] == "cuCtxSetCurrent"


def test_more_at_once_where_there_is_room(session: Any) -> None:
    """Given a session that takes 5 ms a request however many there are, Then 1, 2 and 4 at once are tried and 4 taken;
    where the card has room for two only, or more fail, fewer are; all that were opened are closed."""
    opened: list[Slow] = []

    def reopen() -> Any:
        opened.append(Slow(session))
        return opened[-1]

    found = take_figures(Slow(session), REQUESTS, reopen, quiet, **{**SHORT, "try_s": 0.1})
    assert found is not None and [one.streams for one in found.tried] == [1, 2, 4] and found.streams == 4
    assert len(opened) == 3 and all(one.closed for one in opened)
    rates = [one.throughput_per_s for one in found.tried]
    assert rates == sorted(rates)

    def one_more() -> Any:
        if len(opened) > 3:
            raise InputRefused("runtime_refused_model", "", "there is not enough memory on the card", "")
        return reopen()

    found = take_figures(Slow(session), REQUESTS, one_more, quiet, **SHORT)
    assert found is not None and [one.streams for one in found.tried] == [1, 2] and opened[3].closed
    found = take_figures(session, REQUESTS, lambda: Counted(session, fails=True), quiet, **SHORT)
    assert found is not None and found.streams == 1 and found.throughput_per_s is not None


def test_a_state_goes_on_in_each_stream_by_itself(session: Any) -> None:
    """Given a model whose answer is the next request's state, Then single requests carry it, and those that run at once
    begin each with the state of before and never see another's."""
    state = {"x": np.ones((1, 4), np.float32)}
    requests = Requests([{} for _ in range(3)], links={"x": "y"}, state=dict(state))
    streams = [Counting(session, spans=True), *(Counting(session) for _ in range(3))]
    rest = iter(streams[1:])
    found = take_figures(streams[0], requests, lambda: next(rest), quiet, **SHORT)
    assert found is not None and found.n >= 3 and found.streams in (1, 2, 4)
    np.testing.assert_array_equal(requests.state["x"], state["x"])  # what was timed before goes on undisturbed
    for one in streams:
        assert len(one.seen) > 1 and all(after in (1, before + 1) for before, after in pairwise(one.seen))


def test_a_version_that_takes_pixels_is_timed_with_them(session: Any) -> None:
    """Given a version that prepares pictures itself, on a card, Then it tells its spans of the pixels; over the
    processor's session there is nothing to tell."""
    own = {"input": "x", "mean": [0.0], "std": [1.0], "range": "0..255", "channels": "rgb", "layout": "nhwc"}
    requested: list[Any] = []

    class Card(Counted):
        def card_spans(self, feeds: Any) -> Any:
            requested.append(feeds["x"].dtype)
            return CardSpans(1, 1, 1, 1), {}

    pixels = open_pixels(lambda *given: Card(session), Path("m.onnx"), {"pixels": own}, 1)
    assert isinstance(pixels, OnCard)
    prepared = Requests([{"x": np.full((1, 2, 2, 3), 7, np.float32)}, {"x": np.zeros((1, 2, 2, 3), np.uint8)}])
    found = take_figures(pixels, prepared, lambda: Counted(session), quiet, **SHORT)
    assert found is not None and set(requested) == {np.dtype(np.uint8)}
    plain = open_pixels(lambda *given: Counted(session), Path("m.onnx"), {"pixels": own}, 1)
    assert take_figures(plain, prepared, lambda: plain, quiet, **SHORT) is None


def test_request_that_fails_and_a_stop_are_raised(session: Any) -> None:
    with pytest.raises(StreamFailed, match="gone"):
        take_figures(Counted(session, fails=True, spans=True), REQUESTS, lambda: session, quiet, **SHORT)

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_figures(session, REQUESTS, lambda: Counted(session), stop, **SHORT)


def test_the_processor_has_none(session: Any) -> None:
    """Given a session without a card's clock, Then nothing is measured."""
    assert take_figures(Counted(session), REQUESTS, lambda: session, quiet, **SHORT) is None


class Counted:
    """A further session; with `spans` one of a card."""

    def __init__(self, session: Any, fails: bool = False, spans: bool = False) -> None:
        self._session, self._fails = session, fails
        self.asked, self.closed = 0, False
        self.device_ran, self.fallbacks = "cuda:0", ()
        if spans:
            self.card_spans = session.card_spans

    def run(self, feeds: Any) -> Any:
        self.asked += 1
        if self._fails:
            raise ValueError("the card is gone")
        return {"y": feeds["x"]}

    def close(self) -> None:
        self.closed = True


class Slow(Counted):
    """Five ms a request, side by side with others."""

    def __init__(self, session: Any) -> None:
        super().__init__(session, spans=True)

    def run(self, feeds: Any) -> Any:
        time.sleep(0.005)
        return super().run(feeds)


class Counting(Counted):
    """Answers with the state after its own, and notes which it saw."""

    def __init__(self, session: Any, spans: bool = False) -> None:
        super().__init__(session)
        self.seen: list[float] = []
        if spans:
            self.card_spans = lambda feeds: (CardSpans(1, 1, 1, 1), self.run(feeds))

    def run(self, feeds: Any) -> Any:
        self.seen.append(float(feeds["x"][0, 0]))
        return {"y": feeds["x"] + 1}


def test_figures_of_a_card_never_stand_beside_a_processor() -> None:
    """Given a result of the processor, When somebody puts a card's figures into it, Then it is refused."""
    figures = card_figures("Stand-in card", [CardSpans(1, 1, 1, 1)])
    with pytest.raises(ValidationError, match="for what ran on cpu"):
        MeasureResult(load_ms=1, first_ms=1, peak_memory_bytes=None, device_ran="cpu", card=figures)


OPEN = """
import json
from workers.contracts.errors import WorkerError
from workers.measure.opening import find_runtime
told = {}
for name in ("onnxruntime-cuda", "onnxruntime-rtx", "torch-cuda", "tensorrt"):
    try:
        told[name] = find_runtime(name).id
    except WorkerError as error:
        told[name] = error.code
print(json.dumps(told))
"""


@pytest.mark.whole
@pytest.mark.parametrize("rc", ["0", "100"])
def test_a_stand_in_never_gets_as_far_as_a_figure(driver_dir: Path, rc: str) -> None:
    """Given stand-ins that list two cards with changing values, and a cuInit that even succeeds, Then no runtime opens
    a session on them: there is nothing that figures could be taken of."""
    report = run_beside(driver_dir, OPEN, FETTLE_FAKECUDA_RC=rc)[-1]
    assert set(report.values()) <= {"runtime_missing", "unknown_runtime"}
