"""Release memory-mapped weights after they are read.

OpenVINO maps the weights file, so each page that was read stays resident until memory is needed elsewhere. At the end
of a compression, that is the whole model in addition to its smaller version. The pages are clean, and the kernel reads
them again on the next access.
"""

import contextlib
import ctypes
import gc
import sys
import threading
from collections.abc import Collection, Iterator
from pathlib import Path

MAPS = Path("/proc/self/maps")
DONTNEED = 4
"""`MADV_DONTNEED` of Linux (madvise(2)): later reads of a file's map read the file again."""

EVERY_S = 0.1

Map = tuple[int, int]
"""Start and size of mapped memory in bytes."""


@contextlib.contextmanager
def given_back(maps: Collection[Map]) -> Iterator[None]:
    """Release the mapped pages of a file repeatedly while the block runs.

    The maps must outlive the block, since the memory of another owner at the same place would be emptied. The file must
    not change.
    """
    if not maps:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    is_over = threading.Event()

    def give_back() -> None:
        while not is_over.wait(EVERY_S):
            for start, size in maps:
                libc.madvise(start, size, DONTNEED)

    thread = threading.Thread(target=give_back, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def give_back_freed() -> None:
    """Return freed memory to the system instead of keeping it in the allocator (malloc_trim(3) of glibc)."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def maps_of(file: Path) -> set[Map]:
    """Return each read-only map of the file; none except on Linux."""
    if sys.platform != "linux":
        return set()
    maps = set()
    real = str(file.resolve())
    for line in MAPS.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5] == real and "w" not in fields[1]:
            start, end = (int(part, 16) for part in fields[0].split("-"))
            maps.add((start, end - start))
    return maps
