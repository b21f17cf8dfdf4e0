"""Measure the peak memory of this process on a GPU.

The driver's value for this process is used where there is one. Otherwise the change of the whole card's memory counts
(Windows' own display driver, containers with their own process numbers). A thread samples it, since NVML keeps no peak.
"""

import os
import threading
from types import TracebackType

from workers.infer.base import gpu_index
from workers.measure.gpu import GpuLostError, GpuReader, open_gpus
from workers.measure.opening import runtime_called

EVERY_S = 0.02


class GpuPeak:
    """A context that samples the GPU's memory 50 times a second."""

    def __init__(self, index: int) -> None:
        """Read the level before the model is loaded on the GPU with this index."""
        self._index = index
        self._gpus = open_gpus()
        self._reader = self._gpus.reader(index)
        self._level = self._used() or 0
        self._peak: int | None = None
        self._own: int | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="gpu memory", daemon=True)

    @classmethod
    def of(cls, runtime_id: str) -> "GpuPeak | None":
        """Start sampling for a runtime that uses a GPU; return None for a runtime of the processor."""
        if not runtime_called(runtime_id).device.startswith("cuda"):
            return None
        return cls(gpu_index()).__enter__()

    def again(self) -> "GpuPeak":
        """Start a new sampler with the level of this one."""
        fresh = GpuPeak(self._index)
        fresh._level = self._level
        return fresh.__enter__()

    @property
    def peak_bytes(self) -> int | None:
        """Return the peak in bytes on the card; None where the card reports none."""
        if self._own is not None:
            return self._own
        return None if self._peak is None else max(0, self._peak - self._level)

    def __enter__(self) -> "GpuPeak":
        """Start sampling."""
        if self._reader is not None:
            self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Stop sampling."""
        self.stop()

    def stop(self) -> None:
        """Stop sampling after one last sample; safe to call twice."""
        if not self._end.is_set():
            self._end.set()
            if self._thread.ident is not None:
                self._thread.join()
            self._sample()
            self._gpus.close()

    def _watch(self) -> None:
        while not self._end.wait(EVERY_S):
            self._sample()

    def _sample(self) -> None:
        used = self._used()
        if used is not None:
            self._peak = max(self._peak or 0, used)
        own = self._of_process()
        if own is not None:
            self._own = max(self._own or 0, own)

    def _used(self) -> int | None:
        return None if self._reader is None else used_bytes(self._reader)

    def _of_process(self) -> int | None:
        try:
            told = self._reader.processes() if self._reader is not None else None
        except GpuLostError:
            return None
        return None if told is None else told.get(os.getpid())


def used_bytes(reader: GpuReader) -> int | None:
    """Return the used bytes of the card; None where it does not report them."""
    try:
        value = reader.read_one("memory_bytes")
    except GpuLostError:
        return None
    return None if value is None else int(value)
