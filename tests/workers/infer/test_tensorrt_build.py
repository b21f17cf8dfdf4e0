"""Progress, cancellation and errors of a build; with the real library where that is installed."""

import threading
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from small_models import nodes_of
from stand_in_card import StandInTensorRt

from workers.infer import tensorrt_build as building
from workers.infer.base import NotRunnable
from workers.infer.cuda_driver import Place
from workers.infer.tensorrt_build import BuildRefused, BuildRequest, Progress, build
from workers.infer.tensorrt_editions import Classic, Rtx, load_library

TURN_S = 5.0
ROW = {"x": ((1, 4), (1, 4), (8, 4))}
HERE = Place("sm89", "card", 13_000)


def test_progress_never_falls_and_ends_at_its_whole() -> None:
    """Given nested phases as TensorRT reports them, Then the share only grows, and a phase fills one step of its
    parent."""
    progress, seen = Progress(), [0.0]
    progress.phase_start("Building engine", None, 2)
    progress.phase_start("Cloning", "Building engine", 4)
    for step in range(4):
        progress.step_complete("Cloning", step)
        seen.append(progress.share())
    assert seen[-1] == pytest.approx(0.5)
    progress.phase_finish("Cloning")
    seen.append(progress.share())
    assert progress.phase == "Building engine"
    progress.step_complete("Building engine", 0)
    progress.phase_start("Timing", "Building engine", 2)
    progress.step_complete("Timing", 0)
    seen.append(progress.share())
    assert seen[-1] == pytest.approx(0.75)
    progress.step_complete("Building engine", 1)
    seen.append(progress.share())
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_build_options_reach_the_builder() -> None:
    trt = StandInTensorRt()
    request = BuildRequest(profile=ROW, workspace_bytes=1 << 20, weight_streaming=True, sparse=True)
    made = build(Classic(), trt, Path("m.onnx"), request, HERE, lambda *progress: None)
    assert trt.built[0].flags == [f"workspace {1 << 20}", "streaming", "sparse"]
    assert made.engine.startswith(b"plan") and made.timing == b"timed"


def test_open_sizes_without_ranges_are_named() -> None:
    with pytest.raises(NotRunnable, match="the sizes of x are open"):
        build(Classic(), StandInTensorRt(), Path("m.onnx"), BuildRequest(), HERE, lambda *progress: None)


class Building(StandInTensorRt):
    """TensorRT whose builds are calls of a function."""

    def __init__(self, build) -> None:
        super().__init__()
        self._build = build

    def Builder(self, logger):
        builder = super().Builder(logger)
        builder.build_serialized_network = self._build
        return builder


def cancel(share: float, phase: str, seconds: float) -> None:
    raise KeyboardInterrupt


def test_error_of_the_callback_stops_the_build() -> None:
    """Given a build in a phase that looks at nothing, When it is cancelled, Then the wait for it is bounded."""

    allowed = threading.Event()
    endless = Building(lambda network, config: allowed.wait())
    with pytest.raises(KeyboardInterrupt):
        build(Classic(), endless, Path("m.onnx"), BuildRequest(profile=ROW), HERE, cancel)
    allowed.set()


def test_a_job_is_let_go_before_its_build_is() -> None:
    """Given a library that lets go only when it is allowed to, which is after the call, When the build is stopped in a
    process that ends at once, Then what stopped it is raised first: nobody waits for the library."""
    events, allowed = list[str](), threading.Event()

    def hold(network, config) -> None:
        allowed.wait()
        events.append("let go")

    others = threading.enumerate()
    with pytest.raises(KeyboardInterrupt):
        build(Classic(), Building(hold), Path("m.onnx"), BuildRequest(profile=ROW), HERE, cancel, stop_s=0.0)
    events.append("raised")
    (thread,) = [one for one in threading.enumerate() if one not in others]
    allowed.set()
    thread.join(TURN_S)
    assert events == ["raised", "let go"]


def test_refusal_names_operator_and_alternative() -> None:
    refused = BuildRefused((("MatMulInteger", "layer 3"),), "no importer registered")
    assert "MatMulInteger (“layer 3”)" in str(refused) and "int8_qdq" in refused.alternative
    assert "onnxruntime-cuda" in BuildRefused((("Unheard", ""),), "?").alternative


def test_reasons_lose_the_librarys_own_places() -> None:
    message = (
        "IBuilder::buildSerializedNetwork: Error Code 1: Myelin ([pass.cpp:1500: run_passes] Cannot compile for sm86. "
        "In compileGraph at /_src/optimizer/myelin/codeGenerator.cpp:2012)"
    )
    assert building.plain([message]) == "Cannot compile for sm86."


def small(tmp_path: Path, kind: str) -> Path:
    """One product, plain or with the dynamic quantization that the parser refuses."""
    weights = [numpy_helper.from_array(__import__("numpy").ones((4, 8), "float32"), "w")]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")]
    out = TensorProto.FLOAT
    if kind == "dynamic":
        weights = [numpy_helper.from_array(__import__("numpy").ones((4, 8), "int8"), "w")]
        nodes = nodes_of("""
            [rounding] q, s, z = DynamicQuantizeLinear (x); [product] y = MatMulInteger (q, w, z)
        """)
        out = TensorProto.INT32
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
    graph = helper.make_graph(nodes, "g", [x], [helper.make_tensor_value_info("y", out, ["n", 8])], weights)
    path = tmp_path / f"{kind}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9), str(path))
    return path


@pytest.mark.gpu_libs
def test_real_library_builds_for_cards_that_are_not_here(tmp_path: Path) -> None:
    """Given tensorrt-rtx and no card, Then an engine for three architectures is built, and progress is reported."""
    trt, progress = load_library(Rtx()), []
    request = BuildRequest(profile=ROW, architectures=("sm86", "sm89", "sm120"))
    path = small(tmp_path, "plain")
    made = build(Rtx(), trt, path, request, Place(), lambda share, phase, seconds: progress.append((share, phase)))
    assert len(made.engine) > 1000
    assert [share for share, _ in progress] == sorted(share for share, _ in progress)
    with pytest.raises(NotRunnable, match="builds nothing for SM90"):
        build(Rtx(), trt, path, BuildRequest(profile=ROW, architectures=("sm90",)), Place(), lambda *progress: None)


@pytest.mark.gpu_libs
def test_real_parser_refuses_dynamic_quantization_by_name(tmp_path: Path) -> None:
    trt = load_library(Rtx())
    request = BuildRequest(profile=ROW, architectures=("sm89",))
    with pytest.raises(BuildRefused) as refused:
        build(Rtx(), trt, small(tmp_path, "dynamic"), request, Place(), lambda *progress: None)
    kinds = {kind for kind, _ in refused.value.operators}
    assert kinds & {"DynamicQuantizeLinear", "MatMulInteger"} and "int8_qdq" in refused.value.alternative
    assert str(refused.value).endswith("(“rounding”): it has no such operator")


@pytest.mark.gpu_libs
def test_real_library_has_the_called_names() -> None:
    """Given the real library, Then all that the stand-in has is there under the same names."""
    trt = load_library(Rtx())
    for name in ("ILogger", "IProgressMonitor", "Builder", "OnnxParser", "Runtime", "TensorIOMode", "nptype"):
        assert hasattr(trt, name), name
    for holder, names in {
        "BuilderFlag": ("WEIGHT_STREAMING", "SPARSE_WEIGHTS"),
        "EngineValidity": ("INVALID",),
        "ICudaEngine": ("create_runtime_config", "weight_streaming_budget_v2", "streamable_weights_size",
                        "device_memory_size_v2", "get_weight_streaming_automatic_budget", "get_tensor_mode"),
        "IExecutionContext": ("set_input_shape", "set_tensor_address", "execute_async_v3", "get_tensor_shape"),
        "IRuntimeConfig": ("create_runtime_cache", "set_runtime_cache"),
        "IRuntimeCache": ("serialize", "deserialize"),
    }.items():  # fmt: skip
        assert [name for name in names if not hasattr(getattr(trt, holder), name)] == []
