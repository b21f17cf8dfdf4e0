"""Small real models of several kinds, built here."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
from onnx import TensorProto, helper, numpy_helper

from workers.contracts.folder import read_model, write_model
from workers.contracts.pipeline import write_pipeline
from workers.contracts.techniques import Model
from workers.measure.opening import open_session
from workers.pipeline.spec import ArraySteps, PipelineInput, PipelineOutput, PipelineSpec

Feeds = dict[str, np.ndarray]
RNG = np.random.default_rng


@dataclass(frozen=True)
class Kind:
    """One small model: how to build it, how its pipeline looks, and one item of its data."""

    build: Callable[[], onnx.ModelProto]
    spec: PipelineSpec
    item: Callable[[np.random.Generator], Feeds]


def weight(rng: np.random.Generator, name: str, *shape: int) -> TensorProto:
    """He-scaled float32 weights."""
    fan_in = max(1, int(np.prod(shape[1:])) if len(shape) > 2 else shape[0])
    return numpy_helper.from_array(rng.normal(0, (2 / fan_in) ** 0.5, shape).astype(np.float32), name)


def model_of(nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: list[Any], opset: int = 17) -> Any:
    graph = helper.make_graph(nodes, "small", inputs, outputs, weights)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(proto)
    return proto


def nodes_of(text: str) -> list[onnx.NodeProto]:
    """Nodes in ONNX's text form, "y = Relu (x)", parted by semicolons or lines."""
    return [onnx.parser.parse_node(one) for one in re.split(r"[;\n]", text) if one.strip()]


def floats(name: str, *shape: Any) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def spec_of(task: str, inputs: list[PipelineInput], outputs: list[PipelineOutput], **more: Any) -> PipelineSpec:
    kind = more.pop("answer_kind", "class")
    return PipelineSpec(
        task=task, inputs=tuple(inputs), outputs=tuple(outputs), preprocess=ArraySteps(), answer_kind=kind, **more
    )


def classes(name: str, dtype: str, shape: tuple[int | None, ...], count: int, output: str = "logits") -> PipelineSpec:
    """One array in, one class of several out; the batch is free."""
    return spec_of(
        "array-classification",
        [PipelineInput(name=name, dtype=dtype, shape=(None, *shape), source="array")],
        [PipelineOutput(name=output, dtype="float32", shape=(None, count), answer=True)],
    )


def build_cnn(opset: int = 17) -> onnx.ModelProto:
    rng = RNG(1)
    weights = [weight(rng, "w1", 16, 3, 3, 3), weight(rng, "w2", 32, 16, 3, 3), weight(rng, "w3", 32, 5)]
    weights.append(numpy_helper.from_array(np.zeros(5, np.float32), "b3"))
    nodes = nodes_of("""
        [conv1] c1 = Conv <pads = [1, 1, 1, 1]> (image, w1); r1 = Relu (c1)
        [conv2] c2 = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (r1, w2); r2 = Relu (c2); p = GlobalAveragePool (r2)
        f = Flatten (p); [head] logits = Gemm (f, w3, b3)
    """)
    return model_of(nodes, [floats("image", "n", 3, 16, 16)], [floats("logits", "n", 5)], weights, opset)


def build_transformer() -> onnx.ModelProto:
    """Embedding, one attention layer without heads, mean over the tokens, two classes."""
    rng = RNG(2)
    width, words = 32, 50
    weights = [weight(rng, "table", words, width)]
    weights += [weight(rng, name, width, width) for name in ("wq", "wk", "wv", "wo")]
    weights += [weight(rng, "head", width, 2)]
    weights += [numpy_helper.from_array(np.array(value), name) for name, value in (("axis1", [1]),)]
    weights += [numpy_helper.from_array(np.float32(width**-0.5), "scale")]
    nodes = nodes_of("""
        e = Gather (table, input_ids); q = MatMul (e, wq); k = MatMul (e, wk); v = MatMul (e, wv)
        kt = Transpose <perm = [0, 2, 1]> (k); s = MatMul (q, kt); ss = Mul (s, scale); a = Softmax <axis = -1> (ss)
        av = MatMul (a, v); o = MatMul (av, wo); h = Add (o, e); m = ReduceMean <axes = [1], keepdims = 0> (h)
        logits = MatMul (m, head)
    """)
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "tokens"])
    return model_of(nodes, [ids], [floats("logits", "n", 2)], weights[:-2] + weights[-1:])


def build_constants() -> onnx.ModelProto:
    """A perceptron whose weights lie in Constant nodes, in the old operator set 11."""
    rng = RNG(3)
    nodes = [
        helper.make_node("Constant", [], [name], value=weight(rng, f"{name}_value", *shape))
        for name, shape in (("w1", (20, 64)), ("w2", (64, 4)))
    ]
    nodes += nodes_of("h = MatMul (x, w1); r = Relu (h); y = MatMul (r, w2)")
    return model_of(nodes, [floats("x", "n", 20)], [floats("y", "n", 4)], [], opset=11)


def build_stateful() -> onnx.ModelProto:
    """One recurrent step with its state as input and output; a sample rate chooses a branch of an If."""
    rng = RNG(4)
    weights = [weight(rng, "wx", 8, 16), weight(rng, "wh", 16, 16), weight(rng, "wo", 16, 1)]
    weights.append(numpy_helper.from_array(np.array(16000, np.int64), "rate"))

    def branch(name: str, seed: int) -> Any:
        own = weight(RNG(seed), f"{name}_w", 8, 8)
        nodes = [helper.make_node("MatMul", ["frame", f"{name}_w"], [f"{name}_y"])]
        return helper.make_graph(nodes, name, [], [floats(f"{name}_y", "n", 8)], [own])

    nodes = [
        helper.make_node("Equal", ["sr", "rate"], ["is16"]),
        helper.make_node("If", ["is16"], ["x"], then_branch=branch("b16", 5), else_branch=branch("b8", 6)),
        helper.make_node("MatMul", ["x", "wx"], ["a"]),
        helper.make_node("MatMul", ["state", "wh"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["ab"]),
        helper.make_node("Tanh", ["ab"], ["stateN"]),
        helper.make_node("MatMul", ["stateN", "wo"], ["o"]),
        helper.make_node("Sigmoid", ["o"], ["speech"]),
    ]
    sr = helper.make_tensor_value_info("sr", TensorProto.INT64, [])
    inputs = [floats("frame", "n", 8), floats("state", "n", 16), sr]
    return model_of(nodes, inputs, [floats("speech", "n", 1), floats("stateN", "n", 16)], weights)


def normal(name: str, *shape: int) -> Callable[[np.random.Generator], Feeds]:
    """Make items of normal numbers, each a batch of one."""
    return lambda rng: {name: rng.normal(size=(1, *shape)).astype(np.float32)}


def array_kind(build: Callable[[], Any], name: str, shape: tuple[int, ...], count: int, output: str = "logits") -> Kind:
    """One float array in, one class of several out, on normal numbers."""
    return Kind(build, classes(name, "float32", shape, count, output), normal(name, *shape))


def predictions(folder: Path, runtime: str, *requests: Feeds) -> list[Feeds]:
    """Return the outputs of the model in `folder` for each request."""
    session = open_session(folder, runtime, {}, 1)
    try:
        return [session.run(feeds) for feeds in requests]
    finally:
        session.close()


def write_folder(folder: Path, proto: onnx.ModelProto, spec: PipelineSpec) -> Model:
    """Write a model's folder as opening leaves it."""
    folder.mkdir(parents=True)
    onnx.save_model(proto, str(folder / "model.onnx"))
    write_pipeline(folder, spec)
    (folder / "info.json").write_text("{}", encoding="utf-8")
    write_model(folder, "model.onnx", ["model.onnx"])
    return read_model(folder)


KINDS: dict[str, Kind] = {
    "cnn": array_kind(build_cnn, "image", (3, 16, 16), 5),
    "transformer": Kind(
        build_transformer,
        classes("input_ids", "int64", (None,), 2),
        lambda rng: {"input_ids": rng.integers(0, 50, size=(1, int(rng.integers(3, 12))))},
    ),
    "constants": array_kind(build_constants, "x", (20,), 4, "y"),
    "stateful": Kind(
        build_stateful,
        spec_of(
            "audio-frames",
            [
                PipelineInput(name="frame", dtype="float32", shape=(None, 8), source="array"),
                PipelineInput(name="state", dtype="float32", shape=(None, 16), source="state"),
                PipelineInput(name="sr", dtype="int64", shape=(), source="constant", constant=16000),
            ],
            [
                PipelineOutput(name="speech", dtype="float32", shape=(None, 1), answer=True),
                PipelineOutput(name="stateN", dtype="float32", shape=(None, 16)),
            ],
            answer_kind="score",
            links={"state": "stateN"},
        ),
        lambda rng: {"frame": rng.normal(size=(12, 8)).astype(np.float32), "sr": np.array(16000)},
    ),
}
