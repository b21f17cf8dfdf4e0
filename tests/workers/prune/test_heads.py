"""Attention heads taken out of a graph."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from recording import RecordingContext
from small_models import RNG, classes, floats, model_of, nodes_of, weight, write_folder

from workers.convert.graphs import onnx_files
from workers.pipeline.prepared import write_prepared
from workers.prune import structured
from workers.prune.heads import cut, find

HEADS, SIZE, WIDTH = 4, 8, 32


def attention(dead: tuple[int, ...] = (), flat: int = WIDTH, hidden: int = 64) -> onnx.ModelProto:
    """x (n, tokens, 32) → attention with 4 heads → a feed-forward part → a mean → 3 classes. `dead` heads give nothing."""
    rng = RNG(3)
    values = {name: rng.normal(0, WIDTH**-0.5, (WIDTH, WIDTH)).astype(np.float32) for name in ("wq", "wk", "wv", "wo")}
    for head in dead:
        values["wo"][head * SIZE : (head + 1) * SIZE] = 0
    weights = [numpy_helper.from_array(value, name) for name, value in values.items()]
    weights += [weight(rng, f"b{part}", WIDTH) for part in "qkv"]
    weights += [weight(rng, "w1", WIDTH, hidden), weight(rng, "w2", hidden, WIDTH), weight(rng, "head", WIDTH, 3)]
    shapes = {"cut": [0, 0, HEADS, SIZE], "join": [0, 0, flat]}
    weights += [numpy_helper.from_array(np.array(value), name) for name, value in shapes.items()]
    weights.append(numpy_helper.from_array(np.float32(SIZE**-0.5), "scale"))
    nodes = []
    for part, perm in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
        nodes += nodes_of(f"""
            {part}0 = MatMul (x, w{part}); {part}1 = Add ({part}0, b{part}); {part}2 = Reshape ({part}1, cut)
            {part}3 = Transpose <perm = {perm}> ({part}2)
        """)
    nodes += nodes_of("""
        s = MatMul (q3, k3); ss = Mul (s, scale); a = Softmax <axis = -1> (ss); m = MatMul (a, v3)
        t = Transpose <perm = [0, 2, 1, 3]> (m); j = Reshape (t, join); o = MatMul (j, wo); h = Add (o, x)
        f1 = MatMul (h, w1); f2 = Relu (f1); f3 = MatMul (f2, w2); y = Add (f3, h)
        mean = ReduceMean <axes = [1], keepdims = 0> (y); logits = MatMul (mean, head)
    """)
    return model_of(nodes, [floats("x", "n", "tokens", WIDTH)], [floats("logits", "n", 3)], weights)


def answers(proto: onnx.ModelProto, x: np.ndarray, folder: Path) -> np.ndarray:
    onnx.save_model(proto, str(folder / "h.onnx"))
    return onnx_files.start(folder / "h.onnx", "all").run(None, {"x": x})[0]


@pytest.mark.parametrize("flat", [WIDTH, -1])
def test_cut_removes_idle_heads_first(flat: int, tmp_path: Path) -> None:
    """Given two heads whose output weights are zero, When half of the heads go, Then it is these and answers stay."""
    proto = attention(dead=(1, 2), flat=flat)
    fewer, gone, heads = cut(proto, 0.5)
    onnx.checker.check_model(fewer, full_check=True)
    x = RNG(1).normal(size=(2, 7, WIDTH)).astype(np.float32)
    np.testing.assert_allclose(answers(fewer, x, tmp_path), answers(proto, x, tmp_path), rtol=1e-4, atol=1e-5)
    shapes = {tensor.name: list(tensor.dims) for tensor in fewer.graph.initializer}
    assert (gone, heads) == (2, HEADS)
    assert shapes["wq"] == shapes["wv"] == [WIDTH, WIDTH // 2] and shapes["wo"] == [WIDTH // 2, WIDTH]
    assert find(proto)[0].heads == HEADS  # the given graph is as it was


def test_one_head_stays_and_other_graphs_are_left_alone(make_small) -> None:
    """Given a share of nearly all, Then one head stays; given attention without heads, then nothing is cut."""
    assert cut(attention(), 0.99)[1:] == (HEADS - 1, HEADS)
    proto = onnx_files.load(make_small("transformer").folder / "model.onnx")
    assert cut(proto, 0.5)[1:] == (0, 0)


def test_structured_removes_heads_and_channels(tmp_path: Path) -> None:
    """Given attention with two idle heads, Then heads and the hidden part shrink, with a note."""
    spec = classes("x", "float32", (None, WIDTH), 3)
    model = write_folder(tmp_path / "model", attention(dead=(0, 3), hidden=64), spec)
    rng = RNG(2)
    items = [{"x": rng.normal(size=(1, int(rng.integers(4, 7)), WIDTH)).astype(np.float32)} for _ in range(40)]
    write_prepared(tmp_path / "data" / "calibration", items)
    out = tmp_path / "out"
    out.mkdir()
    wanted = structured.Params(share=0.25, heads=0.5, rounds=1, steps=40, min_agreement=0.9)
    artifact = structured.apply(model, wanted, RecordingContext(out, data_dir=tmp_path / "data"))
    assert artifact.notes[0] == "2 of 4 attention heads were removed."
    shapes = [list(t.dims) for t in onnx.load(out / "model" / "model.onnx").graph.initializer]
    assert [WIDTH, WIDTH // 2] in shapes and [WIDTH, 48] in shapes
