"""How much memory programs may still take on this computer."""

from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")


def free_memory_bytes(cgroup: Path = CGROUP) -> int:
    """What the system calls available; in a container that may use less, what is left of that."""
    free = int(psutil.virtual_memory().available)
    try:
        most = (cgroup / "memory.max").read_text(encoding="ascii").strip()
        used = int((cgroup / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return free
    return free if most == "max" else max(0, min(free, int(most) - used + _read_files_bytes(cgroup)))


def _read_files_bytes(cgroup: Path) -> int:
    """Of what is in use, files that were read and need not stay."""
    try:
        lines = (cgroup / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)
