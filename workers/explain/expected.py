"""Read expected outputs of the user's own code: an NPZ, or a CSV or JSON Lines, with a row for each example."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from workers.contracts.errors import InputRefused
from workers.contracts.translation import _, joined, mark
from workers.contracts.wording import counted
from workers.evaluate.data.base import names_of, shown
from workers.evaluate.data.sniff import readable
from workers.evaluate.data.tables import JSON_LINES, MAX_LINE_CHARS, check_cells, read_table, read_text
from workers.pipeline.array_files import ArrayFileError, load_arrays
from workers.pipeline.spec import PipelineSpec

FILE_COLUMNS = ("file", "files")
"""Names of the column of files; `numpy.savez` itself takes no array called “file”."""
ERRORS = {
    "objects": mark("It holds Python objects, which could run code when they are opened."),
    "size": mark("It holds more arrays than fit into memory."),
}
"""Sentences by the code of an error of array files."""
NUMBERED = re.compile(r"(.+?)[._ \[](\d{1,7})\]?")
Columns = dict[str, NDArray[Any]]


def read_expected(path: Path, spec: PipelineSpec, sources: Sequence[str]) -> list[dict[str, NDArray[np.float32]]]:
    """Return the expected outputs of each of the data's entries by the model's output names, each (1, …).

    Args:
        path: The file.
        spec: The model's description. A single array belongs to its answer, whatever its name.
        sources: Names of the data's entries, in their order.

    Raises:
        InputRefused: The file cannot be read, or has other outputs or another number of rows. The facts hold both.
    """
    with readable(path):
        is_npz = path.suffix.lower() in (".npz", ".npy")
        columns = _arrays(path) if is_npz else _table(path, [entry.name for entry in spec.outputs])
    files = next((columns.pop(name) for name in FILE_COLUMNS if name in columns), None)
    counts = {name: len(values) if values.ndim else 0 for name, values in columns.items()}
    if not columns or len({*counts.values()}) != 1:
        raise _refused("unequal_rows", _("Its arrays have no common number of rows."), rows=dict(counts))
    rows = next(iter(counts.values()))
    order = range(rows) if files is None else _order(files, sources, rows)
    if files is None and rows != len(sources):
        why = _("It has {0}, and the data have {1}.").format(counted(rows, "row"), counted(len(sources), "example"))
        raise _refused("other_count", why, rows=rows, examples=len(sources))
    named = _named(columns, spec)
    return [{name: np.asarray(values[at], np.float32)[None] for name, values in named.items()} for at in order]


def _named(columns: Columns, spec: PipelineSpec) -> Columns:
    """Return the columns by the model's output names."""
    names = [entry.name for entry in spec.outputs]
    answer = next(entry.name for entry in spec.outputs if entry.answer)
    if len(columns) == 1 and not columns.keys() & {*names}:
        columns = {answer: next(iter(columns.values()))}
    known = {name: values for name, values in columns.items() if name in names}
    wanted = {answer} if spec.postprocess is None else {*spec.postprocess.outputs}
    if not wanted <= known.keys():
        words = _("It has {0}, and the model gives {1}.").format(names_of([*columns]), names_of(names))
        raise _refused("other_outputs", words, given=[*columns], outputs=[*names])
    if any(values.dtype.kind not in "biuf" for values in known.values()):
        raise _refused("no_numbers", _("It holds values that are no numbers."))
    return known


def check_shapes(expected: Mapping[str, NDArray[Any]], outputs: Mapping[str, NDArray[Any]], answer: Any) -> bool:
    """Return whether the first example's expected answer is pooled already; refuse other shapes.

    Args:
        expected: Expected outputs of one example, each (1, …).
        outputs: The model's outputs of the same example, each (1, …).
        answer: The name of the answer, and its values after pooling (1, …).
    """
    name, pooled = answer
    for one, values in expected.items():
        given, own = np.shape(values)[1:], np.shape(outputs[one])[1:]
        if given == own or (np.size(values) == np.size(outputs[one]) == 1):
            continue
        if one == name and given == np.shape(pooled)[1:]:
            return True
        words = _("Its “{0}” has the shape {1}, and the model’s is {2}.").format(one, given, own)
        raise _refused("other_shape", words, output=one, expected=[*given], model=[*own])
    return False


def _order(files: NDArray[Any], sources: Sequence[str], rows: int) -> list[int]:
    """Return the row of each entry by the names of files: whole names, else last parts that occur once."""
    given = [str(name).replace("\\", "/") for name in files.ravel()]
    if len(given) != rows:
        words = _("It has {0} and {1}.").format(counted(rows, "row"), counted(len(given), "file name"))
        raise _refused("other_count", words, rows=rows)
    at = {name: row for row, name in enumerate(given)}
    short = Counter(PurePosixPath(name).name for name in given)
    by_end = {PurePosixPath(name).name: row for name, row in at.items() if short[PurePosixPath(name).name] == 1}
    found = [at.get(source, by_end.get(PurePosixPath(source.replace("\\", "/")).name, -1)) for source in sources]
    missing = [source for source, row in zip(sources, found, strict=True) if row < 0]
    if missing:
        words = _("It has no row for {0}: {1}.").format(counted(len(missing), "file"), names_of(missing))
        raise _refused("other_files", words, missing=len(missing), rows=rows, examples=len(sources))
    return found


def _arrays(path: Path) -> Columns:
    try:
        loaded = load_arrays(path)
    except ArrayFileError as error:
        words = ERRORS.get(error.code, mark("It is damaged."))
        raise _refused("damaged", _(words), file=shown(path.name)) from error
    return dict(loaded) if isinstance(loaded, dict) else {"": loaded}


def _table(path: Path, names: Sequence[str]) -> Columns:
    """Return the columns of a table, some of which are called as `names`.

    A cell is a number or a JSON list; name_0, name_1 … are one column.
    """
    rows = _json_rows(path) if path.suffix.lower() in JSON_LINES else _csv_rows(path, names)
    columns = {name: [row.get(name) for row in rows] for name in rows[0]}
    numbered: dict[str, list[tuple[int, str]]] = {}
    for name in columns:
        if name not in FILE_COLUMNS and (match := NUMBERED.fullmatch(name)):
            numbered.setdefault(match[1], []).append((int(match[2]), name))
    for base, parts in numbered.items():
        if len(parts) > 1 and base not in columns:
            columns[base] = [list(row) for row in zip(*(columns.pop(name) for _, name in sorted(parts)), strict=True)]
    return {name: _column(name, values) for name, values in columns.items()}


def _column(name: str, values: list[Any]) -> NDArray[Any]:
    if name in FILE_COLUMNS:
        return np.asarray([str(value) for value in values], object)  # texts take as many bytes as the longest one
    try:
        return np.asarray(values, np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        words = _("Its column “{0}” has rows of different lengths or texts.").format(shown(name)[:60])
        raise _refused("no_numbers", words) from error


def _csv_rows(path: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    table = read_table(path, (*FILE_COLUMNS, *names, *(f"{name}_0" for name in names)))
    return [
        {name: cell if name in FILE_COLUMNS else _json(cell) for name, cell in zip(table.header, row, strict=True)}
        for row in table.rows
    ]


def _json_rows(path: Path) -> list[dict[str, Any]]:
    text = read_text(path)[0]
    lines = [line for line in text.split("\n") if line.strip()]
    rows = [_json(line) for line in lines]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not row:
            raise _refused("damaged", _("Its line {0:,} is no JSON object.").format(number), line=number)
    if not rows:
        raise _refused("damaged", _("It has no rows."), rows=0)
    check_cells(path, len(rows[0]) * len(rows), text)
    return rows


def _json(text: str) -> Any:
    """Return a value written as JSON, else the text itself."""
    try:
        return json.loads(text) if len(text) <= MAX_LINE_CHARS else text
    except (ValueError, RecursionError):
        return text


def _refused(why: str, words: str, **facts: JsonValue) -> InputRefused:
    return InputRefused(
        "bad_expected",
        "The expected outputs cannot be used",
        joined([_("The file does not fit the model and the data."), words]),
        "Save one row for each example, with the files sorted by path or named in “file”, and the model’s own outputs.",
        facts={"why": why, **facts},
    )
