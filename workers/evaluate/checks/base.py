"""What a check gets and gives. A check is one module of `workers.evaluate.checks.kinds` with `CHECK = Check(...)`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.data.checks import MAX_NAMED, CheckFinding, Suspect
from workers.contracts.process.context import JobContext
from workers.contracts.wording import counted, is_are
from workers.evaluate.data.dataset import Kind

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Unit:
    """One item that was decoded. `side` 0 is the set that is checked, 1 the one beside it.

    `digest` stands for the decoded content: equal for items that are the same whatever their file looks like.
    """

    source: str
    side: int
    digest: bytes
    labels: tuple[str, ...] = ()
    text: str | None = None


@dataclass(frozen=True)
class Pictures:
    """For each unit: `small` (n, 32, 32, 3) uint8 RGB, `hashes` (n, crops) uint64, `sizes` (n, 2) width and height in
    pixels, `modes` as the files have them."""

    small: NDArray[np.uint8]
    hashes: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    modes: tuple[str, ...]


@dataclass(frozen=True)
class Material:
    """Everything that was decoded, once for all checks.

    `names` are the sets in words. `features` (n, d) float32 are what a simple classifier learns from, None where there
    are none; `properties` hold one number for each unit under a name for people. `unreadable` are (source, reason,
    side). `roots` are the folders or files, for what lies beside the items.
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
    """What one check found out and another needs, too."""

    @property
    def sides(self) -> NDArray[np.int64]:
        """0 or 1 for each unit."""
        return np.asarray([unit.side for unit in self.units], np.int64)

    @property
    def is_pair(self) -> bool:
        """Whether there are two sets."""
        return len(self.names) > 1

    def name_of(self, index: int) -> str:
        """How a unit is named in a finding."""
        unit = self.units[index]
        return unit.source if unit.side == 0 else f"{self.names[1]}: {unit.source}"


@dataclass(frozen=True)
class Outcome:
    """Findings, counts by name (None: not counted), and sources of the first set that may be left out."""

    findings: tuple[CheckFinding, ...] = ()
    counts: dict[str, int | None] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    leaked: int = 0
    suspects: tuple[Suspect, ...] = ()


@dataclass(frozen=True)
class Check:
    """`order` is the place in the report. `source` cites the paper or the library's documentation."""

    id: str
    title: str
    source: str
    order: int
    run: Callable[[Material, JobContext], Outcome]


def items_words(count: int) -> str:
    """ "1 item", "1,200 items"."""
    return counted(count, "item")


def named(values: Sequence[str]) -> tuple[str, ...]:
    """As many as a finding names."""
    return tuple(values[:MAX_NAMED])


def are(count: int) -> str:
    return is_are(count)
