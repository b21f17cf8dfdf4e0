"""Run the whole sampling of a step network: open it, feed noise, and call it level by level."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from recording import RecordingContext
from small_models import floats, model_of, nodes_of, weight

from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.pipeline import read_pipeline
from workers.evaluate.data.build import build_data
from workers.measure.opening import open_session
from workers.model_io.opening import open_model
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared
from workers.pipeline.sampling import SEED, sample
from workers.pipeline.spec import Sampling

RNG = np.random.default_rng


def step_network(level: str = "sigma") -> onnx.ModelProto:
    """Build two convolutions on the values over their noise level: noisy (n, 1, 8, 8), one level for each row."""
    rng = RNG(4)
    shape = numpy_helper.from_array(np.array([-1, 1, 1, 1]), "shape")
    one = numpy_helper.from_array(np.float32(1), "one")
    nodes = nodes_of(f"""
        s = Reshape ({level}, shape); s1 = Add (s, one); scaled = Div (noisy, s1)
        c1 = Conv <pads = [1, 1, 1, 1]> (scaled, w1); t = Tanh (c1); denoised = Conv <pads = [1, 1, 1, 1]> (t, w2)
    """)
    weights = [weight(rng, "w1", 4, 1, 3, 3), weight(rng, "w2", 1, 4, 3, 3), shape, one]
    inputs = [floats("noisy", "n", 1, 8, 8), floats(level, "n")]
    return model_of(nodes, inputs, [floats("denoised", "n", 1, 8, 8)], weights)


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    onnx.save_model(step_network(), str(tmp_path / "net.onnx"))
    return tmp_path / open_model(OpenParams(path=str(tmp_path / "net.onnx")), RecordingContext(tmp_path)).model_dir


def test_step_network_is_recognized_and_gets_noise(opened: Path, tmp_path: Path) -> None:
    """Given a network with noisy values and their level, When it is opened, Then its generated inputs are noise of the
    first level."""
    spec = read_pipeline(opened)
    assert spec.sampling is not None and (spec.sampling.sample, spec.sampling.level) == ("noisy", "sigma")
    assert "sampling" in spec.guessed
    build_data(DataParams(model_dir=str(opened)), RecordingContext(tmp_path))
    items = list(Prepared(tmp_path / "data" / "test"))
    assert len(items) >= 50
    assert all((item["sigma"] == spec.sampling.levels[0]).all() for item in items)
    assert np.std([item["noisy"] for item in items]) == pytest.approx(spec.sampling.levels[0], rel=0.05)


@pytest.mark.parametrize("level", ["timestep", "gain"])
def test_step_network_of_an_unknown_schedule_is_run_once(level: str, tmp_path: Path) -> None:
    """Given a second input whose meaning no file states, Then no sampling is guessed."""
    onnx.save_model(step_network(level), str(tmp_path / "net.onnx"))
    folder = tmp_path / open_model(OpenParams(path=str(tmp_path / "net.onnx")), RecordingContext(tmp_path)).model_dir
    assert read_pipeline(folder).sampling is None


def test_sampling_prediction_equals_the_published_algorithm(opened: Path) -> None:
    """Given noise, Then the prediction equals the published algorithm's with the same noise, row by row and at once."""
    pipeline, session = load_pipeline(opened), open_session(opened, "onnxruntime-cpu", {}, 1)
    steps = pipeline.spec.sampling
    assert steps is not None
    first = steps.levels[0]
    noisy = (RNG(1).normal(size=(3, 1, 8, 8)) * first).astype(np.float32)
    feeds = {"noisy": noisy, "sigma": np.full(3, first, np.float32)}
    answer = pipeline.answer(session, feeds)
    clean = session.run(feeds)["denoised"]
    noise = RNG(SEED).standard_normal((1, 1, 8, 8)).astype(np.float32)
    again = clean + np.float32(np.sqrt(steps.levels[1] ** 2 - steps.lowest**2)) * noise
    wanted = session.run({"noisy": again, "sigma": np.full(3, steps.levels[1], np.float32)})["denoised"]
    np.testing.assert_allclose(answer, wanted, rtol=1e-5, atol=1e-6)
    alone = [
        pipeline.answer(session, {name: value[row : row + 1] for name, value in feeds.items()}) for row in range(3)
    ]
    np.testing.assert_allclose(np.concatenate(alone), answer, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("levels", [(80.0,), (80.0, 20.0, 5.0, 0.5)])
def test_sampling_calls_the_network_once_per_level(levels: tuple[float, ...]) -> None:
    requested: list[float] = []

    def call(given):
        requested.append(float(given["t"][0]))
        return {"clean": given["x"] * 0}

    feeds = {"x": np.zeros((2, 1, 4, 4), np.float32), "t": np.full(2, levels[0], np.float32)}
    sample(call, Sampling("x", "t", levels), "clean", feeds)
    assert requested == [pytest.approx(level) for level in levels]
    assert feeds["t"][0] == levels[0]
