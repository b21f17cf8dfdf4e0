"""ONNX Runtime bound to a card's memory: the real library on memory of the computer, which the stand-in driver gives."""

from typing import Any

import numpy as np
import pytest
from small_models import nodes_of
from stand_in_card import StandInDriver

from workers.infer import onnxruntime_cpu, onnxruntime_cuda, onnxruntime_rtx
from workers.infer.base import NotRunnable, SessionOptions
from workers.infer.cuda_driver import Driver
from workers.infer.onnxruntime_card import OnnxCardSession


@pytest.fixture
def library() -> StandInDriver:
    return StandInDriver()


def opened(path: Any, library: StandInDriver, **how: Any) -> OnnxCardSession:
    """The model in the real ONNX Runtime, whose memory for binding is the computer's."""
    onnxruntime = onnxruntime_cpu.import_library()
    options = onnxruntime_cpu.make_options(onnxruntime, {}, 1)
    inference = onnxruntime_cpu.start(onnxruntime, path, options, ["CPUExecutionProvider"])
    driver = Driver(library)
    return OnnxCardSession(inference, driver, driver.stream(), device="cpu", **how)


@pytest.fixture
def fixed(tmp_path: Any) -> Any:
    """y = relu(x) + 1 for x of (2, 3), and a second answer that is one number."""
    from onnx import TensorProto, helper, numpy_helper, save

    nodes = nodes_of("r = Relu (x); y = Add (r, one); sum = ReduceSum <keepdims = 0> (y)")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in "xy"]
    total = helper.make_tensor_value_info("sum", TensorProto.FLOAT, [])
    one = numpy_helper.from_array(np.ones((2, 3), np.float32), "one")
    graph = helper.make_graph(nodes, "g", values[:1], [values[1], total], [one])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), tmp_path / "m.onnx")
    return tmp_path / "m.onnx"


def test_bound_requests_use_the_same_places(fixed: Any, library: StandInDriver) -> None:
    """Given requests one after the other, Then answers are those of the library alone, nothing is allocated after the
    first (a CUDA graph holds addresses), earlier answers stay, and all goes back at the end."""
    session = opened(fixed, library, bound=True)
    inputs = [np.full((2, 3), value, np.float32) for value in (-2.0, 1.0, 5.0)]
    answers = [session.run({"x": x}) for x in inputs]
    for x, answer in zip(inputs, answers, strict=True):
        np.testing.assert_array_equal(answer["y"], np.maximum(x, 0) + 1)
        assert answer["sum"].shape == () and answer["sum"] == answer["y"].sum()
    assert library.calls.count("cuMemAlloc_v2") == 3
    session.close()
    assert library.memory == {} and library.calls[-1] == "cuStreamDestroy_v2"


def test_spans_are_taken_of_fixed_and_of_open_sizes(fixed: Any, make_small: Any, library: StandInDriver) -> None:
    """Given a model of fixed sizes, and one whose sizes are open, Then both measure the spans; the second lets the
    library allocate its outputs."""
    assert opened(fixed, library).card_spans({"x": np.ones((2, 3), np.float32)})[0].compute_ms == library.elapsed_ms
    small = make_small("cnn")
    session = opened(small.model.main, library)
    library.calls.clear()
    assert session.card_spans(small.feeds())[0].enqueue_ms > 0
    assert "cuMemcpyDtoHAsync_v2" not in library.calls
    assert library.calls.count("cuEventRecord") == 4


def test_open_sizes_cannot_be_one_step(make_small: Any, library: StandInDriver) -> None:
    """Given open sizes, Then it is refused before it is tried, and where it is opened all the same."""
    wanted = SessionOptions({"cuda_graph": True}, (), False, True, False, False, (), frozenset(), None)
    for runtime in (onnxruntime_cuda.RUNTIME, onnxruntime_rtx.RUNTIME):
        refusal = runtime.why_not(wanted)
        assert refusal is not None and refusal.code == "free_sizes"
        assert runtime.why_not(SessionOptions({}, (), False, True, False, False, (), frozenset(), None)) is None
    with pytest.raises(NotRunnable, match="open sizes"):
        opened(make_small("cnn").model.main, library, bound=True)


def test_providers_get_the_stream_and_the_graph() -> None:
    assert onnxruntime_cuda.on_card(7, graph=False)[1] == {"device_id": "0", "user_compute_stream": "7"}
    assert onnxruntime_cuda.on_card(7, graph=True)[1]["enable_cuda_graph"] == "1"
    report = onnxruntime_rtx.provider_options(7, graph=True, cache="/kept")
    assert report["user_compute_stream"] == "7" and report["nv_runtime_cache_path"] == "/kept"
    assert "enable_cuda_graph" not in onnxruntime_rtx.provider_options(7, graph=False)
