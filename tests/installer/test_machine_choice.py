"""What the installer reads of a machine."""

import os
import sys
from pathlib import Path

import pytest
from run_text import run_text
from steps.machine import cuda_of_nvml, detect

ROOT = Path(__file__).parents[2]


def test_machine_without_nvml_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a machine whose loader finds no NVML, then no CUDA, and no error."""

    def refuse(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("steps.machine.ctypes.CDLL", refuse)
    assert cuda_of_nvml() is None
    assert detect().cuda is None


def test_nvml_reports_each_card(nvml_dir: Path, tmp_path: Path) -> None:
    """Given two cards, then CUDA's version and both capabilities are read without any package."""
    code = "from steps.machine import detect; here = detect(); print(here.cuda, here.capabilities)"
    environ = {**os.environ, "LD_LIBRARY_PATH": str(nvml_dir), "PYTHONPATH": str(ROOT / "installer")}
    run = run_text([sys.executable, "-c", code], env=environ, check=True)
    assert run.stdout.strip() == "(13, 0) ((8, 9), (9, 0))"
