"""Write every test example with both predictions as columns that a window can sort and filter at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.base import Rows
from workers.contracts.data.rows import KINDS, NAME_CHARS, ROWS_FILE, AnswerRowsResult
from workers.contracts.process.context import JobContext
from workers.contracts.proof.proving import PredictionPair
from workers.contracts.translation import mark
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.look.dialogues import in_one_line
from workers.evaluate.proof.added import join, read_part
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.engine import compare_case
from workers.evaluate.proof.pairs import shares_of
from workers.evaluate.proof.predictions import Predictions

STAGE = mark("Listing all answers")
BLOCK = 4096
"""This many predictions are converted to probabilities at a time; for 1,000 classes that is 33 MB."""
SAME, CHANGED, WORSE, BETTER, SEARCHED = range(len(KINDS))


Names = dict[str, int]
"""Names in the order of their first appearance, each with its position."""


def write_rows(params: Rows[PredictionPair], ctx: JobContext) -> AnswerRowsResult:
    """Write one row for each example, in the order of the parts, to `ROWS_FILE`.

    Examples for which the original gives no number are left out.
    """
    parts = []
    for number, part in enumerate(params.rows):
        ctx.check_cancelled()
        ctx.progress(STAGE, number, len(params.rows) + 1)
        parts.append(_read(part))
    is_class = all(part.old.predicted is not None and part.new.predicted is not None for part in parts)
    names: Names = {}
    tables = [_class_columns(part, names) if is_class else _no_columns(part) for part in parts]
    columns = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    columns |= _differences(parts)
    firsts = [part.first_number for part in params.rows]
    columns["number"] = np.concatenate([part.items + first for part, first in zip(parts, firsts, strict=True)])
    ctx.check_cancelled()
    shown = [_name(part.data, item) for part in parts for item in part.items.tolist()]
    folded = [name.casefold() for name in shown]
    columns["name_rank"] = _ranks(folded)
    for label, texts in (("name", shown), ("folded", folded), ("names", list(names))):
        columns[f"{label}_bytes"], columns[f"{label}_ends"] = pack(texts)
    np.savez(ctx.work_dir / ROWS_FILE, allow_pickle=False, **columns)
    ctx.progress(STAGE, 1, 1)
    counts = np.bincount(columns["kind"], minlength=len(KINDS))
    return AnswerRowsResult(
        n=len(columns["kind"]),
        counts={kind: int(count) for kind, count in zip(KINDS, counts, strict=True)},
        answers="class" if is_class else "vector",
        labelled=bool((columns["label"] >= 0).any()),
    )


def _differences(parts: Sequence[Case]) -> dict[str, NDArray[Any]]:
    """Return the columns `kind` and `similarity`, by the rule of the verdict, over all parts together.

    Items that the verdict skips because neither model finds anything count as equal.
    """
    joined, _ = join(parts)
    n = len(joined.items)
    found = compare_case(joined)
    kind, similarity = np.full(n, SAME, np.uint8), np.full(n, np.nan, np.float32)
    kind[np.asarray(found.searched, np.int64)] = SEARCHED
    for part in (found, found.beside):
        if part is not None:
            kind[part.items[part.changed]] = CHANGED
            similarity[part.items] = np.nan if part.similarity is None else part.similarity
    if (labels := found.labels) is not None:
        kind[found.items[labels.known & labels.right_old & ~labels.right_new]] = WORSE
        kind[found.items[labels.known & ~labels.right_old & labels.right_new]] = BETTER
    return {"kind": kind, "similarity": similarity}


def pack(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the UTF-8 bytes of all texts in one row, and where each text ends."""
    encoded = [text.encode("utf-8", "replace") for text in texts]
    ends = np.cumsum([len(part) for part in encoded], dtype=np.int64)
    return np.frombuffer(b"".join(encoded), np.uint8), ends


def _ranks(texts: Sequence[str]) -> NDArray[np.int32]:
    """Return the alphabetical rank of each text (n,); equal texts have the same rank."""
    places = {text: place for place, text in enumerate(sorted(set(texts)))}
    return np.asarray([places[text] for text in texts], np.int32)


def _read(pair: PredictionPair) -> Case:
    """Read one part of the test set, with the items that count and that the original predicts with finite numbers."""
    part = read_part(pair)
    given = part.old.predicted >= 0 if part.old.predicted is not None else part.old.finite
    return part.only(given[part.items])


def _class_columns(part: Case, names: Names) -> dict[str, NDArray[Any]]:
    assert part.old.predicted is not None and part.new.predicted is not None
    data, items = part.data, part.items
    old, new = part.old.predicted[items], part.new.predicted[items]
    labels = [data.test[i].labels for i in items.tolist()]
    named = [" or ".join(data.class_name(label) for label in accepted) for accepted in labels]
    return {
        "before": _places(old, data, names),
        "after": _places(new, data, names),
        "label": np.asarray([_place(names, name) if name else -1 for name in named], np.int32),
        "before_share": _sureness(part.old, items, old),
        "after_share": _sureness(part.new, items, new),
    }


def _place(names: Names, name: str) -> int:
    return names.setdefault(name, len(names))


def _places(classes: NDArray[np.int64], data: DataSet, names: Names) -> NDArray[np.int32]:
    place_of = {int(one): _place(names, data.class_name(int(one))) if one >= 0 else -1 for one in np.unique(classes)}
    return np.asarray([place_of[one] for one in classes.tolist()], np.int32)


def _sureness(answers: Predictions, items: NDArray[np.int64], classes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the probability of the predicted class, (n,); NaN where predictions differ in length or are not finite."""
    found = np.full(len(items), np.nan, np.float32)
    for start in range(0, len(items), BLOCK):
        block = slice(start, start + BLOCK)
        shares = shares_of(answers, items[block])
        if shares is not None:
            found[block] = shares[np.arange(len(shares)), np.maximum(classes[block], 0)]
    found[classes < 0] = np.nan
    return found


def _no_columns(part: Case) -> dict[str, NDArray[Any]]:
    n = len(part.items)
    none, unknown = np.full(n, -1, np.int32), np.full(n, np.nan, np.float32)
    columns = dict.fromkeys(("before", "after", "label"), none)
    return {**columns, **dict.fromkeys(("before_share", "after_share"), unknown)}


def _name(data: DataSet, item: int) -> str:
    """Return the example in one line: its text if it has one, else its source."""
    facts = data.test[item]
    return in_one_line(facts.text or facts.source)[:NAME_CHARS]
