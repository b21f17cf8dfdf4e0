"""Measure the peak memory of this process above the level before a model was loaded (docs/evaluation.md)."""

import contextlib
import platform
from pathlib import Path

import psutil

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


class PeakMeter:
    """Measures how far the resident set rises above its level at creation.

    On Linux the kernel's own high-water mark is reset first where that is allowed. Elsewhere the mark of the whole life
    of the process counts, which is the same in a fresh process, as measurements use it.
    """

    def __init__(self) -> None:
        """Record the level and reset the peak."""
        self.level_bytes = psutil.Process().memory_info().rss
        self.reset_peak()

    def reset_peak(self) -> None:
        """Reset the peak where the system allows it; the level stays."""
        if platform.system() == "Linux":
            with contextlib.suppress(OSError):  # a sandbox may forbid it
                CLEAR_REFS.write_text("5", encoding="ascii")

    def peak_bytes(self) -> int | None:
        """Return the bytes above the level; None where the system reports no peak."""
        peak = peak_resident_bytes()
        return None if peak is None else max(0, peak - self.level_bytes)


def peak_resident_bytes() -> int | None:
    """Return the largest resident set of this process in bytes; None where the system does not report it."""
    system = platform.system()
    if system == "Linux":
        for line in STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return None
    if system == "Windows":
        return int(getattr(psutil.Process().memory_info(), "peak_wset"))  # noqa: B009
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
