"""Damage single layers of real models and count how often errors by node name the damaged one.

    FETTLE_MODELS_DIR=DIR python -m tests.benchmarks.damaged_layers FOLDER [MODEL …] [--against f32|bf16|int8]

FOLDER receives the opened models and their versions. Each model is damaged in ten places: weights × 1.1, a channel
of zeros, and a scale of an 8-bit version off by two. The original in 32 bits is compared with the damaged model
(`--against`: with a damaged version that is rounded everywhere).
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from tests.fixtures.recording import RecordingContext
from tests.workers.graphs_by_name import by_name, graph_of
from workers.contracts.after.changes import DiffResult
from workers.contracts.base import RunParams
from workers.contracts.folder import read_model, write_model
from workers.contracts.jobs import DataParams, OpenParams
from workers.evaluate.data.build import build_data
from workers.explain.errors import with_errors
from workers.model_io.opening import open_model
from workers.quantize import int8_static

CASES = {
    "MobileNetV2": ("P/P01_mobilenetv2_imagenet/derived_mobilenet_v2_op17.onnx", "DATA/foolbox20_imagenet"),
    "MiniLM": ("P/P03_all_minilm_l6_safetensors", "DATA/sentiment_vader.csv"),
    "U-Net": ("P/P07_terrain_consistency_unet/terrain_consistency_unet_difficulty100.onnx", None),
    "magika": ("P/P08_magika_filetype/model.onnx", "DATA/filetypes_magika.npz"),
    "text detector": ("P/P06_ppocr_v6/PP-OCRv6_det_small.onnx", "DATA/photos"),
}
LAYERS = ("Conv", "MatMul", "Gemm")


@dataclass
class Damage:
    """One change of a weight: the operator that has it, what it is, and the changed array."""

    node: str
    kind: str
    tensor: str
    values: np.ndarray


def weights_of(proto: Any) -> dict[str, np.ndarray]:
    """Return the arrays of a prepared input file by the name of the input."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}


def damages(proto: Any, quantized: Any, in_8_bits: bool) -> Iterator[tuple[bool, Damage]]:
    """Ten damages, spread over the layers; True for those of the 8-bit version, as all are with `in_8_bits`."""
    weights = weights_of(proto)
    layers = [
        (node.name, node.op_type, node.input[1], "", weights[node.input[1]]) for node in proto.graph.node
        if node.op_type in LAYERS and node.input[1] in weights and weights[node.input[1]].ndim > 1
    ]  # fmt: skip
    for number in range(10):
        kind = ("× 1.1", "channel", "scale")[number % 3]
        rounded = in_8_bits or kind == "scale"
        among = list(quantized_layers(quantized)) if rounded else layers
        node, op, name, scale, values = among[number * len(among) // 10]
        if kind == "channel":
            values = values.copy()
            axis = 0 if op == "Conv" else values.ndim - 1
            others = tuple(place for place in range(values.ndim) if place != axis)
            norms = np.square(values.astype(np.float32)).sum(others)
            np.moveaxis(values, axis, 0)[np.argsort(norms)[len(norms) // 2]] = 0
        elif rounded:
            name, values = scale, weights_of(quantized)[scale] * np.float32(2 if kind == "scale" else 1.1)
        else:
            values = values * np.float32(1.1)
        yield rounded, Damage(node, kind, name, values)


def quantized_layers(proto: Any) -> Iterator[tuple[str, str, str, str, np.ndarray]]:
    """(layer, its kind, its weights in 8 bits, their scale, the weights' values) of an 8-bit version."""
    weights = weights_of(proto)
    makers = {name: node for node in proto.graph.node for name in node.output}
    for node in proto.graph.node:
        back = makers.get(node.input[1]) if node.op_type in LAYERS and len(node.input) > 1 else None
        if back is not None and back.op_type == "DequantizeLinear" and back.input[0] in weights:
            yield node.name, node.op_type, back.input[0], back.input[1], weights[back.input[0]]


def write(source: Path, folder: Path, damage: Damage | None) -> None:
    """Copy the folder of a model with one weight changed."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    if damage is None:
        return
    artifact = read_model(folder).artifact
    proto = onnx.load(str(folder / artifact.main))
    for tensor in proto.graph.initializer:
        if tensor.name == damage.tensor:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(damage.values), tensor.name))
    onnx.save(proto, str(folder / artifact.main))
    write_model(folder, artifact.main, [artifact.main], settings=artifact.settings)


def compare(
    first: Path, second: Path, data: Path, work: Path, runtime: str, settings: dict[str, Any], items: int
) -> DiffResult:
    """Errors by node, with operators matched by their names."""
    graphs = [graph_of(read_model(folder).main) for folder in (first, second)]
    names = {node.name.removesuffix("_quant"): node.name for node in graphs[1].nodes}
    sides = (
        RunParams(model_dir=str(first), data_dir=str(data), runtime="onnxruntime-cpu"),
        RunParams(model_dir=str(second), data_dir=str(data), runtime=runtime, settings=settings),
    )
    work.mkdir(exist_ok=True)
    context = RecordingContext(work_dir=work, threads=2)
    nodes = by_name(graphs[0], graphs[1], names)
    return with_errors(nodes, graphs, sides, items, context)


def prepared(name: str, models: Path, folder: Path) -> tuple[Path, Path, Path]:
    """The opened model, its 8-bit version, and its data."""
    model, data = CASES[name]
    home = folder / name
    if not home.exists():
        for part in ("opened", "int8"):
            (home / part).mkdir(parents=True)
        context = RecordingContext(work_dir=home / "opened", threads=2)
        open_model(OpenParams(path=str(models / model)), context)
        path = str(models / data) if data else None
        build_data(DataParams(model_dir=str(home / "opened" / "model"), path=path, max_test=64), context)
        context = RecordingContext(work_dir=home / "int8", threads=2, data_dir=home / "opened" / "data")
        source = read_model(home / "opened" / "model")
        int8_static.SPEC.apply(source, int8_static.SPEC.params(), context)
    return home / "opened" / "model", home / "int8" / "model", home / "opened" / "data"


def rows(name: str, models: Path, folder: Path, against: str, items: int) -> Iterator[tuple[str, str, str, bool]]:
    """(kind, the damaged layer, the named operator, whether it is right), first without any damage."""
    original, quantized, data = prepared(name, models, folder)
    protos = [onnx.load(str(read_model(one).main)) for one in (original, quantized)]
    damaged = folder / name / "damaged"
    for eight_bits, damage in [(against == "int8", None), *damages(protos[0], protos[1], against == "int8")]:
        write(quantized if eight_bits else original, damaged, damage)
        bf16 = against == "bf16" and not eight_bits
        runtime, settings = ("openvino", {"inference_precision": "bf16"}) if bf16 else ("onnxruntime-cpu", {})
        found = compare(original, damaged, data, folder / name / "work", runtime, settings, items)
        node = "" if found.first_different is None else str(found.nodes[found.first_different].a)
        wanted = "" if damage is None else damage.node.removesuffix("_quant")
        yield "none" if damage is None else damage.kind, wanted, node, node == wanted
        for note in found.notes:
            print("   ", note)  # noqa: T201


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="*", default=list(CASES)[:3])
    parser.add_argument("--items", type=int, default=16)
    parser.add_argument("--against", choices=("f32", "bf16", "int8"), default="f32")
    given = parser.parse_args()
    right = total = 0
    for name in given.models:
        for kind, wanted, node, is_right in rows(
            name, Path(os.environ["FETTLE_MODELS_DIR"]), given.folder.resolve(), given.against, given.items
        ):
            right, total = right + (is_right and kind != "none"), total + (kind != "none")
            print(f"{name:12} {kind:8} {'right' if is_right else 'WRONG':6} {wanted:40} {node}", flush=True)  # noqa: T201
    print(f"{right} of {total} named rightly")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
