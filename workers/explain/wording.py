"""Words that all sentences about speed share."""

from collections import Counter
from collections.abc import Sequence

from workers.contracts.after.changes import Layer
from workers.contracts.translation import _
from workers.explain.kinds import plain_kind

BITS = {"int4": "4 bits", "int8": "8 bits", "fp8": "8 bits (FP8)", "bf16": "16 bits (BF16)", "f16": "16 bits (FP16)"}
BITS |= {"f32": "32 bits"}
MOST_KINDS = 4


def ms(value_ms: float) -> str:
    """Return milliseconds with two significant digits: "0.82 ms", "13 ms"."""
    return f"{value_ms:.0f} ms" if abs(value_ms) >= 10 else f"{value_ms:.2g} ms"


def bits(precision: str) -> str:
    """Return the words for a number format: ``bf16`` → "16 bits (BF16)"."""
    return BITS.get(precision, precision)


def count(number: int, noun: str, more: str = "") -> str:
    """Return a number with its noun: "1 layer", "9 more conversions"."""
    return f"{number} {more + ' ' if more else ''}{noun}{'' if number == 1 else 's'}"


def cost_or_save(saved_ms: float, *, one: bool = False) -> str:
    """Return "cost 0.8 ms" or "save 0.8 ms"; "costs", "saves" after one subject."""
    return f"{'save' if saved_ms > 0 else 'cost'}{'s' if one else ''} {ms(abs(saved_ms))}"


def more_or_fewer(numbers: tuple[int, int], noun: str, of: str, saved_ms: float) -> str:
    """Return what another number of such layers costs or saves, or what they take if their number is not the reason.

    "6 more conversions between number formats cost 0.8 ms." `numbers` are those of the first and the second model.
    """
    more = numbers[1] - numbers[0]
    if more == 0 or (more > 0) == (saved_ms > 0):
        return _("{0}s {1} take {2} {3}.").format(
            noun.capitalize(), of, ms(abs(saved_ms)), "less" if saved_ms > 0 else "more"
        )
    what = count(abs(more), noun, "more" if more > 0 else "fewer")
    return f"{what} {of} {cost_or_save(saved_ms, one=abs(more) == 1)}."


def slower_or_faster(first_ms: float, second_ms: float) -> str:
    """Return how the second time compares with the first: "2.1 times as fast", "1.3 times as long"."""
    if second_ms <= first_ms:
        return _("{0:.1f} times as fast").format(first_ms / second_ms) if second_ms else "no time"
    return _("{0:.1f} times as long").format(second_ms / first_ms) if first_ms else ms(second_ms)


def kinds_of(layers: Sequence[Layer]) -> str:
    """Return the most frequent kinds of layers with their counts: "Cast × 4, Erf"."""
    counts = Counter(plain_kind(layer.kind) for layer in layers).most_common()
    words = [f"{kind} × {number}" if number > 1 else kind for kind, number in counts[:MOST_KINDS]]
    return ", ".join(words) + (", …" if len(counts) > MOST_KINDS else "")
