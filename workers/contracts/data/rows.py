"""All answers of two versions as one table: what the page "All answers" sorts, filters and scrolls."""

from typing import Literal

from workers.contracts.base import Frozen

ROWS_FILE = "rows.npz"
AnswerKind = Literal["same", "changed", "worse", "better", "searched"]
KINDS: tuple[AnswerKind, ...] = ("same", "changed", "worse", "better", "searched")
"""What became of an answer, by the numbers of the column `kind`. Worse and better need a label; what was only searched
in, so that others could be judged, was not judged itself."""
NAME_CHARS = 160
"""So much of a text, or of a file's name, is in the table; the example itself is shown whole beside it."""


class RowsPart(Frozen):
    """Examples with both answers. `items` None: all. `first_number` is added to an item's place to get its number."""

    data_dir: str
    original_answers: str
    variant_answers: str
    items: tuple[int, ...] | None = None
    first_number: int = 0


class AnswerRowsParams(Frozen):
    """kind ``answer_rows``: writes `work_dir`/rows.npz, one row for each example that both answered."""

    parts: tuple[RowsPart, ...]


class AnswerRowsResult(Frozen):
    """`answers` says whether `before` and `after` are classes; else `similarity` tells them apart.

    `n` rows in columns of rows.npz: `number` int64, `kind` uint8, `before`, `after` and `label` int32 (places in
    `names`, −1 for none), `before_share`, `after_share` and `similarity` float32 (NaN for none), `name_rank` int32
    (place in the alphabet). Texts are UTF-8 bytes with their ends (int64): `name_bytes` and `name_ends` (n,), the same
    for `folded` (the name without upper case, to be searched) and for `names` (classes,).
    """

    n: int
    counts: dict[str, int]
    answers: Literal["class", "vector"]
    labelled: bool
