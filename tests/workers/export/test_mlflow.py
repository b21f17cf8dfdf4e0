"""The MLflow model: described as MLflow reads it, loaded by our loader, and by MLflow itself in the long tests."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
import yaml
from bundle_facts import export_of, unpacked, verified
from web_pages import texts

from workers.contracts.bundles import ExportParams, ExportResult
from workers.export.mlflow import LOADER, described
from workers.measure.opening import open_session
from workers.pipeline.prepared import Prepared

ASK = """
import json, sys
import numpy as np
import mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
given = model.predict(dict(np.load(sys.argv[2])))
print(json.dumps({name: values.tolist() for name, values in given.items()}))
"""


@pytest.fixture
def made(make_small, tmp_path: Path) -> tuple[ExportResult, Path, ExportParams]:
    params = export_of(make_small("cnn"), "mlflow")
    return *unpacked(params, tmp_path), params


def test_it_is_described_loaded_and_verified(made: tuple[ExportResult, Path, ExportParams]) -> None:
    """Given a small model, then MLmodel names its loader, inputs and outputs, the loader answered alike, and it verifies."""
    result, folder, _ = made
    document = yaml.safe_load((folder / "MLmodel").read_text())
    flavor = document["flavors"]["python_function"]
    assert (flavor["loader_module"], flavor["code"], flavor["data"]) == (LOADER, ".", ".")
    (entry,) = json.loads(document["signature"]["inputs"])
    assert entry["type"] == "tensor" and entry["tensor-spec"]["shape"][0] == -1
    assert (result.selftest[-1].what, result.selftest[-1].ok) == ("Loaded as MLflow does", True)
    assert "MLflow was not started here" in result.selftest[-1].detail
    checked = verified(folder)
    assert checked.ok, checked.findings


def test_a_model_of_texts_is_not_bound_to_tokens(made: tuple[ExportResult, Path, ExportParams]) -> None:
    """Given a model of texts, then its signature names outputs alone: MLflow refused every text by the form of the tokens."""
    signature = yaml.safe_load(described(made[2], texts().spec, "3.11"))["signature"]
    assert signature["inputs"] is None and json.loads(signature["outputs"])[0]["name"] == "logits"


@pytest.mark.slow
def test_mlflow_itself_answers_alike(made: tuple[ExportResult, Path, ExportParams], tmp_path: Path) -> None:
    """Given mlflow-skinny in an environment of its own, when it loads the folder, then the model's own outputs come."""
    _, folder, params = made
    venv.EnvBuilder(with_pip=True).create(tmp_path / "own")
    python = tmp_path / "own" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    needed = ["-r", str(folder / "requirements.txt"), "mlflow-skinny==3.17.2", "pandas"]
    subprocess.run([python, "-m", "pip", "install", "-q", *needed], check=True, capture_output=True, timeout=170)
    feeds = {name: np.array(value) for name, value in Prepared(Path(params.data_dir) / "test")[0].items()}
    np.savez(tmp_path / "feeds.npz", **feeds)
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "HOME": str(tmp_path)}
    done = subprocess.run(
        [python, "-c", ASK, str(folder), str(tmp_path / "feeds.npz")],
        env={**os.environ, **quiet}, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    session = open_session(Path(params.model_dir), params.runtime, {}, 1)
    try:
        expected = session.run(feeds)
    finally:
        session.close()
    given = json.loads(done.stdout.splitlines()[-1])
    assert sorted(given) == sorted(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(np.array(given[name]), values, atol=1e-5)
