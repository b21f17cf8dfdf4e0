"""A bundle of any target is used as people use it, without options of Python, and is as it was written afterwards."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bundle_facts import run_python, verified

WRITTEN = ("container", "hub", "mlflow", "python", "service", "triton")
"""Targets whose needs the development environment has; web and tensorrt hold the same scripts."""

IMPORT = "import sys; sys.path.insert(0, '.'); import bundle; print(bundle.load().inputs)"
AS_MLFLOW = """
import importlib, os, sys
import numpy as np
sys.path.insert(0, os.getcwd())
model = importlib.import_module("fettle_mlflow")._load_pyfunc(".")
print(model.predict(dict(np.load("golden/example.npz"))).keys())
"""


def run(folder: Path, *arguments: str) -> None:
    """Run Python as a person does: with caches, and with the folder as the current one."""
    done = run_python(folder, *arguments, options=())
    assert done.returncode == 0, done.stderr


def serve(folder: Path) -> None:
    """Start the server and stop it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "serve.py", "--port", "0"]
    environment["HOME"] = str(folder.parent)
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert re.search(r" on http://127\.0\.0\.1:\d+ ", process.stdout.readline())
        process.terminate()
    assert process.returncode == 0


@pytest.mark.whole
@pytest.mark.timeout(400)
@pytest.mark.parametrize("target_id", WRITTEN)
def test_verify_bundle_that_was_used_is_whole(exported, tmp_path: Path, target_id: str) -> None:
    """Given a bundle of a target, when its scripts, its server and its loader ran with Python's caches, then `verify` finds
    all files as they were written."""
    folder = Path(shutil.copytree(exported(target_id)[1], tmp_path / "bundle"))
    run(folder, "run.py", "golden/example.npz")
    run(folder, "-c", IMPORT)
    if (folder / "serve.py").exists():
        serve(folder)
    if (folder / "fettle_mlflow.py").exists():
        run(folder, "-c", AS_MLFLOW)
    run(folder, "verify.py")
    found = verified(folder)
    assert found.ok, found.findings
