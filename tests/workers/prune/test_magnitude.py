"""Setting the smallest weights to zero."""

from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper
from recording import RecordingContext
from small_models import predictions
from wide_models import sample_folder

from workers.contracts.errors import InputRefused
from workers.convert.graphs import onnx_files
from workers.pipeline.prepared import Prepared
from workers.prune import magnitude
from workers.quantize import int8_dynamic


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("seed", [0, 1])
def test_threshold_is_exact(share: float, seed: int) -> None:
    """Given values in several arrays, Then the threshold is the value that sorting finds."""
    rng = np.random.default_rng(seed)
    parts = [np.abs(rng.normal(size=size)).astype(np.float32) for size in (1, 700, 3000)]
    parts.append(np.zeros(100, np.float32))
    values = np.sort(np.concatenate(parts))
    assert magnitude.exact_quantile(lambda: iter(parts), share) == values[int(share * values.size)]


def share_of_zeros(model: Path) -> float:
    arrays = [numpy_helper.to_array(tensor) for tensor in magnitude._weights(onnx_files.load(model))]
    return sum(np.count_nonzero(array == 0) for array in arrays) / sum(array.size for array in arrays)


@pytest.mark.parametrize("kind", ["cnn", "transformer", "constants", "stateful"])
def test_share_of_zeros_is_reached(kind: str, make_small, apply) -> None:
    """Given 70 %, Then that share of the weights of products and convolutions is zero, wherever they lie."""
    version = apply(magnitude.SPEC, make_small(kind), sparsity=0.7)
    assert share_of_zeros(version.main) == pytest.approx(0.7, abs=0.01)
    artifact = version.artifact
    assert artifact.precision == "fp32" and not artifact.weights_kept and "expect the same speed" in artifact.notes[0]


def test_embeddings_stay(make_small, apply) -> None:
    proto = onnx_files.load(apply(magnitude.SPEC, make_small("transformer"), sparsity=0.9).main)
    table = next(tensor for tensor in proto.graph.initializer if tensor.name == "table")
    assert np.count_nonzero(numpy_helper.to_array(table)) == 50 * 32


def test_quantized_model_is_refused(make_small, apply) -> None:
    """Given a model in 8 bits already, Then pruning is refused: it must come first."""
    small = make_small("constants")
    with pytest.raises(InputRefused, match="no weights to set to zero"):
        apply(magnitude.SPEC, small, apply(int8_dynamic.SPEC, small))


@pytest.mark.whole
def test_zeros_stay_while_the_others_learn(tmp_path: Path) -> None:
    """Given zeros among the sample's weights, When the others learn, Then the zeros stay and predictions come back."""
    model, data = sample_folder(tmp_path, calibration=60)
    plain, taught = tmp_path / "plain", tmp_path / "taught"
    plain.mkdir()
    taught.mkdir()
    magnitude.apply(model, magnitude.Params(sparsity=0.6), RecordingContext(plain, data_dir=data))
    wanted = {"sparsity": 0.6, "recover": True, "steps": 40, "batch": 8, "min_agreement": 0.85, "rounds": 2}
    artifact = magnitude.apply(model, magnitude.Params(**wanted), RecordingContext(taught, data_dir=data))
    assert share_of_zeros(taught / "model" / "model.onnx") == pytest.approx(0.6, abs=0.01)
    assert "expect the same speed" in artifact.notes[0] and "learned from the original" in artifact.notes[1]
    errors = [squared_error(model.folder, folder / "model", data) for folder in (plain, taught)]
    assert errors[1] < 0.5 * errors[0]


def squared_error(original: Path, changed: Path, data: Path) -> float:
    """Squared error of the scores over the original's square, on pictures that nothing learned from."""
    pictures = np.concatenate([item["picture"] for item in Prepared(data / "test")])[:200]
    old, new = (
        predictions(folder, "onnxruntime-cpu", {"picture": pictures})[0]["scores"] for folder in (original, changed)
    )
    return float(((old - new) ** 2).sum() / (old**2).sum())


@pytest.mark.parametrize("rounds", [1, 3, 10])
def test_schedule_ends_at_the_share(rounds: int) -> None:
    """Given any number of rounds, Then zeros only become more, by less each time, and end at the share."""
    shares = [magnitude.scheduled(0.8, number, rounds) for number in range(rounds + 1)]
    assert shares[0] == 0 and shares[-1] == pytest.approx(0.8)
    steps = np.diff(shares)
    assert (steps > 0).all() and (np.diff(steps) <= 1e-12).all()


def test_recovery_without_examples_is_refused(make_small, apply) -> None:
    with pytest.raises(InputRefused, match="no examples"):
        apply(magnitude.SPEC, make_small("cnn"), with_data=False, recover=True)
