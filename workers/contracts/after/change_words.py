"""Word what changed between two models, for the window and for exported pictures."""

from collections import defaultdict
from collections.abc import Sequence
from types import MappingProxyType

from workers.contracts.after.changes import Box, ChangedNode, DiffResult, Histograms, Reason, Status
from workers.contracts.measured.sizes import bytes_words
from workers.contracts.translation import _, joined, localized, mark
from workers.contracts.wording import percent

STATUS_WORDS: MappingProxyType[Status, str] = MappingProxyType(
    {
        "replaced": mark("replaced"),
        "rounded": mark("fewer bits"),
        "added": mark("added"),
        "fused": mark("part of another"),
        "removed": mark("removed"),
        "unmatched": mark("not matched"),
        "unchanged": mark("unchanged"),
    }
)
"""What became of an operator, the most important first."""
LEAST_MS, WHOLE_ERROR = 0.01, 0.1
BARS = "\u2007▁▂▃▄▅▆▇█"
"""Bars of a histogram from no values to the most; an empty one is as wide as a digit."""

_NAN = {"a": mark("not finite before"), "b": mark("not finite after"), "both": mark("not finite in both")}
_RANKS: dict[Status, int] = {status: rank for rank, status in enumerate(STATUS_WORDS)}


def worst_first(nodes: Sequence[ChangedNode]) -> list[int]:
    """Return the positions of the operators: values that are not finite first, then the largest errors."""

    def key(at: int) -> tuple[bool, float, int, float, int]:
        node = nodes[at]
        return node.nan in ("", "both"), -(node.error or 0.0), _RANKS[node.status], -(node.ms_b or node.ms_a or 0.0), at

    return sorted(range(len(nodes)), key=key)


def nodes_of(reason: Reason, nodes: Sequence[ChangedNode]) -> list[int]:
    """Return the positions of the operators that a reason is about, without those that are part of them."""
    named = set(reason.nodes)
    return [at for at, one in enumerate(nodes) if one.a in named or (one.b in named and one.status != "fused")]


def name_of(node: ChangedNode) -> str:
    """Return the name of an operator in the first model, else in the second."""
    return node.a or node.b or ""


def ends_of(nodes: Sequence[ChangedNode]) -> list[tuple[str, str]]:
    """Return the last two parts of each operator's name, and the part that tells it from others with the same end."""
    parts = [name_of(node).strip("/").split("/") for node in nodes]
    same: dict[str, list[int]] = defaultdict(list)
    for at, one in enumerate(parts):
        same["/".join(one[-2:])].append(at)
    found = [("", "")] * len(nodes)
    for end, places in same.items():
        depths = range(min(len(parts[at]) for at in places) - 2)
        depth = next((depth for depth in depths if len({parts[at][depth] for at in places}) > 1), None)
        for at in places:
            found[at] = end, "" if depth is None else parts[at][depth]
    return found


def op_words(node: ChangedNode) -> str:
    """Return the kind of an operator, with its kind in the second model if it has another there."""
    return f"{node.op} → {node.op_b}" if node.op_b and node.op_b != node.op else node.op


def ms_words(*sides: float | None) -> str:
    """Return milliseconds of one or both models with three digits, once if they look the same; "–" is unknown."""
    least = localized(LEAST_MS, "")
    texts = dict.fromkeys(
        "–" if ms is None else localized(ms, ",.0f" if ms >= 100 else "#.3g") if ms >= LEAST_MS else f"<{least}"
        for ms in sides
    )
    return "–" if list(texts) == ["–"] else f"{' → '.join(texts)} ms"


def times_of(nodes: Sequence[ChangedNode]) -> tuple[float | None, float | None]:
    """Return the milliseconds of some operators together, of each model; None where none of them was timed."""
    sides = [one.ms_a for one in nodes if one.ms_a is not None], [one.ms_b for one in nodes if one.ms_b is not None]
    first, second = (sum(side) if side else None for side in sides)
    return first, second


def error_words(node: ChangedNode) -> str:
    """Return the relative error in percent, or that values are not finite; "–" if unknown."""
    if node.nan:
        return _(_NAN[node.nan])
    return "–" if node.error is None else percent(node.error, 0 if node.error >= WHOLE_ERROR else 1)


def _change(before: str | None, after: str | None) -> str:
    """Return a value of both models, once if it is the same."""
    return (before or "–") if before == after or not after else f"{before or '–'} → {after}"


def box_words(box: Box, nodes: Sequence[ChangedNode]) -> str:
    """Return the second line of a box: its time in both models, and how many operators it holds."""
    inside = [nodes[at] for at in box.nodes]
    timed = times_of(inside)
    parts = [ms_words(*timed)] if timed != (None, None) else []
    if len(inside) > 1:
        parts.append(_("{0:,} operators").format(len(inside)))
    if not parts:
        parts.append(_(STATUS_WORDS[inside[0].status]))
    return joined(parts, ", ")


def tip_of(box: Box, nodes: Sequence[ChangedNode]) -> str:
    """Return what is known of a box: the facts of its operator, or its time and number of operators."""
    if len(box.nodes) > 1:
        return f"{box.title}\n{box_words(box, nodes)}\n{name_of(nodes[box.nodes[0]])} …"
    node = nodes[box.nodes[0]]
    return "\n".join((op_words(node), *(f"{caption}: {text}" for caption, text in facts_of(node))))


def box_status(box: Box, nodes: Sequence[ChangedNode]) -> Status:
    """Return the most important status of the operators in a box."""
    return min((nodes[at].status for at in box.nodes), key=_RANKS.__getitem__)


def _histogram_words(found: Histograms | None) -> tuple[tuple[str, str], ...]:
    """Return captions and histograms of both models as rows of bars between the ends of the range."""
    if found is None:
        return ()
    most = max(*found.a, *found.b, 1)
    rows = ("".join(BARS[-(-(len(BARS) - 1) * count // most)] for count in side) for side in (found.a, found.b))
    before, after = (f"{localized(found.low, '.3g')} {bars} {localized(found.high, '.3g')}" for bars in rows)
    return (_("Values before"), before), (_("Values after"), after)


def facts_of(node: ChangedNode) -> tuple[tuple[str, str], ...]:
    """Return captions and values of an operator, without those that are unknown."""
    sizes = (bytes_words(size) if size else None for size in (node.weight_bytes_a, node.weight_bytes_b))
    shape = "" if node.shape is None else " × ".join("?" if size is None else str(size) for size in node.shape)
    rows = (
        (_("What happened"), _(STATUS_WORDS[node.status])),
        (_("Kind"), op_words(node)),
        (_("Name before"), node.a or ""),
        (_("Name after"), node.b or ""),
        (_("Shape"), shape),
        (_("Numbers"), _change(node.dtype_a, node.dtype_b)),
        (_("Error"), error_words(node)),
        *_histogram_words(node.histograms),
        (_("Time"), ms_words(node.ms_a, node.ms_b)),
        (_("Kernel"), _change(node.kernel_a, node.kernel_b)),
        (_("Weights"), _change(*sizes)),
    )
    return tuple((caption, text) for caption, text in rows if text not in ("", "–"))


def statuses_of(result: DiffResult) -> list[tuple[Status, str, int]]:
    """Return the statuses of the operators with their words and numbers, the most important first."""
    counts = result.counts
    return [(status, _(text), counts[status]) for status, text in STATUS_WORDS.items() if counts[status]]


def summary(result: DiffResult) -> str:
    """Return one sentence about what became of the operators."""
    parts = [_("{0:,} {1}").format(number, text) for _status, text, number in statuses_of(result)]
    total = len(result.nodes)
    text = _("1 operator: {0}.") if total == 1 else _("{1:,} operators: {0}.")
    return text.format(joined(parts, ", "), total)
