"""Models and data for which a recipe looks good and is not: a classifier that has learned, and one that keeps a mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from recording import RecordingContext
from small_models import RNG, Feeds, floats, model_of, nodes_of, spec_of, write_folder

from workers.contracts.folder import read_model
from workers.contracts.jobs import JudgeParams
from workers.contracts.specs import Judgement
from workers.contracts.techniques import Model
from workers.evaluate.data.dataset import DataSet, Item, write_dataset
from workers.evaluate.proof.predictions import ANSWERS_FILE, collect_predictions, save_predictions
from workers.jobs import judge
from workers.measure.opening import open_session
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared, write_prepared
from workers.pipeline.spec import PipelineInput, PipelineOutput, PipelineSpec

WIDTHS = (24, 64, 24, 64)
CLASSES = 6
QUIET, LOUD = 0.3, 3.0
"""How large the values of the first class are, and those of the others."""


def draw(count: int, seed: int, only: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(x (count, 24), labels): each class has its center, and the first one is quiet."""
    rng = RNG(seed)
    labels = rng.integers(0, CLASSES, count) if only is None else np.full(count, only)
    centers = RNG(31).uniform(0, 1, (CLASSES, WIDTHS[0]))
    sizes = np.where(labels == 0, QUIET, LOUD)[:, None]
    x = (centers[labels] + rng.normal(0, 0.04, (count, WIDTHS[0]))) * sizes
    return x.astype(np.float32), labels


def _hidden(seed: int, explode: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random layers; with `explode` the first one has a unit of such values, which nothing reads."""
    rng = RNG(seed)
    layers = []
    for given, wanted in pairwise(WIDTHS):
        layers.append((rng.normal(0, (2 / given) ** 0.5, (given, wanted)), rng.normal(0, 0.1, wanted)))
    if explode:
        layers[0][0][:, 0] = explode / WIDTHS[0]
        layers[1][0][0] = 0
    return [(weights.astype(np.float32), bias.astype(np.float32)) for weights, bias in layers]


def build_classifier(explode: float = 0.0) -> onnx.ModelProto:
    """Random layers and a last one that has learned 2,000 examples (least squares)."""
    layers = _hidden(32, explode)
    x, labels = draw(2000, 33)
    for weights, bias in layers:
        x = np.maximum(x @ weights + bias, 0)
    scale = x.std(axis=0) + 1e-3
    known = np.column_stack([x / scale, np.ones(len(x))])
    wanted = 8.0 * np.eye(CLASSES)[labels] - 4
    last = np.linalg.solve(known.T @ known + np.eye(known.shape[1]), known.T @ wanted)
    layers.append(((last[:-1] / scale[:, None]).astype(np.float32), last[-1].astype(np.float32)))
    nodes, tensors, name = [], [], "x"
    for number, (weights, bias) in enumerate(layers):
        end = "logits" if number == len(layers) - 1 else f"a{number}"
        tensors += [numpy_helper.from_array(weights, f"w{number}"), numpy_helper.from_array(bias, f"b{number}")]
        nodes.append(helper.make_node("MatMul", [name, f"w{number}"], [f"m{number}"], name=f"layer{number}"))
        nodes.append(helper.make_node("Add", [f"m{number}", f"b{number}"], [end]))
        if end != "logits":
            nodes.append(helper.make_node("Relu", [end], [f"r{number}"]))
        name = f"r{number}"
    return model_of(nodes, [floats("x", "n", WIDTHS[0])], [floats("logits", "n", CLASSES)], tensors)


CLASSIFIER = spec_of(
    "array-classification",
    [PipelineInput(name="x", dtype="float32", shape=(None, WIDTHS[0]), source="array")],
    [PipelineOutput(name="logits", dtype="float32", shape=(None, CLASSES), answer=True)],
)

KEEP, SHARP, LEVEL = 0.99, 200.0, 0.467


def build_mean() -> onnx.ModelProto:
    """A score of a slow mean of all frames so far: what one step adds is small compared with it."""
    values = {"keep": KEEP, "add": 1 - KEEP, "sharp": SHARP, "level": LEVEL}
    tensors = [numpy_helper.from_array(np.float32(value), name) for name, value in values.items()]
    nodes = nodes_of("""
        kept = Mul (state, keep); added = Mul (frame, add); stateN = Add (kept, added); over = Sub (stateN, level)
        far = Mul (over, sharp); speech = Sigmoid (far)
    """)
    inputs = [floats("frame", "n", 1), floats("state", "n", 1)]
    return model_of(nodes, inputs, [floats("speech", "n", 1), floats("stateN", "n", 1)], tensors)


MEAN = spec_of(
    "audio-frames",
    [
        PipelineInput(name="frame", dtype="float32", shape=(None, 1), source="array"),
        PipelineInput(name="state", dtype="float32", shape=(None, 1), source="state"),
    ],
    [
        PipelineOutput(name="speech", dtype="float32", shape=(None, 1), answer=True),
        PipelineOutput(name="stateN", dtype="float32", shape=(None, 1)),
    ],
    answer_kind="score",
    scores="probabilities",
    links={"state": "stateN"},
)


@dataclass(frozen=True)
class Trap:
    """A model's folder and a data folder of labelled test items, with any calibration items."""

    folder: Path
    data: Path

    @property
    def model(self) -> Model:
        return read_model(self.folder)

    def answers(self, folder: Path, session: Any) -> Path:
        """The file of a model's answers to the test items."""
        folder.mkdir(parents=True, exist_ok=True)
        items = Prepared(self.data / "test")
        found = collect_predictions(load_pipeline(self.folder), session, items, RecordingContext(folder))
        session.close()
        save_predictions(folder / ANSWERS_FILE, found)
        return folder / ANSWERS_FILE

    def judged(self, scratch: Path, session: Any, limit_pct: float = 1.0) -> Judgement:
        """The verdict on the predictions of `session`, compared with the original in ONNX Runtime."""
        params = JudgeParams(
            data_dir=str(self.data),
            original_answers=str(self.answers(scratch / "old", open_session(self.folder, "onnxruntime-cpu", {}, 1))),
            variant_answers=str(self.answers(scratch / "new", session)),
            max_loss_pct=limit_pct,
        )
        return judge.run(params, RecordingContext(scratch))


def make_trap(
    root: Path,
    proto: onnx.ModelProto,
    spec: PipelineSpec,
    test: list[Feeds],
    calibration: Iterable[Feeds],
    labels: Iterable[int] | None = None,
) -> Trap:
    """Write it all below `root`."""
    folder, data = root / "original", root / "data"
    write_folder(folder, proto, spec)
    write_prepared(data / "test", test)
    write_prepared(data / "calibration", calibration)
    known = [()] * len(test) if labels is None else [(int(label),) for label in labels]
    items = tuple(Item(f"item {number}", None, accepted) for number, accepted in enumerate(known))
    write_dataset(data, DataSet("arrays", "person", None, None, test=items))
    return Trap(folder, data)


class StrictSession:
    """ONNX's own reference: each operator computes with the types in the file, as hardware for them would."""

    device_ran, fallbacks = "cpu", ()

    def __init__(self, path: Path) -> None:
        self._evaluator = ReferenceEvaluator(str(path))
        self._names = list(self._evaluator.output_names)

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        with np.errstate(all="ignore"):
            values = self._evaluator.run(None, dict(feeds))
        return {name: np.asarray(value) for name, value in zip(self._names, values, strict=True)}

    def close(self) -> None: ...
