"""Techniques and runtimes on models with odd inputs: they hold for these as for all others, or are refused with a reason."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_models import HIDDEN, WIDTH, lstm, perceptron
from recording import RecordingContext

from workers.contracts.errors import InputRefused
from workers.contracts.jobs import ApplyParams, DataParams, OpenParams
from workers.contracts.specs import RecipeStep
from workers.evaluate.data.build import build_data
from workers.evaluate.proof.predictions import collect_predictions
from workers.jobs.apply import run as apply
from workers.measure.opening import open_session
from workers.measure.requests import load_requests, run_first
from workers.model_io.opening import open_model
from workers.pipeline.golden import compare_golden, write_golden
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared

STATES = [1, "batch", HIDDEN]
MODELS: dict[str, Any] = {
    "second axis": lambda at: lstm(at, ["batch", "time", WIDTH], STATES, batch_first=True),
    "time first": lambda at: lstm(at, [None, None, WIDTH], [1, None, HIDDEN], batch_first=False),
    "pairs": lambda at: perceptron(at, [2, WIDTH], hidden=1024),
}
"""1,024: with one thread OpenVINO 2026.4.1 multiplies 8-bit matrices of up to 256 rows wrongly on an EPYC with AVX-512 VNNI."""
Opened = tuple[Path, Path]


def folder(parent: Path, name: str) -> Path:
    place = parent / name
    place.mkdir()
    return place


@pytest.fixture(scope="module", params=list(MODELS))
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """A model's folder and its data, of which an odd number is to test with."""
    at = tmp_path_factory.mktemp("odd")
    shape = (51, WIDTH) if request.param == "pairs" else (51, 9, WIDTH)
    np.savez(at / "d.npz", x=np.random.default_rng(0).normal(size=shape).astype(np.float32))
    path = MODELS[request.param](at / "m.onnx")
    open_model(OpenParams(path=str(path)), RecordingContext(work_dir=folder(at, "open")))
    params = DataParams(model_dir=str(at / "open" / "model"), path=str(at / "d.npz"))
    build_data(params, RecordingContext(work_dir=folder(at, "data")))
    return at / "open" / "model", at / "data" / "data"


def answered(model: Path, data: Path, runtime: str, work: Path) -> np.ndarray:
    """All test items' answers, after one timed request, and golden answers that the same session gives again."""
    session, pipeline = open_session(model, runtime, {}, 1), load_pipeline(model)
    run_first(session, load_requests(model, data), runtime)
    items = Prepared(data / "test")
    write_golden(work / "golden", pipeline, session, [dict(item) for item in items][:3])
    assert compare_golden(work / "golden", pipeline, session) == (3, [])
    answers = collect_predictions(pipeline, session, items, RecordingContext(work))
    session.close()
    assert answers.n == len(items)
    return np.stack(answers.answer)


@pytest.mark.parametrize(
    ("technique", "runtime", "most"),
    [
        ("graph_optimize", "onnxruntime-cpu", 1e-4),
        ("fp16", "onnxruntime-cpu", 1e-2),
        ("int8_static", "onnxruntime-cpu", 1.0),
        ("fixed_shape", "openvino", 1e-3),
        ("int8_static", "openvino", 1.0),
    ],
)
def test_a_version_is_made_timed_and_judged(
    opened: Opened, technique: str, runtime: str, most: float, tmp_path: Path
) -> None:
    """Given a model with odd inputs, When a version is made with its examples, Then every example is answered by it as
    closely as that technique allows."""
    model, data = opened
    wanted = answered(model, data, "onnxruntime-cpu", folder(tmp_path, "original"))
    work = folder(tmp_path, "made")
    params = ApplyParams(model_dir=str(model), steps=(RecipeStep(technique=technique),), data_dir=str(data))
    apply(params, RecordingContext(work, data_dir=data, original=model))
    found = answered(work / "model", data, runtime, folder(tmp_path, "version"))
    assert found.shape == wanted.shape and float(np.abs(found - wanted).max()) <= most


@pytest.mark.parametrize(
    ("technique", "code"), [("cascade", "cascade_does_not_fit"), ("structured_prune", "no_torch_twin")]
)
def test_technique_that_needs_single_examples_refuses(
    opened: Opened, technique: str, code: str, tmp_path: Path
) -> None:
    """Given such a model, When a technique has to repeat single examples, Then it is refused."""
    model, data = opened
    params = ApplyParams(model_dir=str(model), steps=(RecipeStep(technique=technique),), data_dir=str(data))
    with pytest.raises(InputRefused) as caught:
        apply(params, RecordingContext(tmp_path, data_dir=data, original=model))
    assert caught.value.code == code
