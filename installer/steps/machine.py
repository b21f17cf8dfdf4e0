"""Detect the machine's system, NVIDIA driver and GPUs."""

import ctypes
import os
import platform
import sys
from dataclasses import dataclass

# The CUDA builds in the package index are made with CUDA 13, which older drivers cannot run.
OLDEST_CUDA = (13, 0)
# The only platforms with wheels of onnxruntime-gpu for CUDA 13.
WHEELS = {("linux", "x86_64"), ("win32", "amd64")}


@dataclass(frozen=True)
class Machine:
    """A machine: its system, processor, CUDA version and GPUs.

    `cuda` is the newest CUDA version that the NVIDIA driver can run; None without a GPU that responds. `capabilities`
    are the compute capabilities of the GPUs, as far as they are known.
    """

    system: str
    processor: str
    cuda: tuple[int, int] | None = None
    capabilities: tuple[tuple[int, int], ...] = ()


def detect() -> Machine:
    """Detect this machine."""
    return Machine(sys.platform, platform.machine().lower(), *(cuda_of_nvml() or ()))


def cuda_of_nvml() -> tuple[tuple[int, int], tuple[tuple[int, int], ...]] | None:
    """Return the CUDA version and the compute capabilities of the GPUs from NVML; None without a GPU that responds."""
    try:
        nvml = ctypes.CDLL("nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1")
        if nvml.nvmlInit_v2() != 0:
            return None
        count, version = ctypes.c_uint(0), ctypes.c_int(0)
        report = nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) == 0
        report = nvml.nvmlSystemGetCudaDriverVersion_v2(ctypes.byref(version)) == 0 and report
        cards = tuple(found for index in range(count.value) if (found := _capability(nvml, index)) is not None)
        nvml.nvmlShutdown()
    except (OSError, AttributeError):
        return None
    if not report or count.value == 0:
        return None
    return (version.value // 1000, version.value % 1000 // 10), cards


def _capability(nvml: ctypes.CDLL, index: int) -> tuple[int, int] | None:
    handle, major, minor = ctypes.c_void_p(), ctypes.c_int(0), ctypes.c_int(0)
    if nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle)) != 0:
        return None
    answer = nvml.nvmlDeviceGetCudaComputeCapability(handle, ctypes.byref(major), ctypes.byref(minor))
    return (major.value, minor.value) if answer == 0 else None
