"""Define what a check gets and returns: one module of `workers.evaluate.checks.kinds` with `CHECK = Check(...)`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.checks import MAX_NAMED, CheckFinding, Suspect
from workers.contracts.process.context import JobContext
from workers.evaluate.data.dataset import Kind

Floats = NDArray[np.float32]
Level = Literal["info", "warning", "danger"]


@dataclass(frozen=True)
class Unit:
    """One decoded item.

    Attributes:
        source: Name for people.
        side: 0 for the checked set, 1 for the set it is compared with.
        digest: Digest of the decoded content, equal for equal items in different files.
        labels: Labels as written.
        text: The text, if the item is one.
    """

    source: str
    side: int
    digest: bytes
    labels: tuple[str, ...] = ()
    text: str | None = None


@dataclass(frozen=True)
class Pictures:
    """Reduced pictures of n units.

    Attributes:
        small: Array (n, 32, 32, 3) of uint8, RGB.
        hashes: Array (n, crops) of uint64.
        sizes: Array (n, 2), width and height in pixels.
        modes: Unusual properties of each file.
    """

    small: NDArray[np.uint8]
    hashes: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    modes: tuple[str, ...]


@dataclass(frozen=True)
class Material:
    """Everything that was decoded, once for all checks.

    Attributes:
        kind: Kind of the data.
        names: Names of the sets, in words.
        units: The decoded items.
        unreadable: Source, reason and side of each unreadable item.
        pictures: Reduced pictures, if the data are pictures.
        features: Array (n, d) of float32 that a simple classifier learns from; None if there is none.
        properties: One number for each unit, under a name for people.
        roots: The folders or files, to find files beside the items.
    """

    kind: Kind
    names: tuple[str, ...]
    units: Sequence[Unit]
    unreadable: Sequence[tuple[str, str, int]] = ()
    pictures: Pictures | None = None
    features: Floats | None = None
    properties: dict[str, Floats] = field(default_factory=dict)
    roots: tuple[Path, ...] = ()
    kept: dict[str, Any] = field(default_factory=dict, compare=False)
    """Cache of results that several checks need."""

    @property
    def sides(self) -> NDArray[np.int64]:
        """Return 0 or 1 for each unit, (n,)."""
        return np.asarray([unit.side for unit in self.units], np.int64)

    @property
    def is_pair(self) -> bool:
        """Return whether there are two sets."""
        return len(self.names) > 1

    def name_of(self, index: int) -> str:
        """Return the name of a unit in a finding."""
        unit = self.units[index]
        return unit.source if unit.side == 0 else f"{self.names[1]}: {unit.source}"


@dataclass(frozen=True)
class Outcome:
    """Result of one check.

    Attributes:
        findings: Findings for people.
        counts: Counts by name; None where nothing was counted.
        leave_out: Sources of the first set that may be left out.
        leaked: Number of items that both sets share.
        suspects: Items whose labels are probably wrong.
    """

    findings: tuple[CheckFinding, ...] = ()
    counts: dict[str, int | None] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    leaked: int = 0
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

    def finding(self, level: Level, what: str, hint: str = "", **more: Any) -> CheckFinding:
        """Return a finding of this check; `more` are further fields of it."""
        return CheckFinding(check=self.id, level=level, what=what, hint=hint, **more)


def named(values: Sequence[str]) -> tuple[str, ...]:
    """Return the first values, as many as a finding names."""
    return tuple(values[:MAX_NAMED])
