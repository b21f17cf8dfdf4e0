"""Contracts of the table of all predictions of two versions, which the page "All answers" sorts and filters."""

from typing import Literal

from workers.contracts.base import Frozen

ROWS_FILE = "rows.npz"
AnswerKind = Literal["same", "changed", "worse", "better", "searched"]
KINDS: tuple[AnswerKind, ...] = ("same", "changed", "worse", "better", "searched")
"""Kinds of predictions, by the numbers of the column `kind`.

"worse" and "better" need a label. "searched" marks items that were only part of the searched collection and were not
judged themselves.
"""
NAME_CHARS = 160
"""Maximum length of a text or file name in the table; the page shows the whole example beside it."""


class AnswerRowsResult(Frozen):
    """Result of the kind ``answer_rows``: `n` rows, one per example with both predictions, in `work_dir`/rows.npz.

    Columns: `number` int64, `kind` uint8, `before`, `after` and `label` int32 (indices into `names`, −1 for none),
    `before_share`, `after_share` and `similarity` float32 (NaN for none), `name_rank` int32 (alphabetical rank). Texts
    are UTF-8 bytes with their ends (int64): `name_bytes` and `name_ends` (n,), the same for `folded` (the name in lower
    case, for the search) and for `names` (classes,).

    Attributes:
        answers: Whether `before` and `after` are classes; otherwise `similarity` compares the predictions.
    """

    n: int
    counts: dict[str, int]
    answers: Literal["class", "vector"]
    labelled: bool
