"""Check which sets of packages for cards are installed and whether they fit the card."""

import importlib.metadata
from pathlib import Path

from workers.contracts.gpu import GpuCard, RungResult, fitting_set
from workers.contracts.translation import _, mark
from workers.measure.ladder.rung import Rung, broken, holds, to_install

BASE, CUDA, RTX = "onnxruntime", "onnxruntime-gpu", "onnxruntime-ep-nv-tensorrt-rtx-cu13"


def version_of(name: str) -> str:
    """Return the version of an installed package, or "" where it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def folder_of(name: str) -> Path:
    """Return the folder that an installed package is in."""
    return Path(str(importlib.metadata.distribution(name).locate_file("")))


def _installed(card: GpuCard | None) -> RungResult:
    there = {name: found for name in (BASE, CUDA, RTX) if (found := version_of(name))}
    report = ", ".join(f"{name} {found}" for name, found in there.items()) or mark("No ONNX Runtime.")
    fits = fitting_set(card.compute_capability) if card is not None else "cuda"
    if CUDA in there and BASE in there and folder_of(CUDA) == folder_of(BASE):
        reason = mark("Packages for two kinds of GPU support are mixed in one folder.")
        return to_install("mixed_set", report, reason, "Let the installer repair the packages.", fits)
    if fits == "none":
        reason = _("No set of packages supports compute capability {0}.").format(
            card.compute_capability if card else "?"
        )
        return broken(
            "card_too_old", report, reason, "You need not do anything: this computer's processor does the work."
        )
    if CUDA not in there and RTX not in there:
        reason = mark("Only the base set is installed, which uses the processor alone.")
        return to_install("base_set", report, reason, _("Install the set “{0}” for this card.").format(fits), fits)
    if CUDA not in there and fits != "rtx":
        reason = _("The set “rtx” does not support compute capability {0}.").format(
            card.compute_capability if card else "?"
        )
        return to_install("wrong_set", report, reason, _("Install the set “{0}” for this card.").format(fits), fits)
    return holds(report)


RUNGS = (Rung("packages", "Packages for the card", 50, _installed, needs=("driver",)),)
