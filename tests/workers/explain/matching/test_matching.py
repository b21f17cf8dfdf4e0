"""Operators of two graphs matched: what became of each."""

import dataclasses
import time
import warnings
from collections import Counter
from pathlib import Path

import compiled_program
import numpy as np
import onnx
import onnxruntime
import pytest
import small_models
from onnx import numpy_helper

from workers.contracts.after.changes import ChangedNode
from workers.convert import graph_optimize
from workers.explain.graph import ModelGraph, Node
from workers.explain.graphs.onnx import read
from workers.explain.graphs.reading import read_graph
from workers.explain.matching import match_graphs
from workers.prune import magnitude
from workers.quantize import fp16, int8_dynamic, int8_static

ORT = "onnxruntime-cpu"


def counts(rows: tuple[ChangedNode, ...]) -> Counter[str]:
    return Counter(row.status for row in rows)


def of(rows: tuple[ChangedNode, ...]) -> dict[str, ChangedNode]:
    return {row.a: row for row in rows if row.a is not None}


def renamed(graph: ModelGraph) -> tuple[ModelGraph, dict[str, str]]:
    """The graph with other names of all but its inputs, and the new names of its nodes."""
    values = {name: name for name in graph.inputs}

    def value(name: str) -> str:
        return values.setdefault(name, f"v{len(values)}")

    nodes = tuple(
        dataclasses.replace(
            node,
            name=f"n{place}",
            inputs=tuple(map(value, node.inputs)),
            outputs=tuple(map(value, node.outputs)),
            weight_names=tuple(f"w{place}_{number}" for number in range(len(node.weight_names))),
        )
        for place, node in enumerate(graph.nodes)
    )
    names = {node.name: f"n{place}" for place, node in enumerate(graph.nodes)}
    return dataclasses.replace(graph, nodes=nodes, outputs=tuple(map(value, graph.outputs))), names


def graph_of(tmp_path: Path, text: str, weights: dict[str, np.ndarray], outputs: str = "y") -> ModelGraph:
    tensors = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    given = [small_models.floats("x", 1, 8)], [small_models.floats(outputs, 1, 8)]
    proto = small_models.model_of(small_models.nodes_of(text), *given, tensors)
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.onnx"
    onnx.save_model(proto, str(path))
    return read(path)


def squares(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    return {f"w{number}": rng.normal(size=(8, 8)).astype(np.float32) for number in range(count)}


@pytest.mark.parametrize("kind", ["cnn", "transformer", "constants", "stateful"])
def test_model_read_by_another_engine_is_unchanged(make_small, kind: str) -> None:
    """Given one model as ONNX and as OpenVINO reads it, When matched, Then its operators are unchanged in pairs."""
    from workers.explain.graphs import openvino

    folder = make_small(kind).folder
    first = read_graph(folder, ORT)
    second = dataclasses.replace(openvino.read(folder / "model.onnx"), form="openvino-ir")
    rows = match_graphs(first, second)
    assert counts(tuple(row for row in rows if row.a)) == {"unchanged": len(first.nodes)}
    assert {row.status for row in rows if not row.a} <= {"added"}
    assert counts(match_graphs(first, first)) == {"unchanged": len(first.nodes)}


def test_eight_bits_round_layers_and_add_conversions(make_small, apply) -> None:
    """Given a version in 8 bits, When matched, Then layers are rounded to int8, and all else there was added."""
    small = make_small("cnn")
    first, version = read_graph(small.folder, ORT), apply(int8_static.SPEC, small)
    rows = match_graphs(first, read_graph(version.folder, ORT))
    assert {of(rows)[name].status for name in ("conv1", "conv2", "head")} == {"rounded"}
    assert {of(rows)[name].dtype_b for name in ("conv1", "conv2", "head")} == {"int8"}
    assert {row.op for row in rows if row.status == "added"} == {"QuantizeLinear", "DequantizeLinear"}
    assert of(rows)["r1"].status == "fused" and of(rows)["r1"].b == of(rows)["conv1"].b
    assert counts(rows)["unmatched"] == 0


def test_integer_products_lead_to_the_value_in_floats(make_small, apply) -> None:
    """Given products of whole numbers, When matched, Then the scaled value behind each is the original's."""
    small = make_small("transformer")
    version = apply(int8_dynamic.SPEC, small)
    second = read_graph(version.folder, ORT)
    rows = [row for row in match_graphs(read_graph(small.folder, ORT), second) if row.op_b == "MatMulInteger"]
    types = {name: node.dtype for node in second.nodes for name in node.outputs}
    assert rows and all(row.status == "rounded" and types[row.value_b] == "f32" for row in rows)


def test_scale_of_the_next_layer_does_not_complete_the_one_before(tmp_path: Path) -> None:
    """Given a product added before a layer, When matched, Then what it reads is still the value of the operator."""
    weights = squares(2) | {"scale": np.full(8, 0.5, np.float32)}
    first = graph_of(tmp_path, "[m] a = MatMul (x, w0); [act] b = Relu (a); [end] y = MatMul (b, w1)", weights)
    text = "[m] a = MatMul (x, w0); [act] b = Relu (a); [half] c = Mul (b, scale); [end] y = MatMul (c, w1)"
    rows = match_graphs(first, graph_of(tmp_path, text, weights))
    assert of(rows)["act"].value_b == "" and [row.b for row in rows if row.status == "added"] == ["half"]


@pytest.mark.parametrize(
    ("technique", "status"), [(fp16.SPEC, "rounded"), (magnitude.SPEC, "replaced"), (int8_dynamic.SPEC, "rounded")]
)
def test_names_are_not_needed(make_small, apply, technique, status: str) -> None:
    """Given a version whose names were all changed, When matched, Then pairs are the same as with its names."""
    small = make_small("transformer")
    first, second = read_graph(small.folder, ORT), read_graph(apply(technique, small).folder, ORT)
    other, names = renamed(second)
    known, found = of(match_graphs(first, second)), of(match_graphs(first, other))
    assert {name: (names.get(row.b), row.status) for name, row in known.items()} == {
        name: (row.b, row.status) for name, row in found.items()
    }
    assert {known[name].status for name in ("q", "k", "v")} == {status}


def test_batch_normalization_and_layer_normalization_are_fused(tmp_path: Path) -> None:
    """Given ONNX Runtime's fusions, When matched, Then all operators of a pattern are parts of the one that stays."""
    rng = np.random.default_rng(3)
    ones = {name: np.ones(8, np.float32) for name in ("scale", "var", "gain")}
    zeros = {name: np.zeros(8, np.float32) for name in ("shift", "mean", "offset")}
    arrays = {**ones, **zeros, "w": rng.normal(size=(8, 8, 1, 1)).astype(np.float32), "two": np.float32(2)}
    arrays |= {"scale": rng.normal(size=8).astype(np.float32), "eps": np.float32(1e-5)}
    nodes = small_models.nodes_of("""
        [conv] c = Conv (image, w); [norm] n = BatchNormalization (c, scale, shift, mean, var); [relu] r = Relu (n)
        p = GlobalAveragePool (r); [flat] f = Flatten (p); [lm] m = ReduceMean <axes = [-1]> (f); [ls] s = Sub (f, m)
        [lp] q = Pow (s, two); [lv] v = ReduceMean <axes = [-1]> (q); [le] e = Add (v, eps); [lq] t = Sqrt (e)
        [ld] d = Div (s, t); [lg] g = Mul (d, gain); [lo] y = Add (g, offset); [end] z = Tanh (y)
    """)
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    given = [small_models.floats("image", 1, 8, 4, 4)], [small_models.floats("z", 1, 8)]
    onnx.save_model(small_models.model_of(nodes, *given, tensors), str(tmp_path / "a.onnx"))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "b.onnx")
    onnxruntime.InferenceSession(str(tmp_path / "a.onnx"), options, providers=["CPUExecutionProvider"])
    second = read(tmp_path / "b.onnx")
    assert [node.op for node in second.nodes] == [
        "FusedConv",
        "GlobalAveragePool",
        "Flatten",
        "LayerNormalization",
        "Tanh",
    ]
    rows = of(match_graphs(read(tmp_path / "a.onnx"), second))
    assert {rows[name].op_b for name in ("conv", "norm", "relu")} == {"FusedConv"}
    assert {rows[name].op_b for name in ("lm", "ls", "lp", "lv", "le", "lq", "ld", "lg", "lo")} == {
        "LayerNormalization"
    }
    assert {row.status for row in rows.values()} == {"fused", "unchanged"}
    assert rows["end"].status == rows["flat"].status == "unchanged"


def test_portable_optimization_removes_what_does_nothing(make_small, apply) -> None:
    """Given Identity and Dropout before a layer, When the optimized version is matched, Then they were removed."""
    proto = small_models.build_cnn()
    first = proto.graph.node[0]
    first.input[0] = "kept"
    for node in reversed(small_models.nodes_of("[same] i = Identity (image); [drop] kept = Dropout (i)")):
        proto.graph.node.insert(0, node)
    small = make_small("cnn", proto)
    version = apply(graph_optimize.SPEC, small)
    rows = match_graphs(read_graph(small.folder, ORT), read_graph(version.folder, ORT))
    assert {of(rows)[name].status for name in ("same", "drop")} == {"removed"}
    assert counts(rows)["unmatched"] == 0 and of(rows)["conv1"].status == "unchanged"


@pytest.mark.whole
def test_torch_program_and_exported_file_are_matched(make_small, tmp_path: Path) -> None:
    """Given a torch program and what another exporter made of it, When matched, Then all operators are in pairs."""
    import torch

    small = compiled_program.with_program(make_small("cnn"))
    program = torch.export.load(str(small.folder / "model.pt2"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's exporter uses what torch deprecates
        torch.onnx.export(program, dynamo=True, verbose=False).save(str(tmp_path / "other.onnx"))
    rows = match_graphs(read_graph(small.folder, "torch-cpu"), read(tmp_path / "other.onnx"))
    assert {row.op: row.op_b for row in rows if row.a} == {
        "conv2d": "Conv", "relu": "Relu", "mean": "ReduceMean", "linear": "Gemm",
    }  # fmt: skip
    assert {row.status for row in rows} == {"unchanged"}


def test_dropped_block_does_not_shift_the_others(tmp_path: Path) -> None:
    """Given equal blocks numbered by an exporter, When one is dropped and numbers move up, Then names do not mislead."""
    weights = squares(4)
    whole = "[m0] a0 = MatMul (x, w0); [r0] b0 = Relu (a0); [m1] a1 = MatMul (b0, w1); [r1] b1 = Relu (a1)"
    whole += "; [m2] a2 = MatMul (b1, w2); [r2] b2 = Relu (a2); [m3] a3 = MatMul (b2, w3); [r3] y = Relu (a3)"
    first = graph_of(tmp_path, whole, weights)
    less = "[m0] a0 = MatMul (x, w0); [r0] b0 = Relu (a0); [m1] a1 = MatMul (b0, w1); [r1] b1 = Relu (a1)"
    less += "; [m2] a2 = MatMul (b1, w2); [r2] y = Relu (a2)"
    moved = {"w0": weights["w0"], "w1": weights["w2"], "w2": weights["w3"]}
    rows = of(match_graphs(first, graph_of(tmp_path, less, moved)))
    assert (rows["m0"].b, rows["m2"].b, rows["m3"].b) == ("m0", "m1", "m2")
    assert rows["m1"].status == "removed" and rows["m1"].b is None
    assert {rows[name].status for name in ("m0", "m2", "m3")} == {"unchanged"}


def test_changed_attribute_and_other_operator_are_replaced(tmp_path: Path) -> None:
    """Given another axis and another activation, When matched, Then these two operators are replaced."""
    weights = squares(2)
    text = (
        "[m] a = MatMul (x, w0); [act] b = {act} (a); [soft] c = Softmax <axis = {axis}> (b); [end] y = MatMul (c, w1)"
    )
    first = graph_of(tmp_path, text.format(act="Relu", axis=1), weights)
    rows = of(match_graphs(first, graph_of(tmp_path, text.format(act="Tanh", axis=0), weights)))
    assert {name: row.status for name, row in rows.items()} == {
        "m": "unchanged", "act": "replaced", "soft": "replaced", "end": "unchanged",
    }  # fmt: skip
    assert (rows["act"].op_b, rows["act"].b) == ("Tanh", "act")


def test_models_without_anything_in_common_have_no_pairs(make_small) -> None:
    """Given two models of other kinds, When matched, Then no operator of either has a pair or a reason."""
    first, second = (read_graph(make_small(kind).folder, ORT) for kind in ("cnn", "transformer"))
    rows = match_graphs(first, second)
    assert counts(rows) == {"unmatched": len(first.nodes) + len(second.nodes)}
    assert all(row.a is None or row.b is None for row in rows)


def wide(op: str, count: int, prefix: str, *, in_row: bool, end: str) -> ModelGraph:
    """`count` operators in a row or side by side that one last operator reads."""
    nodes = [
        Node(f"{prefix}{at}", op, (f"{prefix}{at - 1}" if in_row and at else "x",), (f"{prefix}{at}",))
        for at in range(count)
    ]
    last = Node(f"{prefix}end", end, tuple(node.name for node in nodes), ("y",))
    return ModelGraph((*nodes, last), ("x",), ("y",))


@pytest.mark.parametrize(
    ("op", "other", "in_row", "end"),
    [
        ("Relu", "Relu", True, "Sum"),
        ("Relu", "Tanh", False, "Concat"),
        ("Identity", "Identity", False, "Concat"),
    ],
)
def test_operator_with_thousands_of_inputs_takes_no_minutes(op: str, other: str, in_row: bool, end: str) -> None:
    """Given graphs in which one operator reads 4,000 others, When matched, Then the time does not grow with the square
    of the inputs (it took minutes)."""
    first = wide(op, 4_000, "a", in_row=in_row, end=end)
    second = wide(other, 4_000, "b", in_row=in_row, end=end)
    began_s = time.process_time()
    rows = match_graphs(first, second)
    assert time.process_time() - began_s < 10
    assert {row.a for row in rows if row.a} == {node.name for node in first.nodes}
