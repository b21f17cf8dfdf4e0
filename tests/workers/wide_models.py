"""Models with slack: twice as wide as they need to be, and answering the same."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from small_models import write_folder

from workers.contracts.pipeline import parse_pipeline
from workers.contracts.techniques import Model
from workers.pipeline.prepared import write_prepared
from workers.pipeline.spec import ImageSteps

SAMPLE = Path(__file__).parents[2] / "presets" / "sample"
NOISE = 0.02


def twice_as_wide(proto: onnx.ModelProto, seed: int = 0) -> onnx.ModelProto:
    """Each channel between two layers twice, read at half the weight; a little noise makes the two differ."""
    rng = np.random.default_rng(seed)
    weights = {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in proto.graph.initializer}
    layers = [node for node in proto.graph.node if node.op_type in ("Conv", "Gemm")]
    for number, node in enumerate(layers):
        weight, bias = node.input[1], node.input[2] if len(node.input) > 2 else ""
        transposed = node.op_type == "Gemm" and not any(a.name == "transB" and a.i for a in node.attribute)
        value = weights[weight].T if transposed else weights[weight]
        if number > 0:
            value = np.repeat(value, 2, axis=1) / 2
        if number < len(layers) - 1:
            value = np.repeat(value, 2, axis=0)
            if bias:
                weights[bias] = np.repeat(weights[bias], 2)
        value = value * (1 + NOISE * rng.normal(size=value.shape))
        weights[weight] = (value.T if transposed else value).astype(np.float32)
    for node in proto.graph.node:
        if node.op_type == "Reshape":
            weights[node.input[1]] = weights[node.input[1]] * np.where(weights[node.input[1]] > 0, 2, 1)
    wide = onnx.ModelProto()
    wide.CopyFrom(proto)
    del wide.graph.initializer[:]
    del wide.graph.value_info[:]
    wide.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in weights.items())
    onnx.checker.check_model(wide)
    return wide


def sample_folder(root: Path, proto: onnx.ModelProto | None = None, calibration: int = 280) -> tuple[Model, Path]:
    """The built-in sample (or `proto` in its place) as a model's folder, and a folder of data from its pictures."""
    original = onnx.load(SAMPLE / "clothes.onnx")
    spec = parse_pipeline(next(one.value for one in original.metadata_props if one.key == "fettle.pipeline"))
    model, steps = write_folder(root / "model", proto or original, spec), spec.preprocess
    assert isinstance(steps, ImageSteps)
    with np.load(SAMPLE / "pictures.npz") as pictures:
        values = (pictures["x"][:, None].astype(np.float32) / 255 - steps.mean[0]) / steps.std[0]
    items: list[dict[str, Any]] = [{"picture": value[None].astype(np.float32)} for value in values]
    write_prepared(root / "data" / "calibration", items[:calibration])
    write_prepared(root / "data" / "test", items[calibration:])
    return model, root / "data"
