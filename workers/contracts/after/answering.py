"""Contracts of ``answer_files`` and ``answer_table``: the answers of a version to everything in a folder or file."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from workers.contracts.base import Frozen, PathText
from workers.contracts.specs import RunParams
from workers.contracts.wording import percent

PART_FILE = "answers.jsonl"
"""File of a part's folder: a first line that says what the rows belong to, then one row for each answered input."""
NOW_FILE, ENDED_FILE = "now", "ended"
"""Files beside it: the input that is being answered, and after a crash the input at which the process ended."""
FORMAT = 1
STAGE_ID = "answering"
"""Stage of the progress in inputs; its first report follows the first line of the part."""
TOP = 3
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""First characters for which a spreadsheet takes a text of a CSV as a formula (OWASP, "CSV Injection")."""
MOST_CELL_CHARS = 32_000
"""Longest text of a cell; Excel takes 32,767 characters."""

TableSuffix = Literal[".csv", ".xlsx", ".jsonl"]
Row = Mapping[str, Any]
Cells = tuple[str | float | None, ...]


class AnswerFilesParams(RunParams):
    """Parameters of ``answer_files``: answer everything at `path` and append each answer to the part in `part_dir`.

    Answers that the part holds already, of the same version and to unchanged inputs, are not computed again.

    Attributes:
        path: A folder, a table of texts, an NPZ file or a single input.
        version: Identity of the version; rows of another one are dropped.
        text_column: Column of the texts; None finds it.
        label_column: Column of a table of numbers that is left out.
        row_columns: Columns of a row of numbers in the order of the model, for tables that have all of them.
    """

    path: PathText
    version: str
    part_dir: str
    text_column: str | None = None
    label_column: str | None = None
    row_columns: tuple[str, ...] = ()


class AnswerTableParams(Frozen):
    """Parameters of ``answer_table``: write the rows of a part as one table into the job's folder."""

    part_dir: str
    suffix: TableSuffix


class AnswerFilesResult(Frozen):
    """Number of inputs with and without an answer; `path` is the table in the work folder, "" for none."""

    answered: int
    failed: int
    path: str = ""


CONFIDENCES = ("confidence", "second confidence", "third confidence")
"""Names of the columns that hold shares from 0 to 1."""


def headings(head: Row) -> tuple[str, ...]:
    """Return the names of a table's columns by the first line of its part."""
    text = ("text",) if head["text_column"] else ()
    return ("input", *text, "answer", *_further(head["kind"]), "problem")


def _further(kind: str) -> tuple[str, ...]:
    first, second, third = CONFIDENCES
    return {"labels": (first, "second", second, "third", third), "boxes": ("objects",)}.get(kind, ())


def cells(row: Row, head: Row) -> Cells:
    """Return a row's cells under `headings`: texts, numbers, and None for nothing."""
    text = (_cut(row.get("text", "")),) if head["text_column"] else ()
    return tuple(map(_written, (row["input"], *text, *_answer(row, head["kind"]), row.get("error"))))


def _written(cell: str | float | None) -> str | float | None:
    """Return a cell that each file format takes: half of a character (a lone surrogate) becomes its escape."""
    return cell.encode(errors="backslashreplace").decode() if isinstance(cell, str) else cell


def harmless(line: Cells) -> Cells:
    """Return the cells for a CSV, in which no text can become a formula."""
    return tuple(f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell for cell in line)


def _answer(row: Row, kind: str) -> Cells:
    width = 1 + len(_further(kind))
    found: list[str | float | None] = []
    if "scores" in row:
        found = [part for pair in list(row["scores"].items())[:TOP] for part in pair]
    elif "boxes" in row:
        found = [row["answer"], _cut("; ".join(_place(one) for one in row["boxes"]))]
    elif "shares" in row:
        shares = sorted(row["shares"].items(), key=lambda pair: -pair[1])
        found = [_cut(", ".join(f"{name} {percent(share)}" for name, share in shares))]
    elif "error" not in row:
        found = [_plain(row["answer"])]
    return (*found[:width], *(None,) * (width - len(found)))


def _plain(answer: Any) -> str | float:
    """Return a text, a single number, or several numbers as a list."""
    while isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, float | int):
        return answer
    return _cut(answer if isinstance(answer, str) else json.dumps(answer))


def _place(one: Row) -> str:
    return f"{one['class']} {percent(one['score'])} at {', '.join(f'{edge:.0f}' for edge in one['box'])}"


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CELL_CHARS else f"{text[:MOST_CELL_CHARS]} …"
