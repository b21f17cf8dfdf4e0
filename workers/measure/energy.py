"""Read energy from the machine's counters, never estimated: NVML's on NVIDIA GPUs, RAPL's on processors.

NVML: nvmlDeviceGetTotalEnergyConsumption, millijoules since the driver was loaded (Volta and later). RAPL: the files
``energy_uj`` below /sys/class/powercap (Linux kernel, power/powercap); they wrap at ``max_energy_range_uj``, and most
systems let only root read them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.contracts.after.load import Energy
from workers.measure.gpu import GpuLostError, open_gpus

MIN_SECONDS = 10.0
"""Shortest time in seconds for an energy figure; counters step slowly, and a GPU takes a second to settle."""


class RaplCounter:
    """The RAPL counters of all processors of the machine; `source` says what they count."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Read the ranges of the counters, whose ``energy_uj`` are `files`, and check that they can be read."""
        self._files = tuple(files)
        self.source = "RAPL, the whole processor with everything that ran on it"
        self._ranges = tuple(int(file.with_name("max_energy_range_uj").read_text("ascii")) / 1e6 for file in files)
        self.joules()

    def joules(self) -> tuple[float, ...]:
        """Return the current counter of each processor in joules.

        Raises:
            OSError: it may not be read.
        """
        return tuple(int(file.read_text("ascii")) / 1e6 for file in self._files)

    def between(self, before: tuple[float, ...], after: tuple[float, ...]) -> float:
        """Return the joules of all processors; each counter wraps at its own maximum."""
        spans = zip(before, after, self._ranges, strict=True)
        return sum(new - old if new >= old else new - old + end for old, new, end in spans)

    def close(self) -> None:
        """Do nothing, because no file stays open."""


class NvmlCounter:
    """The energy counter of one GPU."""

    def __init__(self, index: int) -> None:
        """Open the GPU with this index among all.

        Raises:
            OSError: the GPU does not answer or has no counter.
        """
        self._gpus = open_gpus()
        reader = self._gpus.reader(index)
        if reader is None:
            self._gpus.close()
            raise OSError("this NVIDIA GPU does not answer")
        self._reader = reader
        self.source = f"NVML, {self._reader.name} with everything that ran on it"
        try:
            self.joules()
        except OSError:
            self._gpus.close()
            raise

    def joules(self) -> tuple[float, ...]:
        """Return the current counter in joules.

        Raises:
            OSError: the GPU has no counter or is lost.
        """
        nvml: Any = self._reader.nvml
        try:
            return (float(nvml.nvmlDeviceGetTotalEnergyConsumption(self._reader.handle)) / 1000,)
        except (nvml.NVMLError, GpuLostError) as error:
            raise OSError(str(error)) from error

    def between(self, before: tuple[float, ...], after: tuple[float, ...]) -> float:
        """Return the joules between two readings; 64 bits do not wrap."""
        return after[0] - before[0]

    def close(self) -> None:
        """End NVML."""
        self._gpus.close()


@dataclass
class EnergyMeter:
    """Measures the energy from its creation to `read`; without a counter, `note` says why."""

    counter: RaplCounter | NvmlCounter | None
    note: str
    before: tuple[float, ...] = ()

    @classmethod
    def begin(cls, device_ran: str, files: Sequence[str]) -> "EnergyMeter":
        """Start the counter of the device that runs the model: a GPU's for "cuda…", else the processor's."""
        on_gpu = device_ran.startswith(("cuda", "gpu"))
        what = "This GPU" if on_gpu else "This computer"
        try:
            counter = NvmlCounter(_index(device_ran)) if on_gpu else _rapl(files)
            return cls(counter, "", counter.joules())
        except (OSError, ValueError):
            return cls(None, f"{what} does not tell how much energy it takes, so nothing is said about it.")

    def read(self, seconds: float, answers: int) -> Energy:
        """Return the energy since the beginning, without a figure for less than 10 s, and close the counter."""
        if self.counter is None:
            return Energy(seconds=seconds, answers=answers, note=self.note)
        try:
            after = self.counter.joules()
        except (OSError, ValueError):
            return Energy(seconds=seconds, answers=answers, note="The energy counter stopped answering meanwhile.")
        finally:
            self.counter.close()
        joules, source = self.counter.between(self.before, after), self.counter.source
        if seconds < MIN_SECONDS:
            note = f"Energy needs {MIN_SECONDS:g} s at least; this took {seconds:.1f} s."
            return Energy(seconds=seconds, answers=answers, source=source, note=note)
        return Energy(joules=joules, seconds=seconds, answers=answers, source=source)


def _index(device_ran: str) -> int:
    """Return the index in a device name: 1 for "cuda:1"."""
    number = device_ran.rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def _rapl(files: Sequence[str]) -> RaplCounter:
    if not files:
        raise OSError("no counter")
    return RaplCounter([Path(file) for file in files])
