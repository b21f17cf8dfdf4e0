"""Match two graphs and give each operator of both exactly one status."""

from collections import Counter

from workers.contracts.after.changes import ChangedNode, Status
from workers.explain.graph import ModelGraph, Node
from workers.explain.graphs.weights import bits_of
from workers.explain.matching import anchors
from workers.explain.matching.operators import PASSING, is_integer, kind_of, plain
from workers.explain.matching.regions import Found, settle
from workers.explain.matching.sides import FARTHEST, Side
from workers.explain.matching.spreading import pair_passing, spread

NUMBERS = ("f", "bf", "int", "u", "nf")
"""Starts of the types of numbers that are computed with; whole numbers of 32 and 64 bits count as positions."""
COMPLETING = PASSING | {"mul", "add"}
"""Kinds that engines add behind an operator that computes with whole numbers, or without its bias."""
WHOLE = ("i", "u")
"""Starts of the types of whole numbers."""
ROUNDING = ("dequantize", "fakequantize")


def match_graphs(first: ModelGraph, second: ModelGraph) -> tuple[ChangedNode, ...]:
    """Return all operators of both graphs, in the order of execution, with what became of each."""
    a, b = Side(first), Side(second)
    anchors.pair_inputs(a, b)
    anchors.by_weights(a, b)
    anchors.by_names(a, b)
    spread(a, b)
    anchors.by_parts(a, b)
    anchors.by_parts(b, a)
    spread(a, b)
    pair_passing(a, b)
    if not _have_something_in_common(a, b):
        a.partner.clear()
        b.partner.clear()
        return _rows(a, b, {}, {})
    return _rows(a, b, *settle(a, b))


def _have_something_in_common(a: Side, b: Side) -> bool:
    """Return whether an operator with weights has a pair, where both graphs have such operators."""
    weighted = [any(node.weight_bytes for node in side.nodes) for side in (a, b)]
    return not all(weighted) or any(one >= 0 and a.nodes[one].weight_bytes for one in a.partner)


def _rows(a: Side, b: Side, gone: Found, new: Found) -> tuple[ChangedNode, ...]:
    rows: list[tuple[tuple[int, int, int], ChangedNode]] = []
    shown: set[int | None] = set()
    parts = Counter(place for status, place in gone.values() if status == "fused")
    parts.update(other for place, other in a.partner.items() if b.partner.get(other) != place)
    for place in range(len(a.nodes)):
        other = a.partner.get(place)
        if other is not None:
            own = b.partner.get(other) == place
            status: Status = _status(a, b, place, other, parts[other]) if own else "fused"
        else:
            status, other = gone.get(place, ("unmatched", None))
        shown.add(other)
        rows.append(((place, 0, 0), _row(a, b, place, other, status)))
    before = -1
    for place in range(len(b.nodes)):
        before = max(before, b.partner.get(place, before))
        if place not in shown:
            status = "added" if place in b.partner else new.get(place, ("unmatched", None))[0]
            rows.append(((before, 1, place), _row(a, b, None, place, status)))
    return tuple(row for _, row in sorted(rows, key=lambda entry: entry[0]))


def _row(a: Side, b: Side, place: int | None, other: int | None, status: Status) -> ChangedNode:
    node = None if place is None else a.nodes[place]
    there = None if other is None else b.nodes[other]
    shown = node or there or Node("", "")
    own = place is None or other is None or b.partner.get(other) == place
    return ChangedNode(
        a=node.name if node else None,
        b=there.name if there else None,
        op=shown.op,
        op_b=there.op if there else "",
        value_b=_value(node, b, other) if other is not None and node else "",
        status=status,
        shape=shown.shape,
        dtype_a=None if place is None else _dtype(a, place),
        dtype_b=None if other is None else _dtype(b, other),
        weight_bytes_a=node.weight_bytes if node else 0,
        weight_bytes_b=there.weight_bytes if there and own else 0,
    )


def _value(node: Node, b: Side, place: int) -> str:
    """Return the name of the value behind what was added after a node to complete it; "" if it is its first output."""
    there, end = b.nodes[place], place
    apart = len(node.weight_names) > len(there.weight_names) or kind_of(node.op) != b.kinds[place]
    behind_it = COMPLETING if apart or there.dtype.startswith(WHOLE) else PASSING
    for _ in range(FARTHEST):
        users = b.users.get(end, [])
        behind = users[:1] if {b.kinds[user] for user in users} == {"dequantize"} else users
        if len(behind) != 1 or behind[0] in b.partner or b.kinds[behind[0]] not in behind_it:
            break
        if any(source != end and (source < 0 or source in b.partner) for source in b.sources[behind[0]]):
            break
        end = behind[0]
    whole = end == place or b.kinds[end] == "quantize" or not b.nodes[end].outputs
    return "" if whole else b.nodes[end].outputs[0]


def _dtype(side: Side, place: int) -> str | None:
    """Return the type of an operator's weights, of what it reads if that was rounded, or of its output."""
    node = side.nodes[place]
    if side.kinds[place] in PASSING and node.dtype:
        return node.dtype
    return node.weight_dtype or _read_type(side, place) or node.dtype or None


def _read_type(side: Side, place: int) -> str:
    """Return the type to which all that a node reads is rounded; "" if it is not."""
    sources = [one for one in side.sources[place] if one < 0 or not _is_constant(side, one)]
    if is_integer(side.nodes[place].op):
        return "int8"
    if not sources or any(one < 0 or side.kinds[one] not in ROUNDING or one in side.partner for one in sources):
        return ""
    maker = side.sources[sources[0]]
    stored = side.nodes[maker[0]].dtype if maker and maker[0] >= 0 else ""
    return stored if 0 < bits_of(stored) <= 8 else "int8"


def _is_constant(side: Side, place: int) -> bool:
    """Return whether a node unpacks weights."""
    return not side.sources[place] and bool(side.nodes[place].weight_hash)


def _status(a: Side, b: Side, place: int, other: int, parts: int) -> Status:
    """Return the status of a matched pair; `parts` operators of the first graph were fused into the second's."""
    one, there = a.nodes[place], b.nodes[other]
    before, after = _dtype(a, place) or "", _dtype(b, other) or ""
    types = ((before, after), (one.dtype, there.dtype), (one.weight_dtype, there.weight_dtype))
    if any(_is_narrower(*pair) for pair in types):
        return "rounded"
    if parts:
        return "fused"
    return "unchanged" if _is_same(a, b, one, there) else "replaced"


def _is_narrower(before: str, after: str) -> bool:
    """Return whether numbers have fewer bits, or another range of as many (F16 and BF16)."""
    computed = before.startswith(NUMBERS) and after.startswith(NUMBERS)
    return computed and 0 < bits_of(after) < bits_of(before)


def _is_same(a: Side, b: Side, one: Node, there: Node) -> bool:
    """Return whether two operators are the same: kind, attributes and the numbers of their weights."""
    alike = one.weight_hash == there.weight_hash or not (one.weight_hash and there.weight_hash)
    transposed = one.weight_shape != there.weight_shape and one.weight_sums == there.weight_sums
    if not (alike or transposed or _first_same(one, there)):
        return False
    if a.graph.form != b.graph.form:
        return kind_of(one.op) == kind_of(there.op)
    common = (key for key in one.attributes.keys() & there.attributes.keys() if not key.startswith("#"))
    return plain(one.op) == plain(there.op) and all(one.attributes[key] == there.attributes[key] for key in common)


def _first_same(one: Node, there: Node) -> bool:
    """Return whether the largest weight is the same and the other node has fewer or more small ones (a bias apart)."""
    return len(one.weight_sums) != len(there.weight_sums) and one.weight_sums[:1] == there.weight_sums[:1]
