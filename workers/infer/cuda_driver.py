"""The few functions of NVIDIA's driver library (libcuda) that running an engine takes, through ctypes.

Source: CUDA Driver API, sections “Device Management”, “Memory Management”, “Stream Management”, “Event Management”. No
toolkit is needed.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from numpy.typing import NDArray

from .base import CardSpans

MAJOR, MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR."""

OUT_OF_MEMORY = 2
NAME_BYTES = 100


class CudaError(RuntimeError):
    """`code` is the driver's CUresult; `str()` names the function and what the driver calls the error."""

    def __init__(self, function: str, code: int, name: str) -> None:
        super().__init__(f"{function}: {name or 'CUDA error'} ({code})")
        self.code = code


@dataclass(frozen=True)
class Card:
    """One card as the driver tells it; `driver` is the CUDA version that it supports (13000 is 13.0)."""

    name: str
    major: int
    minor: int
    memory_bytes: int
    driver: int

    @property
    def architecture(self) -> str:
        """``sm89``."""
        return f"sm{self.major}{self.minor}"


class Driver:
    """libcuda with the first visible card's primary context current on this thread. Raises OSError where there is no
    driver, `CudaError` where it does not work."""

    def __init__(self, library: Any = None) -> None:
        name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
        self._library = ctypes.CDLL(name) if library is None else library
        self.call("cuInit", ctypes.c_uint(0))
        self._device = ctypes.c_int()
        self.call("cuDeviceGet", ctypes.byref(self._device), ctypes.c_int(0))
        self._context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), self._device)
        self.enter()

    def enter(self) -> None:
        """Make the context current on the calling thread: a session may be asked from another one than opened it."""
        self.call("cuCtxSetCurrent", self._context)

    def call(self, function: str, *arguments: Any) -> None:
        """Call it. Raises `CudaError` for anything but success."""
        code = int(getattr(self._library, function)(*arguments))
        if code:
            text = ctypes.c_char_p()
            self._library.cuGetErrorName(ctypes.c_int(code), ctypes.byref(text))
            raise CudaError(function, code, (text.value or b"").decode(errors="replace"))

    def card(self) -> Card:
        """What card it is."""
        name = ctypes.create_string_buffer(NAME_BYTES)
        self.call("cuDeviceGetName", name, ctypes.c_int(NAME_BYTES), self._device)
        memory = ctypes.c_size_t()
        self.call("cuDeviceTotalMem_v2", ctypes.byref(memory), self._device)
        version = ctypes.c_int()
        self.call("cuDriverGetVersion", ctypes.byref(version))
        major, minor = (self._attribute(number) for number in (MAJOR, MINOR))
        return Card(name.value.decode(errors="replace"), major, minor, int(memory.value), int(version.value))

    def _attribute(self, number: int) -> int:
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), ctypes.c_int(number), self._device)
        return int(value.value)

    def free_bytes(self) -> int:
        """Memory of the card that nobody uses now."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return int(free.value)

    def stream(self) -> int:
        """A new stream's handle."""
        handle = ctypes.c_void_p()
        self.call("cuStreamCreate", ctypes.byref(handle), ctypes.c_uint(0))
        return int(handle.value or 0)

    def synchronize(self, stream: int) -> None:
        """Wait until all that was put into the stream is done."""
        self.call("cuStreamSynchronize", ctypes.c_void_p(stream))

    def destroy(self, stream: int) -> None:
        """Give the stream back."""
        self.call("cuStreamDestroy_v2", ctypes.c_void_p(stream))

    def event(self) -> int:
        """A new event's handle, which keeps the time at which it is reached."""
        handle = ctypes.c_void_p()
        self.call("cuEventCreate", ctypes.byref(handle), ctypes.c_uint(0))
        return int(handle.value or 0)

    def record(self, event: int, stream: int) -> None:
        """Put the event into the stream."""
        self.call("cuEventRecord", ctypes.c_void_p(event), ctypes.c_void_p(stream))

    def elapsed_ms(self, begin: int, end: int) -> float:
        """Milliseconds between two events that were reached, to about half a microsecond."""
        value = ctypes.c_float()
        self.call("cuEventElapsedTime", ctypes.byref(value), ctypes.c_void_p(begin), ctypes.c_void_p(end))
        return float(value.value)

    def forget(self, event: int) -> None:
        """Give the event back."""
        self.call("cuEventDestroy_v2", ctypes.c_void_p(event))

    def to_card(self, address: int, array: NDArray[Any], stream: int) -> None:
        """Copy a contiguous array to the card, in the stream; it must stay alive until that is done."""
        source, size = ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)
        self.call("cuMemcpyHtoDAsync_v2", ctypes.c_uint64(address), source, size, ctypes.c_void_p(stream))

    def to_host(self, array: NDArray[Any], address: int, stream: int) -> None:
        """Copy from the card into a contiguous array, in the stream."""
        target, size = ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)
        self.call("cuMemcpyDtoHAsync_v2", target, ctypes.c_uint64(address), size, ctypes.c_void_p(stream))


class NoClock:
    """Where nobody asks for the parts of a request."""

    def mark(self) -> None:
        """Nothing is marked."""

    def enqueuing(self) -> AbstractContextManager[None]:
        """Nothing is timed."""
        return nullcontext()


NO_CLOCK = NoClock()


class Clock:
    """Marks the parts of one request in a stream; the first mark is the beginning, then after each part one more."""

    MARKS = 4

    def __init__(self, driver: Driver, stream: int) -> None:
        self._driver, self._stream = driver, stream
        self._events = [driver.event() for _ in range(self.MARKS)]
        self._marked = 0
        self._enqueue_ms = 0.0

    def mark(self) -> None:
        """The next part begins here."""
        self._driver.record(self._events[self._marked], self._stream)
        self._marked += 1

    @contextmanager
    def enqueuing(self) -> Iterator[None]:
        """Around handing the computing over."""
        began_ns = time.perf_counter_ns()
        yield
        self._enqueue_ms = (time.perf_counter_ns() - began_ns) / 1e6

    def spans(self) -> CardSpans:
        """Of a request that is done; its events go back."""
        there, compute, back = (self._driver.elapsed_ms(*pair) for pair in pairwise(self._events))
        for event in self._events:
            self._driver.forget(event)
        return CardSpans(there, compute, back, self._enqueue_ms)


class Buffer:
    """Memory on the card that grows with what is asked of it."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.address, self._size_bytes = 0, 0

    def hold(self, size_bytes: int) -> int:
        """The address of so many bytes at least. Raises `CudaError`."""
        if size_bytes > self._size_bytes:
            self.free()
            pointer = ctypes.c_uint64()
            self._driver.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(size_bytes))
            self.address, self._size_bytes = int(pointer.value), size_bytes
        return self.address

    def free(self) -> None:
        """Give it back."""
        if self.address:
            self._driver.call("cuMemFree_v2", ctypes.c_uint64(self.address))
        self.address, self._size_bytes = 0, 0
