"""What a reader of data finds, before anything is decoded: entries that are opened one by one.

A reader is one module of `workers.evaluate.data.readers` that holds `READER = Reader(...)`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused
from workers.contracts.specs import Finding
from workers.evaluate.data.dataset import Box, Kind
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, PipelineSpec, TextSteps

Sample = Path | str | NDArray[Any] | Mapping[str, NDArray[Any]]
"""What `Pipeline.feeds_from` takes."""

READABLE: dict[type[Any], str] = {
    ImageSteps: "pictures",
    TextSteps: "texts",
    AudioSteps: "sounds (WAV files)",
    ArraySteps: "arrays (an NPZ file)",
}


@dataclass(frozen=True)
class Entry:
    """One item as it was found. `labels` are raw: names or numbers as written. `steps` gives one label for each of a
    number of time steps (below 0: none).

    `source` names it for people ("cats/tom.png", "row 12"). `open` gives the sample, `content` its raw bytes' digest,
    by which the split is seeded. `columns` are the person's other columns. `target`, `boxes`, `mask` (a file),
    `transcript` and `pairs` are truths for models whose answers are no classes (see
    `workers.evaluate.data.dataset.Item`).
    """

    source: str
    open: Callable[[], Sample]
    content: Callable[[], bytes]
    labels: tuple[str, ...] = ()
    text: str | None = None
    steps: Callable[[int], NDArray[np.int64]] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    target: tuple[float, ...] = ()
    boxes: tuple[Box, ...] | None = None
    mask: Path | None = None
    transcript: str | None = None
    pairs: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Columns:
    """A table's columns, and which were taken for text and label ("" for none)."""

    names: tuple[str, ...] = ()
    text: str = ""
    label: str = ""


@dataclass(frozen=True)
class Collection:
    """All that a reader found. `class_names` say what numbers mean in the data's own labels.

    `missing` are files that a list names and that are not there.
    """

    kind: Kind
    entries: Sequence[Entry]
    class_names: tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    columns: Columns = Columns()


@dataclass(frozen=True)
class Options:
    """What the person said about the data, and the model that it is for."""

    spec: PipelineSpec
    text_column: str | None = None
    label_column: str | None = None


@dataclass(frozen=True)
class Reader:
    """`matches(path)` looks at names and first bytes only. `suits` lists the preprocessing that it can feed."""

    id: str
    title: str
    suits: tuple[type[Any], ...]
    matches: Callable[[Path], bool]
    read: Callable[[Path, Options], Collection]


def digest(*parts: bytes) -> bytes:
    """16 bytes that stand for the content."""
    value = hashlib.blake2b(digest_size=16)
    for part in parts:
        value.update(len(part).to_bytes(8, "little"))
        value.update(part)
    return value.digest()


def file_digest(path: Path) -> bytes:
    """The digest of a file's bytes; of its name where it cannot be read (opening it will say why)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    except OSError:
        return digest(str(path).encode(errors="surrogateescape"))


def array_digest(*arrays: NDArray[Any]) -> bytes:
    """The digest of arrays with their shapes and dtypes."""
    return digest(*(f"{a.dtype.str}{a.shape}".encode() + np.ascontiguousarray(a).tobytes() for a in arrays))


def shown(name: str) -> str:
    """A file's name as valid text: bytes that are no UTF-8 become "�"."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


NOT_FINITE = "It holds numbers that are not finite."
"""Why the check of data and a run refuse data without a single number."""


def names_of(items: Sequence[str], most: int = 3) -> str:
    """ "a, b, c and 4 more": for sentences."""
    listed = ", ".join(f"“{shown(item)[:80]}”" for item in items[:most])
    rest = len(items) - most
    return f"{listed} and {rest} more" if rest > 0 else listed


def nothing_readable(path: Path, title: str, sought: str, hint: str) -> InputRefused:
    """Return the refusal of a path without a single readable item: `sought` says what was looked for."""
    try:
        inside = sorted(child.name for child in path.iterdir()) if path.is_dir() else []
    except OSError:
        inside = []
    holds = "" if path.is_file() else f" It holds {names_of(inside)}." if inside else " It is empty."
    if path.suffix.lower() == ".zip" and path.is_file():
        hint = "Unpack the ZIP file, and choose the folder that comes out of it."
    return InputRefused("no_data_found", title, f"{sought} in “{shown(path.name)}”.{holds}", hint)
