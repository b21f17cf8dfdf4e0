"""Define what a check gets and returns: one module of `workers.evaluate.checks.kinds` with `CHECK = Check(...)`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.checks import MAX_NAMED, CheckFinding, Suspect
from workers.contracts.process.context import JobContext
from workers.evaluate.data.base import Entry
from workers.evaluate.data.dataset import Kind

Floats = NDArray[np.float32]
Level = Literal["info", "warning", "danger"]

Pictures = tuple[NDArray[np.uint8], NDArray[np.uint64]]
"""Reduced RGB pictures (n, 32, 32, 3) and their perceptual hashes (n, crops)."""


@dataclass(frozen=True)
class Material:
    """Everything that was decoded, once for all checks.

    Attributes:
        kind: Kind of the data.
        names: Names of the sets, in words.
        entries: The n items that could be decoded.
        sides: For each item (n,) 0 for the checked set, 1 for the set it is compared with.
        digests: Digest of each item's decoded content, equal for equal items in different files.
        unreadable: Source, reason and side of each unreadable item.
        pictures: Reduced pictures, if the data are pictures.
        file_kinds: Unusual properties of the items' files, one tuple for each picture.
        features: Array (n, d) of float32 that a simple classifier learns from; None if there is none.
        properties: One number for each item, under a name for people.
        roots: The folders or files, to find files next to the items.
        kept: Cache of results that several checks need.
    """

    kind: Kind
    names: tuple[str, ...]
    entries: Sequence[Entry]
    sides: NDArray[np.int64]
    digests: Sequence[bytes]
    unreadable: Sequence[tuple[str, str, int]] = ()
    pictures: Pictures | None = None
    file_kinds: Sequence[tuple[str, ...]] = ()
    features: Floats | None = None
    properties: Mapping[str, Floats] = field(default_factory=dict)
    roots: tuple[Path, ...] = ()
    kept: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def is_pair(self) -> bool:
        """Return whether there are two sets."""
        return len(self.names) > 1

    def name_of(self, index: int) -> str:
        """Return the name of an item in a finding."""
        source = self.entries[index].source
        return source if self.sides[index] == 0 else f"{self.names[1]}: {source}"

    def names_of(self, groups: Sequence[Sequence[int]]) -> tuple[tuple[str, ...], ...]:
        """Return the names of the items of the first groups, as many as a finding lists."""
        return tuple(tuple(self.name_of(i) for i in group) for group in groups[:MAX_NAMED])


@dataclass(frozen=True)
class Outcome:
    """Result of one check.

    Attributes:
        findings: Findings for people.
        counts: Counts by name; None where nothing was counted.
        leave_out: Sources of the first set that may be left out.
        suspects: Items whose labels are probably wrong.
    """

    findings: tuple[CheckFinding, ...] = ()
    counts: Mapping[str, int | None] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()


@dataclass(frozen=True)
class Check:
    """One check. Each module of `workers.evaluate.checks.kinds` owns one instance.

    Attributes:
        id: Unique name.
        title: Name for people.
        source: The paper or the library's documentation.
        order: Position in the report.
        run: Function that runs the check.
    """

    id: str
    title: str
    source: str
    order: int
    run: Callable[[Material, JobContext], Outcome]

    def finding(self, level: Level, what: str, hint: str = "", items: Sequence[str] = (), **more: Any) -> CheckFinding:
        """Return a finding of this check that names and counts `items`; `more` are further fields of it."""
        if items:
            more = {"count": len(items), "items": tuple(items[:MAX_NAMED]), **more}
        return CheckFinding(check=self.id, level=level, what=what, hint=hint, **more)
