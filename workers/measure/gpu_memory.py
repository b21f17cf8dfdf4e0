"""Measure the peak memory of this process on a GPU.

The driver's value for this process is used where there is one. Otherwise the change of the whole card's memory counts
(Windows' own display driver, containers with their own process numbers). A thread samples it, since NVML keeps no peak.
"""

import contextlib
import os
import threading

from workers.infer.base import gpu_index
from workers.measure.gpu import GpuLostError, open_gpus
from workers.measure.opening import runtime_called

EVERY_S = 0.02


class GpuPeak:
    """Samples the GPU's memory 50 times a second from its creation to `stop`."""

    def __init__(self, index: int, level: float | None = None) -> None:
        """Start sampling the GPU with this index; without a `level` in bytes, the current one is the level."""
        self._index = index
        self._gpus = open_gpus()
        self._reader = self._gpus.reader(index)
        self._peak: float | None = None
        self._own: int | None = None
        self._sample()
        self._level = (self._peak or 0.0) if level is None else level
        self._peak = self._own = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="gpu memory", daemon=True)
        self._thread.start()

    @classmethod
    def of(cls, runtime_id: str) -> "GpuPeak | None":
        """Start sampling for a runtime that uses a GPU; return None for a runtime of the processor."""
        return cls(gpu_index()) if runtime_called(runtime_id).device.startswith("cuda") else None

    def again(self) -> "GpuPeak":
        """Start a new sampler with the level of this one."""
        return GpuPeak(self._index, self._level)

    @property
    def peak_bytes(self) -> int | None:
        """Return the peak in bytes on the card; None where the card reports none."""
        if self._own is not None:
            return self._own
        return None if self._peak is None else max(0, int(self._peak - self._level))

    def stop(self) -> None:
        """Stop sampling after one last sample; safe to call twice."""
        if not self._end.is_set():
            self._end.set()
            self._thread.join()
            self._sample()
            self._gpus.close()

    def _watch(self) -> None:
        while self._reader is not None and not self._end.wait(EVERY_S):
            self._sample()

    def _sample(self) -> None:
        if self._reader is None:
            return
        with contextlib.suppress(GpuLostError):
            used = self._reader.read_one("memory_bytes")
            if used is not None:
                self._peak = max(self._peak or 0.0, used)
            own = (self._reader.processes() or {}).get(os.getpid())
            if own is not None:
                self._own = max(self._own or 0, own)
