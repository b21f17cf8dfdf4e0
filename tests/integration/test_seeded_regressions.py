"""Seeded regressions and harmless changes of small real models, through the judge: what is caught, and what is named.

The built-in clothes model with its pictures (whose column "camera" the test adds), a digit reader and a regression that
are trained here. Those of larger models are in test_seeded_regressions_real.py.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from seeded_bench import BLOCK, Ahead, Bench, Changed, Row, coarse, print_verdicts, to_bf16, where, with_column

from presets.sample import sample_paths
from workers.convert import fixed_shape, graph_optimize
from workers.evaluate.data.dataset import Item, read_dataset
from workers.quantize import fp16

PHONE = "old phone"
SHIRT, COAT, SANDAL, SNEAKER = 6, 4, 5, 7


@pytest.fixture(scope="module")
def clothes(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    root = tmp_path_factory.mktemp("clothes")
    with np.load(sample_paths().data) as stored:
        count = len(stored["x"])
    camera = np.where(np.random.default_rng(1).random(count) < 0.12, PHONE, "scanner")
    data = with_column(sample_paths().data, root / "p.npz", camera=camera)
    return Bench.of(root / "bench", sample_paths().model, data)


def dense(path: Path, layers: list[tuple[np.ndarray, np.ndarray]]) -> Path:
    """Products with ReLU between them, as ONNX."""
    nodes, tensors, name = [], [], "x"
    for number, (weights, bias) in enumerate(layers):
        tensors += [
            numpy_helper.from_array(weights.astype(np.float32), f"w{number}"),
            numpy_helper.from_array(bias.astype(np.float32), f"b{number}"),
        ]
        last = number == len(layers) - 1
        nodes.append(helper.make_node("Gemm", [name, f"w{number}", f"b{number}"], ["y" if last else f"h{number}"]))
        if not last:
            nodes.append(helper.make_node("Relu", [f"h{number}"], [f"r{number}"]))
        name = f"r{number}"
    shape = [("x", layers[0][0].shape[0]), ("y", layers[-1][0].shape[1])]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", k]) for n, k in shape]
    graph = helper.make_graph(nodes, "dense", ends[:1], ends[1:], tensors)
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Handwritten digits of 8×8 pixels, read by a linear classifier that learned half of them."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import RidgeClassifier

    root = tmp_path_factory.mktemp("digits")
    x, y = load_digits(return_X_y=True)
    model = RidgeClassifier().fit(x[:900], y[:900])
    np.savez(root / "d.npz", x=x[900:].astype(np.float32), y=y[900:])
    path = dense(root / "digits.onnx", [(4 * model.coef_.T, 4 * model.intercept_)])
    return Bench.of(root / "bench", path, root / "d.npz")


@pytest.fixture(scope="module")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """How far an illness went after a year, by a linear regression."""
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import LinearRegression

    root = tmp_path_factory.mktemp("diabetes")
    x, y = load_diabetes(return_X_y=True)
    model = LinearRegression().fit(x[:100], y[:100])
    np.savez(root / "d.npz", x=x[100:].astype(np.float32), y=y[100:])
    path = dense(root / "diabetes.onnx", [(model.coef_[:, None], np.asarray([model.intercept_]))])
    return Bench.of(root / "bench", path, root / "d.npz")


def laplacian(pictures: np.ndarray) -> np.ndarray:
    inner = pictures[:, 1:-1, 1:-1]
    parts = (pictures[:, :-2, 1:-1], pictures[:, 2:, 1:-1], pictures[:, 1:-1, :-2], pictures[:, 1:-1, 2:])
    return np.asarray((sum(parts) - 4 * inner).var(axis=(1, 2)))


def lower(k: int, by: float) -> Callable[[np.ndarray, Any], np.ndarray]:
    def after(scores: np.ndarray, feeds: Any) -> np.ndarray:
        scores[:, k] -= by
        return scores

    return after


def swap(a: int, b: int) -> Callable[[np.ndarray, Any], np.ndarray]:
    def after(scores: np.ndarray, feeds: Any) -> np.ndarray:
        scores[:, [a, b]] = scores[:, [b, a]]
        return scores

    return after


def half_of_the_channels(name: str, values: np.ndarray) -> np.ndarray:
    if name == "4.weight":
        values = values.copy()
        values[::2] = 0
    return values


def noisy(share: float) -> Callable[[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(3)
    return lambda _, values: values + rng.normal(0, share, values.shape) * values.std()


def saturated(bench: Bench) -> Any:
    """The third activation stops at a fortieth of its usual largest value."""
    proto = bench.proto()
    node = next(n for n in proto.graph.node if n.output[0] == "relu_2")
    node.op_type = "Clip"
    node.input.extend(["low", "high"])
    proto.graph.initializer.extend(numpy_helper.from_array(np.float32(v), n) for n, v in (("low", 0.0), ("high", 0.1)))
    return bench.rebuilt(proto)


def regressions_of_clothes(bench: Bench) -> list[Row]:
    pictures = bench.inputs("picture")[:, 0]
    light = pictures.mean(axis=(1, 2))
    detail = laplacian(pictures)
    items = [item.columns["camera"] for item in _items(bench)]
    phone = np.asarray([value == PHONE for value in items])
    cases: list[tuple[str, Any, tuple[str, ...]]] = [
        ("one class is never named", bench.changed(after=lower(SHIRT, 30)), ("Shirt",)),
        ("one class a little less", bench.changed(after=lower(COAT, 2.0)), ("Coat",)),
        ("dark pictures broken", bench.changed(after=where(light < np.quantile(light, 0.15))), ("dark pictures",)),
        ("bright pictures blank", _blank(bench, light > np.quantile(light, 0.85)), ("bright pictures",)),
        ("blurred pictures broken", bench.changed(after=where(detail < np.quantile(detail, 0.15))), ("blurred pictures",)),
        ("pictures of one camera broken", bench.changed(after=where(phone)), (f"camera: {PHONE}",)),
        ("two classes swapped", bench.changed(after=swap(SANDAL, SNEAKER)), ("Sandal", "Sneaker")),
        ("last layer with three levels", bench.with_weights(coarse("12.weight", 1)), ()),
        ("bias of one class shifted", bench.changed(after=lower(SHIRT, -5)), ()),
        ("wrong mean and deviation", bench.changed(before=lambda f: {"picture": f["picture"] * 0.4 + 0.3}), ()),
        ("saturated activation", saturated(bench), ()),
        ("half of the channels of a layer are zero", bench.with_weights(half_of_the_channels), ()),
        ("noise in all weights", bench.with_weights(noisy(0.35)), ()),
        ("softmax temperature", bench.changed(after=lambda s, f: s * 4), ()),
        ("pictures cut off by five pixels", bench.changed(before=lambda f: {"picture": np.roll(f["picture"], 5, 3)}), ()),
    ]  # fmt: skip
    return [Row(name, bench.judged(session), slices) for name, session, slices in cases]


def _items(bench: Bench) -> tuple[Item, ...]:
    return read_dataset(bench.data).test


def _blank(bench: Bench, rows: np.ndarray) -> Changed:
    """These pictures reach the model black."""
    at = iter(np.split(rows, range(BLOCK, len(rows), BLOCK)))

    def before(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        feeds["picture"][next(at)] = 0
        return feeds

    return Changed(bench.session(), before, None, bench.output)


def test_seeded_regressions_are_caught(clothes: Bench, digits: Bench, diabetes: Bench, capsys: Any) -> None:
    """Given seeded regressions, then the judge refuses every one, and names the part where only one part broke."""
    rows = regressions_of_clothes(clothes)
    rows += [
        Row("digits: inputs of another range", digits.judged(digits.changed(before=lambda f: {"x": f["x"] / 16}))),
        Row("digits: coarse weights", digits.judged(digits.with_weights(coarse("w0", 1)))),
        Row("digits: one digit never named", digits.judged(digits.changed(after=lower(8, 1000))), ("class 8",)),
        Row("regression: answers shifted", diabetes.judged(diabetes.changed(after=lambda s, f: s + 25))),
        Row("regression: a column lost", diabetes.judged(diabetes.changed(before=_without_column))),
    ]
    print_verdicts(capsys, "Seeded regressions, small models", rows)
    missed = [row.name for row in rows if not row.is_caught]
    assert len(missed) <= 0.05 * len(rows), missed
    assert not any(row.verdict == "safe" for row in rows)


def _without_column(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    feeds["x"][:, 8] = 0
    return feeds


def identities(bench: Bench) -> Any:
    """A node that does nothing after each one, and the tensors in another order."""
    proto = bench.proto()
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    for node in nodes:
        name = node.output[0]
        if name in [output.name for output in proto.graph.output]:
            proto.graph.node.append(node)
            continue
        node.output[0] = f"{name}/inner"
        proto.graph.node.extend([node, helper.make_node("Identity", [f"{name}/inner"], [name])])
    tensors = sorted(proto.graph.initializer, key=lambda tensor: tensor.name, reverse=True)
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(tensors)
    return bench.rebuilt(proto)


def newer_opset(bench: Bench) -> Any:
    from onnx import version_converter

    return bench.rebuilt(version_converter.convert_version(bench.proto(), 20))


def test_harmless_changes_are_never_called_regressed(
    clothes: Bench, digits: Bench, diabetes: Bench, capsys: Any
) -> None:
    """Given changes that do no harm, then none is called regressed."""
    bench = clothes
    rows = [
        Row("graph optimized", bench.judged(bench.technique(graph_optimize.SPEC))),
        Row("fixed shapes, OpenVINO", bench.judged(_single(bench, fixed_shape.SPEC))),
        Row("32 bits in OpenVINO", bench.judged(bench.session(runtime="openvino", inference_precision="f32"))),
        Row("two threads", bench.judged(bench.session(threads=2))),
        Row("no graph optimization", bench.judged(bench.session(graph_optimization="none"))),
        Row("half precision", bench.judged(bench.technique(fp16.SPEC))),
        Row("weights as brain floats", bench.judged(bench.with_weights(to_bf16))),
        Row("noise of a millionth", bench.judged(bench.with_weights(noisy(1e-6)))),
        Row("noise of a thousandth", bench.judged(bench.with_weights(noisy(1e-3)))),
        Row("nodes that do nothing, another order", bench.judged(identities(bench))),
        Row("newer operator set", bench.judged(newer_opset(bench))),
        Row("weights beside the file", bench.judged(bench.rebuilt(bench.proto(), save_as_external_data=True, size_threshold=1024))),
        Row("all logits shifted alike", bench.judged(bench.changed(after=lambda s, f: s + 7))),
        Row("digits: 32 bits in OpenVINO", digits.judged(digits.session(runtime="openvino", inference_precision="f32"))),
        Row("digits: weights in half precision", digits.judged(digits.with_weights(lambda n, v: v.astype(np.float16)))),
        Row("digits: weights as brain floats", digits.judged(digits.with_weights(to_bf16))),
        Row("regression: in half precision", diabetes.judged(diabetes.with_weights(lambda n, v: v.astype(np.float16)))),
        Row("regression: a trace of noise", diabetes.judged(diabetes.changed(after=lambda s, f: s * (1 + 1e-6)))),
    ]  # fmt: skip
    print_verdicts(capsys, "Harmless changes, small models", rows)
    assert [row.name for row in rows if row.verdict == "regressed"] == []


def _single(bench: Bench, technique: Any) -> Any:
    """Fixed shapes take one item at a time."""
    session = bench.technique(technique, "openvino")
    rows = [session.run({name: np.array(v) for name, v in feeds.items()}) for feeds in bench.items]
    session.close()
    return Ahead({name: np.concatenate([np.asarray(row[name]) for row in rows]) for name in rows[0]})
