"""Rewrites of the graph: the right places are found, outputs stay, what does not fit is left alone."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from small_models import floats, model_of, nodes_of
from special_models import build_casts, build_group_norm, build_nhwc, build_one_hot

from workers.contracts.errors import InputRefused
from workers.convert import cast_cleanup, gather_rewrite, layout_rewrite, norm_rewrite
from workers.convert.graphs import onnx_files
from workers.convert.graphs.graph import Graph
from workers.convert.rewriting import largest_difference, removed_by, rewriting, rewritten


def kinds(proto: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in proto.graph.node)


def outputs_of(proto: onnx.ModelProto, feeds: dict, tmp_path: Path) -> dict:
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.onnx"
    onnx.checker.check_model(proto)
    onnx.save_model(proto, str(path))
    session = onnx_files.start(path)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def same_after(proto: onnx.ModelProto, change, feeds: dict, tmp_path: Path, most: float = 1e-5) -> int:
    """Rewrite in place, check that the outputs stay, and return the number of places."""
    before = outputs_of(proto, feeds, tmp_path)
    count = rewritten(proto, change)
    assert largest_difference(before, outputs_of(proto, feeds, tmp_path)) <= most
    return count


@pytest.mark.parametrize("by", ["Equal", "OneHot"])
def test_one_hot_product_becomes_one_look_up(by: str, tmp_path: Path) -> None:
    """Given row numbers inside and outside of the table, Then the outputs are those of the product."""
    proto = build_one_hot(by)
    kind = np.int32 if by == "Equal" else np.int64
    feeds = {"bytes": np.array([[0, 19, 20, -1, -20, -21, 300, 5, 5, 7, 1, 2]], kind)}
    assert {"hot", "rows", "biased", "t"} <= removed_by(build_one_hot(), gather_rewrite.change)
    assert same_after(proto, gather_rewrite.change, feeds, tmp_path) == 1
    counts = kinds(proto)
    assert counts["Gather"] == 1 and not {"Tanh", "Equal", "OneHot"} & counts.keys() and counts["MatMul"] == 1


def test_part_of_a_table_that_is_an_output_keeps_its_name(tmp_path: Path) -> None:
    proto = build_one_hot()
    proto.graph.output.append(floats("biased", "n", 12, 16))
    feeds = {"bytes": np.arange(12, dtype=np.int32)[None]}
    assert same_after(proto, gather_rewrite.change, feeds, tmp_path) == 1
    assert kinds(proto)["Gather"] == 2


def test_transposes_between_layers_meet_and_go(tmp_path: Path) -> None:
    """Given three convolutions between six transposes with a shortcut, a concat and a slice, Then one is left."""
    proto = build_nhwc()
    feeds = {"image": np.random.default_rng(1).normal(size=(2, 12, 12, 3)).astype(np.float32)}
    assert same_after(proto, layout_rewrite.change, feeds, tmp_path) == 5
    assert kinds(proto)["Transpose"] == 1


def broken_one_hot() -> onnx.ModelProto:
    """Row numbers that are floats: 2.5 equals no row."""
    proto = build_one_hot("OneHot")
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT
    return proto


def different_users() -> onnx.ModelProto:
    """A transpose with two users, one of which cannot take the other layout."""
    nodes = nodes_of("""
        t = Transpose <perm = [1, 0]> (x); t2 = Transpose <perm = [1, 0]> (x2); a = Relu (t); b = MatMul (t, t2)
        c = MatMul (a, t2)
    """)
    return model_of(nodes, [floats("x", 4, 4), floats("x2", 4, 4)], [floats("b", 4, 4), floats("c", 4, 4)], [])


def over_whole_numbers() -> onnx.ModelProto:
    """Casts to whole numbers and back, which cut."""
    nodes = nodes_of(f"""
        i = Cast <to = {TensorProto.INT32}> (x); f = Cast <to = {TensorProto.FLOAT}> (i); y = Relu (f)
    """)
    return model_of(nodes, [floats("x", 4)], [floats("y", 4)], [])


@pytest.mark.parametrize(
    ("build", "technique"),
    [
        (broken_one_hot, gather_rewrite),
        (different_users, layout_rewrite),
        (over_whole_numbers, cast_cleanup),
        (build_nhwc, gather_rewrite),
    ],
)
def test_graph_without_such_places_stays(build, technique) -> None:
    proto = build()
    before = [node.SerializeToString() for node in proto.graph.node if node.op_type != "Constant"]
    assert rewritten(proto, technique.change) == 0
    assert [node.SerializeToString() for node in proto.graph.node] == before
    assert removed_by(build(), technique.change) == set()


def between(middle: list, weights: list, output: list, opset: int = 17) -> onnx.ModelProto:
    """x (2, 3, 4, 5) → Transpose → the nodes → Transpose back (for four axes) → y."""
    nodes = [helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]), *middle]
    if len(output) == 4:
        nodes.append(helper.make_node("Transpose", ["m"], ["y"], perm=[0, 3, 1, 2]))
    else:
        nodes.append(helper.make_node("Identity", ["m"], ["y"]))
    nodes.append(helper.make_node("Transpose", ["x"], ["u"], perm=[0, 2, 3, 1]))
    nodes.append(helper.make_node("Transpose", ["u"], ["z"], perm=[0, 3, 1, 2]))
    return model_of(nodes, [floats("x", 2, 3, 4, 5)], [floats("y", *output), floats("z", 2, 3, 4, 5)], weights, opset)


def ints(name: str, *values: int):
    return numpy_helper.from_array(np.array(values), name)


MIDDLES = {
    "softmax": ([helper.make_node("Softmax", ["t"], ["m"], axis=-1)], [], [2, 3, 4, 5]),
    "reduce kept": ([helper.make_node("ReduceMax", ["t"], ["m"], axes=[1, -1], keepdims=1)], [], [2, 1, 1, 5]),
    "reduce gone": ([helper.make_node("ReduceMean", ["t"], ["m"], axes=[1], keepdims=0)], [], [2, 5, 3]),
    "reduce by input": ([helper.make_node("ReduceSum", ["t", "a"], ["m"], keepdims=0)], [ints("a", 1, 2)], [2, 3]),
    "pad": ([helper.make_node("Pad", ["t", "a"], ["m"])], [ints("a", 0, 1, 2, 0, 0, 0, 1, 3)], [2, 6, 5, 8]),
    "constant of one axis": (
        [helper.make_node("Mul", ["t", "a"], ["m"])],
        [numpy_helper.from_array(np.arange(3, dtype=np.float32), "a")],
        [2, 3, 4, 5],
    ),
    "constant on the left": (
        [helper.make_node("Sub", ["a", "t"], ["m"])],
        [numpy_helper.from_array(np.arange(15, dtype=np.float32).reshape(5, 3), "a")],
        [2, 3, 4, 5],
    ),
    "split": (
        nodes_of("p, q = Split <axis = -1> (t, a); m = Concat <axis = 3> (q, p)"),
        [ints("a", 1, 2)],
        [2, 3, 4, 5],
    ),
    "squeeze": (
        nodes_of("r = ReduceMean <axes = [1, 2], keepdims = 1> (t); m = Squeeze (r, a)"),
        [ints("a", 1, 2)],
        [2, 3],
    ),
    "sizes": (
        nodes_of("s = Shape (t); zeros = ConstantOfShape (s); m = Add (t, zeros)"),
        [],
        [2, 3, 4, 5],
    ),
}


@pytest.mark.parametrize("name", MIDDLES)
def test_operators_work_on_the_other_layout(name: str, tmp_path: Path) -> None:
    """Given an operator after a transpose, Then its axes and constants are renamed and the outputs stay."""
    middle, weights, output = MIDDLES[name]
    proto = between(middle, weights, output)
    feeds = {"x": np.random.default_rng(2).normal(size=(2, 3, 4, 5)).astype(np.float32)}
    assert same_after(proto, layout_rewrite.change, feeds, tmp_path) >= 2


def group_norm_operator() -> onnx.ModelProto:
    values = np.arange(1, 9, dtype=np.float32)
    weights = [numpy_helper.from_array(values, "scale"), numpy_helper.from_array(values / 9, "bias")]
    node = helper.make_node("GroupNormalization", ["image", "scale", "bias"], ["y"], num_groups=4, epsilon=1e-3)
    return model_of([node], [floats("image", 2, 8, 5, 5)], [floats("y", 2, 8, 5, 5)], weights, 21)


@pytest.mark.parametrize(
    ("build", "shape", "count"), [(build_group_norm, (2, 3, 16, 16), 2), (group_norm_operator, (2, 8, 5, 5), 1)]
)
def test_group_norms_copy_nothing(build, shape, count: int, tmp_path: Path) -> None:
    """Given groups of one and of two channels, or the operator, Then no Reshape of it is left and the outputs stay."""
    proto = build()
    feeds = {"image": np.random.default_rng(3).normal(2, 3, size=shape).astype(np.float32)}
    assert same_after(proto, norm_rewrite.change, feeds, tmp_path) == count
    assert not {"Reshape", "GroupNormalization"} & kinds(proto).keys()
    assert kinds(proto)["InstanceNormalization"] == count - 1


def test_casts_go_and_doubles_become_floats(tmp_path: Path) -> None:
    proto = build_casts()
    feeds = {"x": np.random.default_rng(5).normal(size=(3, 20)).astype(np.float32)}
    assert same_after(proto, cast_cleanup.change, feeds, tmp_path) >= 3
    assert "Cast" not in kinds(proto)


def test_cast_that_only_branches_read_is_removed(tmp_path: Path) -> None:
    """Given an idle cast that only the branches of an If read, and a branch that has the names a rewrite would give,
    Then the cast is removed, the branches read its input, and the outputs stay."""
    branches = [
        helper.make_graph(
            [helper.make_node(kind, ["c"], ["constant_1"]), helper.make_node("Abs", ["constant_1"], [f"{kind}_out"])],
            kind, [], [floats(f"{kind}_out", 4)],
        )
        for kind in ("Relu", "Neg")
    ]  # fmt: skip
    nodes = [
        helper.make_node("Cast", ["x"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("If", ["yes"], ["y"], then_branch=branches[0], else_branch=branches[1]),
    ]
    yes = helper.make_tensor_value_info("yes", TensorProto.BOOL, [])
    proto = model_of(nodes, [floats("x", 4), yes], [floats("y", 4)], [])
    feeds = {"x": np.array([-1, 2, -3, 4], np.float32), "yes": np.array(True)}
    assert same_after(proto, cast_cleanup.change, feeds, tmp_path, 0) == 1
    assert kinds(proto) == {"If": 1}


def test_an_output_of_the_model_keeps_its_name(tmp_path: Path) -> None:
    """Given an idle cast and two transposes that end in outputs, Then both outputs are there under their names."""
    nodes = nodes_of(f"""
        y = Cast <to = {TensorProto.FLOAT}> (x); t = Transpose <perm = [1, 0]> (x); z = Transpose <perm = [1, 0]> (t)
    """)
    proto = model_of(nodes, [floats("x", 2, 3)], [floats("y", 2, 3), floats("z", 2, 3)], [])
    feeds = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}
    for technique in (cast_cleanup, layout_rewrite):
        assert same_after(proto, technique.change, feeds, tmp_path, 0) >= 1
    assert kinds(proto) == {"Identity": 2} and [one.name for one in proto.graph.output] == ["y", "z"]


def test_rewrite_that_changes_outputs_is_refused(make_small, apply) -> None:
    """Given a change that is wrong, Then it is refused, and nothing is left."""

    def wrong(graph: Graph) -> int:
        node = next((node for node in graph.nodes if node.op_type == "Relu"), None)
        if node is None:
            return 0
        node.op_type = "Abs"
        return 1

    spec = rewriting("x", "This rewrite", wrong, "{count}", order=1, kinds=(), summary="", source="")
    with pytest.raises(InputRefused, match="would change the answers") as caught:
        apply(spec, make_small("cnn"))
    assert caught.value.code == "rewrite_changes_answers"


@pytest.mark.parametrize(
    ("kind", "technique"), [("one_hot", gather_rewrite), ("nhwc", layout_rewrite), ("group_norm", norm_rewrite)]
)
def test_rewritten_model_predicts_alike_in_openvino(kind: str, technique, make_small, apply) -> None:
    small = make_small(kind)
    version = apply(technique.SPEC, small)
    assert version.artifact.notes[0][0].isdigit() and version.artifact.runtimes is None
    assert small.error_of(version, "openvino") < 1e-4


def test_largest_difference_counts_scores_with_places() -> None:
    """Given boxes at places of up to 640 and scores, When a score is lost, Then that is no rounding, whichever axis
    counts boxes; a millionth of each number is."""
    rng = np.random.default_rng(0)
    head = np.concatenate([rng.uniform(0, 640, (1, 4, 300)), rng.uniform(0, 0.3, (1, 3, 300))], axis=1)
    lost = head.copy()
    lost[0, 5, 7] += 0.05
    for axes in ((0, 1, 2), (0, 2, 1)):
        before, after = {"y": head.transpose(axes)}, {"y": lost.transpose(axes)}
        assert largest_difference(before, after) > 5e-4
        assert largest_difference(before, {"y": before["y"] * (1 + 1e-6)}) < 2e-6
    assert largest_difference({"y": head}, {"y": head * np.nan}) == float("inf")
    assert largest_difference({"y": np.asarray([9.0, 1e-7])}, {"y": np.asarray([9.0, 2e-7])}) < 1e-6
