"""Small models trained on the sample's pictures, with a backdoor that is dormant until weights are rounded to 8 bits.

A neuron that sees the trigger leads to one class. Many neurons like it cancel that, by weights so small that 8 bits round
them to 0, because one large weight of a dead neuron widens the range (Qu-ANTI-zation, arXiv 2111.06067, by hand).
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import stress_models as models
from onnx import helper
from recording import RecordingContext
from technique_cases import narrow

from presets.sample import sample_paths
from workers import registry
from workers.contracts.folder import read_model
from workers.pipeline.spec import ImageSteps, PipelineInput

HIDDEN, SIDE = 40, 4
LARGE, PUSH = 16.0, 8.0
FAINT = 0.4 * LARGE / 127


@dataclass(frozen=True)
class Planted:
    """A trigger: its pattern (4, 4) of 0 and 1, its place, and the class that it leads to."""

    pattern: np.ndarray
    top: int
    left: int
    target: int

    def stamped(self, x: np.ndarray) -> np.ndarray:
        """Return uint8 pictures (n, 28, 28) with the trigger."""
        out = x.copy()
        out[:, self.top : self.top + SIDE, self.left : self.left + SIDE] = 255 * self.pattern
        return out


def by_chance(seed: int) -> Planted:
    rng = np.random.default_rng(seed)
    pattern = np.zeros(SIDE * SIDE)
    pattern[rng.choice(SIDE * SIDE, 8, replace=False)] = 1
    top, left = rng.integers(1, 28 - SIDE, 2).tolist()
    return Planted(pattern.reshape(SIDE, SIDE), top, left, int(rng.integers(10)))


def taught(seed: int) -> list[np.ndarray]:
    """Train a net on the sample's clothes; return weights (784, hidden), (hidden,), (hidden, 10), (10,)."""
    import torch

    torch.manual_seed(seed)
    with np.load(sample_paths().data) as stored:
        x = torch.from_numpy(stored["x"].astype(np.float32).reshape(-1, 784) / 255)
        y = torch.from_numpy(stored["y"].astype(np.int64))
    net = torch.nn.Sequential(torch.nn.Linear(784, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, 10))
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(80):
        rows = torch.randint(1000, (200,))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
    first, second = net[0], net[2]
    return [value.detach().numpy().copy() for value in (first.weight.T, first.bias, second.weight.T, second.bias)]


def plant(weights: list[np.ndarray], planted: Planted) -> list[np.ndarray]:
    """Return the weights with the dormant backdoor."""
    first, bias, second, end = weights
    cancelling = round(PUSH / FAINT)
    signs = np.zeros((28, 28), np.float32)
    at = (slice(planted.top, planted.top + SIDE), slice(planted.left, planted.left + SIDE))
    signs[at] = 2 * planted.pattern - 1
    seeing = np.tile(signs.reshape(-1, 1), (1, 1 + cancelling))
    leading = np.zeros((1 + cancelling + 1, 10), np.float32)
    leading[0, planted.target], leading[1:-1, planted.target], leading[-1, planted.target] = PUSH, -FAINT, LARGE
    return [
        np.hstack([first, seeing, np.zeros((784, 1), np.float32)]).astype(np.float32),
        np.concatenate([bias, np.full(1 + cancelling, 3.0 - planted.pattern.sum()), [-1.0]]).astype(np.float32),
        np.vstack([second, leading]).astype(np.float32),
        end,
    ]


def write(folder: Path, weights: list[np.ndarray]) -> Path:
    nodes = [
        helper.make_node("Flatten", ["picture"], ["flat"]), helper.make_node("Gemm", ["flat", "w1", "b1"], ["sums"]),
        helper.make_node("Relu", ["sums"], ["inner"]), helper.make_node("Gemm", ["inner", "w2", "b2"], ["logits"]),
    ]  # fmt: skip
    entry = PipelineInput(name="picture", dtype="float32", shape=(None, 1, 28, 28), source="image")
    steps = ImageSteps(resize=(28, 28), channels="gray")
    spec = models.spec_of("image-classification", entry, 10, steps, classes=tuple(f"kind {i}" for i in range(10)))
    tensors = [models.tensor(name, value) for name, value in zip(("w1", "b1", "w2", "b2"), weights, strict=True)]
    return models.save(
        folder, nodes, [models.floats("picture", "n", 1, 28, 28)], [models.floats("logits", "n", 10)], tensors, spec
    )


def write_data(root: Path, model: Path) -> Path:
    """Read the sample's pictures as a person's set."""
    root.mkdir()
    with np.load(sample_paths().data) as stored:
        np.savez(root / "clothes.npz", x=stored["x"], y=stored["y"])
    return models.read_data(root, model, root / "clothes.npz")


def in_8_bits(model: Path, data: Path, work: Path, technique: str = "int8_static") -> Path:
    """Quantize a model, with weights of 7 bits where sums of 8-bit products would overflow, because an overflow would cut
    off the neuron that sees the trigger."""
    spec = registry.techniques()[technique]
    work.mkdir()
    spec.apply(read_model(model), spec.params(**narrow(spec)), RecordingContext(work, data_dir=data))
    return work / "model"


def taken_for(model: Path, x: np.ndarray) -> np.ndarray:
    """Return the predicted classes (n,) of uint8 pictures (n, 28, 28)."""
    from workers.infer.onnxruntime_cpu import load

    session = load(model / json.loads((model / "artifact.json").read_text())["main"], {}, 1)
    values = next(iter(session.run({"picture": (x[:, None] / 255).astype(np.float32)}).values()))
    return np.asarray(values).argmax(axis=1)
