"""Read the rows of a part file while a worker appends to it; of 100,000 rows only places are kept."""

import json
from array import array
from functools import lru_cache
from pathlib import Path
from typing import Any

from workers.contracts.after.answering import PART_FILE, Cells, cells, headings

PIECE_BYTES, KEPT_ROWS = 1 << 20, 256
"""Bytes that one look reads, so that the window stays responsive, and number of rows that are kept decoded."""


class PartRows:
    """The whole lines of a part file, owned by the page's controller; `look` finds those that came since."""

    def __init__(self, part: Path) -> None:
        """Open a part; raise OSError or ValueError if it holds no answers."""
        self._file = (part / PART_FILE).open("rb")
        self.head: dict[str, Any] = json.loads(self._file.readline())
        self.headings = headings(self.head)
        self._ends = array("q", [self._file.tell()])
        self._read_to = self._file.tell()
        self.cells = lru_cache(KEPT_ROWS)(self._cells)

    def __len__(self) -> int:
        """Return the number of rows found so far."""
        return len(self._ends) - 1

    def look(self) -> bool:
        """Find new rows in one piece of the file; return whether there may be more."""
        self._file.seek(self._read_to)
        piece = self._file.read(PIECE_BYTES)
        at = piece.find(b"\n")
        while at >= 0:
            self._ends.append(self._read_to + at + 1)
            at = piece.find(b"\n", at + 1)
        self._read_to += len(piece)
        return len(piece) == PIECE_BYTES

    def _cells(self, row: int) -> Cells:
        start, end = self._ends[row], self._ends[row + 1]
        self._file.seek(start)
        return cells(json.loads(self._file.read(end - start)), self.head)

    def close(self) -> None:
        """Close the file of answers; no row can be read afterwards."""
        self._file.close()
