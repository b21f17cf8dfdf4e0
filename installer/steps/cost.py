"""Return the cost of a set of packages from the lock and the installed packages, without a network request."""

import re
import sys
from pathlib import Path

from steps import folders, lockfile, sets
from steps.environment import versions
from steps.lockfile import Pin
from steps.place import Place

_SYSTEM = re.compile(r"sys_platform\s*==\s*[\"'](\w+)[\"']")


def cost(place: Place, name: str, root: Path) -> dict[str, int]:
    """Return the number of missing `packages` of a set, the bytes to download and to install, and its `used_bytes`.

    `root` is the folder of the optional sets. What has arrived of an interrupted download is not counted again.
    """
    is_clone = place.venv.is_dir()
    pins = missing(place, name) if name not in folders.LOCKS or (is_clone and name in sets.NAMES) else []
    arrived = used = 0
    if name in folders.LOCKS and not (is_clone and name == "cuda"):  # there it replaces packages of the environment
        pins += folders.remaining(place, root, name)
        arrived, used = folders.arrived_bytes(root, name), folders.used_bytes(root, name)
    download, installed = lockfile.totals(pins)
    return {
        "packages": len(pins),
        "download_bytes": max(0, download - arrived),
        "installed_bytes": installed,
        "used_bytes": used,
    }


def missing(place: Place, name: str) -> list[Pin]:
    """Return the pins of a set's own packages that are missing, differ in version or are removed before the install."""
    base = lockfile.read(place.locks("program"))
    there = versions(place)
    if name == "base":
        return [pin for pin in base if _is_for_here(pin) and not _is_there(pin, there.get(pin.name))]
    kept = {pin.name: pin for pin in base}
    own = [
        pin
        for pin in sets.pins_of(name, base, place)
        if pin.name in sets.OWN[name] or kept.get(pin.name) is not pin  # the base's other packages stay installed
    ]
    gone = set(sets.unwanted(name, set(there)))
    if name == "cuda" and sys.platform == "linux":
        gone |= set(sets.processor_builds(place))
    return [pin for pin in own if _is_for_here(pin) and (pin.name in gone or not _is_there(pin, there.get(pin.name)))]


def _is_there(pin: Pin, version: str | None) -> bool:
    return version is not None and pin.version in ("", version.partition("+")[0])


def _is_for_here(pin: Pin) -> bool:
    """Return whether the pin applies to this system, by the only condition that the locks of GPU sets use."""
    system = _SYSTEM.search(pin.requirement)
    return system is None or system[1] == sys.platform
