"""Resident memory of another process."""

import os
import sys
from pathlib import Path

import psutil


def resident_bytes(pid: int) -> int | None:
    """Bytes in memory now; None when the process is gone or may not be looked at."""
    try:
        if sys.platform == "linux":
            return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return int(psutil.Process(pid).memory_info().rss)
    except (OSError, IndexError, psutil.Error):
        return None
