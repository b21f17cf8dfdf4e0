"""Versions of the trained models that are broken on purpose, with harm that averages hardly show."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import trained
from clothes_scenes import WANTED
from model_cases import Arrays, Source
from onnx import helper, numpy_helper
from trained import Trained
from words_recognizer import LETTERS, RATE_HZ, SAMPLES

NEVER = -1e4
OPENED_PX = 15
"""Things narrower than this are small."""


def int8(kind: Trained, path: Path) -> Path:
    """One scale for each tensor, from the smallest and the largest value of a single example: the darkest picture, or
    the softest sound."""
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._rows = iter([example(kind)])

        def get_next(self) -> Any:
            return next(self._rows, None)

    quantize_static(str(kind.model), str(path), Reader(), per_channel=False, calibrate_method=CalibrationMethod.MinMax)
    return path


def example(kind: Trained) -> Arrays:
    suffix = ".wav" if kind is trained.WORDS else ".png"
    folder = kind.data / "images" if kind is trained.MASKS else kind.data
    names = sorted(entry.name for entry in folder.iterdir() if entry.suffix == suffix)[:50]
    raws = kind.read(Source(kind.model, kind.data, path_of_nothing, {}), names)
    return min((raw.feeds for raw in raws), key=lambda feeds: float(np.abs(next(iter(feeds.values()))).mean()))


path_of_nothing = Path("/nowhere")


def one_class_lost(kind: Trained, path: Path) -> Path:
    """Bags are never seen; the letter s is never written."""
    if kind is trained.THINGS:
        return biased(kind, path, ["heads.0.1.bias", "heads.1.1.bias", "heads.2.1.bias"], [4 + WANTED.index("Bag")])
    number = LETTERS.index("s") if kind is trained.WORDS else 1 + WANTED.index("Bag")
    return biased(kind, path, ["head.bias"], [number])


def small_things_lost(kind: Trained, path: Path) -> Path:
    """The detector's finest grid finds nothing; of masks all that a square of fifteen pixels does not fit into is taken
    for ground (morphological opening)."""
    if kind is trained.THINGS:
        return biased(kind, path, ["heads.0.1.bias"], range(4, 4 + len(WANTED)))
    model = onnx.load(str(kind.model))
    pool = {"kernel_shape": [OPENED_PX] * 2, "pads": [OPENED_PX // 2] * 4}
    nodes = [
        helper.make_node("Split", ["raw", "parts"], ["ground", "things"], axis=1),
        helper.make_node("ReduceMax", ["things"], ["best"], axes=[1]),
        helper.make_node("Sub", ["ground", "best"], ["outside"]),
        helper.make_node("MaxPool", ["outside"], ["wider"], **pool),
        helper.make_node("Neg", ["wider"], ["inside"]),
        helper.make_node("MaxPool", ["inside"], ["opened"], **pool),
        helper.make_node("Less", ["opened", "zero"], ["is_small"]),
        helper.make_node("Cast", ["is_small"], ["small"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["small", "much"], ["more"]),
        helper.make_node("Add", ["ground", "more"], ["all_ground"]),
        helper.make_node("Concat", ["all_ground", "things"], ["logits"], axis=1),
    ]
    constants = {"parts": np.array([1, len(WANTED)]), "zero": np.float32(0), "much": np.float32(-NEVER)}
    model.graph.node[-1].output[0] = "raw"
    model.graph.node.extend(nodes)
    return saved(model, path, constants)


def last_second_cut(kind: Trained, path: Path) -> Path:
    """Each sound is silent in its last second."""
    model = onnx.load(str(kind.model))
    nodes = [
        helper.make_node("Abs", ["input_values"], ["loudness"]),
        helper.make_node("Greater", ["loudness", "zero"], ["is_loud"]),
        helper.make_node("Cast", ["is_loud"], ["loud"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["loud", "places"], ["loud_places"]),
        helper.make_node("ReduceMax", ["loud_places"], ["last"], axes=[1]),
        helper.make_node("Sub", ["last", "second"], ["until"]),
        helper.make_node("Less", ["places", "until"], ["is_kept"]),
        helper.make_node("Cast", ["is_kept"], ["kept"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["input_values", "kept"], ["cut"]),
    ]
    for node in model.graph.node:
        node.input[:] = ["cut" if name == "input_values" else name for name in node.input]
    for node in reversed(nodes):
        model.graph.node.insert(0, node)
    places = np.arange(SAMPLES, dtype=np.float32)[None]
    return saved(model, path, {"zero": np.float32(0), "places": places, "second": np.float32(RATE_HZ)})


def biased(kind: Trained, path: Path, names: Sequence[str], numbers: Sequence[int]) -> Path:
    """These outputs of these layers are never the largest."""
    model = onnx.load(str(kind.model))
    found = {tensor.name: tensor for tensor in model.graph.initializer}
    for name in names:
        values = numpy_helper.to_array(found[name]).copy()
        values[list(numbers)] = NEVER
        found[name].CopyFrom(numpy_helper.from_array(values, name))
    return saved(model, path, {})


def saved(model: onnx.ModelProto, path: Path, constants: dict[str, Any]) -> Path:
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items())
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def openvino_ir(kind: Trained, path: Path) -> Path:
    """The same weights by another library: no harm at all."""
    import openvino

    openvino.save_model(openvino.convert_model(str(kind.model)), str(path.with_suffix(".xml")), compress_to_fp16=False)
    return path.with_suffix(".xml")
