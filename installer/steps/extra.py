"""Install optional sets of packages, each with its own lock, on request."""

from steps import environment, lockfile
from steps.exclusive import exclusive
from steps.lockfile import Pin
from steps.pip import Item, Pip
from steps.place import Place
from steps.words import print_line, size

READY = {
    "language": "Language models can be written for NVIDIA cards and the web now.",
    "sign": "Bundles can be signed now.",
}
"""Names of the sets, as `fettle --NAME` takes them, and the sentence that ends their installation."""


def missing(place: Place, name: str) -> list[Pin]:
    """Return the pins of set `name` that are not installed in their locked version."""
    there = environment.versions(place)
    pins = lockfile.read([place.root / "installer" / f"requirements-{name}.lock"])
    return [pin for pin in pins if there.get(pin.name) != pin.version]


def ensure(place: Place, name: str) -> None:
    """Install the missing packages of set `name` without dependencies: its lock and the base's are complete together.

    Raises:
        SetupError: if a package cannot be fetched or installed.
    """
    pins = missing(place, name)
    if not pins:
        return
    names = ", ".join(f"{pin.requirement.partition('==')[0]} {pin.version}" for pin in pins)
    download, installed = lockfile.totals(pins)
    print_line(f"To install: {names}, about {size(download)} to download and {size(installed)} on disk.")
    with exclusive(place.lock_file) as held:
        Pip(place, held).install([Item(pin.requirement.partition("==")[0], pin.version) for pin in pins])
    print_line(READY[name])
