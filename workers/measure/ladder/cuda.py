"""Call the driver's own library directly, without CUDA's toolkit or a runtime.

Source: CUDA Driver API, cuda.h (CUresult, cuInit, cuDevicePrimaryCtxRetain, cuMemAlloc_v2, cuMemGetInfo_v2).
"""

import ctypes
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

NO_FUNCTION = -1


class CudaError(Exception):
    """A failed call; `code` is its CUresult, or `NO_FUNCTION` where the library has no such call."""

    def __init__(self, call: str, code: int) -> None:
        """Name the call and its code."""
        super().__init__(f"{call}: {code}")
        self.call, self.code = call, code


class Driver:
    """The driver library of this process."""

    def __init__(self) -> None:
        """Load the library.

        Raises:
            OSError: there is no such library.
        """
        self._library = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")

    def call(self, name: str, *arguments: object) -> None:
        """Call a function.

        Raises:
            CudaError: the function does not return 0.
        """
        function = getattr(self._library, name, None)
        code = NO_FUNCTION if function is None else int(function(*arguments))
        if code != 0:
            raise CudaError(name, code)

    def start(self) -> int:
        """Call cuInit and return the number of devices that this process sees."""
        self.call("cuInit", 0)
        count = ctypes.c_int(0)
        self.call("cuDeviceGetCount", ctypes.byref(count))
        return count.value

    @contextmanager
    def context(self) -> Iterator[None]:
        """Make device 0's primary context current inside this context."""
        device, context = ctypes.c_int(0), ctypes.c_void_p()
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        try:
            self.call("cuCtxSetCurrent", context)
            yield
        finally:
            self.call("cuDevicePrimaryCtxRelease_v2", device)

    def uuid(self) -> str:
        """Return the UUID of device 0 as NVML writes it."""
        told = (ctypes.c_ubyte * 16)()
        self.call("cuDeviceGetUuid", ctypes.byref(told), 0)
        return f"GPU-{uuid.UUID(bytes=bytes(told))}"

    def memory(self) -> tuple[int, int]:
        """Return the free and the total memory in bytes."""
        free, total = ctypes.c_size_t(0), ctypes.c_size_t(0)
        self.call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    @contextmanager
    def allocated(self, size_bytes: int) -> Iterator[int]:
        """Allocate device memory inside this context and yield its address."""
        address = ctypes.c_uint64(0)
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size_bytes))
        try:
            yield address.value
        finally:
            self.call("cuMemFree_v2", address)
