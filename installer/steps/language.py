"""What writes language models for NVIDIA cards and the web (onnxruntime-genai): a set that is installed when asked."""

from steps import environment, lockfile
from steps.exclusive import exclusive
from steps.pip import Item, Pip
from steps.place import Place
from steps.words import say, size


def pin(place: Place) -> lockfile.Pin:
    """The package in its one version."""
    (only,) = lockfile.read([place.root / "installer" / "requirements-language.lock"])
    return only


def is_there(place: Place) -> bool:
    """Whether it lies there in that version, whole."""
    found = {path.name for path in environment.distributions(place)}
    name, _, version = pin(place).requirement.partition("==")
    return f"{name.replace('-', '_')}-{version}.dist-info" in found


def ensure(place: Place) -> None:
    """Install it unless it is there, without what it says it needs: ONNX Runtime is there, in one of three builds.

    Raises SetupError.
    """
    if is_there(place):
        return
    wanted = pin(place)
    name, _, version = wanted.requirement.partition("==")
    download, installed = size(wanted.download_bytes), size(wanted.installed_bytes)
    say(f"To install: {name} {version}, about {download} to download and {installed} on disk.")
    with exclusive(place.lock_file) as held:
        Pip(place, held).install([Item(name, version)])
    say("Language models can be written for NVIDIA cards and the web now.")
