"""Read and check the table of answers that a job wrote; nothing from a worker process is trusted unchecked."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from widgets.pages.answers.value import KINDS, AnswerColumns, Texts
from workers.contracts.data.rows import ROWS_FILE

MAX_ROWS = 10_000_000
_TYPES: dict[str, type[np.generic]] = {
    "number": np.int64,
    "kind": np.uint8,
    "before": np.int32,
    "after": np.int32,
    "label": np.int32,
    "before_share": np.float32,
    "after_share": np.float32,
    "similarity": np.float32,
    "name_rank": np.int32,
}


def read_columns(folder: Path) -> AnswerColumns:
    """Read the columns of the table.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if a column is missing or has a wrong size, type or value.
    """
    with np.load(folder / ROWS_FILE, allow_pickle=False) as stored:
        # Version 0.1.0 calls the column “similarity” “likeness”.
        arrays = {"similarity" if name == "likeness" else name: stored[name] for name in stored.files}
    try:
        return _columns(arrays)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"the table of answers is damaged: {error}") from error


def _columns(arrays: dict[str, NDArray[Any]]) -> AnswerColumns:
    n = len(arrays["number"])
    names_text = _texts(arrays, "names", None)
    names = tuple(names_text[place] for place in range(len(names_text)))
    found: dict[str, NDArray[Any]] = {}
    for title, wanted in _TYPES.items():
        column = arrays[title]
        if column.shape != (n,) or column.dtype != wanted or n > MAX_ROWS:
            raise ValueError(f"the column {title} is of another size or type")
        found[title] = column
    if n and int(found["kind"].max()) >= len(KINDS):
        raise ValueError("a kind of answer is not known")
    for title in ("before", "after", "label"):
        if n and not -1 <= int(found[title].min()) <= int(found[title].max()) < len(names):
            raise ValueError(f"the column {title} points at names that are not there")
    name, folded = _texts(arrays, "name", n), _texts(arrays, "folded", n)
    return AnswerColumns(**found, name=name, folded=folded, names=names)


def _texts(arrays: dict[str, NDArray[Any]], name: str, count: int | None) -> Texts:
    data, ends = arrays[f"{name}_bytes"], arrays[f"{name}_ends"]
    steps = np.diff(ends, prepend=0)
    fits = data.dtype == np.uint8 and ends.dtype == np.int64 and data.ndim == ends.ndim == 1
    if not fits or (steps < 0).any() or (len(ends) and int(ends[-1]) != len(data)):
        raise ValueError(f"the texts of {name} do not fit together")
    if count is not None and len(ends) != count:
        raise ValueError(f"there are not as many texts of {name} as there are rows")
    return Texts(data.tobytes(), ends)
