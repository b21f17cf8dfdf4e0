"""Quantized graphs as torch replicas: the same classes as in their runtime, and gradients all the same."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static
from small_models import RNG, floats, model_of, nodes_of, weight

from workers.convert.graphs import onnx_files
from workers.convert.replica.rounded import operators, unrounded
from workers.convert.replica.torch_replica import build


class Reader(CalibrationDataReader):
    def __init__(self, values: np.ndarray) -> None:
        self._left = [{"x": value[None]} for value in values]

    def get_next(self):
        return self._left.pop() if self._left else None


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small convolution and a product, as ONNX."""
    nodes = nodes_of("""
        c = Conv <pads = [1, 1, 1, 1]> (x, w, b); r = Relu (c); g = GlobalAveragePool (r); f = Flatten (g)
        y = Gemm (f, v)
    """)
    weights = [weight(RNG(0), "w", 6, 3, 3, 3), weight(RNG(0), "b", 6), weight(RNG(0), "v", 6, 4)]
    proto = model_of(nodes, [floats("x", "n", 3, 8, 8)], [floats("y", "n", 4)], weights)
    file = tmp_path_factory.mktemp("rounded") / "m.onnx"
    onnx.save_model(proto, file)
    return file


@pytest.mark.parametrize("kind", ["static", "static, by channel", "dynamic"])
def test_the_replica_rounds_as_the_runtime_does_and_has_gradients(path: Path, tmp_path: Path, kind: str) -> None:
    """Given a graph in 8 bits, Then its replica answers within a step of the runtime, and its input has a gradient."""
    import torch

    values = RNG(1).normal(0, 1, (24, 3, 8, 8)).astype(np.float32)
    target = tmp_path / "q.onnx"
    if kind == "dynamic":
        quantize_dynamic(path, target, weight_type=QuantType.QInt8)
    else:
        quantize_static(path, target, Reader(values), per_channel="channel" in kind)
    session = onnx_files.start(target, "all")
    wanted = session.run(None, {"x": values[:1]})[0]
    proto = onnx_files.load(target)
    assert unrounded(proto)
    twin = build(proto, "Test", operators())
    given = torch.from_numpy(values[:1]).requires_grad_(True)
    got = twin.module(given)[0]
    assert np.abs(got.detach().numpy() - wanted).max() <= 0.03 * np.abs(wanted).max()
    got[0, 0].backward()
    assert given.grad is not None and float(given.grad.abs().max()) > 0


def test_a_graph_without_rounding_says_so(path: Path) -> None:
    """Given 32 bits, Then nothing is rounded."""
    assert not unrounded(onnx_files.load(path))
