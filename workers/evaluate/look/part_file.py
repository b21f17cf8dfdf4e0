"""Append answers to a file that outlives the job, so that an interrupted job continues where it stopped."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from workers.contracts.after.answering import ENDED_FILE, NOW_FILE

MOST_LINE_BYTES = 32 << 20
"""Longest line that is read back; a longer one is not a row of ours."""


class PartFile:
    """The rows answered so far, below a first line that says what they belong to.

    Of an existing file the rows with the same first line are kept, as far as `stamps` (by the name of the input) has
    their mark; everything else is dropped. Rows are on disk as soon as they are added, except after a power failure.
    """

    def __init__(self, path: Path, head: Mapping[str, Any], stamps: Mapping[str, str]) -> None:
        """Open the file for the inputs `stamps`, and drop what does not belong to them."""
        self._stamps = stamps
        self.failed = 0
        self.done: set[str] = set()
        rows = _lines(path)
        is_same = next(rows, None) == head
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(_line(head))
            for row in rows if is_same else ():
                name = row.get("input")
                if isinstance(name, str) and name not in self.done and stamps.get(name) == row.get("at"):
                    file.write(_line(row))
                    self._count(name, row)
        fresh.replace(path)
        self._file = path.open("ab", buffering=0)
        self._now, ended = path.with_name(NOW_FILE), path.with_name(ENDED_FILE)
        if ended.is_file():
            name = json.loads(ended.read_bytes())
            if name in stamps and name not in self.done:
                self.add({"input": name, "error": "The model's process ended at this input."})
            ended.unlink()

    def begin(self, name: str) -> None:
        """Note which input is answered next, so that a crash can be blamed on it."""
        self._now.write_text(json.dumps(name), encoding="utf-8")

    def add(self, row: Mapping[str, Any]) -> None:
        """Append one row."""
        name = row["input"]
        self._file.write(_line({**row, "at": self._stamps[name]}))
        self._count(name, row)

    def _count(self, name: str, row: Mapping[str, Any]) -> None:
        self.done.add(name)
        self.failed += "error" in row

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(self, *_raised: object) -> None:
        """Close the file, unless the process crashes."""
        self._file.close()
        self._now.unlink(missing_ok=True)


def rows_of(path: Path) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """Return the first line and the rows of a part file, without their marks."""
    rows = _lines(path)
    head = next(rows)
    return head, ({name: value for name, value in row.items() if name != "at"} for row in rows)


def _line(row: Mapping[str, Any]) -> bytes:
    """Return a row as JSON; half characters, which a stranger's names may hold, become question marks."""
    return (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield whole lines that are JSON objects; an interruption may have cut the last one."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        while line := file.readline(MOST_LINE_BYTES):
            try:
                row = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                row = None
            if isinstance(row, dict):
                yield row
