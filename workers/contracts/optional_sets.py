"""Optional sets of packages that the installer adds to the base."""

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Literal

from workers.contracts.translation import _

OptionalSet = Literal["base", "none", "rtx", "cuda", "web", "language", "sign", "cluster"]
"""Names of the sets.

`base` repairs the packages of every installation. `none`, `rtx` and `cuda` are alternatives for NVIDIA cards (`none`:
the base alone). The others are added one by one.
"""

CARD_SETS = ("none", "rtx", "cuda")
"""Sets for NVIDIA cards. In a clone, "cuda" replaces packages of the environment and brings PyTorch for cards, too."""

FOLDER_SETS: dict[OptionalSet, str] = {
    "web": "web.json",
    "language": "requirements-language.lock",
    "sign": "requirements-sign.lock",
    "cluster": "requirements-cluster.lock",
    "rtx": "requirements-rtx.lock",
    "cuda": "requirements-cuda.lock",
}
"""The sets that have a folder of their own on the import path, with their locks in the folder `installer`."""

LOCK_COPY = "fettle-set.lock"
"""Last file of the folder of a complete set."""


def where_to_install(name: OptionalSet) -> str:
    """Return the sentence for the window that says where a set is installed."""
    if name in FOLDER_SETS:
        return _("Install it on the page Settings, under “Optional parts”.")
    return _("Install Fettle again: a part of it is missing.")


def set_folders() -> list[Path]:
    """Return the folders of optional sets on this process's import path."""
    return [Path(place) for place in sys.path if Path(place, LOCK_COPY).is_file()]


def card_sets() -> list[str]:
    """Return the folders of installed sets for cards, which only processes that use a card import before the base.

    The set “cuda” holds another build of ONNX Runtime than the base.
    """
    return [str(place) for place in set_folders() if place.name.partition("-")[0] in CARD_SETS]


def lead_to_card_sets(environ: MutableMapping[str, str]) -> None:
    """Let new Python processes with these variables import the sets for cards before the base."""
    if first := card_sets():
        environ["PYTHONPATH"] = os.pathsep.join((*first, *filter(None, (environ.get("PYTHONPATH"),))))


def install_arguments(name: OptionalSet) -> tuple[str, ...]:
    """Return the installer's arguments that install a set; `--version` starts Fettle afterwards."""
    if name == "base":
        return ("--version",)
    return ("--gpu", name, "--version") if name in CARD_SETS else (f"--{name}",)


def install_command(name: OptionalSet) -> str:
    """Return the command line that installs a set; that of a clone is to be entered in its folder."""
    if os.environ.get("FETTLE_ROOT"):
        return f"fettle --{name}"
    path = r"installer\fettle" if sys.platform == "win32" else "installer/fettle"
    return " ".join((path, *(part for part in install_arguments(name) if part != "--version")))
