"""Write a bundle's `requirements.lock`: exactly the tested wheels with their sha256, for `pip --require-hashes`.

An installed package does not contain the hash of its wheel, and an export has no network. The hashes are those that pip
reported when this program's own versions were pinned (`installer/hashes.py`).
"""

import json
import platform
from pathlib import Path

from packaging.version import Version

from workers.export.fresh_environment import closure

HASHES = Path(__file__).with_name("wheel_hashes.json")
LOCK = "requirements.lock"
INSTALL = f"pip install --require-hashes -r {LOCK}"


def locked(requirements: list[str]) -> tuple[str, tuple[str, ...]]:
    """Return the lock's text and the packages without a known hash.

    With such a package the text is "", since pip would refuse the whole file.
    """
    known: dict[str, list[str]] = json.loads(HASHES.read_text(encoding="utf-8"))
    pins = {name: Version(one.version) for name, one in closure(requirements).items()}
    unknown = tuple(
        f"{name} {version}" for name, version in sorted(pins.items()) if not known.get(f"{name}=={version}")
    )
    if unknown:
        return "", unknown
    python = ".".join(platform.python_version_tuple()[:2])
    lines = [f"# Exactly what was tested, on {platform.system()} with Python {python}: {INSTALL}"]
    for name, version in sorted(pins.items()):
        hashes = " \\\n".join(f"    --hash=sha256:{digest}" for digest in known[f"{name}=={version}"])
        lines.append(f"{name}=={version} \\\n{hashes}")
    return "\n".join(lines) + "\n", ()
