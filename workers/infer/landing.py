"""Choose which of a bundle's two models runs on this computer: the version or the original as its fallback.

The result of the measurement is stored next to the bundle's folder, so that the bundle keeps its checksums. Without a
measurement, a version is not trusted if this processor lacks instructions for its number format. Standard library only:
this module is copied into bundles.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import processor

VERSION, FALLBACK = "version", "fallback"
PLACE = "FETTLE_LANDED"
"""Environment variable with another path of the result file, for a folder that cannot be written."""

ROUNDS = 8
SURE = 6
"""Number of rounds in which the version must be slower; equally fast models reach it one time in seven, without harm.
"""

WORDS = {"int8": "8-bit numbers", "bf16": "16-bit numbers (BF16)"}


@dataclass(frozen=True)
class Landed:
    """Result of one measurement of a bundle on this computer.

    `version_ms` and `fallback_ms` are medians over the rounds in milliseconds per prediction. `ratios` holds the
    fallback's time divided by the version's time in each round. `bundle` is the SHA-256 of the bundle's checksums,
    `processor` the name of the processor.
    """

    bundle: str
    processor: str
    use: str
    why: str
    version_ms: float | None
    fallback_ms: float | None
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float | None:
        """Return how many times as fast as the fallback the version is (the median)."""
        return statistics.median(self.ratios) if self.ratios else None


def place_of(folder: Path) -> Path:
    """Return the path of the result file of the bundle in `folder`."""
    named = os.environ.get(PLACE)
    return Path(named) if named else folder.parent / f"{folder.name}.landed.json"


def bundle_id(folder: Path) -> str:
    """Return the SHA-256 of the bundle's checksums, which identifies exactly these files."""
    return hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()


def save_choice(folder: Path, landed: Landed) -> Path:
    """Write the result and return its path.

    Raises:
        OSError: the file cannot be written.
    """
    path = place_of(folder)
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # nobody can foresee this name
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps({**asdict(landed), "ratio": landed.ratio}, indent=1) + "\n")
    Path(part).chmod(0o644)
    Path(part).replace(path)
    return path


def saved_choice(folder: Path) -> tuple[Landed | None, str]:
    """Return the stored result of this bundle on this processor, and a note where a file exists but does not count."""
    path = place_of(folder)
    if not path.is_file():
        return None, ""
    again = "Run: python verify.py --measure"
    if not _is_own(path):
        return None, f"{path.name} can be changed by other accounts of this computer and is not minded. {again}"
    try:
        row = dict(json.loads(path.read_text(encoding="utf-8")))
        row.pop("ratio", None)
        landed = Landed(**{**row, "ratios": tuple(float(one) for one in row["ratios"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None, f"{path.name} cannot be read and is not minded. {again}"
    if landed.use not in (VERSION, FALLBACK) or landed.bundle != bundle_id(folder):
        return None, f"{path.name} is of another bundle and is not minded. {again}"
    if landed.processor != processor.name():
        return None, f"{path.name} was measured on {landed.processor} and is not minded here. {again}"
    return landed, ""


def _is_own(path: Path) -> bool:
    """Return whether only this account or root can write the file; the folder may be a shared one (/tmp)."""
    if not hasattr(os, "getuid"):
        return True
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_uid in (os.getuid(), 0) and not status.st_mode & 0o022


def lacking(manifest: Mapping[str, Any]) -> str:
    """Return one sentence about instructions that this processor lacks, or "" if none is known.

    Only instructions that the processor of the measurement had are considered.
    """
    runtime = manifest["runtime"]
    if "cuda" in str(runtime["id"]):
        return ""  # opening the model shows whether there is a GPU
    precision, measured_on = str(manifest["model"]["precision"]), dict(runtime.get("measured_on", {}))
    had = processor.fast(measured_on.get("features", ()))
    listed = processor.flags()
    here = None if listed is None else processor.fast(processor.names_of(listed))
    has = {"int8": processor.has_int8(), "bf16": None if here is None else "bf16" in here}
    gone = [words for kind, words in WORDS.items() if kind in precision and kind in had and has[kind] is False]
    return (
        f"This processor has no fast instructions for {' and '.join(gone)}, with which this version was measured"
        if gone
        else ""
    )


def decide(bundle: str, times: Sequence[tuple[float, float]]) -> Landed:
    """Choose between version and fallback.

    Args:
        bundle: SHA-256 of the bundle's checksums.
        times: seconds per prediction of (version, fallback) in each round.
    """
    ratios = tuple(fallback / version for version, fallback in times)
    slower = sum(ratio < 1 for ratio in ratios)
    use = FALLBACK if statistics.median(ratios) < 1 and slower * ROUNDS >= SURE * len(ratios) else VERSION
    why = (
        f"slower in {slower} of {len(ratios)} rounds"
        if use == FALLBACK
        else f"not slower ({slower} of {len(ratios)} rounds were)"
    )
    version_ms, fallback_ms = (1000 * statistics.median(one) for one in zip(*times, strict=True))
    return Landed(bundle, processor.name(), use, why, version_ms, fallback_ms, ratios)


def fails(bundle: str, why: str) -> Landed:
    """Return the result of a version that does not run on this computer."""
    return Landed(bundle, processor.name(), FALLBACK, why, None, None, ())


def in_turn(turns: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> list[tuple[float, float]]:
    """Measure both models in turn and return the seconds per prediction of each round as (version, fallback).

    The order alternates from round to round. One more round before the first is the warm-up.
    """
    times = []
    for number in range(rounds + 1):
        order = (VERSION, FALLBACK) if number % 2 else (FALLBACK, VERSION)
        times_of = {name: turns[name]() for name in order}
        if number:
            times.append((times_of[VERSION], times_of[FALLBACK]))
    return times


def described(landed: Landed) -> str:
    """Return the result as sentences for people."""
    name = {VERSION: "This version is used", FALLBACK: "The original is used instead"}[landed.use]
    if landed.ratio is None or landed.version_ms is None or landed.fallback_ms is None:
        return f"This version does not run here: {landed.why}. {name}."
    low, high = min(landed.ratios), max(landed.ratios)
    return (
        f"On {landed.processor} this version answers in {landed.version_ms:,.2f} ms and the original in "
        f"{landed.fallback_ms:,.2f} ms: {landed.ratio:.2f} times as fast ({len(landed.ratios)} rounds in turn, "
        f"{low:.2f} to {high:.2f}). {name}: it is {landed.why}."
    )
