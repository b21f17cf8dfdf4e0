"""Read energy from the machine's counters, never estimated: NVML's on NVIDIA GPUs, RAPL's on processors.

NVML: nvmlDeviceGetTotalEnergyConsumption, millijoules since the driver was loaded (Volta and later). RAPL: the files
``energy_uj`` below /sys/class/powercap (Linux kernel, power/powercap); they wrap at ``max_energy_range_uj``, and most
systems let only root read them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.contracts.after.load import Energy
from workers.contracts.translation import _, mark
from workers.measure.gpu import GpuLostError, open_gpus

MIN_SECONDS = 10.0
"""Shortest time in seconds for an energy figure; counters step slowly, and a GPU takes a second to settle."""


@dataclass(frozen=True)
class Counter:
    """An energy counter.

    `joules()` returns one reading for each processor or card and raises OSError where it may not be read. Each reading
    wraps at its own one of `ends` (none: it does not wrap). `source` is a description for people.
    """

    source: str
    joules: Callable[[], tuple[float, ...]]
    ends: tuple[float, ...] = (0.0,)
    close: Callable[[], None] = lambda: None

    def between(self, before: tuple[float, ...], after: tuple[float, ...]) -> float:
        """Return the joules between two readings."""
        spans = zip(before, after, self.ends, strict=True)
        return sum(new - old if new >= old else new - old + end for old, new, end in spans)


def rapl_counter(files: Sequence[Path]) -> Counter:
    """Return the RAPL counters of all processors of the machine, whose ``energy_uj`` are `files`.

    Raises:
        OSError: there is none, or it may not be read.
    """
    if not files:
        raise OSError("no counter")
    ends = tuple(int(file.with_name("max_energy_range_uj").read_text("ascii")) / 1e6 for file in files)
    source = mark("RAPL, the whole processor with everything that ran on it")
    return Counter(source, lambda: tuple(int(file.read_text("ascii")) / 1e6 for file in files), ends)


def nvml_counter(index: int) -> Counter:
    """Return the energy counter of the GPU with this index among all.

    Raises:
        OSError: the GPU does not respond.
    """
    gpus = open_gpus()
    reader = gpus.reader(index)
    if reader is None:
        gpus.close()
        raise OSError("this NVIDIA GPU does not respond")

    def joules() -> tuple[float, ...]:
        try:
            value = reader.read_one("energy_j")
        except GpuLostError as error:
            raise OSError(str(error)) from error
        if value is None:
            raise OSError("this NVIDIA GPU has no energy counter")
        return (value,)

    return Counter(_("NVML, {0} with everything that ran on it").format(reader.name), joules, close=gpus.close)


class EnergyMeter:
    """Measures the energy from its creation to `read`; without a `counter`, `note` is the reason."""

    def __init__(self, device_ran: str, files: Sequence[str]) -> None:
        """Start the counter of the device that runs the model: a GPU's for "cuda…", else the processor's."""
        on_gpu = device_ran.startswith(("cuda", "gpu"))
        self.counter: Counter | None = None
        self.note = ""
        counter = None
        try:
            number = device_ran.rpartition(":")[2]
            index = int(number) if number.isdigit() else 0
            counter = nvml_counter(index) if on_gpu else rapl_counter([Path(file) for file in files])
            self._before = counter.joules()
            self.counter = counter
        except (OSError, ValueError):
            if counter is not None:
                counter.close()
            self.note = (
                mark("This GPU does not report how much energy it uses, so no figure is shown.")
                if on_gpu
                else mark("This computer does not report how much energy it uses, so no figure is shown.")
            )

    def read(self, seconds: float, answers: int) -> Energy:
        """Return the energy since the beginning, without a figure for less than 10 s, and close the counter."""
        if self.counter is None:
            return Energy(seconds=seconds, answers=answers, note=self.note)
        try:
            after = self.counter.joules()
        except (OSError, ValueError):
            return Energy(
                seconds=seconds,
                answers=answers,
                note=mark("The energy counter stopped responding during the measurement."),
            )
        finally:
            self.counter.close()
        joules, source = self.counter.between(self._before, after), self.counter.source
        if seconds < MIN_SECONDS:
            note = _("An energy figure needs at least {0:g} s; this took {1:.1f} s.").format(MIN_SECONDS, seconds)
            return Energy(seconds=seconds, answers=answers, source=source, note=note)
        return Energy(joules=joules, seconds=seconds, answers=answers, source=source)
