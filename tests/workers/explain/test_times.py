"""Times by operator: nothing vanishes, and layers of the engines find the operators of the file."""

from collections.abc import Callable
from pathlib import Path

import made_pairs
import pytest
from made_facts import layer
from made_pairs import Pair, Side, convolutions, measured, picture, products, table
from recording import RecordingContext
from small_models import KINDS, RNG

from workers.contracts.after.changes import ChangedNode
from workers.explain.graph import ModelGraph, Node
from workers.explain.times import placed_layers, with_times

F32 = {"inference_precision": "f32"}
BF16 = {"inference_precision": "bf16"}
SMALL = KINDS["transformer"].build(), {"input_ids": RNG(1).integers(0, 50, size=(1, 9))}


def timed_rows(rows: list[ChangedNode], graph: ModelGraph, first: list, second: list) -> tuple[ChangedNode, ...]:
    return with_times(*placed_layers(rows, (graph, graph), (first, second)))


def total(values) -> float:
    return sum(value or 0.0 for value in values)


@pytest.mark.whole
@pytest.mark.parametrize(
    "pair",
    [
        Pair(
            "engines",
            Side(convolutions(), picture(side=64)),
            Side(convolutions(), picture(side=64), "openvino", F32),
            (),
        ),
        Pair("formats", Side(*SMALL, "openvino", F32), Side(*SMALL, "openvino", BF16), ()),
        Pair(
            "operators",
            Side(products(made_pairs.relu), table()),
            Side(products(made_pairs.gelu_parts, more=made_pairs.ROOT), table()),
            (),
        ),
    ],
    ids=lambda pair: pair.title,
)
def test_sum_of_times_of_operators_is_that_of_the_layers(pair: Pair, tmp_path: Path) -> None:
    """Given two real models, When their layers are mapped to operators, Then no time is lost or counted twice."""
    known = measured(pair, tmp_path, RecordingContext(tmp_path))
    assert total(node.ms_a for node in known.nodes) == pytest.approx(total(one.ms for one in known.first.layers))
    assert total(node.ms_b for node in known.nodes) == pytest.approx(total(one.ms for one in known.second.layers))
    for side, profile in (("first", known.first), ("second", known.second)):
        grouped = [one.name for group in known.groups for one in getattr(group, side)]
        assert sorted(grouped) == sorted(one.name for one in profile.layers)
    heavy = [node for node in known.nodes if node.op in ("Conv", "MatMul") and node.status == "unchanged"]
    assert heavy and sum(node.ms_a is not None and node.ms_b is not None for node in heavy) >= len(heavy) - 1
    assert list(tmp_path.glob("profile*")) == [] and not (tmp_path / "optimized.onnx").exists()


@pytest.fixture
def graphs() -> Callable[..., tuple[list[ChangedNode], ModelGraph]]:
    nodes = (Node("conv", "Conv", ("x",), ("c",)), Node("act", "Relu", ("c",), ("y",)))
    rows = [ChangedNode(a=one.name, b=one.name, op=one.op, op_b=one.op, status="unchanged") for one in nodes]
    return lambda: (rows, ModelGraph(nodes, ("x",), ("y",)))


@pytest.mark.parametrize("name", ["conv", "conv/WithoutBiases", "c", "conv:0", "conv_quant"])
def test_layer_named_after_an_operator_or_its_output_is_its_own(graphs, name: str) -> None:
    """Given names with the suffixes of engines, or the name of the output, Then the time is that of the operator."""
    rows, graph = graphs()
    timed = timed_rows(rows, graph, [layer(name, "Convolution", 2.0, kernel="jit")], [])
    assert [(node.ms_a, node.kernel_a) for node in timed] == [(2.0, "jit"), (None, None)]


def test_layer_without_operators_becomes_a_row(graphs) -> None:
    """Given reorders that only engines know, Then each is added or removed, and the same one of both is one row."""
    rows, graph = graphs()
    fused = layer("conv", "Convolution", 1.0, origins=("act", "conv"))
    first = [fused, layer("Convert_7", "Convert", 0.2), layer("only_a", "Reorder", 0.3)]
    second = [fused, layer("Convert_9", "Convert", 0.1), layer("only_b", "Reorder", 0.4, values=5)]
    timed = timed_rows(rows, graph, first, second)
    assert [(node.a, node.b, node.status) for node in timed[2:]] == [
        ("Convert_7", "Convert_9", "unchanged"),
        ("only_a", None, "removed"),
        (None, "only_b", "added"),
    ]
    assert [node.ms_a for node in timed] == [1.0, None, 0.2, 0.3, None]
    assert [node.ms_b for node in timed] == [1.0, None, 0.1, None, 0.4]


def test_layer_of_an_operator_that_the_second_model_fused_is_on_its_host(graphs) -> None:
    """Given an operator that is part of another one in the second model, Then that one has the time."""
    rows, graph = graphs()
    rows = [rows[0], rows[1].model_copy(update={"b": "conv", "status": "fused"})]
    timed = timed_rows(rows[::-1], graph, [], [layer("conv", "Convolution", 1.0)])
    assert [node.ms_b for node in timed] == [None, 1.0]
