"""A model that was made elsewhere, to be judged beside an original: where it comes from, how the two fit together."""

from typing import Literal

from workers.contracts.base import Frozen
from workers.contracts.paths import PathText

Side = Literal["input", "output"]


class MatchedTensor(Frozen):
    """An input or output of the original and what stands for it in the other model.

    `dtypes` (original, other) where they differ: values are cast. `transposed` are the axes of the original's array in
    the order in which the other model has them, where that differs, as in NHWC beside NCHW.
    """

    side: Side
    original: str
    other: str
    dtypes: tuple[str, str] | None = None
    transposed: tuple[int, ...] | None = None


class Elsewhere(Frozen):
    """Where a version comes from that none of our techniques made.

    `path` is what a person named, `name` what it is called, `format` the id of its format, `sha256` the digest of its
    files as `ModelInfo` has it. `matched` holds what is named or shaped otherwise than in the original.
    """

    name: str
    path: PathText
    format: str
    sha256: str
    matched: tuple[MatchedTensor, ...] = ()
