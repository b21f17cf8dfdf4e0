"""Small models and data of several odd kinds, written by tests."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 16


def floats(name: str, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def weights(name: str, *shape: int, seed: int = 1) -> onnx.TensorProto:
    scale = (2 / max(1, int(np.prod(shape[1:])))) ** 0.5
    return numpy_helper.from_array(np.random.default_rng(seed).normal(0, scale, shape).astype(np.float32), name)


def save(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], tensors: list[Any]) -> Path:
    graph = helper.make_graph(nodes, "small", inputs, outputs, tensors)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(proto, str(path))
    return path


def picture_model(path: Path, classes: int = 4) -> Path:
    """Pictures 3×16×16 in, logits of some classes out."""
    nodes = [
        helper.make_node("Conv", ["picture", "w1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("GlobalAveragePool", ["r1"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "w2"], ["logits"]),
    ]
    tensors = [weights("w1", 8, 3, 3, 3), weights("w2", 8, classes, seed=2)]
    return save(path, nodes, [floats("picture", "n", 3, SIDE, SIDE)], [floats("logits", "n", classes)], tensors)


def nan_model(path: Path) -> Path:
    """0/0 for every input."""
    nodes = [
        helper.make_node("Sub", ["x", "x"], ["zero"]),
        helper.make_node("Div", ["zero", "zero"], ["nan"]),
        helper.make_node("MatMul", ["nan", "w"], ["y"]),
    ]
    return save(path, nodes, [floats("x", "n", 8)], [floats("y", "n", 3)], [weights("w", 8, 3)])


def unknown_operator(path: Path) -> Path:
    nodes = [helper.make_node("FancyThing", ["x"], ["h"]), helper.make_node("MatMul", ["h", "w"], ["y"])]
    return save(path, nodes, [floats("x", "n", 8)], [floats("y", "n", 3)], [weights("w", 8, 3)])


def no_input(path: Path) -> Path:
    nodes = [helper.make_node("Identity", ["w"], ["y"])]
    return save(path, nodes, [], [floats("y", 8, 3)], [weights("w", 8, 3)])


def no_weights(path: Path) -> Path:
    return save(path, [helper.make_node("Relu", ["x"], ["y"])], [floats("x", "n", 8)], [floats("y", "n", 8)], [])


def slow_model(path: Path, rounds: int) -> Path:
    """`rounds` products of 512×512 one after the other, in a loop."""
    side = 512
    body = helper.make_graph(
        [helper.make_node("MatMul", ["h_in", "w"], ["m"]), helper.make_node("Tanh", ["m"], ["h_out"]),
         helper.make_node("Identity", ["go_in"], ["go_out"])],
        "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []),
         helper.make_tensor_value_info("go_in", TensorProto.BOOL, []), floats("h_in", side, side)],
        [helper.make_tensor_value_info("go_out", TensorProto.BOOL, []), floats("h_out", side, side)],
    )  # fmt: skip
    nodes = [
        helper.make_node("MatMul", ["column", "x"], ["h0"]),
        helper.make_node("Loop", ["rounds", "go", "h0"], ["h"], body=body),
        helper.make_node("ReduceMean", ["h"], ["y"], axes=[0], keepdims=1),
    ]
    tensors = [
        weights("w", side, side),
        weights("column", side, 1, seed=3),
        numpy_helper.from_array(np.array(rounds, np.int64), "rounds"),
        numpy_helper.from_array(np.array(True), "go"),
    ]
    return save(path, nodes, [floats("x", 1, side)], [floats("y", 1, side)], tensors)


def png(path: Path, seed: int, side: int = SIDE) -> Path:
    """A colored picture of noise."""
    rows = np.random.default_rng(seed).integers(0, 256, (side, side * 3), dtype=np.uint8)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    return path


def pictures(folder: Path, count: int, names: tuple[str, ...] = ("0", "1", "2", "3")) -> Path:
    """`count` pictures in sub-folders that are named as the classes."""
    for number in range(count):
        place = folder / names[number % len(names)]
        place.mkdir(parents=True, exist_ok=True)
        png(place / f"bild {number} ü.png", number)
    return folder
