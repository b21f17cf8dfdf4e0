"""A little model that really shows red, green and blue pictures apart, and pictures for it; made in a second."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

COLORS = ("red", "green", "blue")
SIDE = 48
LAYERS = 5
QUICK = """
id: quick
title: Quick
summary: One version, for a test.
expect: something
how_long: soon
max_loss_pct: 1.0
time_budget_s: 120
recipes:
  - title: Faster engine
    runtime: openvino
    settings: {inference_precision: f32}
    steps: [{technique: fixed_shape}]
"""


def write_model(path: Path, seed: int = 0, *, names: bool = True, width: int = 48) -> Path:
    """Convolutions that pass the three channels on and add a little noise; ends in the mean of each channel."""
    rng = np.random.default_rng(seed)
    tensors, nodes, name, channels = [], [], "picture", 3
    for number in range(LAYERS):
        weight = rng.normal(0, 0.01, (width, channels, 3, 3)).astype(np.float32)
        for channel in range(3):
            weight[channel, channel, 1, 1] = 1.0
        tensors.append(numpy_helper.from_array(weight, f"w{number}"))
        nodes += [
            helper.make_node("Conv", [name, f"w{number}"], [f"c{number}"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [f"c{number}"], [f"r{number}"]),
        ]
        name, channels = f"r{number}", width
    last = np.zeros((3, width), np.float32)
    last[:, :3] = 8 * np.eye(3)
    tensors.append(numpy_helper.from_array(last, "last"))
    nodes += [
        helper.make_node("GlobalAveragePool", [name], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "last"], ["scores"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "colors",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    report = {"license": "CC0-1.0", **({"classes": json.dumps(COLORS)} if names else {})}
    for key, value in report.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, str(path))
    return path


def swapped_model(path: Path) -> Path:
    """Write a model of colors that needs blue first: its first and last scores are named in reverse."""
    model = onnx.load(write_model(path))
    for entry in model.metadata_props:
        if entry.key == "classes":
            entry.value = '["blue", "green", "red"]'
    onnx.save(model, path)
    return path


def write_quick_preset(home: Path) -> None:
    """A goal "Quick" among the person's own: one version, with time for it also beside other programs."""
    folder = home / "data" / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "quick.yaml").write_text(QUICK, encoding="utf-8")


def write_pictures(folder: Path, each: int = 40, seed: int = 1) -> Path:
    """One sub-folder a color."""
    rng = np.random.default_rng(seed)
    for index, color in enumerate(COLORS):
        inside = folder / color
        inside.mkdir(parents=True)
        for number in range(each):
            pixels = rng.integers(0, 110, (SIDE, SIDE, 3), dtype=np.uint8)
            pixels[..., index] = rng.integers(110, 255, (SIDE, SIDE), dtype=np.uint8)
            Image.fromarray(pixels).save(inside / f"ünï {number}.png")
    return folder
