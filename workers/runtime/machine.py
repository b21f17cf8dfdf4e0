"""What this computer is: processor, cores and memory that may be used, GPUs."""

import contextlib
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from workers.contracts.gpu import GpuCard
from workers.contracts.planning import Instructions
from workers.contracts.specs import DeviceFacts
from workers.infer import processor
from workers.runtime.power import power_facts

CGROUP_CPU = (
    ("/sys/fs/cgroup/cpu.max", None),
    ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)
CGROUP_MEMORY = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def parse_cpuinfo(text: str) -> tuple[str, tuple[str, ...]]:
    """Name and known features of the first processor in /proc/cpuinfo's text."""
    name, flags = "", set[str]()
    for line in text.split("\n\n", 1)[0].splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        if key == "model name":
            name = value
        elif key in ("flags", "Features"):
            flags = set(value.split())
    return name, processor.names_of(flags)


def instructions_of(device: DeviceFacts) -> tuple[Instructions, ...]:
    """What its processor has instructions for, the strongest first, in words for people."""
    found = processor.known(device.features)
    return tuple(Instructions(name=one.name, title=one.title, arithmetic=one.arithmetic) for one in found)


def usable_cores() -> int:
    """Cores that this process may use: affinity, then the container's quota (rounded up, one at least)."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    quota = _cpu_quota()
    return cores if quota is None else max(1, min(cores, -int(-quota // 1)))


def _cpu_quota() -> float | None:
    """Cores that the container may use; -1 and "max" mean no limit."""
    for place, period_place in CGROUP_CPU:
        with contextlib.suppress(OSError, ValueError):
            text = Path(place).read_text(encoding="ascii")
            if period_place is not None:
                text += " " + Path(period_place).read_text(encoding="ascii")
            quota, period = (int(word) for word in text.split())
            if quota > 0 and period > 0:
                return quota / period
    return None


def usable_memory_bytes() -> int:
    """Memory of the machine, or of the container where that is less."""
    import psutil

    total = int(psutil.virtual_memory().total)
    for place in CGROUP_MEMORY:
        with contextlib.suppress(OSError, ValueError):
            limit = int(Path(place).read_text(encoding="ascii"))
            total = min(total, limit) if limit > 0 else total
    return total


def device_facts(found: Sequence[GpuCard]) -> DeviceFacts:
    """The machine as the planner and the manifest need it."""
    name, features = "", tuple[str, ...]()
    with contextlib.suppress(OSError):
        name, features = parse_cpuinfo(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    return DeviceFacts(
        processor=name or platform.machine(),
        cores=usable_cores(),
        memory_bytes=usable_memory_bytes(),
        features=features,
        gpus=tuple(gpu.name for gpu in found),
        architectures=tuple(f"sm{gpu.compute_capability.replace('.', '')}" for gpu in found if gpu.compute_capability),
        os=f"{platform.system()} {platform.release()}",
        power=power_facts(),
    )
