"""Find pairs of operators by names, by what a rewriter recorded, and by weights."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable

from workers.explain.graph import Node
from workers.explain.matching.operators import COMPOSITE, is_packed
from workers.explain.matching.sides import Side, alone, stem, weight_stem

SMALL_BYTES = 64
"""Weights up to this size are common numbers (0, 1, a half) and tell nothing."""


def pair(first: Side, second: Side, a: int, b: int) -> None:
    """Record that two operators, or inputs, correspond."""
    first.partner[a], second.partner[b] = b, a


def pair_inputs(first: Side, second: Side) -> None:
    """Pair the inputs of both models by name; all by position if none has a common name and their number is equal."""
    names = {stem(name): -1 - place for place, name in enumerate(second.graph.inputs)}
    found = [(-1 - place, names[stem(name)]) for place, name in enumerate(first.graph.inputs) if stem(name) in names]
    if not found and len(first.graph.inputs) == len(second.graph.inputs):
        found = [(-1 - place, -1 - place) for place in range(len(first.graph.inputs))]
    for a, b in found:
        pair(first, second, a, b)


def same_numbers(a: Node, b: Node) -> bool:
    """Return whether the largest weights of two operators have the same numbers, maybe in another order."""
    return bool(a.weight_hash) and (a.weight_hash == b.weight_hash or a.weight_sums[:1] == b.weight_sums[:1])


def same_weights(a: Node, b: Node) -> bool:
    """Return whether the weights of two operators correspond: by numbers, by name or by their sizes."""
    if bool(a.weight_hash) != bool(b.weight_hash):
        return False
    if not a.weight_hash or same_numbers(a, b):
        return True
    if set(map(weight_stem, a.weight_names)) & set(map(weight_stem, b.weight_names)):
        return True
    if is_packed(a.op) != is_packed(b.op):
        return same_shape(a, b)
    return _sizes(a) == _sizes(b)


def _sizes(node: Node) -> list[int]:
    return sorted(size for size in node.weight_shape if size != 1)


def same_shape(a: Node, b: Node) -> bool:
    """Return whether the outputs of two operators may have the same sizes, in any order; free sizes fit any."""
    if a.shape is None or b.shape is None:
        return True
    if len(a.shape) != len(b.shape):
        return False
    in_place = all(x is None or y is None or x == y for x, y in zip(a.shape, b.shape, strict=True))
    return in_place or Counter(a.shape) == Counter(b.shape)  # another layout


WEIGHT_KEYS: tuple[tuple[int, Callable[[Node], Hashable]], ...] = (
    (SMALL_BYTES, lambda node: node.weight_hash),
    (SMALL_BYTES, lambda node: node.weight_sums[0]),
    (8, lambda node: weight_stem(node.weight_names[0])),
    (-1, lambda node: frozenset(map(weight_stem, node.weight_names)) if len(node.weight_names) > 1 else None),
)
"""Keys that identify an operator by its weights, tried in this order; the weights must have more bytes than stated.

The keys are the hash of the numbers, their hash in any order, the name of the first weight, and the names of all
weights for operators whose largest weight was folded away.
"""


def by_weights(first: Side, second: Side) -> None:
    """Pair operators whose weights have names or numbers that only one operator of the kind has in each graph."""
    for least_bytes, key in WEIGHT_KEYS:
        found = [_weighted(side, least_bytes, key) for side in (first, second)]
        for name, a in found[0].items():
            b = found[1].get(name)
            if b is not None and same_weights(first.nodes[a], second.nodes[b]):
                pair(first, second, a, b)


def _weighted(side: Side, least_bytes: int, key: Callable[[Node], Hashable]) -> dict[Hashable, int]:
    """Return {(kind, key): position} of the keys that exactly one unpaired operator with enough weights has."""

    def named(place: int) -> Hashable:
        name = key(side.nodes[place])
        return None if name is None else (side.kinds[place], name)

    nodes = ((place, node) for place, node in enumerate(side.nodes) if place not in side.partner and node.weight_hash)
    return alone((place for place, node in nodes if node.weight_bytes > least_bytes), named)


def by_parts(first: Side, second: Side) -> None:
    """Pair operators of the first graph with the one of another kind that holds their weights under the same names."""
    owners: dict[str, list[int]] = {}
    for a, node in enumerate(first.nodes):
        if a not in first.partner and node.weight_bytes:
            owners.setdefault(weight_stem(node.weight_names[0]), []).append(a)
    for b, node in enumerate(second.nodes):
        if b in second.partner or not node.weight_bytes:
            continue
        names = [part for name in node.weight_names for part in _joined_names(weight_stem(name))]
        parts = [owners[name][0] for name in names if len(owners.get(name, ())) == 1]
        if not parts or (len(parts) == 1 and second.kinds[b] not in COMPOSITE):
            continue
        alike = [a for a in parts if first.kinds[a] == second.kinds[b]] or [max(parts)]
        for a in (*parts, alike[0]):
            pair(first, second, a, b)


def _joined_names(name: str) -> tuple[str, ...]:
    """Return the names of the weights that a joined one consists of."""
    return (
        tuple(name.replace("qkv_proj", part) for part in ("q_proj", "k_proj", "v_proj"))
        if "qkv_proj" in name
        else (name,)
    )


def by_names(first: Side, second: Side) -> None:
    """Pair operators by the names of values and nodes, where the operators around them do not contradict.

    Exporters count operators, so one name in two files may be two operators.
    """
    found: dict[int, int] = {}
    taken: set[int] = set(second.partner)
    for exact in (True, False):
        for a, b in _named(first, second, exact):
            fits = first.kinds[a] == second.kinds[b] and a not in first.partner
            if fits and a not in found and b not in taken:
                found[a] = b
                taken.add(b)
    kept = _supported(first, second, found)
    if 2 * len(kept) >= len(found):
        for a, b in kept.items():
            pair(first, second, a, b)


def _named(first: Side, second: Side, exact: bool) -> Iterable[tuple[int, int]]:
    """Yield pairs with a common name: of values, then of values behind what passes them on, then of nodes."""
    short = (lambda name: name) if exact else stem
    values = {short(value): place for value, place in second.maker.items() if place >= 0}
    names = {short(node.name): place for place, node in enumerate(second.nodes)}
    for place, node in enumerate(first.nodes):
        for value in node.outputs:
            b = values.get(short(value))
            if b is not None:
                yield place, b
                yield first.root(place), second.root(b)
        if short(node.name) in names:
            yield place, names[short(node.name)]


def _supported(first: Side, second: Side, found: dict[int, int]) -> dict[int, int]:
    """Return the pairs without those that contradict more of their neighbors than they agree with."""
    for _ in range(2):
        kept = {}
        for a, b in found.items():
            agree, differ = _votes(first, second, found, a, b)
            certain = same_numbers(first.nodes[a], second.nodes[b])
            if certain or ((agree > differ or agree == differ == 0) and (agree or _same_form(first, second, a, b))):
                kept[a] = b
        found = kept
    return found


def _same_form(first: Side, second: Side, a: int, b: int) -> bool:
    return same_weights(first.nodes[a], second.nodes[b]) and same_shape(first.nodes[a], second.nodes[b])


def _votes(first: Side, second: Side, found: dict[int, int], a: int, b: int) -> tuple[int, int]:
    """Return how many neighbors of a pair correspond and how many correspond to operators elsewhere."""
    agree = differ = 0
    sides = (
        (set(second.roots(b)) | set(second.sources[b]), first.roots(a)),
        (set(second.readers(b)), first.readers(a)),
    )
    for there, here in sides:
        for one in here:
            other = first.partner.get(one, found.get(one))
            if other is not None:
                agree, differ = agree + (other in there), differ + (other not in there)
    return agree, differ
