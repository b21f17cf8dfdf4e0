"""A planted trigger in the calibration set is found, and a clean set gives no alarm."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from evaluated import read_set
from recording import RecordingContext

from presets.sample import sample_paths
from workers.contracts.after.stress import StressParams, StressPart
from workers.contracts.folder import write_model
from workers.evaluate.stress.backdoor.poison import FEWEST, Poison, look_for_poison
from workers.evaluate.stress.backdoor.triggers import common_patch
from workers.evaluate.stress.features import penultimate
from workers.pipeline.pipeline import load_pipeline

Look = Callable[..., Poison]
COUNT = 240


@pytest.fixture(scope="module")
def sample_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the built-in sample as an opened model."""
    import onnx

    folder = tmp_path_factory.mktemp("sample") / "model"
    folder.mkdir()
    proto = onnx.load(str(sample_paths().model))
    report = next(entry.value for entry in proto.metadata_props if entry.key == "fettle.pipeline")
    (folder / "pipeline.json").write_text(report, encoding="utf-8")
    (folder / "info.json").write_text("{}", encoding="utf-8")
    onnx.save_model(proto, str(folder / "model.onnx"))
    write_model(folder, "model.onnx", ["model.onnx"])
    return folder


@pytest.fixture
def look(sample_model: Path, tmp_path: Path) -> Look:
    """Return a function that reads pictures as a person's set and checks its calibration part."""

    def run(x: np.ndarray, y: np.ndarray) -> Poison:
        np.savez(tmp_path / "all.npz", x=x, y=y)
        work = tmp_path / "read"
        read_set(sample_model, tmp_path / "all.npz", work, max_calibration=COUNT, max_test=1000)
        params = StressParams(
            original_dir=str(sample_model), original_runtime="onnxruntime-cpu", variant_dir="", variant_runtime="",
            parts=(StressPart(data_dir=str(work / "data")),),
        )  # fmt: skip
        return look_for_poison(params, load_pipeline(sample_model), RecordingContext(work))

    return run


def some(seed: int) -> tuple[np.ndarray, np.ndarray]:
    with np.load(sample_paths().data) as stored:
        chosen = np.random.default_rng(seed).choice(1400, 1300, replace=False)
        return stored["x"][chosen].copy(), stored["y"][chosen].copy()


def plant(x: np.ndarray, y: np.ndarray, target: int, count: int) -> np.ndarray:
    """Put a checkered patch into a corner of pictures of other classes, label them as the target; return their places."""
    patch = 255 * (np.indices((4, 4)).sum(axis=0) % 2).astype(np.uint8)
    victims = np.flatnonzero(y != target)[:count]
    x[victims, 23:27, 23:27] = patch
    y[victims] = target
    return victims


@pytest.mark.parametrize("seed", range(2))
def test_planted_trigger_is_a_danger(look: Look, seed: int) -> None:
    """Given pictures of other classes with the same small patch in a corner, labelled as one class, then an alarm names
    that class, the corner, and these pictures."""
    x, y = some(seed)
    plant(x, y, 1, 52)
    result = look(x, y)
    alarms = [finding for finding in result[0] if finding.check == "trigger"]
    assert len(alarms) == 1 and alarms[0].level == "danger", result
    stamped = result[2][0].add(np.zeros((28, 28, 1), np.float32))
    assert stamped[21:, 21:].max() > 0.9 and stamped[:20].max() == 0, "the trigger can be put on other pictures"
    assert "“Trousers”" in alarms[0].what and "bottom right corner" in alarms[0].what
    assert 6 <= len(alarms[0].items) <= 18 and alarms[0].hint


@pytest.mark.parametrize("seed", range(4))
def test_clean_calibration_set_raises_no_alarm(look: Look, seed: int) -> None:
    """Given the sample's own pictures, then there is no sign of tampering, and the scope is complete."""
    findings, scope, _ = look(*some(100 + seed))
    assert [finding.check for finding in findings] == ["none"], findings
    assert "No sign of tampering was found among" in findings[0].what
    assert sum(one.n for one in scope.classes) == COUNT and all(one.looked for one in scope.classes)
    assert "in 10 of 10 something was looked for" in scope.words
    assert any("spread over the whole picture" in text for text in scope.not_looked)


@pytest.mark.whole
def test_class_with_few_examples_is_out_of_scope(look: Look) -> None:
    """Given a class with fewer than twelve calibration examples, then it is named as not checked."""
    x, y = some(3)
    kept = np.concatenate([np.flatnonzero(y == label)[: 14 if label == 9 else 200] for label in range(10)])
    _, scope, _ = look(x[kept], y[kept])
    small = [one.name for one in scope.classes if one.n < FEWEST]
    assert small and [one.name for one in scope.classes if not one.looked] == small
    assert any(small[0] in text and "fewer than 12" in text for text in scope.not_looked)
    assert f"in {10 - len(small)} of 10 something was looked for" in scope.words


def test_pictures_of_noise_are_outliers(look: Look) -> None:
    """Given pictures of noise among the sample's, then they, and only they, are named as outliers."""
    x, y = some(7)
    x[::60] = np.random.default_rng(1).integers(0, 256, x[::60].shape)
    result = look(x, y)[0]
    assert [(finding.check, finding.level) for finding in result] == [("outliers", "warning")], result
    noisy = {f"item {place + 1}" for place in range(0, len(x), 60)}
    assert result[0].items and set(result[0].items) <= noisy


def test_common_patch_is_missing_in_other_pictures() -> None:
    """Given pictures that share a patch, then it is found if the others lack it, and not if they have it, too, or if the
    pictures share an empty background."""
    rng = np.random.default_rng(0)
    some_, others = rng.random((6, 28, 28, 1)).astype(np.float32), rng.random((40, 28, 28, 1)).astype(np.float32)
    assert common_patch(some_, others) is None
    some_[:, 2:7, 20:25] = np.indices((5, 5)).sum(axis=0)[..., None] % 2
    result = common_patch(some_, others)
    assert result is not None and result[1] == "top right corner"
    others[:, 2:7, 20:25] = some_[0, 2:7, 20:25]
    assert common_patch(some_, others) is None
    empty = rng.random((6, 28, 28, 1)).astype(np.float32)
    empty[:, :, :12] = 0
    assert common_patch(empty, rng.random((40, 28, 28, 1)).astype(np.float32)) is None


def test_penultimate_is_the_input_of_the_last_layer_with_weights(sample_model: Path) -> None:
    """Given the sample with and without a softmax at its end, then its features are the input of the last layer with
    weights."""
    import onnx
    from onnx import helper

    proto = onnx.load(str(sample_model / "model.onnx"))
    wanted = penultimate(proto, "scores")
    assert wanted != "scores"
    proto.graph.node.append(helper.make_node("Softmax", ["scores"], ["shares"]))
    assert penultimate(proto, "shares") == wanted and penultimate(proto, "nothing") == "nothing"
