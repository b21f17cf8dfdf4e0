"""What machine this is, and which builds of PyTorch and ONNX Runtime fit it.

`onnxruntime` and `onnxruntime-gpu` own the same folder, so that exactly one of them may be there.
"""

import ctypes
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass, replace

from steps.lockfile import Pin

# The CUDA builds that the package index has today are made with CUDA 13, which older drivers cannot run.
OLDEST_CUDA = (13, 0)
# Wheels of onnxruntime-gpu with CUDA 13 exist for these alone.
_WHEELS = {("linux", "x86_64"), ("win32", "amd64")}
_ONNXRUNTIME = re.compile(r"^onnxruntime==(\d+)\.(\d+)[^;]*(;.*)?$")


@dataclass(frozen=True)
class Machine:
    """`cuda` is the newest CUDA version that the NVIDIA driver can run; None without a GPU that answers."""

    system: str
    processor: str
    cuda: tuple[int, int] | None = None

    @property
    def takes_cuda(self) -> bool:
        """Whether the set for NVIDIA's GPUs fits here."""
        return self.cuda is not None and self.cuda >= OLDEST_CUDA and (self.system, self.processor) in _WHEELS


def detect() -> Machine:
    """This machine."""
    return Machine(sys.platform, platform.machine().lower(), cuda_of_nvml() or cuda_of_smi())


def cuda_of_nvml() -> tuple[int, int] | None:
    """As NVML tells it, if there is a GPU that answers."""
    try:
        nvml = ctypes.CDLL("nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1")
        if nvml.nvmlInit_v2() != 0:
            return None
        count, version = ctypes.c_uint(0), ctypes.c_int(0)
        told = nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) == 0
        told = nvml.nvmlSystemGetCudaDriverVersion_v2(ctypes.byref(version)) == 0 and told
        nvml.nvmlShutdown()
    except (OSError, AttributeError):
        return None
    if not told or count.value == 0:
        return None
    return version.value // 1000, version.value % 1000 // 10


def cuda_of_smi() -> tuple[int, int] | None:
    """As `nvidia-smi` tells it, where NVML could not be loaded (another word size, a container)."""
    try:
        run = subprocess.run(["nvidia-smi"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_smi(run.stdout) if run.returncode == 0 else None


def parse_smi(text: str) -> tuple[int, int] | None:
    """CUDA version in the head of nvidia-smi's table."""
    found = re.search(r"CUDA(?: UMD)? Version:\s*(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def fitted(pins: list[Pin], machine: Machine) -> list[Pin]:
    """The pins with the ONNX Runtime that fits. Its GPU build may lag: the newest up to the lock's."""
    return [_for_cuda(pin) if pin.name == "onnxruntime" and machine.takes_cuda else pin for pin in pins]


def unwanted(machine: Machine) -> str:
    """The package that must not be there on this machine."""
    return "onnxruntime" if machine.takes_cuda else "onnxruntime-gpu"


def _for_cuda(pin: Pin) -> Pin:
    found = _ONNXRUNTIME.match(pin.requirement)
    if found is None:
        raise ValueError(f"cannot read the version of {pin.requirement!r}")
    major, minor = int(found[1]), int(found[2])
    requirement = f"onnxruntime-gpu[cuda,cudnn]>={major}.{minor - 3},<{major}.{minor + 1}{found[3] or ''}"
    return replace(pin, name="onnxruntime-gpu", requirement=requirement)


def why_not_cuda(machine: Machine) -> str | None:
    """A sentence where there is a GPU that the set does not fit."""
    if machine.cuda is None or machine.takes_cuda:
        return None
    told = f"{machine.cuda[0]}.{machine.cuda[1]}"
    if machine.cuda < OLDEST_CUDA:
        return f"The NVIDIA driver here runs CUDA up to {told}; 13.0 is needed, so the processor does the work."
    return "There are no builds for NVIDIA GPUs on this kind of computer: the processor does the work."
