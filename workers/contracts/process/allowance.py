"""Determine how many cores and how much memory this process may use, also in a container (cgroups 2, then 1)."""

import contextlib
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def usable_cores(cgroups: Path = CGROUPS) -> int:
    """Return the number of usable cores, at least one: affinity, limited by the container's quota.

    The quota is rounded down, since one more thread would be throttled.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cpu_quota(cgroups)
    return cores if quota is None else max(1, min(cores, int(quota)))


def _cpu_quota(cgroups: Path) -> float | None:
    """Return the number of cores that the container may use; -1 and "max" mean no limit."""
    sources = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))
    for names in sources:
        with contextlib.suppress(OSError, ValueError):
            words = " ".join((cgroups / name).read_text(encoding="ascii") for name in names).split()
            quota, period = (int(word) for word in words)
            if quota > 0 and period > 0:
                return quota / period
    return None


def usable_memory_bytes(cgroups: Path = CGROUPS) -> int:
    """Return the memory of the computer, or of the container if that is less."""
    import psutil

    total = int(psutil.virtual_memory().total)
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            limit = int((cgroups / name).read_text(encoding="ascii"))
            total = min(total, limit) if limit > 0 else total
    return total


def free_memory_bytes(cgroups: Path = CGROUPS) -> int:
    """Return the available memory of the system, or the unused part of a container's limit if that is less."""
    import psutil

    free = int(psutil.virtual_memory().available)
    try:
        most = (cgroups / "memory.max").read_text(encoding="ascii").strip()
        used = int((cgroups / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return free
    return free if most == "max" else max(0, min(free, int(most) - used + _read_files_bytes(cgroups)))


def _read_files_bytes(cgroups: Path) -> int:
    """Return the part of the memory in use that caches files and can be released."""
    try:
        lines = (cgroups / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)
