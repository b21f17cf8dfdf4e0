"""Which builds of ONNX Runtime fit which machine: one pure function, and the readings that it gets."""

import pytest
from steps.lockfile import Pin, parse
from steps.machine import Machine, cuda_of_nvml, detect, fitted, parse_smi, unwanted, why_not_cuda

PINS = parse("numpy==2.4.6\nonnxruntime==1.32.0  # download 27 installed 80\ntorch>=2.9,<2.14\n")

SMI_HEAD = """
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 580.95.05              Driver Version: 580.95.05      CUDA Version: 13.0     |
+-----------------------------------------+------------------------+----------------------+
"""


def names(pins: list[Pin]) -> list[str]:
    return [pin.name for pin in pins]


@pytest.mark.parametrize(
    ("machine", "cuda"),
    [
        (Machine("linux", "x86_64", cuda=(13, 0)), True),
        (Machine("linux", "x86_64", cuda=(13, 1)), True),
        (Machine("win32", "amd64", cuda=(13, 0)), True),
        (Machine("linux", "x86_64"), False),
        (Machine("linux", "x86_64", cuda=(12, 8)), False),
        (Machine("linux", "aarch64", cuda=(13, 0)), False),
        (Machine("darwin", "arm64"), False),
    ],
)
def test_exactly_one_onnx_runtime(machine: Machine, cuda: bool) -> None:
    """Given any machine, then one of the two that own the same folder is taken, and the other must go."""
    there = [name for name in names(fitted(PINS, machine)) if name.startswith("onnxruntime")]

    assert there == ["onnxruntime-gpu" if cuda else "onnxruntime"]
    assert unwanted(machine) == ("onnxruntime" if cuda else "onnxruntime-gpu")
    assert names(fitted(PINS, machine))[::2] == ["numpy", "torch"]


def test_gpu_build_with_cuda_libraries_up_to_the_lock() -> None:
    """Given the lock's 1.32, whose GPU build may lag, then 1.29 to 1.32 with CUDA and cuDNN are asked for."""
    pin = fitted(PINS, Machine("linux", "x86_64", cuda=(13, 0)))[1]

    assert pin.requirement == "onnxruntime-gpu[cuda,cudnn]>=1.29,<1.33"
    assert pin.download_bytes == 27


def test_gpu_that_does_not_fit_is_told() -> None:
    """Given a GPU with an old driver, or a kind of computer without builds, then a sentence says so, else none."""
    assert "12.4" in (why_not_cuda(Machine("linux", "x86_64", cuda=(12, 4))) or "")
    assert "kind of computer" in (why_not_cuda(Machine("linux", "aarch64", cuda=(13, 0))) or "")
    assert why_not_cuda(Machine("linux", "x86_64", cuda=(13, 0))) is None
    assert why_not_cuda(Machine("linux", "x86_64")) is None


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
