"""Read one row of numbers that a person typed or copied from a table."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arrays import dtype_of
from .spec import PipelineError, PipelineSpec

TRUTH: Mapping[str, float] = {"true": 1.0, "false": 0.0}
"""Words that other programs write for truth values."""


def row_of(text: str, spec: PipelineSpec) -> dict[str, NDArray[Any]]:
    """Return the arrays of one item by input name, from the first line that is not empty.

    Numbers are separated by semicolons or tabs, and may have decimal commas then, else by commas or blanks. An empty
    cell is NaN.

    Raises:
        PipelineError: The model does not take such a row.
    """
    line = next((line.strip(" ") for line in text.splitlines() if line.strip()), "")
    separator = next((one for one in ";\t," if one in line), None)
    cells = [cell.strip() for cell in line.split(separator)]
    numbers = np.array([_number(cell.replace(",", ".", 1) if separator in (";", "\t") else cell) for cell in cells])
    wanted = [entry for entry in spec.inputs if entry.source == "array"]
    any_width = len(numbers) if len(wanted) == 1 else 1
    widths = [1 if len(entry.shape) < 2 else entry.shape[1] or any_width for entry in wanted]
    if sum(widths) != len(numbers):
        raise PipelineError("The model takes a row of {0:,} numbers; this one has {1:,}.", sum(widths), len(numbers))
    parts = np.split(numbers, np.cumsum(widths)[:-1])
    row = {}
    for entry, part in zip(wanted, parts, strict=True):
        is_whole = dtype_of(entry).kind in "iu" and bool((np.isfinite(part) & (part % 1 == 0)).all())
        shape = (-1,) if len(entry.shape) == 2 else (1,) * (len(entry.shape) - 1)
        row[entry.name] = (part.astype(np.int64) if is_whole else part).reshape(shape)
    return row


def _number(cell: str) -> float:
    try:
        return TRUTH[cell.casefold()] if cell.casefold() in TRUTH else float(cell or "nan")
    except ValueError as error:
        raise PipelineError("“{0}” is no number.", cell[:100]) from error
