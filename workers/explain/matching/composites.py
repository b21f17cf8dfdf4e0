"""Find the operators that one operator of the other graph computes together, of which only one has a pair."""

from collections.abc import Callable, Iterable

from workers.explain.matching.operators import plain
from workers.explain.matching.sides import FARTHEST, MOST_USERS, Side


def inside_composites(first: Side, second: Side) -> dict[int, int | None]:
    """Return {node without a pair: the composite node of the second graph that computes it}.

    None stands for a node that several of them compute for themselves, such as the mask of all attentions.
    """
    whole = {a: b for a, b in first.partner.items() if a >= 0 and _is_composite(first, second, a, b)}
    if not whole:
        return {}
    found: dict[int, int | None] = {}
    for place in reversed(range(len(first.nodes))):
        if place in first.partner:
            continue
        below = _reached(first, place, lambda one: first.users.get(one, ())[:MOST_USERS], whole)
        if below is not None:
            found[place] = below.pop() if len(below) == 1 else None
    for place in range(len(first.nodes)):
        if place in first.partner or place in found:
            continue
        above = _reached(first, place, lambda one: first.sources[one][:MOST_USERS], whole)
        if above is not None and len(above) == 1:
            found[place] = above.pop()
        elif not first.users.get(place) and first.sources[place] and first.sources[place][0] in found:
            found[place] = found[first.sources[place][0]]
    return found


def _is_composite(first: Side, second: Side, a: int, b: int) -> bool:
    """Return whether `b` computes more than its partner `a`: it is of another kind, or another form of attention."""
    owner = second.partner[b]
    if first.kinds[owner] != second.kinds[b]:
        return True
    return second.kinds[b] == "attention" and plain(first.nodes[a].op) != plain(second.nodes[b].op)


def _reached(side: Side, place: int, beside: Callable[[int], Iterable[int]], whole: dict[int, int]) -> set[int] | None:
    """Return the nearest composite nodes in one direction; None if a way ends elsewhere."""
    seen, level, nearest = {place}, [place], set[int]()
    while level and len(seen) < FARTHEST:
        around = list(dict.fromkeys(near for one in level for near in beside(one) if near not in seen))
        ends = {whole[one] for one in around if one in whole}
        if any(one not in whole and (one < 0 or one in side.partner) for one in around):
            return None
        nearest = nearest or ends
        level = [one for one in around if one not in whole]
        seen.update(around)
    return nearest or None
