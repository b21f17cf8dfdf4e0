"""Find more pairs of operators from those that were found, along the edges in both directions."""

from collections.abc import Hashable, Iterable, Sequence
from functools import partial

from workers.explain.matching.anchors import pair, same_shape, same_weights
from workers.explain.matching.operators import FOLDED
from workers.explain.matching.sides import MOST_USERS, Side, alone

COMMUTATIVE = frozenset({"add", "mul", "max", "min", "and", "or", "equal", "sum"})

NOTHING: frozenset[str] = frozenset()


def spread(first: Side, second: Side) -> None:
    """Pair the neighbors of pairs until there is nothing more to find."""
    fresh = list(first.partner.items())
    _spread_outputs(first, second, fresh)
    while fresh:
        around = set()
        for a, b in fresh:
            for x, y in _beside(first, second, a, b):
                if _may_pair(first, second, x, y):
                    pair(first, second, x, y)
                    around.add(x)
        # a new pair may decide what its own neighbors left open
        again = {source for x in around for source in first.roots(x)} | around
        again |= {user for x in around for user in first.readers(x)} if len(around) < len(first.nodes) else set()
        fresh = [(x, first.partner[x]) for x in again if x in first.partner] if around else []


def pair_passing(first: Side, second: Side) -> None:
    """Pair the operators that pass on a value of two matched ones, where each graph has one of the kind and type."""
    for source, users in first.users.items():
        other = first.partner.get(source)
        if other is None:
            continue
        here = alone(users[:MOST_USERS], partial(_passing, first))
        there = alone(second.users.get(other, ())[:MOST_USERS], partial(_passing, second))
        for key, place in here.items():
            if key in there and first.sources[place][0] == source:
                pair(first, second, place, there[key])


def _passing(side: Side, place: int) -> Hashable:
    kind = side.kinds[place]
    return (kind, side.nodes[place].dtype if kind == "cast" else "") if side.passes(place) else None


def _spread_outputs(first: Side, second: Side, fresh: list[tuple[int, int]]) -> None:
    names = {name: place for place, name in enumerate(second.graph.outputs)}
    for place, name in enumerate(first.graph.outputs):
        other = names.get(name, place if len(names) == len(first.graph.outputs) else None)
        if other is None:
            continue
        a, b = first.outputs[place], second.outputs[other]
        if a is not None and b is not None:
            x, y = first.root(a), second.root(b)
            if _may_pair(first, second, x, y):
                pair(first, second, x, y)
                fresh.append((x, y))


def _may_pair(first: Side, second: Side, a: int, b: int) -> bool:
    if a < 0 or b < 0 or a in first.partner or b in second.partner or first.kinds[a] != second.kinds[b]:
        return False
    one, other = first.nodes[a], second.nodes[b]
    if first.kinds[a] == "attention" and one.op != other.op:
        return True  # one of them may hold tables of positions
    if one.weight_hash or other.weight_hash:
        return same_weights(one, other)
    return same_shape(one, other)


def _beside(first: Side, second: Side, a: int, b: int) -> Iterable[tuple[int, int]]:
    """Yield pairs of candidates among the operators that two matched ones read and that read them."""
    users = (list(first.readers(a)), list(second.readers(b)))
    pairs = list(_decided(first, second, *users))
    if not pairs:
        users = (list(first.readers(a, FOLDED)), list(second.readers(b, FOLDED)))
        pairs = list(_decided(first, second, *users))
    yield from pairs
    if a < 0 or b < 0:
        return
    for skip, other_skip in ((NOTHING, NOTHING), (NOTHING, FOLDED), (FOLDED, NOTHING)):
        sources = (first.roots(a, skip), second.roots(b, other_skip))
        if first.kinds[a] not in COMMUTATIVE and len(sources[0]) == len(sources[1]):
            yield from zip(*sources, strict=True)
        yield from _decided(first, second, *sources)


def _decided(first: Side, second: Side, here: Sequence[int], there: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Yield pairs of unmatched ids that are alone in both lists with a key, by ever looser keys."""
    left = [one for one in dict.fromkeys(here) if one >= 0 and one not in first.partner]
    right = [one for one in dict.fromkeys(there) if one >= 0 and one not in second.partner]
    for key in (_strict, _sized, _kind):
        if not left or not right:
            return
        one, other = alone(left, partial(key, first)), alone(right, partial(key, second))
        found = [(a, other[name]) for name, a in one.items() if name in other]
        yield from found
        left = [one for one in left if one not in {a for a, _ in found}]
        right = [one for one in right if one not in {b for _, b in found}]


def _strict(side: Side, place: int) -> Hashable:
    node = side.nodes[place]
    return side.kinds[place], node.weight_hash, node.shape, tuple(sorted(node.attributes.items()))


def _sized(side: Side, place: int) -> Hashable:
    node = side.nodes[place]
    return side.kinds[place], tuple(sorted(node.weight_shape)), node.shape


def _kind(side: Side, place: int) -> Hashable:
    kind = side.kinds[place]
    return kind, kind != "attention" and bool(side.nodes[place].weight_hash)
