"""Peak memory of this process on a GPU.

Where the driver tells it per process, that is taken; else the change of what is used on the whole card (Windows' own
display driver, containers with process numbers of their own). Sampled by a thread, since NVML keeps no peak.
"""

import os
import threading
from types import TracebackType

from workers.infer.base import gpu_index
from workers.measure.gpu import GpuLostError, GpuReader, open_gpus
from workers.measure.opening import runtime_called

EVERY_S = 0.02


class GpuPeak:
    """As a context: samples fifty times a second from its beginning to its end."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._gpus = open_gpus()
        self._reader = next((reader for reader in self._gpus.readers if reader.index == index), None)
        self._level = self._used() or 0
        self._peak: int | None = None
        self._own: int | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="gpu memory", daemon=True)

    @classmethod
    def of(cls, runtime_id: str) -> "GpuPeak | None":
        """Begun, for a runtime that works on the GPU that this process sees; None for the processor's."""
        if not runtime_called(runtime_id).device.startswith("cuda"):
            return None
        return cls(gpu_index()).__enter__()

    def again(self) -> "GpuPeak":
        """A new one, begun, over the level at which this one began."""
        fresh = GpuPeak(self._index)
        fresh._level = self._level
        return fresh.__enter__()

    @property
    def peak_bytes(self) -> int | None:
        """Bytes on the card; None where it does not answer."""
        if self._own is not None:
            return self._own
        return None if self._peak is None else max(0, self._peak - self._level)

    def __enter__(self) -> "GpuPeak":
        if self._reader is not None:
            self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; the last sample is taken now. Safe to call twice."""
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
        reader = self._reader
        if reader is None:
            return None
        return used_bytes(reader)

    def _of_process(self) -> int | None:
        try:
            told = self._reader.processes() if self._reader is not None else None
        except GpuLostError:
            return None
        return None if told is None else told.get(os.getpid())


def used_bytes(reader: GpuReader) -> int | None:
    """What is used on the card now; None where it does not tell."""
    try:
        value = reader.read_one("memory_bytes")
    except GpuLostError:
        return None
    return None if value is None else int(value)
