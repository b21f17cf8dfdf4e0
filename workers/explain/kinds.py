"""Sort operators of all formats and engines by what they do, from their kind."""

from workers.contracts.translation import mark

CONVERTING = frozenset({"Cast", "CastLike", "Convert", "ConvertLike", "QuantizeLinear", "DequantizeLinear",
                        "DynamicQuantizeLinear", "FakeQuantize", "_to_copy", "to", "type"})  # fmt: skip
ROUNDING = frozenset({"QuantizeLinear", "DequantizeLinear", "FakeQuantize"})
"""Conversions between 32 and 8 bits; `CONVERTING` has those between all number formats."""

LAYOUT = frozenset({"Transpose", "Reorder", "ReorderInput", "ReorderOutput", "permute", "contiguous", "clone"})
COPYING = frozenset({"Concat", "Reshape", "Slice", "StridedSlice", "Split", "VariadicSplit", "Expand", "Broadcast",
                     "Tile", "Pad", "Gather", "Identity", "Squeeze", "Unsqueeze", "Flatten", "ScatterND",
                     "ScatterNDUpdate", "cat", "copy_", "slice", "split", "expand", "repeat", "pad",
                     "index"})  # fmt: skip
"""Operators that move values without computing any."""

FAMILIES = (
    (mark("convolutions"), ("conv",)),
    (mark("matrix products"), ("matmul", "gemm", "fullyconnected", "addmm", "linear", "bmm")),
    (mark("recurrent layers"), ("lstm", "gru", "rnn")),
    (mark("attention layers"), ("attention",)),
)
"""Words for the families of operators that usually take most of the time, and parts of their kinds."""


def plain_kind(kind: str) -> str:
    """Return a kind without the namespace and overload of PyTorch: ``aten.conv2d.default`` → conv2d."""
    parts = kind.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "aten" else kind


def is_moving(kind: str) -> bool:
    """Return whether an operator only converts, reorders or copies values."""
    return plain_kind(kind) in CONVERTING | LAYOUT | COPYING | {"Constant", "Const"}


def family_of(kind: str) -> str:
    """Return the words for an operator's family; "" for all that usually take little time."""
    if is_moving(kind):
        return ""
    low = plain_kind(kind).lower()
    return next((words for words, marks in FAMILIES if any(mark in low for mark in marks)), "")
