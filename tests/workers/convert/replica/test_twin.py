"""Graphs as torch modules, quantized ones too: the same predictions, gradients, and the same graph again."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static
from small_models import RNG, floats, model_of, nodes_of, weight

from workers.contracts.errors import InputRefused
from workers.convert.graphs import onnx_files
from workers.convert.replica.rounded import operators, unrounded
from workers.convert.replica.torch_replica import build, check
from workers.prune.recovery import write_back

HERE = "Test"


class Session:
    """ONNX Runtime on a proto."""

    def __init__(self, proto: onnx.ModelProto, folder: Path) -> None:
        onnx.save_model(proto, folder / "m.onnx")
        self._session = onnx_files.start(folder / "m.onnx", "all")

    def run(self, feeds):
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, dict(feeds)), strict=True))


def same(proto: onnx.ModelProto, feeds, folder: Path) -> None:
    """The twin answers as ONNX Runtime does, and what is written back does so again."""
    session = Session(proto, folder)
    twin = build(proto, HERE)
    assert check(twin, session, [feeds], HERE) < 1e-5
    again = write_back(twin)
    onnx.checker.check_model(again, full_check=True)
    for name, values in Session(again, folder).run(feeds).items():
        np.testing.assert_allclose(values, session.run(feeds)[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["cnn", "transformer", "constants", "texts", "wide", "hidden_weights"])
def test_replicas_of_small_models_predict_alike(kind: str, make_small, tmp_path: Path) -> None:
    small = make_small(kind)
    same(onnx_files.load(small.folder / "model.onnx"), small.feeds(), tmp_path)


NODES = [
    ("Conv", {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, ("w",), {"w": (8, 4, 3, 3)}),
    ("Conv", {"auto_pad": "SAME_LOWER", "strides": [2, 2]}, ("w", "b"), {"w": (8, 4, 4, 4), "b": (8,)}),
    ("Conv", {"group": 4, "pads": [0, 1, 2, 1], "dilations": [1, 2]}, ("w",), {"w": (8, 1, 3, 3)}),
    ("ConvTranspose", {"strides": [2, 2], "pads": [1, 1, 1, 1]}, ("w", "b"), {"w": (4, 6, 3, 3), "b": (6,)}),
    ("BatchNormalization", {"epsilon": 1e-3}, ("s", "b", "m", "v"), {"s": 4, "b": 4, "m": 4, "v": 4}),
    ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1}, (), {}),
    ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, (), {}),
    ("AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}, (), {}),
    ("PRelu", {}, ("s",), {"s": (4, 1, 1)}),
    ("HardSwish", {}, (), {}),
    ("HardSigmoid", {"alpha": 0.17, "beta": 0.4}, (), {}),
    ("Elu", {"alpha": 0.7}, (), {}),
    ("LeakyRelu", {}, (), {}),
    ("Softmax", {"axis": 1}, (), {}),
    ("GlobalMaxPool", {}, (), {}),
    ("Transpose", {"perm": [0, 2, 3, 1]}, (), {}),
    ("LayerNormalization", {"axis": -1}, ("s", "b"), {"s": 9, "b": 9}),
]


@pytest.mark.parametrize(
    ("op", "attributes", "names", "shapes"), NODES, ids=[f"{n[0]}-{i}" for i, n in enumerate(NODES)]
)
def test_operators_follow_the_specification(op, attributes, names, shapes, tmp_path: Path) -> None:
    """Given one operator with unusual attributes, Then torch and ONNX Runtime agree."""
    rng = RNG(5)
    values = {n: rng.normal(size=s).astype(np.float32) for n, s in shapes.items()}
    if "v" in values:
        values["v"] = np.abs(values["v"]) + 0.5
    weights = [numpy_helper.from_array(value, name) for name, value in values.items()]
    node = helper.make_node(op, ["x", *names], ["y"], **attributes)
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "one", [floats("x", 2, 4, 11, 9)], [output], weights)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    same(onnx.shape_inference.infer_shapes(proto), {"x": rng.normal(size=(2, 4, 11, 9)).astype(np.float32)}, tmp_path)


def test_computed_shapes_are_followed(tmp_path: Path) -> None:
    """Given a shape made of Shape, Gather, Concat and Slice, a Resize and a Pad, Then the copy follows it."""
    rng = RNG(6)
    weights = [weight(rng, "w", 4, 4, 3, 3)]
    ints = {"zero": [0], "minus": [-1], "one": [1], "two": [2], "p": [0, 0, 1, 1, 0, 0, 1, 1]}
    weights += [numpy_helper.from_array(np.array(value), name) for name, value in ints.items()]
    weights.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales"))
    nodes = nodes_of("""
        padded = Pad (x, p); c = Conv (padded, w); r = Resize <mode = "linear"> (c, , scales); s = Shape (r)
        front = Slice (s, zero, two, zero); shape = Concat <axis = 0> (front, minus); flat = Reshape (r, shape)
        y = ReduceMean <axes = [2], keepdims = 0> (flat)
    """)
    used = {name for node in nodes for name in node.input}
    proto = model_of(nodes, [floats("x", "n", 4, 8, 8)], [floats("y", "n", 4)], [w for w in weights if w.name in used])
    same(proto, {"x": rng.normal(size=(3, 4, 8, 8)).astype(np.float32)}, tmp_path)


def test_operator_without_counterpart_is_refused(make_small) -> None:
    """Given an If, Then the refusal names it."""
    with pytest.raises(InputRefused, match="If cannot be taken back") as refused:
        build(onnx_files.load(make_small("stateful").folder / "model.onnx"), HERE)
    assert refused.value.hint.endswith(".")


def test_replica_with_other_weights_is_refused(make_small, tmp_path: Path) -> None:
    """Given a twin whose weights are not the graph's, Then the comparison finds it."""
    small = make_small("cnn")
    proto = onnx_files.load(small.folder / "model.onnx")
    session = Session(proto, tmp_path)
    twin = build(proto, HERE)
    twin.steps[0].layer.module.weight.data *= 1.01
    with pytest.raises(InputRefused, match="differ by"):
        check(twin, session, [small.feeds()], HERE)


class Reader(CalibrationDataReader):
    def __init__(self, values: np.ndarray) -> None:
        self._left = [{"x": value[None]} for value in values]

    def get_next(self):
        return self._left.pop() if self._left else None


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small convolution and a product, as ONNX."""
    nodes = nodes_of("""
        c = Conv <pads = [1, 1, 1, 1]> (x, w, b); r = Relu (c); g = GlobalAveragePool (r); f = Flatten (g)
        y = Gemm (f, v)
    """)
    weights = [weight(RNG(0), "w", 6, 3, 3, 3), weight(RNG(0), "b", 6), weight(RNG(0), "v", 6, 4)]
    proto = model_of(nodes, [floats("x", "n", 3, 8, 8)], [floats("y", "n", 4)], weights)
    file = tmp_path_factory.mktemp("rounded") / "m.onnx"
    onnx.save_model(proto, file)
    return file


@pytest.mark.parametrize("kind", ["static", "static, by channel", "dynamic"])
def test_quantized_replica_rounds_as_the_runtime_and_has_gradients(path: Path, tmp_path: Path, kind: str) -> None:
    """Given a graph in 8 bits, Then its replica answers within a step of the runtime, and its input has a gradient."""
    import torch

    values = RNG(1).normal(0, 1, (24, 3, 8, 8)).astype(np.float32)
    target = tmp_path / "q.onnx"
    if kind == "dynamic":
        quantize_dynamic(path, target, weight_type=QuantType.QInt8)
    else:
        quantize_static(path, target, Reader(values), per_channel="channel" in kind)
    session = onnx_files.start(target, "all")
    wanted = session.run(None, {"x": values[:1]})[0]
    proto = onnx_files.load(target)
    assert unrounded(proto)
    twin = build(proto, "Test", operators())
    given = torch.from_numpy(values[:1]).requires_grad_(True)
    got = twin.module(given)[0]
    assert np.abs(got.detach().numpy() - wanted).max() <= 0.03 * np.abs(wanted).max()
    got[0, 0].backward()
    assert given.grad is not None and float(given.grad.abs().max()) > 0


def test_graph_without_rounding_is_refused(path: Path) -> None:
    """Given 32 bits, Then nothing is rounded."""
    assert not unrounded(onnx_files.load(path))
