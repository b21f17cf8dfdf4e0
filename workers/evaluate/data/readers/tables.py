"""Read tables of numbers (CSV, TSV or JSON Lines): a row for each item, for models that take rows of numbers."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from workers.contracts.data.reading import LABEL_CHOICES
from workers.contracts.errors import InputRefused
from workers.contracts.translation import _, mark
from workers.evaluate.data.base import Collection, Options, Reader, info, names_of
from workers.evaluate.data.readers import arrays, texts
from workers.evaluate.data.tables import Table, number_in, read_table
from workers.evaluate.data.truths.classes import CLASSES, LabelMap, class_count
from workers.pipeline.rows import TRUTH
from workers.pipeline.spec import ArraySteps, PipelineInput
from workers.pipeline.spec_bounds import MOST_IN_A_ROW

LABEL_NAMES = list(dict.fromkeys([*arrays.LABEL_NAMES, *texts.LABEL_NAMES]))

FEW_COLUMNS, ROWS_A_NAME = 2, 10
"""A table of numbers with names of classes has more columns, and at least as many rows for each name on average."""

Column = NDArray[np.float64]


def matches(path: Path) -> bool:
    """Return whether the path is a table, or a folder with exactly one."""
    return path.suffix.lower() != ".txt" and texts.matches(path)


def holds_numbers(path: Path, label_column: str | None = None) -> bool:
    """Return whether every column of the table at a path is one of numbers, except that of the labels."""
    _file, table, label = _opened(path, [], label_column)
    columns = [_numbers(table, at) for at in range(len(table.header))]
    label = _names(table, columns) if label is None else label
    others = [column for at, column in enumerate(columns) if at != label]
    return bool(others) and all(column is not None for column in others)


def read(path: Path, options: Options) -> Collection:
    """Read the rows of a table as inputs of the model, with their labels and further columns.

    Columns are found by the names of the inputs. A model with one input takes those of earlier rows by their names,
    else all columns of numbers except the label, in their order.

    Raises:
        InputRefused: The columns do not fit the model.
    """
    wanted = [entry for entry in options.spec.inputs if entry.source == "array"]
    file, table, label = _opened(path, [entry.name for entry in wanted], options.label_column)
    columns = [_numbers(table, index) for index in range(len(table.header))]
    places = [table.column(entry.name) for entry in wanted]
    if None not in places and all(_is_single(entry) for entry in wanted):
        used = [place for place in places if place is not None]
        label = _found_label(table, columns, used, options) if label is None else label
        inputs = {entry.name: _named(columns[at], entry, table, file) for entry, at in zip(wanted, used, strict=True)}
    elif len(wanted) == 1:
        numbers = [at for at, column in enumerate(columns) if column is not None]
        taken = [] if len(numbers) - 1 == _width(wanted[0]) else numbers
        label = _found_label(table, columns, taken, options) if label is None else label
        names = options.row_columns or wanted[0].columns
        known = [at for at in map(table.column, names) if at is not None]
        is_known = known and len(set(known)) == len(names)  # columns of one name are told apart by their order alone
        used = known if is_known else [at for at in numbers if at != label]
        inputs = {wanted[0].name: _together([columns[at] for at in used], wanted[0], table, used, file)}
    else:
        holds = _("The model takes {0}, and {1} holds {2}.")
        holds = holds.format(names_of([entry.name for entry in wanted]), file.name, names_of(table.header, 6))
        raise _unfit(holds, mark("Name the columns as the model’s inputs, and try again."))
    named: dict[str, NDArray[Any]] = dict(inputs)
    for at, name in enumerate(table.header):
        column = columns[at]
        if at not in used and name not in named:
            cells = np.asarray([row[at] for row in table.rows], object)  # texts would all get the longest length
            named[name] = column if at == label and column is not None else cells
    labels = table.header[label] if label is not None and label not in used else None
    listed = _("Its columns go into the model in this order: {0}.").format(
        names_of([table.header[at] for at in used], 6)
    )
    found = arrays.collected(file, named, inputs, labels, options)
    found = replace(
        found, findings=(*table.findings, info(listed), *found.findings), columns=table.header,
        label_column=labels or "",
    )  # fmt: skip
    return found if len(used) > MOST_IN_A_ROW else _with_texts(found, table, used)


def _with_texts(found: Collection, table: Table, used: Sequence[int]) -> Collection:
    """Return the collection with the numbers of each row as its text."""
    separator = "; " if table.separator != "," else ", "
    texts_of_rows = (separator.join(row[at].strip() for at in used) for row in table.rows)
    entries = [replace(entry, text=text) for entry, text in zip(found.entries, texts_of_rows, strict=True)]
    return replace(found, entries=entries, row_columns=tuple(table.header[at] for at in used))


def _found_label(table: Table, columns: Sequence[Column | None], used: Sequence[int], options: Options) -> int | None:
    """Return the only column that is no input and holds nothing but the model's classes.

    If there is none and the model knows its classes only by number, a column of names counts.
    """
    if options.spec.answer_kind not in CLASSES:
        return None
    known = LabelMap(options.spec)
    others = [at for at in range(len(table.header)) if at not in used]
    found = [at for at in others if texts.known_share(table, at, known) == 1.0]
    if found or options.spec.classes:
        return found[0] if len(found) == 1 else None
    return _names(table, columns, class_count(options.spec))


def _names(table: Table, columns: Sequence[Column | None], most: int | None = None) -> int | None:
    """Return the column that seems to hold names of at most so many classes; None if there is none.

    It is the only one without numbers, beside at least two with numbers, and each of its values occurs in many rows.
    """
    found = [at for at, column in enumerate(columns) if column is None]
    if len(found) != 1 or len(columns) <= FEW_COLUMNS or found[0] == texts.named_text(table):
        return None
    values = {row[found[0]] for row in table.rows}
    is_few = 1 < len(values) <= len(table.rows) / ROWS_A_NAME and len(values) <= (most or len(values))
    return found[0] if is_few else None


def _width(entry: PipelineInput) -> int | None:
    """Return how many numbers an item has for the model's only input; None if any."""
    return entry.shape[1] if len(entry.shape) == 2 else None


def _opened(path: Path, names: Sequence[str], label_column: str | None) -> tuple[Path, Table, int | None]:
    """Return the file of a path that `matches`, its table, and the column of labels; `names` are in a line of headings.

    Raises:
        InputRefused: The file is no table, or has no column of the given name.
    """
    file = texts.table_of(path)
    assert file is not None
    table = read_table(file, [*names, *LABEL_NAMES, *([label_column] if label_column else [])])
    return file, table, texts.chosen(table, label_column, file) if label_column else table.column(*LABEL_NAMES)


def _is_single(entry: PipelineInput) -> bool:
    """Return whether an item has one number for this input."""
    return all(size in (1, None) for size in entry.shape[1:])


def _numbers(table: Table, column: int) -> Column | None:
    """Return a column as numbers, NaN for empty cells; None if a cell holds anything else or all are empty."""
    values = np.full(len(table.rows), np.nan)
    is_empty = True
    for at, row in enumerate(table.rows):
        cell = row[column].strip()
        if not cell:
            continue
        value = TRUTH.get(cell.casefold(), number_in(cell, has_decimal_commas=table.separator != ","))
        if value is None:
            return None
        values[at], is_empty = value, False
    return None if is_empty else values


def _named(column: Column | None, entry: PipelineInput, table: Table, file: Path) -> NDArray[np.generic]:
    if column is None:
        what = _("The column “{0}” of {1} holds texts, and the model takes numbers.").format(entry.name, file.name)
        raise _unfit(what, mark("Write numbers into it as the model was trained with them, and try again."))
    return _typed(column.reshape(len(table.rows), *(1 for _size in entry.shape[1:])), entry)


def _together(
    columns: Sequence[Column | None], entry: PipelineInput, table: Table, used: Sequence[int], file: Path
) -> NDArray[np.generic]:
    """Return the columns side by side (rows, columns), as many as the model takes."""
    if len(entry.shape) > 2:
        what = _("The model takes arrays with several axes, which {0} cannot hold.").format(file.name)
        raise _unfit(what, mark("Save them with numpy.savez, and choose the NPZ file."))
    count = _width(entry)
    found = [column for column in columns if column is not None]
    if not found or count not in (None, len(found)):
        names = names_of([table.header[at] for at in used], 6) or _("nothing")
        what = _("The model takes {0} numbers in a row; {1} has {2} columns of numbers: {3}.")
        what = what.format(_("any") if count is None else count, file.name, len(found), names)
        hint = mark(
            "Choose the column of right answers, or name it “label”, and leave out what the model does not take."
        )
        raise _unfit(what, hint, table.header if count is not None and len(found) == count + 1 else ())
    return _typed(np.stack(found, axis=1), entry)


def _typed(values: Column, entry: PipelineInput) -> NDArray[np.generic]:
    """Return whole numbers for inputs that take these."""
    is_whole = entry.dtype.startswith(("int", "uint")) and bool((np.isfinite(values) & (values % 1 == 0)).all())
    return values.astype(np.int64) if is_whole else values


def _unfit(detail: str, hint: str, columns: Sequence[str] = ()) -> InputRefused:
    """Return the refusal of a table that would fit if one of `columns` held the labels."""
    by_command = "--label-column NAME" if columns else ""
    facts: dict[str, JsonValue] = {LABEL_CHOICES: list(columns)}
    return InputRefused(
        "no_inputs", "The table does not fit the model", detail, hint, facts=facts, by_command=by_command
    )


READER = Reader("tables", mark("a table of texts or numbers"), (ArraySteps,), matches, read)
