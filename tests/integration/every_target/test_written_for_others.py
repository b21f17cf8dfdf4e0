"""What others load: Triton's description, MLflow, the hub's libraries in Python and JavaScript, Docker."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
from exported_models import EVERYWHERE, ONNX_ONLY, Optimized, manifest, opened_here
from run_text import run_text

from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(3600)]
MLFLOW = ("mlflow-skinny==3.17.2", "pandas")
SAME = 1e-3
ASK = """
import json, sys
import numpy as np
import mlflow
model = mlflow.pyfunc.load_model(sys.argv[1])
given = model.predict(dict(np.load(sys.argv[2])))
np.savez(sys.argv[3], **given)
print(json.dumps([model.predict([text]) for text in sys.argv[4:]]))
"""


@pytest.mark.parametrize("target", [*EVERYWHERE, *ONNX_ONLY])
def test_each_target_holds_the_optimized_version(model: Optimized, target: str) -> None:
    """Given any target, then its bundle passed its self-test, verifies, and holds the version that was requested."""
    done, folder = model.written(target)
    version = model.wanted(target)
    assert (done.document["variant"], done.document["original"]) == (version["id"], False)
    assert manifest(folder)["runtime"]["id"] == version["runtime"]
    checked = model.fettle("verify", model.folder / f"{target}.zip", "--json", timeout_s=600)
    assert checked.code == 0, checked.err + checked.out
    assert checked.document["ok"]


@pytest.fixture(scope="session")
def mlflow_python(own_folder: Path) -> Path:
    """An interpreter with MLflow in its own environment."""
    venv.EnvBuilder(with_pip=True).create(own_folder / "mlflow")
    python = own_folder / "mlflow" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "-q", *MLFLOW], check=True, capture_output=True, timeout=900)
    return python


def test_mlflow_predicts_alike(model: Optimized, mlflow_python: Path, tmp_path: Path) -> None:
    """Given MLflow itself with what the bundle requires, when it loads the folder, then its outputs are the app's."""
    folder = model.bundle("mlflow")
    needed = ["-r", str(folder / "requirements.txt")]
    subprocess.run([mlflow_python, "-m", "pip", "install", "-q", *needed], check=True, capture_output=True, timeout=900)
    feeds = {name: np.array(value) for name, value in Prepared(folder / "golden" / "inputs")[0].items()}
    np.savez(tmp_path / "feeds.npz", **feeds)
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "HOME": str(tmp_path)}
    given = model.given(2) if model.case.kind == "text" else []
    done = run_text(
        [mlflow_python, "-c", ASK, str(folder), str(tmp_path / "feeds.npz"), str(tmp_path / "given.npz"), *given],
        env={**os.environ, **quiet},
        cwd=tmp_path,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    wanted = opened_here(folder).run(feeds)
    report = json.loads(done.stdout.splitlines()[-1])
    assert [len(answers) for answers in report] == [1] * len(given)  # what run.py prints, of texts as they are
    with np.load(tmp_path / "given.npz") as arrays:
        assert sorted(arrays) == sorted(wanted)
        for name, values in wanted.items():
            scale = max(float(np.abs(values).max()), 1e-6)
            np.testing.assert_allclose(arrays[name] / scale, values / scale, rtol=0, atol=SAME, err_msg=name)


def test_transformers_js_runs_it(model: Optimized, javascript: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given transformers.js from npm under Node.js, when the hub folder's try.mjs runs, then outputs are the measured ones."""
    folder = javascript / model.case.name.replace(" ", "-")
    shutil.copytree(model.bundle("hub"), folder)
    done = run_text(["node", "try.mjs"], cwd=folder, timeout=600)
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads(done.stdout.splitlines()[-1])
    with capsys.disabled():
        print(f"\n{model.case.name}, transformers.js: {report}")  # noqa: T201
    assert report["compared"] == 1 and report["largest_difference"] <= 0.02


def test_transformers_reads_the_hub_folder(model: Optimized) -> None:
    """Given the hub folder, then transformers reads configuration, tokenizer and picture processor, as far as its files
    mention one; for a model of another family the self-test reports that."""
    from transformers import AutoConfig, AutoImageProcessor, AutoTokenizer

    done, folder = model.written("hub")
    local = {"local_files_only": True, "trust_remote_code": False}
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert "dtype" in config["transformers.js_config"]
    read = []
    if "model_type" in config:
        assert AutoConfig.from_pretrained(folder, **local).model_type == config["model_type"]
        read.append("config.json")
    if model.case.kind == "text":
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        feeds = load_pipeline(folder).feeds_from("The train was late.")
        assert tokenizer("The train was late.")["input_ids"] == feeds["input_ids"][0].tolist()
        read.append("tokenizer")
    if (folder / "preprocessor_config.json").is_file():
        assert AutoImageProcessor.from_pretrained(folder, **local) is not None
        read.append("picture processor")
    (check,) = (one for one in done.document["selftest"] if one["what"] == "Read as the hub does")
    report = f"transformers reads {', '.join(read)}" if read else "it has no files that transformers reads"
    assert check["detail"] == report
    if model.case.name == "MiniLM":
        assert "config.json" in read


def test_the_image_is_linted_and_built_where_it_can_be(model: Optimized, capsys: pytest.CaptureFixture[str]) -> None:
    """Given the container's files, then hadolint finds nothing, and where a daemon runs Docker builds it."""
    folder = model.bundle("container")
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint is not None
    linted = run_text([hadolint, "--no-color", "Dockerfile"], cwd=folder)
    assert (linted.returncode, linted.stdout) == (0, "")
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode != 0:
        with capsys.disabled():
            print(f"\n{model.case.name}: no Docker daemon here, the image is not built")  # noqa: T201
        return
    subprocess.run([docker, "build", "-q", "."], cwd=folder, check=True, timeout=1800)
