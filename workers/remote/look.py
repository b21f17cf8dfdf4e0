"""Report what this computer is, as one JSON object."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import struct
import subprocess
import time
from pathlib import Path

from workers.infer import processor

CARDS = ("nvidia-smi", "--query-gpu=uuid,name,memory.total,compute_cap", "--format=csv,noheader,nounits")
CARDS_WAIT_S = 10


def look(home: Path, words: list[str]) -> int:
    """Write the facts of this computer to stdout."""
    print(json.dumps(facts(home)), flush=True)  # noqa: T201 - the answer of the verb
    return 0


def facts(home: Path) -> dict[str, object]:
    """Return the facts of this computer; sizes in bytes, `clock_s` as seconds since 1970."""
    features = processor.names_of(processor.flags() or ())
    return {
        "os": system_name(),
        "system": platform.system(),
        "arch": platform.machine(),
        "bits": struct.calcsize("P") * 8,
        "libc": "-".join(platform.libc_ver()),
        "processor": processor.name(),
        "features": list(features),
        "feature_titles": [one.title for one in processor.known(features)],
        "cores": usable_cores(),
        "memory_bytes": memory_bytes(),
        "free_disk_bytes": shutil.disk_usage(str(existing(home))).free,
        "cards": cards(),
        "python": platform.python_version(),
        "machine": machine_identity(),
        "clock_s": time.time(),
        "versions": installed(home),
    }


def system_name() -> str:
    """Return the name of the operating system as people know it."""
    with contextlib.suppress(OSError):
        for line in Path("/etc/os-release").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.partition("=")[2].strip().strip('"')
    return platform.system()


def usable_cores() -> int:
    """Return the number of cores that this account may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    """Return the memory of this computer."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def existing(folder: Path) -> Path:
    """Return the folder or its nearest parent that exists."""
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def cards() -> list[dict[str, object]]:
    """Return the NVIDIA cards that the driver's own program lists."""
    try:
        report = subprocess.run(
            CARDS, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=CARDS_WAIT_S, check=True
        )
        rows = [[cell.strip() for cell in line.split(",")] for line in report.stdout.decode().splitlines()]
        return [
            {"uuid": row[0], "name": row[1], "memory_bytes": int(row[2]) << 20, "compute_capability": row[3]}
            for row in rows
        ]
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return []


def machine_identity() -> str:
    """Return a text that is the same for this computer at each look, without revealing the identity of its system."""
    names = (platform.node(), platform.machine(), processor.name())
    parts = [*names, str(usable_cores())]
    with contextlib.suppress(OSError):
        parts.append(Path("/etc/machine-id").read_text(encoding="ascii").strip())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def installed(home: Path) -> list[str]:
    """Return the versions of Fettle's workers that are complete here."""
    folder = home / "versions"
    return sorted(one.parent.name for one in folder.glob("*/complete")) if folder.is_dir() else []
