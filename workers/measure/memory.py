"""Peak memory of this process, less the level before a model was loaded (EVALUATION.md)."""

import contextlib
import platform
from pathlib import Path

import psutil

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


class PeakMeter:
    """Takes the level when made; `peak_bytes` tells how far the resident set went above it since then.

    On Linux the kernel's own high-water mark is set back first where that is allowed. Elsewhere, and where
    it is not, the mark of the whole life of the process counts: a fresh process, as measurements use, gives
    the same.
    """

    def __init__(self) -> None:
        self.level_bytes = psutil.Process().memory_info().rss
        self.reset_peak()

    def reset_peak(self) -> None:
        """Forget the peak so far where the system can; the level stays."""
        if platform.system() == "Linux":
            with contextlib.suppress(OSError):  # a sandbox may forbid it
                CLEAR_REFS.write_text("5", encoding="ascii")

    def peak_bytes(self) -> int | None:
        """Bytes above the level; None where the system does not tell its peak."""
        peak = peak_resident_bytes()
        return None if peak is None else max(0, peak - self.level_bytes)


def peak_resident_bytes() -> int | None:
    """The most bytes that this process held at once; None where the system does not tell."""
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
