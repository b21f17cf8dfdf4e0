"""Small real networks whose inputs are arrays with a last axis that pictures could have."""

from pathlib import Path

import numpy as np
import onnx
from command_models import floats, save, weights
from numpy.typing import NDArray
from onnx import helper, numpy_helper


def channels_last_model(path: Path, name: str, height: int, width: int, channels: int, given: int = 8) -> Path:
    """`name` (n, height, width, channels) float32 in, `given` scores out: two convolutions with ReLU, mean, a product."""
    nodes = [
        helper.make_node("Transpose", [name], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "w1"], ["c1"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Sub", ["f", "middle"], ["s"]),
        helper.make_node("MatMul", ["s", "w3"], ["scores"]),
    ]
    tensors: list[onnx.TensorProto] = [
        weights("w1", 16, channels, 3, 3),
        weights("w2", 64, 16, 3, 3, seed=2),
        weights("w3", 64, given, seed=3),
        numpy_helper.from_array(np.full(64, 0.5, np.float32), "middle"),
    ]
    return save(path, nodes, [floats(name, "n", height, width, channels)], [floats("scores", "n", given)], tensors)


def mel_patches(count: int) -> NDArray[np.float32]:
    """Log-mel patches of 96 × 64 with one channel, between 4 and 13, each with other tones."""
    random = np.random.default_rng(3)
    times, bands = np.meshgrid(np.linspace(0, 1, 96), np.linspace(0, 1, 64), indexing="ij")
    tones, beats = random.uniform(0, 1, (2, count, 1, 1))
    shape = np.exp(-((bands - tones) ** 2) / 0.02) * (1 + np.sin(40 * beats * times))
    noise = random.normal(0, 0.3, (count, 96, 64))
    return np.clip(4.5 + 3.5 * shape + noise, 4, 13).astype(np.float32)[..., None]


def centered_pictures(count: int, side: int = 32) -> NDArray[np.float32]:
    """Pictures of 0 to 255 with the mean of each color taken off: most values below 0, none in 0..1 only."""
    random = np.random.default_rng(4)
    colors = random.uniform(0, 255, (count, 1, 1, 3))
    waves = 60 * np.sin(np.linspace(0, 6, side))[None, :, None, None] * random.uniform(-1, 1, (count, 1, side, 1))
    pixels = np.clip(colors + waves + random.normal(0, 20, (count, side, side, 3)), 0, 255)
    return (pixels - np.asarray([123.68, 116.78, 103.94])).astype(np.float32)
