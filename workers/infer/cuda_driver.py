"""Call the functions of NVIDIA's driver library (libcuda) that engines and the GPU doctor need, through ctypes.

Source: CUDA Driver API, sections “Device Management”, “Memory Management”, “Stream Management”, “Event Management”. No
toolkit is needed.
"""

from __future__ import annotations

import ctypes
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from numpy.typing import NDArray

from .base import CardSpans, cuda_driver

MAJOR, MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR."""

OUT_OF_MEMORY, NO_DEVICE = 2, 100
NO_FUNCTION = -1
"""Code of a function that the driver library lacks."""

NAME_BYTES = 100


class CudaError(RuntimeError):
    """An error of a driver call: `code` is its CUresult or `NO_FUNCTION`, `str()` contains the driver's error name."""

    def __init__(self, function: str, code: int, name: str = "") -> None:
        """Name the function, its CUresult and the driver's name for the error."""
        super().__init__(f"{function}: {name or 'CUDA error'} ({code})")
        self.function, self.code = function, code


@dataclass(frozen=True)
class Place:
    """A place where engines are built or run; the default stands for a computer without a card.

    `architecture` is the compute architecture (`sm89`), `card` the name of the card, and `driver` the highest CUDA
    version that it supports (13000 is 13.0).
    """

    architecture: str = ""
    card: str = ""
    driver: int = 0


class Library:
    """The driver library of this process."""

    def __init__(self, library: Any = None) -> None:
        """Load the library; tests pass a replacement of it.

        Raises:
            OSError: there is no driver.
        """
        self._library = cuda_driver() if library is None else library

    def call(self, function: str, *arguments: Any) -> None:
        """Call a driver function.

        Raises:
            CudaError: the library lacks the function, or it does not return success.
        """
        called = getattr(self._library, function, None)
        code = NO_FUNCTION if called is None else int(called(*arguments))
        if code:
            text = ctypes.c_char_p()
            if (name_of := getattr(self._library, "cuGetErrorName", None)) is not None:
                name_of(ctypes.c_int(code), ctypes.byref(text))
            raise CudaError(function, code, (text.value or b"").decode(errors="replace"))

    def start(self) -> int:
        """Call cuInit and return the number of devices that this process sees; raise CudaError."""
        self.call("cuInit", ctypes.c_uint(0))
        count = ctypes.c_int()
        self.call("cuDeviceGetCount", ctypes.byref(count))
        return int(count.value)


class Driver(Library):
    """The driver library with the first visible card's primary context current on this thread."""

    def __init__(self, library: Any = None) -> None:
        """Load libcuda and make the context of the first visible card current.

        Raises:
            OSError: there is no driver.
            CudaError: the driver does not work.
        """
        super().__init__(library)
        self.call("cuInit", ctypes.c_uint(0))
        self._device = ctypes.c_int()
        self.call("cuDeviceGet", ctypes.byref(self._device), ctypes.c_int(0))
        self._context = ctypes.c_void_p()
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), self._device)
        self.enter()

    def enter(self) -> None:
        """Make the context current on the calling thread, which may differ from the thread that opened the session."""
        self.call("cuCtxSetCurrent", self._context)

    def close(self) -> None:
        """Release the context."""
        self.call("cuDevicePrimaryCtxRelease_v2", self._device)

    def place(self) -> Place:
        """Return the architecture, name and driver version of the card."""
        name = ctypes.create_string_buffer(NAME_BYTES)
        self.call("cuDeviceGetName", name, ctypes.c_int(NAME_BYTES), self._device)
        version = ctypes.c_int()
        self.call("cuDriverGetVersion", ctypes.byref(version))
        major, minor = (self._attribute(number) for number in (MAJOR, MINOR))
        return Place(f"sm{major}{minor}", name.value.decode(errors="replace"), int(version.value))

    def _attribute(self, number: int) -> int:
        value = ctypes.c_int()
        self.call("cuDeviceGetAttribute", ctypes.byref(value), ctypes.c_int(number), self._device)
        return int(value.value)

    def uuid(self) -> str:
        """Return the UUID of the card as NVML writes it."""
        value = (ctypes.c_ubyte * 16)()
        self.call("cuDeviceGetUuid", ctypes.byref(value), self._device)
        return f"GPU-{uuid.UUID(bytes=bytes(value))}"

    def memory(self) -> tuple[int, int]:
        """Return the card's free and total memory in bytes."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return int(free.value), int(total.value)

    def stream(self) -> int:
        """Create a stream and return its handle."""
        handle = ctypes.c_void_p()
        self.call("cuStreamCreate", ctypes.byref(handle), ctypes.c_uint(0))
        return int(handle.value or 0)

    def synchronize(self, stream: int) -> None:
        """Wait until all work in the stream is done."""
        self.call("cuStreamSynchronize", ctypes.c_void_p(stream))

    def destroy(self, stream: int) -> None:
        """Destroy the stream."""
        self.call("cuStreamDestroy_v2", ctypes.c_void_p(stream))

    def event(self) -> int:
        """Create an event, which stores the time at which it is reached, and return its handle."""
        handle = ctypes.c_void_p()
        self.call("cuEventCreate", ctypes.byref(handle), ctypes.c_uint(0))
        return int(handle.value or 0)

    def record(self, event: int, stream: int) -> None:
        """Add the event to the stream."""
        self.call("cuEventRecord", ctypes.c_void_p(event), ctypes.c_void_p(stream))

    def elapsed_ms(self, begin: int, end: int) -> float:
        """Return the milliseconds between two reached events, to about half a microsecond."""
        value = ctypes.c_float()
        self.call("cuEventElapsedTime", ctypes.byref(value), ctypes.c_void_p(begin), ctypes.c_void_p(end))
        return float(value.value)

    def forget(self, event: int) -> None:
        """Destroy the event."""
        self.call("cuEventDestroy_v2", ctypes.c_void_p(event))

    def to_card(self, address: int, array: NDArray[Any], stream: int) -> None:
        """Start copying a contiguous array to the card; the array must stay alive until the stream has copied it."""
        source, size = ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)
        self.call("cuMemcpyHtoDAsync_v2", ctypes.c_uint64(address), source, size, ctypes.c_void_p(stream))

    def to_host(self, array: NDArray[Any], address: int, stream: int) -> None:
        """Start copying from the card into a contiguous array."""
        target, size = ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)
        self.call("cuMemcpyDtoHAsync_v2", target, ctypes.c_uint64(address), size, ctypes.c_void_p(stream))


class NoClock:
    """A clock that measures nothing, for requests whose parts are not timed."""

    def mark(self) -> None:
        """Do nothing."""

    def enqueuing(self) -> AbstractContextManager[None]:
        """Return a context that measures nothing."""
        return nullcontext()


NO_CLOCK = NoClock()


class Clock:
    """A clock that measures the parts of one request by events in a stream.

    The first mark is the beginning; one more mark follows each part.
    """

    MARKS = 4

    def __init__(self, driver: Driver, stream: int) -> None:
        """Create the four events of one request in `stream`."""
        self._driver, self._stream = driver, stream
        self._events = [driver.event() for _ in range(self.MARKS)]
        self._marked = 0
        self._enqueue_ms = 0.0

    def mark(self) -> None:
        """Mark the end of one part and the beginning of the next."""
        self._driver.record(self._events[self._marked], self._stream)
        self._marked += 1

    @contextmanager
    def enqueuing(self) -> Iterator[None]:
        """Measure the time that the processor spends on starting the computation."""
        began_ns = time.perf_counter_ns()
        yield
        self._enqueue_ms = (time.perf_counter_ns() - began_ns) / 1e6

    def spans(self) -> CardSpans:
        """Return the durations of the finished request and destroy its events."""
        there, compute, back = (self._driver.elapsed_ms(*pair) for pair in pairwise(self._events))
        for event in self._events:
            self._driver.forget(event)
        return CardSpans(there, compute, back, self._enqueue_ms)


class Buffer:
    """A block of card memory that grows to the largest requested size."""

    def __init__(self, driver: Driver) -> None:
        """Create an empty block; memory is allocated on first use."""
        self._driver = driver
        self.address, self._size_bytes = 0, 0

    def hold(self, size_bytes: int) -> int:
        """Return the address of at least `size_bytes` bytes.

        Raises:
            CudaError: the memory cannot be allocated.
        """
        if size_bytes > self._size_bytes:
            self.free()
            pointer = ctypes.c_uint64()
            self._driver.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(size_bytes))
            self.address, self._size_bytes = int(pointer.value), size_bytes
        return self.address

    def free(self) -> None:
        """Free the memory."""
        if self.address:
            self._driver.call("cuMemFree_v2", ctypes.c_uint64(self.address))
        self.address, self._size_bytes = 0, 0
