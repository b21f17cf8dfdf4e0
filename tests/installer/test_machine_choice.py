"""What the installer reads of a machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from steps.machine import cuda_of_nvml, detect, parse_capabilities, parse_smi

ROOT = Path(__file__).parents[2]

SMI_HEAD = """
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 580.95.05              Driver Version: 580.95.05      CUDA Version: 13.0     |
+-----------------------------------------+------------------------+----------------------+
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SMI_HEAD, (13, 0)),
        (SMI_HEAD.replace("CUDA Version: 13.0 ", "CUDA UMD Version: 13.2"), (13, 2)),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", None),
    ],
)
def test_reading_of_nvidia_smi(text: str, expected: tuple[int, int] | None) -> None:
    assert parse_smi(text) == expected


def test_machine_without_nvml_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a machine whose loader finds no NVML and no nvidia-smi, then no CUDA, and no error."""

    def refuse(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("steps.machine.ctypes.CDLL", refuse)
    monkeypatch.setenv("PATH", "")
    assert cuda_of_nvml() is None
    assert detect().cuda is None


def test_capabilities_of_nvidia_smi() -> None:
    """Given the list of several cards, then each has its capability; what is no list has none."""
    assert parse_capabilities("8.9\n9.0\n") == ((8, 9), (9, 0))
    assert parse_capabilities("Field is not valid: compute_cap") == ()


def test_nvml_tells_each_card(nvml_dir: Path, tmp_path: Path) -> None:
    """Given two cards, then CUDA's version and both capabilities are read without any package."""
    code = "from steps.machine import detect; here = detect(); print(here.cuda, here.capabilities)"
    environ = {**os.environ, "LD_LIBRARY_PATH": str(nvml_dir), "PYTHONPATH": str(ROOT / "installer")}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=True)
    assert run.stdout.strip() == "(13, 0) ((8, 9), (9, 0))"
