"""Setting the smallest weights to zero."""

from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper

from workers.contracts.errors import InputRefused
from workers.convert import onnx_files
from workers.prune import magnitude
from workers.quantize import int8_dynamic
from workers.runtime.recording import RecordingContext


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("seed", [0, 1])
def test_threshold_is_exact(share: float, seed: int) -> None:
    """Given values in three parts, then the threshold is the value that sorting finds."""
    rng = np.random.default_rng(seed)
    parts = [np.abs(rng.normal(size=size)).astype(np.float32) for size in (1, 700, 3000)]
    parts.append(np.zeros(100, np.float32))
    values = np.sort(np.concatenate(parts))
    assert magnitude.exact_quantile(lambda: iter(parts), share) == values[int(share * values.size)]


@pytest.mark.parametrize("kind", ["cnn", "transformer", "constants", "stateful"])
def test_share_of_zeros_is_reached(kind: str, make_small, tmp_path: Path) -> None:
    """Given 70 %, then that share of the weights of products and convolutions is zero, wherever they lie."""
    small = make_small(kind)
    artifact = magnitude.apply(small.model, magnitude.Params(sparsity=0.7), RecordingContext(tmp_path))
    proto = onnx_files.load(tmp_path / "model" / "model.onnx")
    arrays = [numpy_helper.to_array(tensor) for tensor in magnitude._weights(proto)]
    total = sum(array.size for array in arrays)
    assert sum(np.count_nonzero(array == 0) for array in arrays) / total == pytest.approx(0.7, abs=0.01)
    assert artifact.precision == "fp32" and "expect the same speed" in artifact.notes[0]


def test_biases_and_embeddings_stay(make_small, tmp_path: Path) -> None:
    small = make_small("transformer")
    magnitude.apply(small.model, magnitude.Params(sparsity=0.9), RecordingContext(tmp_path))
    proto = onnx_files.load(tmp_path / "model" / "model.onnx")
    table = next(tensor for tensor in proto.graph.initializer if tensor.name == "table")
    assert np.count_nonzero(numpy_helper.to_array(table)) == 50 * 32


def test_quantized_model_is_refused(make_small, tmp_path: Path) -> None:
    """Given a model in 8 bits already, then pruning says that it must come first."""
    small = make_small("constants")
    (tmp_path / "first").mkdir()
    int8_dynamic.apply(small.model, int8_dynamic.Params(), RecordingContext(tmp_path / "first"))
    from workers.contracts.folder import read_model

    with pytest.raises(InputRefused, match="no weights to set to zero"):
        magnitude.apply(read_model(tmp_path / "first" / "model"), magnitude.Params(), RecordingContext(tmp_path))
