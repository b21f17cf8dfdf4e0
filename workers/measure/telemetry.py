"""Readings of the machine while something runs: its processor, its GPUs, one process."""

import contextlib
from collections.abc import Callable

import psutil

from workers.measure.gpu import GpuLostError, open_gpus


def processor_values() -> dict[str, float]:
    """Load of all cores in percent since the last call, memory in use in bytes, frequency in hertz if known."""
    memory = psutil.virtual_memory()
    values = {"load_pct": psutil.cpu_percent(None), "memory_bytes": float(memory.total - memory.available)}
    with contextlib.suppress(OSError, NotImplementedError, AttributeError):  # not every machine tells
        frequency = psutil.cpu_freq()
        if frequency is not None and frequency.current > 0:
            values["frequency_hz"] = frequency.current * 1e6
    return values


class Telemetry:
    """Reads everything at once; `say` gets a sentence when a device or the watched process is gone."""

    def __init__(self, say: Callable[[str], None], watch_pid: int | None = None) -> None:
        self._say = say
        self._gpus = open_gpus()
        for problem in self._gpus.problems:
            say(problem)
        self._watched = _process(watch_pid)
        psutil.cpu_percent(None)  # the first call only sets the clock

    def read(self) -> dict[str, float]:
        """{series name: value} of everything that answers now."""
        values = {f"cpu/{quantity}": value for quantity, value in processor_values().items()}
        for reader in list(self._gpus.readers):
            try:
                for quantity, value in reader.read().items():
                    values[f"gpu{reader.index}/{quantity}"] = value
            except GpuLostError as error:
                self._gpus.readers.remove(reader)
                self._say(f"{error} is lost: it no longer answers. Restart the computer to get it back.")
        if self._watched is not None:
            try:
                values["job/memory_bytes"] = float(self._watched.memory_info().rss)
            except psutil.Error:
                self._watched = None
                self._say("The watched process has ended.")
        return values

    def close(self) -> None:
        self._gpus.close()


def _process(pid: int | None) -> psutil.Process | None:
    if pid is None:
        return None
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None
