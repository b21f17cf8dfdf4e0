"""Facts about this computer: processor, usable cores and memory, GPUs."""

import contextlib
import platform
from collections.abc import Sequence
from pathlib import Path

from workers.contracts.gpu import GpuCard
from workers.contracts.planning import Instructions
from workers.contracts.process.allowance import usable_cores, usable_memory_bytes
from workers.contracts.specs import DeviceFacts
from workers.infer import processor
from workers.jobs.power import power_facts


def parse_cpuinfo(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the name and known features of the first processor in the text of /proc/cpuinfo."""
    name, flags = "", set[str]()
    for line in text.split("\n\n", 1)[0].splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        if key == "model name":
            name = value
        elif key in ("flags", "Features"):
            flags = set(value.split())
    return name, processor.names_of(flags)


def instructions_of(device: DeviceFacts) -> tuple[Instructions, ...]:
    """Return the processor's instruction sets, the strongest first, with titles for the user."""
    found = processor.known(device.features)
    return tuple(Instructions(name=one.name, title=one.title, arithmetic=one.arithmetic) for one in found)


def device_facts(found: Sequence[GpuCard]) -> DeviceFacts:
    """Return the computer's facts for planner and manifest."""
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
