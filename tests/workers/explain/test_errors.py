"""Errors by node: where two models begin to differ by more than rounding."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import onnx
import pytest
import torch
from compiled_program import with_program
from graphs_by_name import by_name, graph_of
from onnx import numpy_helper
from recording import RecordingContext
from small_models import nodes_of

from workers.contracts.after.changes import DiffResult
from workers.contracts.base import RunParams
from workers.contracts.folder import read_model
from workers.explain.agreement import histograms_of
from workers.explain.errors import with_errors
from workers.explain.graph import ModelGraph, Node
from workers.explain.inner_values import in_onnxruntime
from workers.quantize import int8_static

Change = Callable[[Any], None]


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Return a change of the weight of this name."""

    def apply(proto: onnx.ModelProto) -> None:
        tensor = next(one for one in proto.graph.initializer if one.name == name)
        tensor.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(tensor)), name))

    return apply


def scaled(name: str, factor: float) -> Change:
    return changed(name, lambda values: values * np.float32(factor))


def without_channel(name: str) -> Change:
    """Return a change that sets the first output channel of a convolution's weight to 0."""
    return changed(name, lambda values: np.concatenate([np.zeros_like(values[:1]), values[1:]]))


def doubled_bf16(name: str) -> Change:
    """Double a BF16 weight of an OpenVINO model: its exponents are one larger."""

    def change(path: Path) -> None:
        layers = ElementTree.parse(path).iter("layer")
        data = next(layer.find("data").attrib for layer in layers if layer.get("name") == name)
        size = int(data["size"]) // 2
        values = np.memmap(path.with_suffix(".bin"), np.uint16, "r+", int(data["offset"]), (size,))
        values[values % 0x8000 > 0] += 0x80

    return change


def rewritten(text: str) -> Change:
    """Return a change that replaces all nodes by those of an ONNX text."""

    def change(proto: onnx.ModelProto) -> None:
        del proto.graph.node[:]
        proto.graph.node.extend(nodes_of(text))

    return change


@pytest.fixture
def compare(tmp_path: Path):
    """`compare(small, change, …)` compares a small model with a changed copy of it, or of a version of it."""

    def run(
        small, *changes: Change, folder: Path | None = None, runtime: str = "onnxruntime-cpu",
        settings: dict | None = None, pairs: dict[str, str] | None = None, values: dict[str, str] | None = None,
        count: int = 32, **more: int,
    ) -> DiffResult:  # fmt: skip
        second = tmp_path / "second"
        shutil.copytree(folder or small.folder, second, dirs_exist_ok=True)
        path = read_model(second).main
        if path.suffix == ".onnx":
            proto = onnx.load(str(path))
            for change in changes:
                change(proto)
            onnx.save(proto, str(path))
        else:
            for change in changes:
                change(path)
        first_runtime = "openvino" if path.suffix == ".xml" else "onnxruntime-cpu"
        first_graph, second_graph = graph_of(small.model.main), graph_of(path)
        data = str(small.data)
        first = RunParams(model_dir=str(small.folder), data_dir=data, runtime=first_runtime)
        other = RunParams(model_dir=str(second), data_dir=data, runtime=runtime, settings=settings or {})
        context = RecordingContext(tmp_path / "work", data_dir=small.data)
        context.work_dir.mkdir(exist_ok=True)
        rows = by_name(first_graph, second_graph, pairs, values)
        found = with_errors(rows, (first_graph, second_graph), (first, other), count, context, **more)
        assert list(context.work_dir.iterdir()) == []
        run.steps = context.progress_sent[-1].total if context.progress_sent else 0
        return found

    return run


def named(found: DiffResult) -> str | None:
    """The named operator of the first model."""
    return None if found.first_different is None else found.nodes[found.first_different].a


def error_of(found: DiffResult, name: str) -> float | None:
    return next(node.error for node in found.nodes if node.a == name)


@pytest.mark.parametrize(
    ("kind", "weight", "node"), [("cnn", "w2", "conv2"), ("transformer", "wo", "o"), ("stateful", "wh", "b")]
)
@pytest.mark.parametrize(("runtime", "precision"), [("onnxruntime-cpu", ""), ("openvino", "f32"), ("openvino", "bf16")])
def test_with_errors_larger_weight_names_its_operator(
    make_small, compare, kind: str, weight: str, node: str, runtime: str, precision: str
) -> None:
    """Given a model with one weight × 1.1, in each engine, When compared, Then the operator that reads it is named."""
    settings = {"inference_precision": precision} if precision else {}
    found = compare(make_small(kind), scaled(weight, 1.1), runtime=runtime, settings=settings)
    assert named(found) == node
    assert error_of(found, node) == pytest.approx(0.1, abs=0.02)
    assert found.notes == () and found.n_items == (32 if kind == "stateful" else 24)


@pytest.mark.parametrize("kind", ["cnn", "transformer", "stateful"])
@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_with_errors_rounded_everywhere_names_nothing(make_small, compare, kind: str, precision: str) -> None:
    """Given another engine and 16 bits, When compared with the original, Then rounding explains each difference."""
    found = compare(make_small(kind), runtime="openvino", settings={"inference_precision": precision})
    errors = [node.error for node in found.nodes if node.error is not None]
    assert named(found) is None
    assert 0 < max(errors) < (1e-4 if precision == "f32" else 0.1)


@pytest.mark.parametrize(
    ("change", "node"),
    [
        (scaled("w2_scale", 1), None),
        (scaled("w2_scale", 2), "conv2"),
        (scaled("w2_scale", 1.1), "conv2"),
        (without_channel("w2_quantized"), "conv2"),
    ],
)
def test_with_errors_eight_bits_names_only_the_wrong_layer(
    make_small, compare, apply, change: Change, node: str | None
) -> None:
    """Given an 8-bit version, When one scale or one channel is wrong, Then its operator is named, else none."""
    small = make_small("cnn")
    folder = apply(int8_static.SPEC, small).folder
    found = compare(small, change, folder=folder)
    assert named(found) == node
    assert 0.001 < error_of(found, "conv1") < 0.1


def test_with_errors_nan_in_one_model_is_named_before_an_earlier_difference(make_small, compare) -> None:
    """Given a damaged first layer and NaN in the last one, When compared, Then the layer with NaN is named."""
    found = compare(make_small("cnn"), scaled("w1", 2), scaled("b3", float("nan")))
    assert named(found) == "head"
    assert [node.nan for node in found.nodes] == ["", "", "", "", "", "", "b"]
    assert error_of(found, "conv1") == pytest.approx(1)


@pytest.mark.whole
def test_with_errors_language_model_names_the_layer(make_small, compare) -> None:
    """Given a language model with one product doubled, When compared from an empty cache, Then the product is named."""
    found = compare(
        make_small("chat"), doubled_bf16("weight:model.layers.1.mlp.up_proj.weight"), runtime="openvino", count=3
    )
    node = found.nodes[found.first_different]
    assert (node.op, node.error, found.n_items) == ("MatMul", pytest.approx(1), 3)
    assert "linear_12/" in node.a and found.notes == ()


def test_with_errors_torch_program_names_its_operator(make_small, tmp_path: Path) -> None:
    """Given a torch program, When a weight of a copy is larger, Then the operator that reads it is named."""
    small = with_program(make_small("cnn"))
    shutil.copytree(small.folder, tmp_path / "second")
    program = torch.export.load(tmp_path / "second" / "model.pt2")
    program.state_dict["last.weight"].data.mul_(1.1)
    torch.export.save(program, tmp_path / "second" / "model.pt2")
    names = [node.name for node in program.graph.nodes if node.op == "call_function"]
    graph = ModelGraph(tuple(Node(name, "") for name in names), (), ())
    sides = [
        RunParams(model_dir=str(folder), data_dir=str(small.data), runtime="torch-cpu")
        for folder in (small.folder, tmp_path / "second")
    ]
    context = RecordingContext(tmp_path, data_dir=small.data)
    found = with_errors(by_name(graph, graph), (graph, graph), sides, 8, context)
    assert (named(found), found.n_items, found.notes) == ("linear", 8, ())
    assert error_of(found, "relu") == 0


FIRST = "[conv1] c1 = Conv <pads = [1, 1, 1, 1]> (image, w1)"
SECOND = "[conv2] c2 = Conv <pads = [1, 1, 1, 1], strides = [2, 2]>"
END = "r2 = Relu (c2); p = GlobalAveragePool (r2); f = Flatten (p); [head] logits = Gemm (f, w3, b3)"
NHWC = f"""
    {FIRST}; t1 = Transpose <perm = [0, 2, 3, 1]> (c1); r1 = Relu (t1)
    t2 = Transpose <perm = [0, 3, 1, 2]> (r1); {SECOND} (t2, w2); {END}
"""


@pytest.mark.parametrize(("weight", "node"), [("w1", "conv1"), ("w2", "conv2"), ("w3", "head")])
def test_with_errors_other_order_of_axes_compares_values(make_small, compare, weight: str, node: str) -> None:
    """Given a model that was rewritten to channels last, When one weight differs, Then its operator is named."""
    found = compare(make_small("cnn"), rewritten(NHWC), scaled(weight, 1.1))
    assert named(found) == node
    assert error_of(found, "r1") == pytest.approx(0.1 if node == "conv1" else 0, abs=1e-5)


def test_with_errors_fused_operator_is_compared_at_its_last_part(make_small, compare) -> None:
    """Given a Conv that computes its Relu, When compared, Then the Relu has the error and the Conv has none."""
    text = f"""
        [conv1] r1 = com.microsoft.FusedConv <pads = [1, 1, 1, 1], activation = "Relu"> (image, w1)
        {SECOND} (r1, w2); {END}
    """

    def with_domain(proto: onnx.ModelProto) -> None:
        proto.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))

    found = compare(make_small("cnn"), rewritten(text), with_domain, scaled("w1", 1.1), pairs={"r1": "conv1"})
    assert named(found) == "r1"
    assert (error_of(found, "conv1"), error_of(found, "r1")) == (None, pytest.approx(0.1))


def test_with_errors_quantized_value_stands_for_its_numbers(make_small, compare) -> None:
    """Given a value in 8 bits with a scale, When compared with the original's, Then only rounding is between them."""
    text = f"{FIRST}; r1 = Relu (c1); q = QuantizeLinear (r1, s, z); d = DequantizeLinear (q, s, z); {SECOND} (d, w2); {END}"

    def with_scale(proto: onnx.ModelProto) -> None:
        arrays = {"s": np.float32(0.03), "z": np.uint8(5)}
        proto.graph.initializer.extend(numpy_helper.from_array(np.array(value), name) for name, value in arrays.items())

    small = make_small("cnn")
    for pairs, values in (({"r1": "q"}, {}), ({}, {"r1": "d"})):
        found = compare(small, rewritten(text), with_scale, pairs=pairs, values=values)
        assert 1e-4 < error_of(found, "r1") < 0.02
        assert named(found) is None


def test_with_errors_two_examples_are_enough(make_small, compare) -> None:
    """Given two examples, When a weight differs, Then its operator is named."""
    found = compare(make_small("cnn", items=2), scaled("w2", 1.1))
    assert (named(found), found.n_items) == ("conv2", 2)


def test_with_errors_other_sizes_are_noted(make_small, compare) -> None:
    """Given a value of another size under the same name, When compared, Then it has no error and the others have."""
    text = f"{FIRST}; r1 = Relu (c1); [conv2] c2 = Conv <pads = [1, 1, 1, 1]> (r1, w2); {END}"
    found = compare(make_small("cnn"), rewritten(text))
    assert error_of(found, "conv2") is None and error_of(found, "p") is not None
    assert len(found.notes) == 1


@pytest.mark.parametrize("kind", ["cnn", "transformer"])
def test_with_errors_little_memory_gives_the_same_errors(make_small, compare, monkeypatch, kind: str) -> None:
    """Given a few KB of memory and weights in a file, When compared, Then several passes give equal errors."""
    small = make_small(kind)
    whole = compare(small, scaled("w2" if kind == "cnn" else "wk", 1.1), count=8)
    steps = compare.steps
    monkeypatch.setattr(in_onnxruntime, "INLINE_BYTES", 0)
    pieces = compare(small, scaled("w2" if kind == "cnn" else "wk", 1.1), count=8, budget_bytes=4096)
    assert steps == 8 and compare.steps >= 5 * 8
    assert [node.error for node in pieces.nodes] == pytest.approx([node.error for node in whole.nodes], rel=1e-4)
    assert pieces.first_different == whole.first_different


def test_with_errors_engine_without_single_operators_is_noted(make_small, compare) -> None:
    """Given a runtime that runs whole programs alone, When compared, Then the nodes are unchanged and a note says so."""
    found = compare(make_small("cnn"), runtime="torch-cpu")
    assert (found.n_items, len(found.notes)) == (0, 1)
    assert {node.error for node in found.nodes} == {None}


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ([0.0, 1.0, 1.0, 12.0], ((1, 2, *[0] * 9, 1), (1, 2, *[0] * 9, 1))),
        ([0.0, 1.0, 1.0, np.nan], ((1, 2, *[0] * 9, 1), (1, 2, *[0] * 10))),
        ([0.0, 1.0, 1.0, -1e9], ((1, 2, *[0] * 9, 1), (1, 2, *[0] * 10))),
    ],
)
def test_spread_counts_values_of_both_models_in_one_range(second: list[float], expected: tuple[Any, Any]) -> None:
    """Given values of both models, When they are counted, Then both have the same bins, without NaN and hidden places."""
    found = histograms_of(np.array([0.0, 1.0, 1.0, 12.0], np.float32), np.array(second, np.float32))
    assert found is not None and (found.low, found.high, (found.a, found.b)) == (0, 12, expected)


def test_spread_of_values_that_hardly_differ_is_counted() -> None:
    """Given values one step of 32 bits apart, When they are counted, Then both ends have a value."""
    found = histograms_of(np.array([1.0], np.float32), np.nextafter(np.array([1.0], np.float32), np.float32(2)))
    assert found is not None and (found.a[0], found.b[-1]) == (1, 1)
