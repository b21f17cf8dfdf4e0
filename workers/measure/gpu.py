"""Readings of NVIDIA GPUs through NVML. Every call may fail for itself; what fails is left out, never guessed.

`pynvml` is imported inside functions only.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class GpuLostError(RuntimeError):
    """The GPU has fallen off the bus or its driver no longer answers for it."""


@dataclass
class GpuReader:
    """One GPU. `read` gives {quantity: value} in percent, bytes, degrees Celsius, and watts."""

    nvml: Any
    handle: Any
    index: int
    name: str

    def read(self) -> dict[str, float]:
        """What this GPU tells now; raises `GpuLostError` when it is gone."""
        values: dict[str, float] = {}
        readers: dict[str, tuple[Callable[[], float], ...]] = {
            "load_pct": (lambda: self.nvml.nvmlDeviceGetUtilizationRates(self.handle).gpu,),
            "memory_bytes": (self._memory_v2, lambda: self.nvml.nvmlDeviceGetMemoryInfo(self.handle).used),
            "temperature_c": (self._temperature_v, self._temperature),
            "power_w": (lambda: self.nvml.nvmlDeviceGetPowerUsage(self.handle) / 1000,),
        }
        for quantity, ways in readers.items():
            value = self._first(ways)
            if value is not None:
                values[quantity] = value
        return values

    def _first(self, ways: tuple[Callable[[], float], ...]) -> float | None:
        """The value of the first way that works: older drivers lack the newer functions."""
        for way in ways:
            try:
                return float(way())
            except self.nvml.NVMLError_GpuIsLost as error:
                raise GpuLostError(f"GPU {self.index} ({self.name})") from error
            except self.nvml.NVMLError:
                continue
        return None

    def _memory_v2(self) -> float:
        # the first version counts memory that the driver keeps for itself as used
        nvml = self.nvml
        return float(nvml.nvmlDeviceGetMemoryInfo(self.handle, version=nvml.nvmlMemory_v2).used)

    def _temperature_v(self) -> float:
        return float(self.nvml.nvmlDeviceGetTemperatureV(self.handle, self.nvml.NVML_TEMPERATURE_GPU))

    def _temperature(self) -> float:
        return float(self.nvml.nvmlDeviceGetTemperature(self.handle, self.nvml.NVML_TEMPERATURE_GPU))


@dataclass
class Gpus:
    """All GPUs that answer. `close` ends NVML; `problems` are sentences about those that do not answer."""

    readers: list[GpuReader]
    problems: list[str]
    nvml: Any = None

    def close(self) -> None:
        if self.nvml is not None:
            with contextlib.suppress(self.nvml.NVMLError):
                self.nvml.nvmlShutdown()


def open_gpus() -> Gpus:
    """Start NVML. Without its library or driver there are no GPUs, and that is no problem."""
    try:
        import pynvml
    except ImportError:
        return Gpus([], [])
    try:
        pynvml.nvmlInit()
        count = int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError_LibraryNotFound:
        return Gpus([], [])
    except pynvml.NVMLError as error:
        return Gpus([], [f"The NVIDIA driver does not answer: {error}."])
    readers, problems = [], []
    for index in range(count):
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        except pynvml.NVMLError as error:
            problems.append(f"GPU {index} does not answer: {error}.")
            continue
        readers.append(GpuReader(pynvml, handle, index, _name(pynvml, handle, index)))
    return Gpus(readers, problems, pynvml)


def _name(nvml: Any, handle: Any, index: int) -> str:
    try:
        name = nvml.nvmlDeviceGetName(handle)
    except nvml.NVMLError:
        return f"number {index}"
    return name.decode() if isinstance(name, bytes) else str(name)
