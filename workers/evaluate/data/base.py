"""Define what a reader of data returns before anything is decoded: entries that are opened one by one.

A reader is one module of `workers.evaluate.data.readers` that defines `READER = Reader(...)`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused
from workers.contracts.specs import Finding
from workers.contracts.translation import Message, _, joined, mark, message_of
from workers.evaluate.data.dataset import Box, Kind
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, PipelineSpec, TextSteps

Sample = Path | str | NDArray[Any] | Mapping[str, NDArray[Any]]
"""The input that `Pipeline.feeds_from` accepts."""

READABLE: dict[type[Any], str] = {
    ImageSteps: mark("pictures"), TextSteps: mark("texts"), AudioSteps: mark("sounds (WAV files)"),
    ArraySteps: mark("rows of numbers (a table or an NPZ file)"),
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One item that a reader found, before it is decoded.

    Attributes:
        source: Name for people ("cats/tom.png", "row 12").
        open: Function that returns the sample.
        content: Function that returns the digest of the raw bytes, which seeds the split.
        labels: Raw labels: names or numbers as written.
        text: The text, if the item is one; the numbers of a row of a table as written.
        steps: Function from a number of time steps to one label for each of them (below 0: none).
        columns: The person's other columns.
        target: Reference numbers (see `workers.evaluate.data.dataset.Item`).
        boxes: Labelled boxes; None without labels.
        mask: File of the label mask.
        transcript: Reference transcript.
        pairs: Rated pairs of texts that contain this one.
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
class Collection:
    """All items that a reader found.

    Attributes:
        kind: Kind of the data.
        entries: The items.
        class_names: What numbers in the data's own labels mean.
        missing: Files that a list names but that do not exist.
        findings: Findings for people.
        columns: Columns of a table.
        text_column: The column that holds the texts; "" if there is none.
        label_column: The column that holds the labels; "" if there is none.
        row_columns: Columns of a row of numbers in the order in which the model takes them; () if they are too many.
    """

    kind: Kind
    entries: Sequence[Entry]
    class_names: tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    columns: tuple[str, ...] = ()
    text_column: str = ""
    label_column: str = ""
    row_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """The columns that the person chose, and the SPEC of the model that the data are for.

    `row_columns` are those of earlier rows of numbers in the order of the model; a table that has all of them is read
    by their names.
    """

    spec: PipelineSpec
    text_column: str | None = None
    label_column: str | None = None
    row_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reader:
    """One format of data. Each module of `workers.evaluate.data.readers` owns one instance.

    Attributes:
        id: Unique name.
        title: Name for people.
        suits: Kinds of preprocessing that the reader can feed.
        matches: Function that decides from names and first bytes only whether a path has this format.
        read: Function that reads the path.
    """

    id: str
    title: str
    suits: tuple[type[Any], ...]
    matches: Callable[[Path], bool]
    read: Callable[[Path, Options], Collection]


def info(what: str, code: str = "") -> Finding:
    """Return a finding that people may want to know."""
    return Finding(level="info", what=what, code=code)


def warning(what: str, code: str = "") -> Finding:
    """Return a finding that people should look at."""
    return Finding(level="warning", what=what, code=code)


def digest(*parts: bytes) -> bytes:
    """Return a digest of 16 bytes."""
    value = hashlib.blake2b(digest_size=16)
    for part in parts:
        value.update(len(part).to_bytes(8, "little"))
        value.update(part)
    return value.digest()


def file_digest(path: Path) -> bytes:
    """Return the digest of a file's bytes, or of its name if it cannot be read.

    An unreadable file fails later, when it is opened.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    except OSError:
        return digest(str(path).encode(errors="surrogateescape"))


def array_digest(*arrays: NDArray[Any]) -> bytes:
    """Return the digest of arrays with their shapes and dtypes."""
    return digest(*(f"{a.dtype.str}{a.shape}".encode() + np.ascontiguousarray(a).tobytes() for a in arrays))


def shown(name: str) -> str:
    """Return the name of a file as valid text: bytes that are not UTF-8 become "�"."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


NOT_FINITE = mark("It holds numbers that are not finite.")
"""The reason why the data check and a run reject data without a single finite number."""


LONGEST_NAME = 80
"""Letters of a name in a sentence."""

OTHER_FORMATS: Mapping[type, tuple[frozenset[str], str]] = {
    ImageSteps: (
        frozenset({".heic", ".heif", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".svg", ".psd"}),
        mark("Save them as JPEG or PNG, and choose them again."),
    ),
    AudioSteps: (
        frozenset({".mp3", ".m4a", ".aac", ".flac", ".ogg", ".opus", ".wma"}),
        mark("Save them as WAV, and choose them again."),
    ),
}
"""Suffixes of usual pictures and sounds that cannot be read, with what to do, by the preparation of the model."""

MOST_LOOKED_AT = 10_000
"""Files of a folder without readable data whose suffixes are looked at for a hint."""


def names_of(items: Sequence[str], most: int = 3) -> str:
    """Return a list for sentences, for example "a, b, c and 4 more"."""
    listed = joined((_("“{0}”").format(_shortened(shown(item))) for item in items[:most]), ", ")
    rest = len(items) - most
    return _("{0} and {1} more").format(listed, rest) if rest > 0 else listed


def _shortened(name: str) -> str:
    """Return a name without its middle if it is long: files in deep folders differ at the end."""
    return name if len(name) <= LONGEST_NAME else f"{name[:30]}…{name[31 - LONGEST_NAME :]}"


def reason_of(error: Exception, most: int = 400) -> str:
    """Return an error's own words with their template, else its text as a sentence of about `most` letters."""
    words = message_of(error)
    return words if isinstance(words, Message) else f"{' '.join(words.split())[:most].rstrip('.')}."


def nothing_readable(path: Path, title: str, sought: str, hint: str, spec: PipelineSpec | None = None) -> InputRefused:
    """Return the error for a path without a single readable item; `sought` is the sentence about the search.

    Files of a format that Fettle does not read get a hint of their own, if the model of `spec` would take such data.
    """
    try:
        inside = sorted(child.name for child in path.iterdir()) if path.is_dir() else []
    except OSError:
        inside = []
    holds = "" if path.is_file() else _("It holds {0}.").format(names_of(inside)) if inside else _("It is empty.")
    if path.suffix.lower() == ".zip" and path.is_file():
        hint = mark("Unpack the ZIP file and choose the unpacked folder.")
    looked_at = islice(path.rglob("*"), MOST_LOOKED_AT) if path.is_dir() else ()
    suffixes = {file.suffix.lower() for file in (path, *looked_at)}
    for steps, (others, to_do) in OTHER_FORMATS.items():
        if others & suffixes and (spec is None or isinstance(spec.preprocess, steps)):
            hint = to_do
    return InputRefused("no_data_found", title, joined([sought, holds]), hint)
