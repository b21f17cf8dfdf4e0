"""Which of a bundle's two models runs on the computer that it landed on: the version, or the original as its fallback.

What was measured here is kept beside the bundle's folder, in a file of its own, so that the bundle stays as it was
hashed. Without a measurement a version whose kind of numbers this processor has no instructions for is not trusted to
be fast or alike. Standard library only: it is copied into bundles.
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
"""A variable that names another place for the file, where the folder beside the bundle cannot be written."""

ROUNDS = 8
SURE = 6
"""So many of the rounds have to be slower: of two equally fast models that is so one time in seven, harming nobody."""

WORDS = {"int8": "8-bit numbers", "bf16": "16-bit numbers (BF16)"}


@dataclass(frozen=True)
class Landed:
    """What was measured: milliseconds an answer (medians over the rounds), `ratios` of each, fallback over version.

    `bundle` is the sha256 of its checksums, `processor` the name of that it was measured on.
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
        """How many times as fast as the fallback the version is."""
        return statistics.median(self.ratios) if self.ratios else None


def place_of(folder: Path) -> Path:
    """Where the choice is kept for the bundle in `folder`."""
    named = os.environ.get(PLACE)
    return Path(named) if named else folder.parent / f"{folder.name}.landed.json"


def bundle_id(folder: Path) -> str:
    """Of exactly these files."""
    return hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()


def keep(folder: Path, landed: Landed) -> Path:
    """Write the choice; raises OSError where that cannot be."""
    path = place_of(folder)
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # no name that others can foresee
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps({**asdict(landed), "ratio": landed.ratio}, indent=1) + "\n")
    Path(part).chmod(0o644)
    Path(part).replace(path)
    return path


def kept(folder: Path) -> tuple[Landed | None, str]:
    """(what was measured here of this very bundle, a note where there is something that does not count)."""
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
    """Whether this account or root alone can write the file: the folder beside a bundle may be a shared one (/tmp)."""
    if not hasattr(os, "getuid"):
        return True
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_uid in (os.getuid(), 0) and not found.st_mode & 0o022


def lacking(manifest: Mapping[str, Any]) -> str:
    """One sentence on what this processor lacks that the version was measured with; "" where nothing is known to."""
    runtime = manifest["runtime"]
    if "cuda" in str(runtime["id"]):
        return ""  # whether there is a GPU shows when it is opened
    precision, measured_on = str(manifest["model"]["precision"]), dict(runtime.get("measured_on", {}))
    had = processor.fast(measured_on.get("features", ()))
    found = processor.flags()
    here = None if found is None else processor.fast(processor.names_of(found))
    has = {"int8": processor.has_int8(), "bf16": None if here is None else "bf16" in here}
    gone = [words for kind, words in WORDS.items() if kind in precision and kind in had and has[kind] is False]
    return (
        f"This processor has no fast instructions for {' and '.join(gone)}, with which this version was measured"
        if gone
        else ""
    )


def decide(bundle: str, times: Sequence[tuple[float, float]]) -> Landed:
    """By seconds an answer of each round, (version, fallback)."""
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
    """The version does not run here at all."""
    return Landed(bundle, processor.name(), FALLBACK, why, None, None, ())


def in_turn(turns: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> list[tuple[float, float]]:
    """Seconds an answer of both in each round; who begins takes turns, and a first round warms both up."""
    times = []
    for number in range(rounds + 1):
        order = (VERSION, FALLBACK) if number % 2 else (FALLBACK, VERSION)
        found = {name: turns[name]() for name in order}
        if number:
            times.append((found[VERSION], found[FALLBACK]))
    return times


def told(landed: Landed) -> str:
    """In words."""
    name = {VERSION: "This version is used", FALLBACK: "The original is used instead"}[landed.use]
    if landed.ratio is None or landed.version_ms is None or landed.fallback_ms is None:
        return f"This version does not run here: {landed.why}. {name}."
    low, high = min(landed.ratios), max(landed.ratios)
    return (
        f"On {landed.processor} this version answers in {landed.version_ms:,.2f} ms and the original in "
        f"{landed.fallback_ms:,.2f} ms: {landed.ratio:.2f} times as fast ({len(landed.ratios)} rounds in turn, "
        f"{low:.2f} to {high:.2f}). {name}: it is {landed.why}."
    )
