"""Define the values of the page "All answers": columns of equal length with a row per example, and one example."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from widgets.pages.try_it.value import NOTHING
from widgets.parts.marked import Marked
from widgets.parts.nouns import DataKind
from widgets.parts.pictures import PictureValue

Kind = Literal["same", "changed", "worse", "better", "searched"]
KINDS: tuple[Kind, ...] = ("same", "changed", "worse", "better", "searched")
Order = Literal[
    "number", "name", "before", "after", "label", "before_share", "after_share", "similarity", "kind", "surer"
]
_URGENCY = np.asarray([3, 1, 0, 2, 4], np.int8)
"""Sort order of KINDS by position: worse first, then changed, better, same, and not evaluated."""


class Texts:
    """Many texts in one piece of UTF-8; `ends[i]` is the end of text i in bytes."""

    def __init__(self, data: bytes, ends: NDArray[np.int64]) -> None:
        """Create texts; `ends` has shape (n,), int64."""
        self._data, self._ends = data, ends
        self._parts: list[bytes] | None = None

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self._ends)

    def __getitem__(self, index: int) -> str:
        """Return the text at an index."""
        start = int(self._ends[index - 1]) if index else 0
        return self._data[start : int(self._ends[index])].decode("utf-8", "replace")

    def holding(self, words: str) -> NDArray[np.bool_]:
        """Return which texts contain these words literally, shape (n,), bool.

        The first search splits the piece, so that later searches are faster.
        """
        if self._parts is None:
            ends = self._ends.tolist()
            self._parts = [self._data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        wanted = words.encode()
        return np.fromiter((wanted in part for part in self._parts), np.bool_, len(self._parts))


@dataclass(frozen=True)
class AnswerColumns:
    """Columns of equal length with a row per example.

    `kind` are indices of KINDS. `before`, `after` and `label` are indices of `names`, −1 for none. Shares are 0..1, NaN
    for none. `name_rank` is each name's place in the alphabet. `folded` are the names in lower case.
    """

    number: NDArray[np.int64]
    kind: NDArray[np.uint8]
    before: NDArray[np.int32]
    after: NDArray[np.int32]
    label: NDArray[np.int32]
    before_share: NDArray[np.float32]
    after_share: NDArray[np.float32]
    similarity: NDArray[np.float32]
    name_rank: NDArray[np.int32]
    name: Texts
    folded: Texts
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.number)

    def class_name(self, place: int) -> str:
        """Return the class name at an index of `names`, "" for −1."""
        return self.names[place] if place >= 0 else ""

    def count(self, kind: Kind) -> int:
        """Return how many rows are of this kind."""
        return int(np.count_nonzero(self.kind == KINDS.index(kind)))


@dataclass(frozen=True)
class Filter:
    """A filter with an order.

    `kind` "" and `class_place` −1 mean all. Every word of `text` must occur in the example's name or predictions.
    """

    kind: Kind | Literal[""] = ""
    class_place: int = -1
    text: str = ""
    order: Order = "number"
    is_descending: bool = False


def select(columns: AnswerColumns, wanted: Filter) -> NDArray[np.int64]:
    """Return the rows that pass, in order; rows that compare equal keep the order of the examples.

    The result has shape (m,), int64.
    """
    keep = np.ones(len(columns), np.bool_)
    if wanted.kind:
        keep &= columns.kind == KINDS.index(wanted.kind)
    if wanted.class_place >= 0:
        keep &= _has_class(columns, np.asarray([wanted.class_place]))
    for word in wanted.text.casefold().split():
        named = np.asarray([place for place, name in enumerate(columns.names) if word in name.casefold()], np.int32)
        keep &= columns.folded.holding(word) | _has_class(columns, named)
    rows = np.flatnonzero(keep)
    if wanted.order == "number" and not wanted.is_descending:
        return rows
    key = _key(columns, wanted.order)[rows]
    if wanted.is_descending:
        key = -key.astype(np.float64)
    return rows[np.argsort(key, kind="stable")]  # unknown shares (NaN) are last in both directions


def _has_class(columns: AnswerColumns, places: NDArray[Any]) -> NDArray[np.bool_]:
    lookup = np.zeros(len(columns.names) + 1, np.bool_)  # the last place is for −1, which means no name
    lookup[places] = True
    return np.asarray(lookup[columns.before] | lookup[columns.after] | lookup[columns.label], np.bool_)


def _key(columns: AnswerColumns, order: Order) -> NDArray[Any]:
    if order in ("before", "after", "label"):
        alphabet = np.empty(len(columns.names) + 1, np.int64)
        alphabet[sorted(range(len(columns.names)), key=lambda place: columns.names[place].casefold())] = np.arange(
            len(columns.names)
        )
        alphabet[-1] = len(columns.names)
        return np.asarray(alphabet[getattr(columns, order)])
    if order == "kind":
        return np.asarray(_URGENCY[columns.kind])
    if order == "surer":
        return np.asarray(columns.after_share - columns.before_share)
    return np.asarray(columns.name_rank if order == "name" else getattr(columns, order))


def classes_by_count(columns: AnswerColumns) -> Sequence[int]:
    """Return the indices of all names that a version or a label uses, in alphabetical order."""
    used = set(np.unique(np.concatenate([columns.before, columns.after, columns.label])).tolist()) - {-1}
    return sorted(used, key=lambda place: columns.names[place].casefold())


@dataclass(frozen=True)
class AnswersValue:
    """The page's value: `versions` are (id, title) of those with predictions, with `chosen` shown."""

    versions: tuple[tuple[str, str], ...]
    chosen: str
    columns: AnswerColumns
    kind: DataKind = "images"
    answers: Literal["class", "vector"] = "class"
    labelled: bool = False


@dataclass(frozen=True)
class LookValue:
    """One example in full: a picture, a text (`PictureValue.text`), or a sound as WAV bytes with its levels (0..1).

    `before` and `after` are the predictions as text. Texts and lists of search results (`is_list`) have parts with
    marked differences. `reference` is the right text.
    """

    number: int
    picture: PictureValue = NOTHING
    before: str = ""
    after: str = ""
    sound: bytes = b""
    levels: tuple[float, ...] = ()
    before_parts: Marked = ()
    after_parts: Marked = ()
    reference: str = ""
    is_list: bool = False
