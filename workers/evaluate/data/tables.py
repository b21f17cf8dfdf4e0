"""Read tables of text: detect separator, encoding and header, and report unusual ones.

JSON Lines are tables as well: each object is a row, and its keys are the columns.
"""

import csv
import io
import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workers.contracts.errors import InputRefused
from workers.contracts.specs import Finding
from workers.contracts.translation import _, mark, ngettext
from workers.evaluate.data.base import info, warning

MAX_BYTES = 1 << 30
MAX_LINE_CHARS = 8_000_000
"""Longest accepted line of JSON in characters. Brackets alone take 25 times their size in memory."""
FREE_CELLS = 5_000_000
"""Number of cells that every table may have. More are allowed if the text has a character for each, as full tables do.
"""
JSON_LINES = frozenset({".jsonl", ".ndjson", ".json"})
SEPARATORS = {
    ",": "",
    ";": mark("The columns of {0} are separated by a semicolon."),
    "\t": mark("The columns of {0} are separated by a tab."),
    "|": mark("The columns of {0} are separated by a vertical bar."),
}
"""Characters between columns; all but the comma are reported."""


@dataclass(frozen=True)
class Table:
    """A table of text; every row has as many cells as `header`.

    Without a header line the columns are called column 1, column 2, …
    """

    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    findings: tuple[Finding, ...] = field(default=())
    separator: str = ","

    def column(self, *names: str) -> int | None:
        """Return the index of the first of `names` that is a column (case and outer blanks are ignored)."""
        known = {name.strip().casefold(): index for index, name in reversed(list(enumerate(self.header)))}
        return next((known[n.strip().casefold()] for n in names if n.strip().casefold() in known), None)


def read_table(path: Path, header_names: Sequence[str] = ()) -> Table:
    """Read a CSV, TSV, JSON Lines or list of lines.

    Args:
        path: The file.
        header_names: Names that mark a header line.

    Raises:
        InputRefused: If the file is not a table.
        OSError: If it cannot be read.
    """
    text, findings = read_text(path)
    if path.suffix.lower() in JSON_LINES:
        return _from_json_lines(path, text, findings)
    separator = "\n" if path.suffix.lower() == ".txt" else sniff_separator(text)
    try:
        rows = [[line] for line in text.splitlines()] if separator == "\n" else _parse(text, separator)
    except csv.Error as error:
        raise _refused(_("{0} is damaged ({1}).").format(path.name, error)) from error
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise _refused(_("{0} has no rows.").format(path.name))
    if separator not in (",", "\n"):
        findings.append(info(_(SEPARATORS[separator]).format(path.name)))
    width = max(len(row) for row in rows)
    check_cells(path, width * len(rows), text)
    rows = [row + [""] * (width - len(row)) for row in rows]
    if separator != "\n" and is_header(rows, header_names):
        header, rows = tuple(cell.strip() or f"column {i + 1}" for i, cell in enumerate(rows[0])), rows[1:]
    else:
        header = tuple(f"column {i + 1}" for i in range(width))
    if not rows:
        raise _refused(_("{0} has a line of headings and no rows below it.").format(path.name))
    return Table(header, rows, tuple(findings), separator)


def _from_json_lines(path: Path, text: str, findings: list[Finding]) -> Table:
    """Read JSON Lines.

    Of a list only the first value counts (several reference texts). Lines that are not objects are left out and
    reported.
    """
    found, damaged, lists = [], 0, 0
    for line in text.split("\n"):  # Other line ends may occur within strings.
        if not line.strip():
            continue
        try:
            row = json.loads(line) if len(line) <= MAX_LINE_CHARS else None
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or not row:
            damaged += 1
            continue
        lists += any(isinstance(value, list) and len(value) > 1 and not _is_dialogue(value) for value in row.values())
        found.append({str(key): _cell(value) for key, value in row.items()})
    if not found:
        raise _refused(_("{0} holds no line that is a JSON object.").format(path.name))
    if damaged:
        what = ngettext(
            "{0} of {1:,} lines of {2} is no JSON object and is left out.",
            "{0:,} of {1:,} lines of {2} are no JSON objects and are left out.",
            damaged,
        )
        findings.append(warning(what.format(damaged, damaged + len(found), path.name)))
    if lists:
        what = ngettext(
            "In {0} row of {1} several values are given; the first counts.",
            "In {0:,} rows of {1} several values are given; the first counts.",
            lists,
        )
        findings.append(info(what.format(lists, path.name)))
    header = tuple(dict.fromkeys(key for row in found for key in row))
    check_cells(path, len(header) * len(found), text)
    return Table(header, [[row.get(key, "") for key in header] for row in found], tuple(findings))


def check_cells(path: Path, count: int, text: str) -> None:
    """Refuse tables in which short rows and a very long one would fill the memory with empty cells."""
    if count > max(FREE_CELLS, 2 * len(text)):
        what = _("{0} has rows of very different lengths, which would make {1:,} cells.")
        raise _refused(what.format(path.name, count))


def _is_dialogue(value: object) -> bool:
    """Return whether a value is a list of messages with role and content."""
    rows = value if isinstance(value, list) else []
    return bool(rows) and all(isinstance(row, dict) and {"role", "content"} <= row.keys() for row in rows)


def _cell(value: object) -> str:
    if _is_dialogue(value):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return _cell(value[0]) if value else ""
    if value is None or isinstance(value, dict):
        return "" if value is None else json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else json.dumps(value)


def read_text(path: Path) -> tuple[str, list[Finding]]:
    """Return the file as text: by its byte order mark, else UTF-16 if it has zeros, else UTF-8, else Windows-1252.

    Raises:
        InputRefused: If the file is not text.
        OSError: If it cannot be read.
    """
    if path.stat().st_size > MAX_BYTES:
        raise _refused(_("{0} is larger than 1 GB.").format(path.name))
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return raw.decode("utf-16"), [_encoding_finding(path, "UTF-16")]
        except UnicodeDecodeError as error:
            raise _refused(_("{0} is damaged: its characters cannot be decoded.").format(path.name)) from error
    if b"\0" in raw[:4096]:
        text = _unmarked_utf16(raw)
        if text is None:
            raise _refused(_("{0} is not a text file.").format(path.name))
        return text, [_encoding_finding(path, "UTF-16")]
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace"), [_encoding_finding(path, _("Windows-1252 (western European)"))]


def _unmarked_utf16(raw: bytes) -> str | None:
    """Return UTF-16 without a byte order mark as text: commas and line ends have a zero in the same half of each pair.

    Returns None if it is none.
    """
    first, second = raw[:4096:2].count(0), raw[1:4096:2].count(0)
    try:
        text = raw.decode("utf-16-le" if second > first else "utf-16-be")
    except UnicodeDecodeError:
        return None
    return None if min(first, second) * 4 > max(first, second) or "\0" in text else text


def _encoding_finding(path: Path, encoding: str) -> Finding:
    return info(_("{0} is not UTF-8 and was read as {1}.").format(path.name, encoding))


def _refused(detail: str) -> InputRefused:
    return InputRefused(
        "bad_table",
        "The table cannot be used",
        detail,
        "Save it as CSV (UTF-8) with one line of headings and one row for each text, and choose it again.",
    )


def sniff_separator(text: str) -> str:
    """Return the separator that gives most of the first 50 rows the same number of columns, above one; else a comma."""
    sample = text[:200_000]
    best, best_score = ",", 0.0
    for separator in SEPARATORS:
        rows = _parse(sample, separator, 50)
        widths = [len(row) for row in rows]
        if not widths:
            continue
        common = max(set(widths), key=widths.count)
        score = widths.count(common) / len(widths) if common > 1 else 0.0
        # The heading line has every column, so a character that does not occur in it is not the separator.
        if separator in text.split("\n", 1)[0] and score > best_score + 0.05:
            best, best_score = separator, score
    return best


def _parse(text: str, separator: str, most: int | None = None) -> list[list[str]]:
    csv.field_size_limit(50_000_000)
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=separator)
    return list(itertools.islice(reader, most))


def is_header(rows: Sequence[Sequence[str]], names: Sequence[str] = ()) -> bool:
    """Return whether the first row is a header: known names, or short words above numbers or much longer texts."""
    first, rest = rows[0], rows[1:50]
    cells = [cell.strip() for cell in first]
    if {cell.casefold() for cell in cells} & {name.casefold() for name in names}:
        return True
    if not rest or len(set(cells)) < len(cells) or any(is_number(cell) for cell in cells):
        return False
    for column, cell in enumerate(cells):
        below = [row[column] for row in rest]
        if cell and all(is_number(value) for value in below if value.strip()) and any(v.strip() for v in below):
            return True
        if cell and len(cell) < 25 and sum(map(len, below)) / len(below) > 3 * len(cell) + 10:
            return True
    return False


def finite_number(value: str) -> float | None:
    """Return the number that is written; None if there is none, and for NaN and infinity."""
    number = _number(value)
    return number if number is not None and math.isfinite(number) else None


def is_number(value: str) -> bool:
    """Return whether the text is a number, NaN and infinity included."""
    return _number(value) is not None


def number_in(cell: str, *, has_decimal_commas: bool) -> float | None:
    """Return the number of a cell; a comma is the decimal point in tables that are separated by something else."""
    return _number(cell.replace(",", ".") if has_decimal_commas and cell.count(",") == 1 else cell)


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
