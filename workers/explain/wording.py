"""Words that all sentences about speed share."""

from collections import Counter
from collections.abc import Sequence

from workers.contracts.after.changes import Layer
from workers.contracts.translation import Message, _, localized, mark
from workers.explain.kinds import plain_kind

BITS = {
    "int4": mark("4 bits"), "int8": mark("8 bits"), "fp8": mark("8 bits (FP8)"), "bf16": mark("16 bits (BF16)"),
    "f16": mark("16 bits (FP16)"), "f32": mark("32 bits"),
}  # fmt: skip
"""Words for the number formats."""
MOST_KINDS = 4


def ms(value_ms: float) -> str:
    """Return milliseconds with two significant digits: "0.82 ms", "13 ms"."""
    return Message.made("{0} ms", (localized(value_ms, ",.0f" if abs(value_ms) >= 10 else ".2g"),))


def slower_or_faster(first_ms: float, second_ms: float) -> str:
    """Return how the second time compares with the first: "2.1 times as fast", "1.3 times as long"."""
    if second_ms <= first_ms:
        return _("{0:.1f} times as fast").format(first_ms / second_ms) if second_ms else _("no time")
    return _("{0:.1f} times as long").format(second_ms / first_ms) if first_ms else ms(second_ms)


def kinds_of(layers: Sequence[Layer]) -> str:
    """Return the most frequent kinds of layers with their counts: "Cast × 4, Erf"."""
    counts = Counter(plain_kind(layer.kind) for layer in layers).most_common()
    words = [f"{kind} × {number}" if number > 1 else kind for kind, number in counts[:MOST_KINDS]]
    return ", ".join(words) + (", …" if len(counts) > MOST_KINDS else "")
