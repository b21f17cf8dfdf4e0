"""Contracts of models made elsewhere that are judged against an original: origin and matching of tensors."""

from typing import Literal

from workers.contracts.base import Frozen, PathText

Side = Literal["input", "output"]


class MatchedTensor(Frozen):
    """An input or output of the original and the corresponding one of the other model.

    Attributes:
        dtypes: dtypes (original, other) if they differ: values are cast.
        transposed: Axes of the original's array in the order of the other model, if it differs, as in NHWC and NCHW.
    """

    side: Side
    original: str
    other: str
    dtypes: tuple[str, str] | None = None
    transposed: tuple[int, ...] | None = None


class Elsewhere(Frozen):
    """Origin of a version that none of our techniques made.

    Attributes:
        name: Name of the model.
        path: Path that the user gave.
        format: Id of its format.
        sha256: Digest of its files as in `ModelInfo`.
        matched: Tensors with other names or shapes than in the original.
    """

    name: str
    path: PathText
    format: str
    sha256: str
    matched: tuple[MatchedTensor, ...] = ()
