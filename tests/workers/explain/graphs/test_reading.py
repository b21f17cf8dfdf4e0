"""Graphs of all formats in one form: operators, weights, loops and branches."""

import tracemalloc
from pathlib import Path

import compiled_program
import numpy as np
import onnx
import pytest
import small_models
from onnx import TensorProto, helper, numpy_helper

from workers.contracts.errors import InputRefused
from workers.contracts.folder import write_model
from workers.explain.graphs.onnx import read
from workers.explain.graphs.reading import read_graph


def saved(proto: onnx.ModelProto, tmp_path: Path, name: str = "model.onnx") -> Path:
    onnx.save_model(proto, str(tmp_path / name))
    return tmp_path / name


@pytest.mark.parametrize("kind", ["cnn", "transformer", "constants", "stateful"])
def test_graph_gives_operators_in_order_with_their_weights(make_small, kind: str) -> None:
    """Given a model, When its graph is read, Then each value has a maker before its readers, and no weight is lost."""
    small = make_small(kind)
    graph = read_graph(small.folder, "onnxruntime-cpu")
    known = set(graph.inputs)
    for node in graph.nodes:
        assert set(node.inputs) <= known
        known |= set(node.outputs)
    assert set(graph.outputs) <= known
    floats = sum(numpy_helper.to_array(tensor).nbytes for tensor in stored(onnx.load(str(small.folder / "model.onnx"))))
    assert sum(node.weight_bytes for node in graph.nodes) == floats
    assert len({node.name for node in graph.nodes}) == len(graph.nodes)


def stored(proto: onnx.ModelProto) -> list[TensorProto]:
    found = list(proto.graph.initializer)
    for node in proto.graph.node:
        found += [entry.t for entry in node.attribute if entry.HasField("t")]
        found += [tensor for entry in node.attribute if entry.HasField("g") for tensor in entry.g.initializer]
    return [tensor for tensor in found if tensor.data_type == TensorProto.FLOAT]


def test_branches_are_operators_of_greater_depth(make_small) -> None:
    """Given an If, When its graph is read, Then the products of both branches are one level deeper and lead to it."""
    graph = read_graph(make_small("stateful").folder, "onnxruntime-cpu")
    inside = {node.name: node for node in graph.nodes if node.depth}
    branch = next(node for node in graph.nodes if node.op == "If")
    assert set(inside) == {"b16_y", "b8_y"} and {node.depth for node in inside.values()} == {1}
    assert {"b16_y", "b8_y"} <= set(branch.inputs)


def test_loop_reads_its_body_from_outside(tmp_path: Path) -> None:
    """Given a Loop whose body doubles a carried value, When it is read, Then the body reads what the loop gets."""
    body = helper.make_graph(
        small_models.nodes_of("double = Add (carried, carried); on = Identity (before)"),
        "body",
        [
            helper.make_tensor_value_info("number", TensorProto.INT64, []),
            helper.make_tensor_value_info("before", TensorProto.BOOL, []),
            small_models.floats("carried", 2),
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, []), small_models.floats("double", 2)],
    )
    counts = [numpy_helper.from_array(np.array(value), name) for name, value in (("times", 3), ("start", True))]
    loop = helper.make_node("Loop", ["times", "start", "x"], ["y"], body=body)
    proto = small_models.model_of([loop], [small_models.floats("x", 2)], [small_models.floats("y", 2)], counts)
    nodes = {node.op: node for node in read(saved(proto, tmp_path)).nodes}
    assert nodes["Add"].inputs == ("x", "x") and nodes["Add"].depth == 1
    assert "double" in nodes["Loop"].inputs


def test_functions_are_read_as_what_they_compute(tmp_path: Path) -> None:
    """Given a local function, When the graph is read, Then its operators are in it and the call is not."""
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    twice = helper.make_function("own", "Twice", ["a"], ["b"], small_models.nodes_of("b = Add (a, a)"), imports[:1])
    nodes = [
        helper.make_node("Twice", ["x"], ["y"], domain="own"),
        helper.make_node("Twice", ["y"], ["z"], domain="own"),
    ]
    graph = helper.make_graph(nodes, "calls", [small_models.floats("x", 2)], [small_models.floats("z", 2)])
    proto = helper.make_model(graph, opset_imports=imports, ir_version=8, functions=[twice])
    assert [node.op for node in read(saved(proto, tmp_path)).nodes] == ["Add", "Add"]


def test_weights_beside_the_model_are_read_in_parts(tmp_path: Path) -> None:
    """Given weights in a file beside the model, When they are read, Then hashes are the same and memory stays small."""
    rng = np.random.default_rng(1)
    large = [numpy_helper.from_array(rng.normal(size=(4096, 1024)).astype(np.float32), "w")]
    nodes = small_models.nodes_of("y = MatMul (x, w)")
    shapes = [small_models.floats("x", 1, 4096)], [small_models.floats("y", 1, 1024)]
    proto = small_models.model_of(nodes, *shapes, large)
    inside = read(saved(proto, tmp_path, "inside.onnx"))
    onnx.save_model(proto, str(tmp_path / "beside.onnx"), save_as_external_data=True, location="data")
    tracemalloc.start()
    beside = read(tmp_path / "beside.onnx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert beside == inside and beside.nodes[0].weight_bytes == 16 << 20
    assert peak < 8 << 20


def test_sizes_that_a_file_invents_allocate_nothing(tmp_path: Path) -> None:
    """Given a weight that claims 2^60 numbers and holds eight bytes, When it is read, Then it has eight bytes."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 30, 1 << 30], raw_data=b"12345678")
    graph = helper.make_graph(small_models.nodes_of("y = MatMul (x, w)"), "g", [], [small_models.floats("y")], [tensor])
    node = read(saved(helper.make_model(graph), tmp_path)).nodes[0]
    assert 8 <= node.weight_bytes < 100


def test_unpacked_weights_count_for_the_operator_that_reads_them(make_small, apply) -> None:
    """Given weights in 8 bits behind DequantizeLinear, When they are read, Then they are the convolution's."""
    from workers.quantize import int8_qdq

    small = make_small("cnn")
    graph = read_graph(apply(int8_qdq.SPEC, small).folder, "onnxruntime-cpu")
    layers = [node for node in graph.nodes if node.op in ("Conv", "Gemm")]
    assert {node.weight_dtype for node in layers} == {"int8"}
    assert all(node.weight_bytes == 0 for node in graph.nodes if node.op == "DequantizeLinear" and not node.inputs)


@pytest.mark.whole
def test_torch_program_is_read_with_its_weights(make_small) -> None:
    """Given a torch program beside the model, When PyTorch's graph is read, Then operators and weights are its own."""
    small = compiled_program.with_program(make_small("cnn"))
    graph = read_graph(small.folder, "torch-cpu")
    assert [node.op for node in graph.nodes] == ["conv2d", "relu", "mean", "linear"]
    assert graph.nodes[0].weight_names == ("first.weight", "first.bias") and graph.nodes[0].shape[1:] == (8, 14, 14)
    assert graph.inputs == ("image",) and graph.outputs == ("linear",)


def test_missing_torch_program_is_refused(make_small) -> None:
    """Given no torch program, When it is read, Then it is refused by a code."""
    small = make_small("cnn")
    with pytest.raises(InputRefused) as missing:
        read_graph(small.folder, "torch-cpu")
    assert missing.value.code == "no_torch_program"


def test_combined_version_is_read_as_the_program_that_counts(make_small) -> None:
    """Given a cascade whose first model runs in BF16, When its graph is read, Then it is the first's, with two notes."""
    small, other = make_small("cnn"), small_models.build_constants()
    onnx.save_model(other, str(small.folder / "first.onnx"))
    write_model(
        small.folder,
        "model.onnx",
        ["model.onnx", "first.onnx"],
        settings={"cascade": {"first_main": "first.onnx", "first": {"inference_precision": "bf16"}}},
    )
    graph = read_graph(small.folder, "onnxruntime-cpu")
    assert [node.op for node in graph.nodes] == ["MatMul", "Relu", "MatMul"] and len(graph.notes) == 2
