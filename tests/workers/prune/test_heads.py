"""Attention heads taken out of a graph."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from small_models import RNG, floats, model_of, spec_of, weight

from workers.contracts.folder import read_model, write_model
from workers.contracts.pipeline import write_pipeline
from workers.convert.graphs import onnx_files
from workers.pipeline.prepared import write_prepared
from workers.pipeline.spec import PipelineInput, PipelineOutput
from workers.prune import structured
from workers.prune.heads import cut, find
from workers.runtime.recording import RecordingContext

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
        nodes += [
            helper.make_node("MatMul", ["x", f"w{part}"], [f"{part}0"]),
            helper.make_node("Add", [f"{part}0", f"b{part}"], [f"{part}1"]),
            helper.make_node("Reshape", [f"{part}1", "cut"], [f"{part}2"]),
            helper.make_node("Transpose", [f"{part}2"], [f"{part}3"], perm=perm),
        ]
    nodes += [
        helper.make_node("MatMul", ["q3", "k3"], ["s"]),
        helper.make_node("Mul", ["s", "scale"], ["ss"]),
        helper.make_node("Softmax", ["ss"], ["a"], axis=-1),
        helper.make_node("MatMul", ["a", "v3"], ["m"]),
        helper.make_node("Transpose", ["m"], ["t"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["t", "join"], ["j"]),
        helper.make_node("MatMul", ["j", "wo"], ["o"]),
        helper.make_node("Add", ["o", "x"], ["h"]),
        helper.make_node("MatMul", ["h", "w1"], ["f1"]),
        helper.make_node("Relu", ["f1"], ["f2"]),
        helper.make_node("MatMul", ["f2", "w2"], ["f3"]),
        helper.make_node("Add", ["f3", "h"], ["y"]),
        helper.make_node("ReduceMean", ["y"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "head"], ["logits"]),
    ]
    return model_of(nodes, [floats("x", "n", "tokens", WIDTH)], [floats("logits", "n", 3)], weights)


def answers(proto: onnx.ModelProto, x: np.ndarray, folder: Path) -> np.ndarray:
    onnx.save_model(proto, str(folder / "h.onnx"))
    return onnx_files.start(folder / "h.onnx", "all").run(None, {"x": x})[0]


@pytest.mark.parametrize("flat", [WIDTH, -1])
def test_heads_that_give_nothing_go_without_a_trace(flat: int, tmp_path: Path) -> None:
    """Given two heads whose output weights are zero, when half of the heads go, then it is these and answers stay."""
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
    """Given a share of nearly all, then one head stays; given attention without heads, then nothing is cut."""
    assert cut(attention(), 0.99)[1:] == (HEADS - 1, HEADS)
    proto = onnx_files.load(make_small("transformer").folder / "model.onnx")
    assert cut(proto, 0.5)[1:] == (0, 0)


def test_technique_takes_heads_and_hidden_channels(tmp_path: Path) -> None:
    """Given attention with two idle heads, then heads and the hidden part shrink and the technique tells it."""
    folder = tmp_path / "model"
    folder.mkdir()
    onnx.save_model(attention(dead=(0, 3), hidden=64), str(folder / "model.onnx"))
    entry = PipelineInput(name="x", dtype="float32", shape=(None, None, WIDTH), source="array")
    spec = spec_of(
        "array-classification", [entry], [PipelineOutput(name="logits", dtype="float32", shape=(None, 3), answer=True)]
    )
    write_pipeline(folder, spec)
    (folder / "info.json").write_text("{}", encoding="utf-8")
    write_model(folder, "model.onnx", ["model.onnx"])
    rng = RNG(2)
    items = [{"x": rng.normal(size=(1, int(rng.integers(4, 7)), WIDTH)).astype(np.float32)} for _ in range(40)]
    write_prepared(tmp_path / "data" / "calibration", items)
    out = tmp_path / "out"
    out.mkdir()
    wanted = structured.Params(share=0.25, heads=0.5, rounds=1, steps=40, min_agreement=0.9)
    artifact = structured.apply(read_model(folder), wanted, RecordingContext(out, data_dir=tmp_path / "data"))
    assert artifact.notes[0] == "2 of 4 attention heads are gone."
    shapes = [list(t.dims) for t in onnx.load(out / "model" / "model.onnx").graph.initializer]
    assert [WIDTH, WIDTH // 2] in shapes and [WIDTH, 48] in shapes
