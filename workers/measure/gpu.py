"""Read NVIDIA GPUs through NVML; each call may fail on its own, and failed values are omitted, never guessed.

`pynvml` is imported inside functions only. Source of the calls and their units: NVML API reference.
"""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from workers.contracts.translation import _

Absence = Literal["not_supported", "no_permission", "failed"]
SLOW_EVERY = 10
"""Number of readings between two PCIe readings; each of these takes 20 ms (nvmlDeviceGetPcieThroughput)."""

Calls = Mapping[str, tuple[Callable[[Any, Any], float], ...]]
"""NVML calls of each quantity, given the library and a card; older drivers lack the newer ones, which come first."""

READINGS: Calls = {
    "load_pct": (lambda nvml, card: nvml.nvmlDeviceGetUtilizationRates(card).gpu,),
    "memory_bytes": (
        lambda nvml, card: _memory(nvml, card).used,
        lambda nvml, card: nvml.nvmlDeviceGetMemoryInfo(card).used,
    ),
    "reserved_bytes": (lambda nvml, card: _memory(nvml, card).reserved,),
    "temperature_c": (
        lambda nvml, card: nvml.nvmlDeviceGetTemperatureV(card, nvml.NVML_TEMPERATURE_GPU),
        lambda nvml, card: nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU),
    ),
    "power_w": (lambda nvml, card: nvml.nvmlDeviceGetPowerUsage(card) / 1000,),
    "clock_hz": (lambda nvml, card: nvml.nvmlDeviceGetClockInfo(card, nvml.NVML_CLOCK_SM) * 1e6,),
    "memory_clock_hz": (lambda nvml, card: nvml.nvmlDeviceGetClockInfo(card, nvml.NVML_CLOCK_MEM) * 1e6,),
    "throttle_mask": (
        lambda nvml, card: nvml.nvmlDeviceGetCurrentClocksEventReasons(card),
        lambda nvml, card: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(card),
    ),
    "energy_j": (lambda nvml, card: nvml.nvmlDeviceGetTotalEnergyConsumption(card) / 1000,),
}
SLOW_READINGS: Calls = {
    "pcie_sent_bytes_per_s": (
        lambda nvml, card: nvml.nvmlDeviceGetPcieThroughput(card, nvml.NVML_PCIE_UTIL_TX_BYTES) * 1024,
    ),
    "pcie_received_bytes_per_s": (
        lambda nvml, card: nvml.nvmlDeviceGetPcieThroughput(card, nvml.NVML_PCIE_UTIL_RX_BYTES) * 1024,
    ),
}
LIMITS: Calls = {
    "power_limit_w": (lambda nvml, card: nvml.nvmlDeviceGetEnforcedPowerLimit(card) / 1000,),
    "clock_limit_hz": (lambda nvml, card: nvml.nvmlDeviceGetMaxClockInfo(card, nvml.NVML_CLOCK_SM) * 1e6,),
    "slowdown_c": (
        lambda nvml, card: nvml.nvmlDeviceGetTemperatureThreshold(card, nvml.NVML_TEMPERATURE_THRESHOLD_SLOWDOWN),
    ),
}


def _memory(nvml: Any, card: Any) -> Any:
    # the first version counts memory that the driver reserves as used
    return nvml.nvmlDeviceGetMemoryInfo(card, version=nvml.nvmlMemory_v2)


class GpuLostError(RuntimeError):
    """The GPU has fallen off the bus, or its driver no longer responds."""


@dataclass
class GpuReader:
    """One GPU that can be read.

    `read` returns {quantity: value}. The end of the quantity's name is the unit: percent, bytes, degrees Celsius,
    watts, hertz, joules since the driver was loaded, bytes a second. `throttle_mask` holds NVML's reasons as bits.
    `missing` holds the reason for each quantity without a value at the last reading.
    """

    nvml: Any
    handle: Any
    index: int
    name: str
    missing: dict[str, Absence] = field(default_factory=dict)
    _turn: int = 0

    def read(self) -> dict[str, float]:
        """Return the current readings.

        Raises:
            GpuLostError: the GPU is lost.
        """
        slow = self._turn % SLOW_EVERY == 0
        self._turn += 1
        return self._all({**READINGS, **SLOW_READINGS} if slow else READINGS)

    def read_one(self, quantity: str) -> float | None:
        """Return one of the readings of `read`.

        Raises:
            GpuLostError: the GPU is lost.
        """
        return self._all({quantity: READINGS[quantity]}).get(quantity)

    def limits(self) -> dict[str, float]:
        """Return the constant values: `power_limit_w`, `clock_limit_hz`, `slowdown_c`."""
        return self._all(LIMITS)

    def processes(self) -> dict[int, int] | None:
        """Return bytes by process; None where the driver does not report them (Windows' own display driver, WDDM)."""
        try:
            found = self.nvml.nvmlDeviceGetComputeRunningProcesses_v3(self.handle)
        except self.nvml.NVMLError_GpuIsLost as error:
            raise GpuLostError(_("GPU {0} ({1})").format(self.index, self.name)) from error
        except self.nvml.NVMLError:
            return None
        known = {int(one.pid): int(one.usedGpuMemory) for one in found if one.usedGpuMemory is not None}
        return known if known or not found else None

    def _all(self, calls: Calls) -> dict[str, float]:
        """Return the value of the first call that works for each quantity."""
        values: dict[str, float] = {}
        for quantity, call in ((quantity, call) for quantity, some in calls.items() for call in some):
            if quantity in values:
                continue
            try:
                values[quantity] = float(call(self.nvml, self.handle))
                self.missing.pop(quantity, None)
            except self.nvml.NVMLError_GpuIsLost as error:
                raise GpuLostError(_("GPU {0} ({1})").format(self.index, self.name)) from error
            except self.nvml.NVMLError_NotSupported:
                self.missing[quantity] = "not_supported"
            except self.nvml.NVMLError_NoPermission:
                self.missing[quantity] = "no_permission"
            except self.nvml.NVMLError:
                self.missing[quantity] = "failed"
        return values


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
        return Gpus([], [_("The NVIDIA driver does not respond: {0}.").format(error)], code=int(error.value))
    readers, problems = [], []
    for index in range(count):
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        except pynvml.NVMLError as error:
            problems.append(_("GPU {0} does not respond: {1}.").format(index, error))
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
        return _("number {0}").format(index)
    return name.decode() if isinstance(name, bytes) else str(name)
