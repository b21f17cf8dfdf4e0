"""Read a log of `writing.py` from any source: cut, mixed, huge or forged.

Implausible lines are left out and counted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ..pipeline.words import WordedError
from .bins import usual_edges
from .reference import MOST_CLASSES, MOST_STATISTICS, NotAReference, Reference, parse, whole
from .writing import CURRENT, FORMAT, SUFFIX, VERSION

MOST_LINE_BYTES = 4 << 20
MOST_BYTES = 128 << 20
"""Maximum size that is read, twice the default size of a log; of a larger log the newest part is read."""
MOST_PARTS = 256
"""Maximum number of bundles in one log."""
MOST_COUNT = 10_000_000
"""Maximum count in one line; more than a computer predicts in a minute."""
MOST_S, FIRST_T, LAST_T = 1e7, 0.0, 1e11
LATENCY_BINS = (-200, 400)
"""Range of latency bins: a nanosecond to more than a day."""


LINES_BETWEEN_PROGRESS = 500

Progress = Callable[[int, int], None]
"""Receives (bytes read, bytes of all files); its exceptions end the reading."""


class NotALog(WordedError, ValueError):
    """Error: the file or folder is not a log; `code` is missing, empty, foreign, newer, damaged or unreadable."""

    def __init__(self, code: str, template: str, *facts: object) -> None:
        """Create an error with its code and a clause about the file."""
        super().__init__(template, *facts)
        self.code = code


@dataclass(frozen=True)
class Record:
    """One line of a log (see `writing.py`); `figures` maps names to (sum, counts)."""

    t: float
    seconds: float
    n: int
    errors: int
    figures: dict[str, tuple[float, tuple[int, ...]]]
    classes: dict[int, int]
    latency: dict[int, int]
    kept: int
    not_finite: int
    lost: int


@dataclass
class LogPart:
    """All lines of one bundle, in the order in which they were written."""

    bundle: str
    title: str
    run_id: str
    kind: str
    reference: Reference
    records: list[Record] = field(default_factory=list)


@dataclass(frozen=True)
class ReadLog:
    """Content of a log.

    Attributes:
        parts: Lines by bundle, in the order in which the bundles began.
        left_out: Number of skipped lines by reason: not_a_line, no_header, newer, too_long, damaged_header,
            too_many_bundles.
        is_cut: The log was too large to read at once, and the oldest part was left out.
        went_back: Number of times at which the clock went back.
    """

    parts: tuple[LogPart, ...]
    left_out: dict[str, int]
    is_cut: bool
    went_back: int


def files_of(log: Path) -> list[Path]:
    """Return the files of a log, the oldest first: those of its folder, or the one file.

    Raises:
        NotALog: There is no log.
    """
    if log.is_dir():
        found = [path for path in log.glob(f"*{SUFFIX}") if path.is_file()]  # a pipe would block
        files = sorted(found, key=lambda path: (path.name == CURRENT, path))
        if not files:
            raise NotALog("foreign", "there is no log in this folder")
        return files
    if not log.is_file():
        raise NotALog("missing", "there is no such file")
    return [log]


def read_log(log: Path, progress: Progress | None = None) -> ReadLog:
    """Return all plausible lines of a log.

    Raises:
        NotALog: The log has no plausible line.
    """
    files = files_of(log)
    kept, is_cut = _newest(files)
    reading = _Reading()
    total = sum(path.stat().st_size for path in kept)
    done = 0
    try:
        for path in kept:
            with path.open("rb") as file:
                for number, line in enumerate(_lines(file)):
                    reading.take(line)
                    if progress and number % LINES_BETWEEN_PROGRESS == 0:
                        progress(done + file.tell(), total)
            done += path.stat().st_size
    except OSError as error:
        raise NotALog("unreadable", "it cannot be read ({0})", error.strerror or error) from error
    if not reading.parts:
        raise reading.refusal(sum(path.stat().st_size for path in files))
    return ReadLog(tuple(reading.parts.values()), reading.left_out, is_cut, reading.went_back)


def _newest(files: list[Path]) -> tuple[list[Path], bool]:
    """Return the newest files that fit into the size limit, oldest first, and whether others were left out."""
    kept: list[Path] = []
    size = 0
    for path in reversed(files):
        size += path.stat().st_size
        if size > MOST_BYTES and kept:
            return kept[::-1], True
        kept.append(path)
    return kept[::-1], size > MOST_BYTES


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Yield the lines; None for a line that is too long. Of a huge file yield the first line and the end."""
    size = file.seek(0, 2)
    file.seek(0)
    if size > MOST_BYTES:
        yield file.readline(MOST_LINE_BYTES)
        file.seek(size - MOST_BYTES)
        file.readline(MOST_LINE_BYTES)
    while line := file.readline(MOST_LINE_BYTES):
        if len(line) == MOST_LINE_BYTES and not line.endswith(b"\n"):
            while rest := file.readline(MOST_LINE_BYTES):
                if rest.endswith(b"\n"):
                    break
            yield None
        elif line.strip():
            yield line


class _Reading:
    def __init__(self) -> None:
        self.parts: dict[str, LogPart] = {}
        self.left_out: dict[str, int] = {}
        self.went_back = 0
        self._names: dict[str, set[str]] = {}

    def take(self, line: bytes | None) -> None:
        reason = "too_long" if line is None else self._take(line)
        if reason:
            self.left_out[reason] = self.left_out.get(reason, 0) + 1

    def _take(self, line: bytes) -> str:
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            return "not_a_line"
        if not isinstance(document, dict):
            return "not_a_line"
        if "log" in document:
            return self._head(document)
        part = self.parts.get(str(document.get("bundle"))[:40])
        if part is None:
            return "no_header"
        try:
            record = _record(document, part.reference)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return "not_a_line"
        names = self._names.setdefault(part.bundle, set())
        if len(names | record.figures.keys()) > MOST_STATISTICS:
            return "not_a_line"
        names.update(record.figures)
        self.went_back += bool(part.records) and record.t < part.records[-1].t - 1
        part.records.append(record)
        return ""

    def _head(self, document: dict[str, Any]) -> str:
        version = document.get("version")
        if document["log"] != FORMAT or not isinstance(version, int):
            return "damaged_header"
        if version > VERSION:
            return "newer"
        bundle = str(document.get("bundle"))[:40]
        try:
            reference = parse(document.get("reference"))
        except NotAReference:
            return "damaged_header"
        if bundle not in self.parts:
            if len(self.parts) == MOST_PARTS:
                return "too_many_bundles"
            title, run_id, kind = (str(document.get(name, ""))[:200] for name in ("title", "run_id", "kind"))
            self.parts[bundle] = LogPart(bundle, title, run_id, kind, reference)
        return ""

    def refusal(self, size: int) -> NotALog:
        if not size:
            return NotALog("empty", "the file is empty")
        if self.left_out.get("newer"):
            return NotALog("newer", "a newer Fettle wrote it")
        if self.left_out.get("damaged_header") or self.left_out.get("no_header"):
            return NotALog("damaged", "its first line, which describes it, is missing or damaged")
        return NotALog("foreign", "it is no log of a bundle")


def _record(document: dict[str, Any], reference: Reference) -> Record:
    """Return the record of a document; raise an error for implausible values."""
    figures = document["figures"]
    if len(figures) > MOST_STATISTICS:
        raise ValueError("too many figures")
    return Record(
        t=_number(document["t"], FIRST_T, LAST_T),
        seconds=_number(document["s"], 0, MOST_S),
        n=_count(document["n"]),
        errors=_count(document["errors"]),
        figures={str(name)[:40]: _histogram(str(name)[:40], one, reference) for name, one in figures.items()},
        classes=_counts(document["classes"], 0, MOST_CLASSES),
        latency=_counts(document["latency"], *LATENCY_BINS),
        kept=_count(document["kept"]),
        not_finite=_count(document["not_finite"]),
        lost=_count(document["lost"]),
    )


def _histogram(name: str, one: Any, reference: Reference) -> tuple[float, tuple[int, ...]]:
    total, counts = one
    expected = reference.statistics.get(name)
    edges = usual_edges(name) if expected is None else expected.edges
    if not isinstance(counts, list) or len(counts) != 1 + len(edges):
        raise ValueError("the histogram has other bins")
    if set(map(type, counts)) != {int} or min(counts) < 0 or max(counts) > MOST_COUNT:
        raise ValueError("no counts")
    return _number(total, -1e300, 1e300), tuple(counts)


def _number(value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("no number")
    if not low <= value <= high:
        raise ValueError("an impossible number")
    return float(value)


def _count(value: Any) -> int:
    return whole(value, MOST_COUNT)


def _counts(value: Any, low: int, high: int) -> dict[int, int]:
    counts = {int(number): _count(count) for number, count in value.items()}
    if any(not low <= number < high for number in counts):
        raise ValueError("an impossible number")
    return counts
