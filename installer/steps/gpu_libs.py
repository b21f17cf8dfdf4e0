"""Fetch the real NVIDIA libraries for tests that inspect them; these tests need no GPU."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from steps.environment import clean_environment
from steps.folders import pins
from steps.lockfile import Pin, read, totals
from steps.place import Place
from steps.sets import PLUGIN_MODULE
from steps.words import SetupError, print_line, size

VARIABLE, MARK = "FETTLE_GPU_LIBS", "gpu_libs"
BESIDE = ("onnx", "numpy", "pydantic", "psutil", "nvidia-ml-py")
"""Packages of the base's lock that Fettle's modules need next to `onnxruntime-gpu` in its separate environment."""


def wanted(pytest_arguments: Sequence[str]) -> bool:
    """Return whether the pytest arguments select the tests of the GPU libraries."""
    pairs = itertools.pairwise([*pytest_arguments, ""])
    return any(one == f"-m{MARK}" or (one == "-m" and following == MARK) for one, following in pairs)


def prepare(place: Place, environment: Mapping[str, str]) -> dict[str, str]:
    """Fetch the missing libraries and return the variables through which the tests find them.

    The set "rtx" is compatible with the base, so its packages are added to the tests' path; "cuda" gets its own prefix.

    Raises:
        SetupError: if the libraries cannot be fetched.
    """
    folder = place.venv / "gpu-libs"
    cuda, rtx = (pins(place, name) for name in ("cuda", "rtx"))
    base = [pin for pin in read([place.root / "installer" / "requirements.lock"]) if pin.name in BESIDE]
    pip = [str(place.python), "-m", "pip", "install"]
    _fetch(folder / "rtx", rtx, [*pip, "--no-deps", "--target", str(folder / "rtx")])
    _fetch(folder / "cuda", [*cuda, *base], [*pip, "--prefix", str(folder / "cuda"), "--ignore-installed"])
    path = os.pathsep.join(filter(None, (str(folder / "rtx"), environment.get("PYTHONPATH", ""))))
    found = {**environment, VARIABLE: str(folder), "PYTHONPATH": path}
    subprocess.run([place.python, "-c", f"import {PLUGIN_MODULE}"], env=found, check=False)  # creates its links
    return found


def _fetch(folder: Path, pins: list[Pin], install: list[str]) -> None:
    ready = folder / "ready.txt"
    text = "".join(f"{pin.requirement}\n" for pin in pins)
    if ready.exists() and ready.read_text(encoding="utf-8") == text:
        return
    download, installed = totals(pins)
    print_line(f"Real libraries to look at ({folder.name}): {size(download)} to download, {size(installed)} on disk.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(text, encoding="utf-8")
    command = [*install, "--only-binary", ":all:", "-r", str(requirements)]
    if subprocess.run(command, env=clean_environment(), check=False).returncode != 0:
        raise SetupError("The libraries for NVIDIA GPUs could not be fetched.", "Try again.")
    ready.write_text(text, encoding="utf-8")
