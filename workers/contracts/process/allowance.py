"""What this process may use of the computer: cores and memory, in a container what that leaves (cgroups 2, then 1)."""

import contextlib
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def usable_cores(cgroups: Path = CGROUPS) -> int:
    """Cores: affinity, then the container's quota, rounded down (a thread more would be held up), one at least."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cpu_quota(cgroups)
    return cores if quota is None else max(1, min(cores, int(quota)))


def _cpu_quota(cgroups: Path) -> float | None:
    """Cores that the container may use; -1 and "max" mean no limit."""
    ways = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))
    for names in ways:
        with contextlib.suppress(OSError, ValueError):
            words = " ".join((cgroups / name).read_text(encoding="ascii") for name in names).split()
            quota, period = (int(word) for word in words)
            if quota > 0 and period > 0:
                return quota / period
    return None


def usable_memory_bytes(cgroups: Path = CGROUPS) -> int:
    """Memory of the machine, or of the container where that is less."""
    import psutil

    total = int(psutil.virtual_memory().total)
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            limit = int((cgroups / name).read_text(encoding="ascii"))
            total = min(total, limit) if limit > 0 else total
    return total


def free_memory_bytes(cgroups: Path = CGROUPS) -> int:
    """What the system calls available; in a container that may use less, what is left of that."""
    import psutil

    free = int(psutil.virtual_memory().available)
    try:
        most = (cgroups / "memory.max").read_text(encoding="ascii").strip()
        used = int((cgroups / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return free
    return free if most == "max" else max(0, min(free, int(most) - used + _read_files_bytes(cgroups)))


def _read_files_bytes(cgroups: Path) -> int:
    """Of what is in use, files that were read and need not stay."""
    try:
        lines = (cgroups / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)
