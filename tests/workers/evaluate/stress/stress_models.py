"""Tiny models that fail under one kind of stress only, and their data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from evaluated import read_set, write_words
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from workers.contracts.folder import write_model
from workers.contracts.pipeline import write_pipeline
from workers.pipeline.spec import (
    ArraySteps,
    AudioSteps,
    ImageSteps,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    TextSteps,
)

COLORS = ("red", "green", "blue")
WORDS = ("[UNK]", "[PAD]", "good", "bad", "film", "weather", "very", "the", "was", "today", "really")


def tensor(name: str, values: Any, dtype: Any = np.float32) -> Any:
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def save(folder: Path, nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], weights: Sequence[Any],
         spec: PipelineSpec) -> Path:  # fmt: skip
    folder.mkdir(parents=True)
    graph = helper.make_graph(list(nodes), "tiny", list(inputs), list(outputs), list(weights))
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(proto)
    onnx.save_model(proto, str(folder / "model.onnx"))
    write_pipeline(folder, spec)
    (folder / "info.json").write_text("{}", encoding="utf-8")
    write_model(folder, "model.onnx", ["model.onnx"])
    return folder


def floats(name: str, *shape: Any) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def spec_of(task: str, entry: PipelineInput, count: int, steps: Any, **more: Any) -> PipelineSpec:
    output = PipelineOutput(name="logits", dtype="float32", shape=(None, count), answer=True)
    return PipelineSpec(task=task, inputs=(entry,), outputs=(output,), preprocess=steps, answer_kind="class", **more)


def colors_model(folder: Path, dark_below: float | None) -> Path:
    """Write a model whose class is the strongest channel; below a mean of `dark_below` it always predicts blue."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["picture"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["means"]),
        helper.make_node("Gemm", ["means", "strong", "none"], ["usual"]),
        helper.make_node("ReduceMean", ["means"], ["light"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["limit", "light"], ["darkness"]),
        helper.make_node("Relu", ["darkness"], ["dark"]),
        helper.make_node("MatMul", ["dark", "panic"], ["wrong"]),
        helper.make_node("Add", ["usual", "wrong"], ["logits"]),
    ]
    weights = [
        tensor("strong", 40 * np.eye(3)),
        tensor("none", np.zeros(3)),
        tensor("limit", [[0.0 if dark_below is None else dark_below]]),
        tensor("panic", [[0.0, 0.0, 4000.0]]),
    ]
    entry = PipelineInput(name="picture", dtype="float32", shape=(None, 3, 24, 24), source="image")
    spec = spec_of("image-classification", entry, 3, ImageSteps(resize=(24, 24)), classes=COLORS)
    return save(folder, nodes, [floats("picture", "n", 3, 24, 24)], [floats("logits", "n", 3)], weights, spec)


def write_colors(folder: Path, each: int = 30) -> Path:
    """Write textured pictures of one color each into sub-folders by color."""
    rng = np.random.default_rng(3)
    for place, color in enumerate(COLORS):
        (folder / color).mkdir(parents=True)
        for number in range(each):
            picture = rng.uniform(90, 150, (32, 32, 3))
            picture[..., place] += rng.uniform(40, 90)
            Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(folder / color / f"{number}.png")
    return folder


def read_data(root: Path, model: Path, path: Path) -> Path:
    return read_set(model, path, root / "read")[1]


def texts_model(folder: Path, fears_unknown: bool) -> Path:
    """Write a model that adds the scores of words; with `fears_unknown` one unknown word makes the sum negative."""
    table = np.zeros((len(WORDS), 2), np.float32)
    table[WORDS.index("good"), 1] = table[WORDS.index("bad"), 0] = 3
    table[WORDS.index("[UNK]"), 0] = 30 if fears_unknown else 0
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["words"]),
        helper.make_node("ReduceSum", ["words", "axis"], ["sum"], keepdims=0),
        helper.make_node("Identity", ["sum"], ["logits"]),
    ]
    entry = PipelineInput(name="ids", dtype="int64", shape=(None, None), source="input_ids")
    spec = spec_of("text-classification", entry, 2, TextSteps(), classes=("negative", "positive"))
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "tokens"])
    weights = [tensor("table", table), tensor("axis", [1], np.int64)]
    made = save(folder, nodes, [ids], [floats("logits", "n", 2)], weights, spec)
    write_words(made / "tokenizer.json", WORDS)
    return made


def sounds_model(folder: Path, limit: float) -> Path:
    """Write a model that decides whether a frame is louder than a limit; its state counts the frames."""
    nodes = [
        helper.make_node("Abs", ["frame"], ["loud"]),
        helper.make_node("ReduceMean", ["loud"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["mean", "limit"], ["above"]), helper.make_node("Mul", ["above", "steep"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["speech"]), helper.make_node("Add", ["state", "one"], ["next"]),
    ]  # fmt: skip
    spec = PipelineSpec(
        task="audio-frames",
        inputs=(
            PipelineInput(name="frame", dtype="float32", shape=(1, 160), source="audio"),
            PipelineInput(name="state", dtype="float32", shape=(1, 1), source="state"),
        ),
        outputs=(
            PipelineOutput(name="speech", dtype="float32", shape=(1, 1), answer=True),
            PipelineOutput(name="next", dtype="float32", shape=(1, 1)),
        ),
        preprocess=AudioSteps(sample_rate_hz=8000, frame_samples=160),
        answer_kind="score",
        scores="probabilities",
        links={"state": "next"},
    )
    weights = [tensor("limit", [[limit]]), tensor("steep", [[300.0]]), tensor("one", [[1.0]])]
    inputs = [floats("frame", 1, 160), floats("state", 1, 1)]
    return save(folder, nodes, inputs, [floats("speech", 1, 1), floats("next", 1, 1)], weights, spec)


def numbers_model(folder: Path, scale: float = 1.0) -> Path:
    """Write a linear model of two classes of eight numbers."""
    border = np.stack([np.linspace(-1, 1, 8), -np.linspace(-1, 1, 8)], axis=1)
    nodes = [helper.make_node("Gemm", ["x", "border", "none"], ["logits"])]
    entry = PipelineInput(name="x", dtype="float32", shape=(None, 8), source="array")
    spec = spec_of("array-classification", entry, 2, ArraySteps())
    weights = [tensor("border", scale * border), tensor("none", np.zeros(2))]
    return save(folder, nodes, [floats("x", "n", 8)], [floats("logits", "n", 2)], weights, spec)
