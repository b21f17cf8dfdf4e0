"""Read the machine's processor, its GPUs and one process while something runs."""

import contextlib
import time
from collections.abc import Callable

import psutil

from workers.contracts.translation import _, mark
from workers.measure.gpu import GpuLostError, GpuReader, open_gpus

PROCESSES_S = 0.5
"""Seconds between two readings of GPU memory by process, which changes rarely."""

IS_LOST, PROCESS = "is_lost", "process_bytes"


def processor_values() -> dict[str, float]:
    """Return the load of all cores in percent since the last call, used memory in bytes, and frequency in hertz."""
    memory = psutil.virtual_memory()
    values = {"load_pct": psutil.cpu_percent(None), "memory_bytes": float(memory.total - memory.available)}
    with contextlib.suppress(OSError, NotImplementedError, AttributeError):  # not every machine reports it
        frequency = psutil.cpu_freq()
        if frequency is not None and frequency.current > 0:
            values["frequency_hz"] = frequency.current * 1e6
    return values


class Telemetry:
    """Reads all values that are due; `report` gets a sentence when a device or the watched process is gone.

    The processor is read at most every `processor_s` seconds, because its load is a mean over the time since the last
    reading.
    """

    def __init__(self, report: Callable[[str], None], watch_pid: int | None = None, processor_s: float = 0.0) -> None:
        """Open the GPUs and the process.

        Args:
            report: receives sentences about problems.
            watch_pid: the process to watch; None watches none.
            processor_s: shortest time between two readings of the processor in seconds.
        """
        self._report, self._every_s = report, processor_s
        self._gpus = open_gpus()
        for problem in self._gpus.problems:
            report(problem)
        self._watched = _process(watch_pid)
        self._processor_s = self._processes_s = float("-inf")
        psutil.cpu_percent(None)  # the first call only sets the clock

    def limits(self) -> dict[str, float]:
        """Return {series name: value} of constant values, such as the power limit of a card."""
        values = {}
        for reader in list(self._gpus.readers):
            with contextlib.suppress(GpuLostError):
                values.update({f"gpu{reader.index}/{name}": value for name, value in reader.limits().items()})
        return values

    def read(self) -> dict[str, float]:
        """Return {series name: value} of everything that is due and responds."""
        now = time.monotonic()
        values: dict[str, float] = {}
        with_processor = now - self._processor_s >= self._every_s * 0.9
        if with_processor:
            self._processor_s = now
            values = {f"cpu/{quantity}": value for quantity, value in processor_values().items()}
        with_processes = now - self._processes_s >= PROCESSES_S * 0.9
        if with_processes:
            self._processes_s = now
        for reader in list(self._gpus.readers):
            values.update(self._of_gpu(reader, with_processes))
        if self._watched is not None and with_processor:
            try:
                values["job/memory_bytes"] = float(self._watched.memory_info().rss)
            except psutil.Error:
                self._watched = None
                self._report(mark("The watched process has ended."))
        return values

    def _of_gpu(self, reader: GpuReader, with_processes: bool) -> dict[str, float]:
        name = f"gpu{reader.index}"
        try:
            values = {f"{name}/{quantity}": value for quantity, value in reader.read().items()}
            if with_processes:
                used_by = reader.processes() or {}
                values.update({f"{name}/{PROCESS}/{pid}": float(used) for pid, used in used_by.items()})
        except GpuLostError as error:
            self._gpus.readers.remove(reader)
            self._report(
                _("{0} is lost: it no longer responds. Restart the computer to use it again.").format(error.args[0])
            )
            return {f"{name}/{IS_LOST}": 1.0}
        return values

    def close(self) -> None:
        """End NVML."""
        self._gpus.close()


def _process(pid: int | None) -> psutil.Process | None:
    if pid is None:
        return None
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None
