"""Map the layers of two engines to the operators of two graphs, so that no time is lost."""

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

from workers.contracts.after.changes import ChangedNode, Layer
from workers.explain.graph import ModelGraph
from workers.explain.kinds import family_of, is_moving
from workers.tune.openvino_layers import stem_of

Placed = list[tuple[Layer, list[int]]]
"""Layers of one model, each with the positions of the operators that it computes, its main operator in front.

That is the first heavy one, else the first one that computes.
"""


def placed_layers(
    nodes: Sequence[ChangedNode], graphs: Sequence[ModelGraph], layers: Sequence[Sequence[Layer]]
) -> tuple[list[ChangedNode], tuple[Placed, Placed]]:
    """Return all operators and both models' layers with their positions, by recorded origins, else by name.

    Layers that belong to no operator (conversions of numbers, changes of layout) get rows at the end, so that positions
    stay valid. Engines number some of them anew each time, so those of the same kind, implementation and size pair in
    their order.
    """
    rows = list(nodes)
    known = [_positions(nodes, graph, side) for graph, side in zip(graphs, "ab", strict=True)]
    first, second = ([(one, _places(nodes, at, one)) for one in own] for at, own in zip(known, layers, strict=True))
    names = {layer.name for layer, places in second if not places}
    alike: dict[object, deque[int]] = defaultdict(deque)
    for layer, places in first:
        if not places:
            alike[layer.name if layer.name in names else _likeness(layer)].append(len(rows))
            places.append(len(rows))
            numbers = layer.precision or None
            rows.append(ChangedNode(a=layer.name, b=None, op=layer.kind, status="removed", dtype_a=numbers))
    for layer, places in second:
        if not places:
            own: dict[str, Any] = {"b": layer.name, "op_b": layer.kind, "dtype_b": layer.precision or None}
            if same := alike[layer.name] or alike[_likeness(layer)]:
                places.append(same.popleft())
                rows[places[0]] = rows[places[0]].model_copy(update={**own, "status": "unchanged"})
            else:
                places.append(len(rows))
                rows.append(ChangedNode(a=None, op=layer.kind, status="added", **own))
    return rows, (first, second)


def _likeness(layer: Layer) -> object:
    return layer.kind, layer.kernel, layer.values


def _positions(nodes: Sequence[ChangedNode], graph: ModelGraph, side: str) -> dict[str, int]:
    """Return the positions of one model's operators, by their names and by those of their outputs."""
    rows: dict[str, int] = {}
    for position, node in sorted(enumerate(nodes), key=lambda pair: pair[1].status == "fused"):
        name = getattr(node, side)
        if name is not None:
            rows.setdefault(name, position)
    for maker in graph.nodes:
        if maker.name in rows:
            for output in maker.outputs:
                rows.setdefault(output, rows[maker.name])
    return rows


def _places(nodes: Sequence[ChangedNode], positions: dict[str, int], layer: Layer) -> list[int]:
    def found(names: Sequence[str]) -> set[int]:
        return {at for name in names if (at := positions.get(name, positions.get(stem_of(name)))) is not None}

    def rank(position: int) -> tuple[bool, bool, int]:
        kind = nodes[position].op
        return not family_of(kind), is_moving(kind), position

    return sorted(found(layer.origins) or found((layer.name,)), key=rank)


def with_times(rows: Sequence[ChangedNode], placed: tuple[Placed, Placed]) -> tuple[ChangedNode, ...]:
    """Return the rows with their times, and the kernel of the slowest layer; the sum of times is that of the layers.

    The time of a layer that computes several operators is on its main one.
    """
    timed = list(rows)
    for side, layers in zip("ab", placed, strict=True):
        for layer, places in sorted(layers, key=lambda one: one[0].ms):
            row = timed[places[0]]
            spent_ms = layer.ms + (getattr(row, f"ms_{side}") or 0.0)
            timed[places[0]] = row.model_copy(update={f"ms_{side}": spent_ms, f"kernel_{side}": layer.kernel or None})
    return tuple(timed)
