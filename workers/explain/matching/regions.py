"""Say what became of operators without a pair, by the matched operators around them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from networkx.utils import UnionFind

from workers.contracts.after.changes import Status
from workers.explain.matching.anchors import pair, same_numbers, same_shape
from workers.explain.matching.composites import inside_composites
from workers.explain.matching.operators import FOLDED, PASSING, is_integer, plain
from workers.explain.matching.sides import MOST_USERS, Side

LARGEST = 64
"""Most operators of one graph in a part that counts as replaced by another part."""

POSITIONS = ("i64", "i32", "bool", "")
"""Types of sizes and positions, which engines compute once if they can."""
MOST_NEAR = 64
"""Most neighbors of a part that are looked at for each of its operators."""

Found = dict[int, tuple[Status, int | None]]
"""{node: its status and the node of the other graph that it is part of}."""


@dataclass
class Region:
    """Connected operators without a pair.

    Attributes:
        sources: Ids of matched nodes and inputs that it reads; `users` are matched nodes that read it.
        outputs: Positions of the outputs of the model that it gives.
        parts: Number of parts that are not connected with each other.
    """

    nodes: list[int] = field(default_factory=list)
    sources: set[int] = field(default_factory=set)
    users: set[int] = field(default_factory=set)
    outputs: set[int] = field(default_factory=set)
    parts: int = 1


def settle(first: Side, second: Side) -> tuple[Found, Found]:
    """Return what became of the nodes without a pair, of both graphs."""
    gone: Found = {a: ("fused", first.partner[twin]) for a, twin in _twins(first)}
    new: Found = {b: ("added", None) for b, _ in _twins(second)}
    inside, unfolded = inside_composites(first, second), inside_composites(second, first)
    gone |= {a: ("removed" if b is None else "fused", b) for a, b in inside.items() if a not in gone}
    new |= dict.fromkeys(unfolded, ("added", None))
    for left, right in _linked(first, second, _regions(first, gone), _regions(second, new)):
        _settle(first, second, left, right, gone, new)
    return gone, new


def _twins(side: Side) -> Iterator[tuple[int, int]]:
    """Yield unmatched nodes that compute the same as a matched one, with that."""
    known: dict[object, int] = {}
    keys = [_identity(side, place) for place in range(len(side.nodes))]
    for place, key in enumerate(keys):
        if place in side.partner:
            known.setdefault(key, place)
    for place, key in enumerate(keys):
        if place not in side.partner and key in known and side.sources[place]:
            yield place, known[key]


def _identity(side: Side, place: int) -> object:
    node = side.nodes[place]
    return node.op, tuple(side.sources[place]), node.weight_hash, tuple(sorted(node.attributes.items())), node.depth


def _regions(side: Side, settled: Found) -> list[Region]:
    """Return the connected parts of nodes without a pair."""
    left = [place for place in range(len(side.nodes)) if place not in side.partner and place not in settled]
    open_, sets = set(left), UnionFind()
    for place in left:
        sets.union(place, *open_.intersection(side.sources[place]))
    regions: dict[int, Region] = defaultdict(Region)
    for place in left:
        region = regions[sets[place]]
        region.nodes.append(place)
        region.sources.update(one for one in side.sources[place] if one < 0 or one in side.partner)
        region.users.update(one for one in side.users.get(place, ()) if one in side.partner)
    for number, maker in enumerate(side.outputs):
        if maker in open_:
            regions[sets[maker]].outputs.add(number)
    return list(regions.values())


def _linked(
    first: Side, second: Side, left: list[Region], right: list[Region]
) -> Iterator[tuple[Region | None, Region | None]]:
    """Yield the regions of both graphs that lie between the same matched operators together, others alone."""
    links, near = UnionFind(), [_places(region, region.users, region.sources) for region in right]
    known = set().union(*near)
    for number, region in enumerate(left):
        users, sources = (
            {first.partner[one] for one in ids if one in first.partner} for ids in (region.users, region.sources)
        )
        links.union(("a", number), *known.intersection(_places(region, users, sources)))
    shared = set(links)
    for number, places in enumerate(near):
        links.union(("b", number), *shared.intersection(places))
    for linked in links.to_sets():
        parts = [
            [regions[number] for side, number in sorted(one for one in linked if len(one) == 2) if side == name]
            for name, regions in (("a", left), ("b", right))
        ]
        yield _joined(parts[0]), _joined(parts[1])


def _places(region: Region, users: set[int], sources: set[int]) -> set[tuple[str, int, int | None]]:
    """Return the places of a region: each of its ends with each of its first sources, as ids of the second graph."""
    ends = [*(("user", one) for one in users), *(("output", one) for one in region.outputs)]
    return {(*end, source) for end in ends for source in tuple(sorted(sources)[:MOST_NEAR]) or (None,)}


def _joined(regions: Sequence[Region]) -> Region | None:
    whole = Region(parts=0)
    for region in regions:
        whole.parts += region.parts
        whole.nodes += region.nodes
        whole.sources |= region.sources
        whole.users |= region.users
        whole.outputs |= region.outputs
    return whole if regions else None


def _settle(first: Side, second: Side, left: Region | None, right: Region | None, gone: Found, new: Found) -> None:
    real_left = [one for one in left.nodes if first.kinds[one] not in PASSING] if left else []
    real_right = [one for one in right.nodes if second.kinds[one] not in PASSING] if right else []
    if left and right:
        _pair_alone(first, second, real_left, real_right)
    if left and right and real_left and real_right:
        if len(real_left) > LARGEST or len(real_right) > LARGEST:
            return
        if len(real_right) > 1:
            _replace_by_name(first, second, real_left, real_right, gone)
        last, whole = _end(first, second, real_left[-1], real_right), len(real_right) == 1 < len(real_left)
        if left.parts == 1 and first.kinds[real_left[-1]] == second.kinds[last]:
            pair(first, second, real_left.pop(), last)
        elif left.parts == 1 or whole:
            gone.setdefault(real_left[-1], ("fused" if whole else "replaced", last))
        for one in real_left:
            gone.setdefault(one, ("fused", last) if whole else ("replaced", None))
        used = {target for _, target in (gone[one] for one in left.nodes if one in gone)}
        for one in right.nodes:
            if one not in used and one not in second.partner:
                new.setdefault(one, ("added", None))
        for one in left.nodes:
            if one not in first.partner:
                gone.setdefault(one, ("removed", None))
        return
    if left:
        left.nodes = [one for one in left.nodes if one not in first.partner]
        consistent = right is not None or _is_direct(first, second, left)
        near = (*sorted(left.users), *sorted(left.sources))
        around = {first.partner.get(one, one) for one in near}
        whole_of = around.pop() if len(around) == 1 and left.users and left.sources else None
        for one in left.nodes if consistent else ():
            target = whole_of if whole_of is not None else _folded_into(first, second, left, near[:MOST_NEAR], one)
            gone.setdefault(one, ("removed", None) if target is None else ("fused", target))
    if right and (left is not None or _is_direct(second, first, right)):
        for one in right.nodes:
            new.setdefault(one, ("added", None))


def _pair_alone(first: Side, second: Side, left: list[int], right: list[int]) -> None:
    """Pair the nodes of a part that are alone of their kind in it, and remove them from both lists."""
    counts = [Counter(side.kinds[one] for one in part) for side, part in ((first, left), (second, right))]
    for a in tuple(left):
        kind = first.kinds[a]
        if counts[0][kind] == counts[1][kind] == 1:
            b = next(one for one in right if second.kinds[one] == kind)
            weighted = first.nodes[a].weight_hash and second.nodes[b].weight_hash
            if weighted or same_shape(first.nodes[a], second.nodes[b]):
                pair(first, second, a, b)
                left.remove(a)
                right.remove(b)


def _end(first: Side, second: Side, one: int, right: list[int]) -> int:
    """Return the node of a part of the second graph that is read where `one` is read in the first."""
    for user in first.readers(one):
        if user not in first.partner:
            continue
        here, there = first.roots(user), second.roots(first.partner[user])
        place = here.index(one) if one in here else len(there)
        if place < len(there) and there[place] in right:
            return there[place]
    return max(right)


def _replace_by_name(first: Side, second: Side, left: list[int], right: list[int], gone: Found) -> None:
    """Mark nodes of a part as replaced by the node of the other part that gives a value of the same name."""
    names = {second.nodes[one].outputs[0]: one for one in right if second.nodes[one].outputs}
    for a in left:
        name = first.nodes[a].outputs[0] if first.nodes[a].outputs else ""
        if name in names:
            gone.setdefault(a, ("replaced", names[name]))


def _is_direct(side: Side, other: Side, region: Region) -> bool:
    """Return whether the other graph computes the same without a region: its neighbors are neighbors there."""
    sources = {side.partner[one] for one in region.sources if one in side.partner}
    is_shape = all(side.nodes[one].dtype in POSITIONS for one in region.nodes)
    if not region.users and not region.outputs:
        return bool(sources) or not region.sources
    for user in region.users:
        there = [side.partner[user], *other.roots(side.partner[user])]
        folded = is_shape and len(there) - 1 < len(side.roots(user))
        if folded or not region.sources or sources.intersection(there):
            return True
    makers = [other.outputs[one] for one in region.outputs if one < len(other.outputs)]
    if region.outputs and not region.users and not makers:
        return True
    return any(maker is not None and other.root(maker) in sources for maker in makers)


def _folded_into(first: Side, second: Side, region: Region, near: Sequence[int], one: int) -> int | None:
    """Return the node of the second graph that computes a missing one as well; None if it was just removed.

    `near` are the region's users, then its sources.
    """
    for place in near:
        other = first.partner.get(place)
        if place < 0 or other is None:
            continue
        named = first.kinds[second.partner[other]] != second.kinds[other] == first.kinds[one]
        hidden = first.nodes[place].depth < first.nodes[one].depth  # inside a branch or loop that is not shown
        if named or (place in region.users and hidden):
            return other
    if first.kinds[one] not in FOLDED:
        return None
    chain = len(region.sources) == 1 or len(region.nodes) == 1
    beside = set(near) if chain else {*first.sources[one], *first.users.get(one, ())}
    found = sorted(place for place in near if place in beside and _takes(first, second, place, one))
    return first.partner[found[0]] if found else None


def _takes(first: Side, second: Side, near: int, one: int) -> bool:
    """Return whether the partner of a neighbor `near` shows that it computes the missing `one` as well."""
    if near < 0 or near not in first.partner:
        return False
    a, b, missing = first.nodes[near], second.nodes[first.partner[near]], first.nodes[one]
    if missing.weight_hash and a.weight_hash and (not same_numbers(a, b) or len(b.weight_names) > len(a.weight_names)):
        return True
    users = second.users.get(first.partner[near], [])[:MOST_USERS]
    if first.kinds[one] in ("relu", "clip") and users and all(second.kinds[user] == "quantize" for user in users):
        return True  # the range of the whole numbers ends where the operator does
    return is_integer(b.op) or (first.graph.form == second.graph.form and plain(a.op) != plain(b.op))
