"""Read NVIDIA GPUs through NVML; each call may fail on its own, and failed values are omitted, never guessed.

`pynvml` is imported inside functions only. Source of the calls and their units: NVML API reference.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

NotTold = Literal["not_supported", "no_permission", "failed"]
SLOW_EVERY = 10
"""Number of readings between two PCIe readings; each of these takes 20 ms (nvmlDeviceGetPcieThroughput)."""


class GpuLostError(RuntimeError):
    """The GPU has fallen off the bus, or its driver no longer responds."""


@dataclass
class GpuReader:
    """One GPU that can be read.

    `read` returns {quantity: value}. The end of the quantity's name is the unit: percent, bytes, degrees Celsius,
    watts, hertz, joules since the driver was loaded, bytes a second. `throttle_mask` holds NVML's reasons as bits.
    `not_told` holds the reason for each quantity without a value at the last reading.
    """

    nvml: Any
    handle: Any
    index: int
    name: str
    not_told: dict[str, NotTold] = field(default_factory=dict)
    _turn: int = 0
    _ways: dict[str, tuple[Callable[[], float], ...]] = field(default_factory=dict)
    _slow: dict[str, tuple[Callable[[], float], ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """List the NVML calls of each quantity."""
        nvml, handle = self.nvml, self.handle
        self._ways = {
            "load_pct": (lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu,),
            "memory_bytes": (lambda: self._memory_v2().used, lambda: nvml.nvmlDeviceGetMemoryInfo(handle).used),
            "reserved_bytes": (lambda: self._memory_v2().reserved,),
            "temperature_c": (
                lambda: nvml.nvmlDeviceGetTemperatureV(handle, nvml.NVML_TEMPERATURE_GPU),
                lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
            ),
            "power_w": (lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000,),
            "clock_hz": (lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM) * 1e6,),
            "memory_clock_hz": (lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM) * 1e6,),
            "throttle_mask": (
                lambda: nvml.nvmlDeviceGetCurrentClocksEventReasons(handle),
                lambda: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle),
            ),
            "energy_j": (lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000,),
        }
        self._slow = {
            "pcie_sent_bytes_per_s": (lambda: self._bus(nvml.NVML_PCIE_UTIL_TX_BYTES),),
            "pcie_received_bytes_per_s": (lambda: self._bus(nvml.NVML_PCIE_UTIL_RX_BYTES),),
        }

    def read(self) -> dict[str, float]:
        """Return the current readings.

        Raises:
            GpuLostError: the GPU is lost.
        """
        values: dict[str, float] = {}
        ways = {**self._ways, **self._slow} if self._turn % SLOW_EVERY == 0 else self._ways
        self._turn += 1
        for quantity, some in ways.items():
            value = self._first(quantity, some)
            if value is not None:
                values[quantity] = value
        return values

    def read_one(self, quantity: str) -> float | None:
        """Return one of the readings of `read`.

        Raises:
            GpuLostError: the GPU is lost.
        """
        return self._first(quantity, self._ways[quantity])

    def limits(self) -> dict[str, float]:
        """Return the constant values: `power_limit_w`, `clock_limit_hz`, `slowdown_c`."""
        nvml, handle = self.nvml, self.handle
        ways: dict[str, tuple[Callable[[], float], ...]] = {
            "power_limit_w": (lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000,),
            "clock_limit_hz": (lambda: nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_SM) * 1e6,),
            "slowdown_c": (
                lambda: nvml.nvmlDeviceGetTemperatureThreshold(handle, nvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN),
            ),
        }
        found = {name: self._first(name, some) for name, some in ways.items()}
        return {name: value for name, value in found.items() if value is not None}

    def processes(self) -> dict[int, int] | None:
        """Return bytes by process; None where the driver does not report them (Windows' own display driver, WDDM)."""
        try:
            found = self.nvml.nvmlDeviceGetComputeRunningProcesses_v3(self.handle)
        except self.nvml.NVMLError_GpuIsLost as error:
            raise GpuLostError(f"GPU {self.index} ({self.name})") from error
        except self.nvml.NVMLError:
            return None
        told = {int(one.pid): int(one.usedGpuMemory) for one in found if one.usedGpuMemory is not None}
        return told if told or not found else None

    def _first(self, quantity: str, ways: tuple[Callable[[], float], ...]) -> float | None:
        """Return the value of the first call that works, because older drivers lack newer functions."""
        for way in ways:
            try:
                value = float(way())
            except self.nvml.NVMLError_GpuIsLost as error:
                raise GpuLostError(f"GPU {self.index} ({self.name})") from error
            except self.nvml.NVMLError_NotSupported:
                self.not_told[quantity] = "not_supported"
            except self.nvml.NVMLError_NoPermission:
                self.not_told[quantity] = "no_permission"
            except self.nvml.NVMLError:
                self.not_told[quantity] = "failed"
            else:
                self.not_told.pop(quantity, None)
                return value
        return None

    def _memory_v2(self) -> Any:
        # the first version counts memory that the driver reserves as used
        return self.nvml.nvmlDeviceGetMemoryInfo(self.handle, version=self.nvml.nvmlMemory_v2)

    def _bus(self, direction: int) -> float:
        return float(self.nvml.nvmlDeviceGetPcieThroughput(self.handle, direction)) * 1024


@dataclass
class Gpus:
    """All GPUs that respond; `close` ends NVML.

    `problems` are sentences about those that do not respond. `code` is NVML's error if it did not start at all; `cuda`
    is the newest CUDA version that the driver supports.
    """

    readers: list[GpuReader]
    problems: list[str]
    nvml: Any = None
    code: int | None = None
    cuda: tuple[int, int] | None = None

    def reader(self, index: int) -> GpuReader | None:
        """Return the reader of the GPU with this index; None if it does not respond."""
        return next((reader for reader in self.readers if reader.index == index), None)

    def close(self) -> None:
        """End NVML."""
        if self.nvml is not None:
            with contextlib.suppress(self.nvml.NVMLError):
                self.nvml.nvmlShutdown()


NO_LIBRARY = 12
"""NVML_ERROR_LIBRARY_NOT_FOUND: there is no driver."""


def open_gpus() -> Gpus:
    """Start NVML. Without its library or driver there are no GPUs, which is no problem."""
    try:
        import pynvml
    except ImportError:
        return Gpus([], [], code=NO_LIBRARY)
    try:
        pynvml.nvmlInit()
        count = int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError_LibraryNotFound:
        return Gpus([], [], code=NO_LIBRARY)
    except pynvml.NVMLError as error:
        return Gpus([], [f"The NVIDIA driver does not answer: {error}."], code=int(error.value))
    readers, problems = [], []
    for index in range(count):
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        except pynvml.NVMLError as error:
            problems.append(f"GPU {index} does not answer: {error}.")
            continue
        readers.append(GpuReader(pynvml, handle, index, _name(pynvml, handle, index)))
    cuda = None
    with contextlib.suppress(pynvml.NVMLError):
        version = int(pynvml.nvmlSystemGetCudaDriverVersion_v2())
        cuda = (version // 1000, version % 1000 // 10)
    return Gpus(readers, problems, pynvml, cuda=cuda)


def _name(nvml: Any, handle: Any, index: int) -> str:
    try:
        name = nvml.nvmlDeviceGetName(handle)
    except nvml.NVMLError:
        return f"number {index}"
    return name.decode() if isinstance(name, bytes) else str(name)
