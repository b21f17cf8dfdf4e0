"""Weights that are read through a memory map, and need not stay in memory once they are rounded.

OpenVINO maps the file of weights, so that each page that was read stays in the resident set until something else needs
the room: at the end of a compression that is the whole model beside its smaller version. Its pages are clean, and the
kernel reads them again where they are asked for once more.
"""

import contextlib
import ctypes
import gc
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

MAPS = Path("/proc/self/maps")
DONTNEED = 4
"""`MADV_DONTNEED` of Linux (madvise(2)): of a map of a file, later reads see the file again."""

EVERY_S = 0.1


@contextlib.contextmanager
def given_back(file: Path) -> Iterator[None]:
    """While the block runs, what it has read of `file` through memory maps is given back, again and again.

    The maps must outlive the block, be read only, and the file must stay as it is. Nothing happens but on Linux.
    """
    maps = maps_of(file) if sys.platform == "linux" else []
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
    """What was freed goes back to the system, and does not stay with the allocator (malloc_trim(3) of glibc)."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


def maps_of(file: Path) -> list[tuple[int, int]]:
    """Start and size in bytes of each map of the file that cannot be written through."""
    found = []
    real = str(file.resolve())
    for line in MAPS.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5] == real and "w" not in fields[1]:
            start, end = (int(part, 16) for part in fields[0].split("-"))
            found.append((start, end - start))
    return found
