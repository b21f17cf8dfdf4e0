"""Resident memory of another process."""

import psutil


def resident_bytes(pid: int) -> int | None:
    """Bytes in memory now; None when the process is gone or may not be looked at."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except (OSError, psutil.Error):
        return None
