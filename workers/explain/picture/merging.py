"""Merge the graphs of two models into one, with one vertex for each compared operator."""

from collections import defaultdict
from collections.abc import Sequence

from workers.contracts.after.changes import ChangedNode
from workers.explain.graph import ModelGraph

Edge = tuple[int, int]
BEFORE = 1e-6
"""By how much the sort key of an added operator is below that of its first reader."""


def merged(nodes: Sequence[ChangedNode], first: ModelGraph, second: ModelGraph) -> tuple[list[int], list[Edge]]:
    """Return both graphs as one: positions of operators in an order of execution, and pairs of places in this order.

    The connections are those of the first model and those of the second model's added operators. A connection of the
    first model in which the second one has put an added operator is left out. One that
    closes a loop leads backwards.
    """
    at_a = {node.a: at for at, node in enumerate(nodes) if node.a is not None}
    at_b: dict[str, int] = {}
    for at, node in enumerate(nodes):
        if node.b is not None and (node.status != "fused" or node.b not in at_b):
            at_b[node.b] = at
    edges_a, edges_b = _edges(first, at_a), _edges(second, at_b)
    new = {edge for edge in edges_b if nodes[edge[0]].a is None or nodes[edge[1]].a is None}
    opened, closed = {u for u, _v in new}, {v for _u, v in new}
    kept = {(u, v) for u, v in edges_a if (u, v) in edges_b or not (u in opened and v in closed)}
    edges = kept | new
    keys = _keys(nodes, second, at_b, edges)
    order = sorted(range(len(nodes)), key=keys.__getitem__)
    place = {node: at for at, node in enumerate(order)}
    return order, sorted((place[u], place[v]) for u, v in edges)


def _edges(graph: ModelGraph, places: dict[str, int]) -> set[Edge]:
    makers = {name: places[node.name] for node in graph.nodes if node.name in places for name in node.outputs}
    return {
        (makers[name], places[node.name])
        for node in graph.nodes
        if node.name in places
        for name in node.inputs
        if name in makers and makers[name] != places[node.name]
    }


def _keys(nodes: Sequence[ChangedNode], second: ModelGraph, at_b: dict[str, int], edges: set[Edge]) -> list[float]:
    """Return a sort key for each operator: its position, and for an added one a little less than its first reader's."""
    keys = [float(at) for at in range(len(nodes))]
    readers = defaultdict(list)
    for u, v in edges:
        readers[u].append(v)
    for node in reversed(second.nodes):
        at = at_b.get(node.name)
        if at is not None and nodes[at].a is None and readers[at]:
            keys[at] = min(keys[reader] for reader in readers[at]) - BEFORE
    return keys
