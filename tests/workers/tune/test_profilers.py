"""Which operators each layer computes, how long it takes, and what ran it, by the engines' own reports."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from recording import RecordingContext
from small_models import KINDS, RNG, Feeds, floats, model_of, nodes_of, weight

from workers.contracts.after.changes import Layer
from workers.tune.layers import open_profiler, profile_in_turns
from workers.tune.onnxruntime_layers import Origins, read_runs
from workers.tune.openvino_layers import CUT_OFF_MS
from workers.tune.timing_runs import Profile, Target

FRAME = {"frame": np.zeros((1, 8), np.float32), "state": np.zeros((1, 16), np.float32), "sr": np.array(16000)}


def profile_of(kind: str, runtime: str, tmp_path: Path, feeds: Feeds | None = None, threads: int = 1) -> Profile:
    """Profile three turns of one small model."""
    path = tmp_path / "model.onnx"
    onnx.save(KINDS[kind].build(), str(path))
    target = Target(path, runtime, {"inference_precision": "f32"} if runtime == "openvino" else {})
    profiler = open_profiler(target, feeds or KINDS[kind].item(RNG(0)), RecordingContext(tmp_path, threads=threads))
    for _ in range(3):
        profiler.run(2)
    return profiler.close()


def by_origins(profile: Profile) -> dict[tuple[str, ...], Layer]:
    return {one.origins: one for one in profile.layers}


def test_onnxruntime_layers_name_the_operators_that_they_fuse(tmp_path: Path) -> None:
    """Given convolutions that ONNX Runtime runs in blocks, Then each layer has its operators; a reorder has none."""
    found = by_origins(profile_of("cnn", "onnxruntime-cpu", tmp_path, threads=2))
    assert found["conv1", "r1"].kernel == "CPU Conv NCHWc" and found["conv1", "r1"].parallel
    assert found["conv1", "r1"].values == 16 * 16 * 16
    assert found[()].kind == "ReorderOutput" and found["head",].parallel is False
    assert set(found) == {("conv1", "r1"), ("conv2", "r2"), ("p",), ("f",), ("head",), ()}


def test_onnxruntime_operators_without_names_are_found(tmp_path: Path) -> None:
    """Given operators without names, fused into one, Then its origins are the names of their results."""
    found = by_origins(profile_of("transformer", "onnxruntime-cpu", tmp_path))
    assert {("kt", "s", "ss"), ("q",), ("k",), ("logits",)} <= set(found)


def test_onnxruntime_time_inside_of_a_branch_counts_once(tmp_path: Path) -> None:
    """Given an If, Then the operator inside is a layer of its own, and its time is not that of the If as well."""
    assert "If_1/MatMul_0" in {one.name for one in profile_of("stateful", "onnxruntime-cpu", tmp_path, FRAME).layers}

    def event(name: str, begin_us: int, span_us: int) -> dict:
        kind, number = name.split("_")
        report = {"op_name": kind, "node_index": number}
        return {"cat": "Node", "name": f"{name}_kernel_time", "ts": begin_us, "dur": span_us, "args": report}

    inner, outer, last = event("MatMul_0", 15, 10), event("If_1", 10, 30), event("MatMul_2", 50, 5)
    (run,) = read_runs([inner, outer, last, {"cat": "Session", "name": "model_run"}])
    own_ms = {name: round(ms, 6) for name, _, ms in run}
    assert own_ms == {"If_1": 0.02, "If_1/MatMul_0": 0.01, "MatMul_2": 0.005}


def test_operator_that_several_layers_could_compute_belongs_to_one() -> None:
    """Given an operator that vanished before two others, Then only the first of them has it."""
    original = nodes_of("[add] a = Add (x, x); [left] l = Relu (a); [right] r = Exp (a)")
    optimized = nodes_of("[left] l = Relu (x); [right] r = Exp (x)")
    found = Origins(original, optimized).by_layer([("left", "Relu"), ("right", "Exp")])
    assert found == {"left": {"origins": ("add", "left")}, "right": {"origins": ("right",)}}


def test_operator_that_was_replaced_keeps_its_origin() -> None:
    """Given the name that ONNX Runtime gives to an operator in another layout, Then it is the operator of the file."""
    found = Origins(nodes_of("[conv] c = Conv (x, w)"), ()).by_layer([("conv_token_12", "QLinearConv")])
    assert found["conv_token_12"]["origins"] == ("conv",)


def test_openvino_layers_name_their_operators_and_kernels(tmp_path: Path) -> None:
    """Given a small model, Then each layer has the operators of the file and the implementation that ran."""
    found = by_origins(profile_of("cnn", "openvino", tmp_path))
    assert found["conv1", "r1"].kernel.endswith("f32") and found["conv1", "r1"].values == 16 * 16 * 16
    assert {one.kind for one in profile_of("cnn", "openvino", tmp_path).layers if not one.origins} <= {
        "Reorder",
        "Convert",
    }


def test_openvino_time_leaves_out_the_cold_run(tmp_path: Path) -> None:
    """Given counters that are means over all runs, and a slow first one, Then a turn has the mean of its own runs."""
    path = tmp_path / "model.onnx"
    onnx.save(KINDS["cnn"].build(), str(path))
    feeds = KINDS["cnn"].item(RNG(0))
    profiler = open_profiler(Target(path, "openvino", {}), feeds, RecordingContext(tmp_path), fixed=True)
    own_ms = [100.0]
    profiler._runs, profiler._spent_ms, profiler._run_at_all = 1, {"conv1": 100.0}, {"conv1"}

    class Counting:
        def infer(self, _) -> None:
            own_ms.append(2.0 if len(own_ms) < 4 else 3.0)

        @property
        def profiling_info(self) -> list[SimpleNamespace]:
            span = timedelta(milliseconds=sum(own_ms) / len(own_ms))
            return [SimpleNamespace(node_name="conv1", node_type="Convolution", exec_type="jit_f32", real_time=span)]

    profiler._request = Counting()
    for _ in range(4):
        profiler.run(50)
    turns = [turn["conv1"] - CUT_OFF_MS for turn in profiler.close().turns_ms]
    assert turns == pytest.approx([2.0, 2.0, 2.5, 3.0], abs=0.01)


def test_programs_that_differ_in_free_sizes_are_compared_with_a_fixed_one(tmp_path: Path) -> None:
    """Given a program of one size and one of any size, Then the second one is measured as of one size, too."""
    rng, targets = RNG(3), []
    for number, rows in enumerate((4, "n")):
        proto = model_of(
            nodes_of("y = MatMul (x, w)"), [floats("x", rows, 8)], [floats("y", rows, 8)], [weight(rng, "w", 8, 8)]
        )
        onnx.save(proto, str(path := tmp_path / f"{number}.onnx"))
        targets.append((Target(path, "onnxruntime-cpu", {}), {"x": np.ones((4, 8), np.float32)}))
    first, second, fixed = profile_in_turns(targets, RecordingContext(tmp_path))
    assert (first.free_sizes, second.free_sizes) == (False, True)
    assert fixed is not None and not fixed.free_sizes
    assert len(first.turns_ms) == len(second.turns_ms) == len(fixed.turns_ms) >= 5
    assert profile_in_turns(targets[:1] * 2, RecordingContext(tmp_path))[2] is None


@pytest.mark.whole
def test_torch_operators_have_times_and_kernels(tmp_path: Path) -> None:
    """Given a torch.export program, Then its operators are layers with their kernels, and getting inputs is none."""
    import torch

    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(1568, 4)
    )
    program = torch.export.export(module.eval(), (torch.zeros(1, 3, 16, 16),))
    names = json.dumps({"inputs": ["x"], "outputs": ["y"]})
    torch.export.save(program, tmp_path / "model.pt2", extra_files={"names.json": names})
    target = Target(tmp_path / "model.onnx", "torch-cpu", {})
    profiler = open_profiler(target, {"x": np.zeros((1, 3, 16, 16), np.float32)}, RecordingContext(tmp_path))
    profiler.run(2)
    found = {one.kind: one for one in profiler.close().layers}
    assert {"aten.conv2d.default", "aten.relu.default", "aten.linear.default"} <= set(found)
    product = found["aten.linear.default"]
    assert product.kernel == "aten::addmm" and product.precision == "f32" and product.values == 4
    assert product.origins == (product.name,)
