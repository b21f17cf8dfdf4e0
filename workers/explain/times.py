"""Map the layers of two engines to the operators of two graphs, so that no time is lost."""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from workers.contracts.after.changes import ChangedNode, Layer
from workers.explain.graph import ModelGraph
from workers.explain.kinds import family_of, is_moving
from workers.tune.openvino_layers import stem_of

Side = Literal["a", "b"]


@dataclass(frozen=True)
class PlacedLayer:
    """One layer with the positions of the operators that it computes, its main operator in front.

    That is the first heavy one, else the first one that computes. `rows` is empty where no operator is known for it.
    """

    layer: Layer
    rows: tuple[int, ...]


def place(nodes: Sequence[ChangedNode], graph: ModelGraph, layers: Sequence[Layer], side: Side) -> list[PlacedLayer]:
    """Return the layers of one model with their operators: by recorded origins, else by name without suffixes."""
    rows: dict[str, int] = {}
    for position, node in sorted(enumerate(nodes), key=lambda pair: pair[1].status == "fused"):
        name = getattr(node, side)
        if name is not None:
            rows.setdefault(name, position)
    for maker in graph.nodes:
        if maker.name in rows:
            for output in maker.outputs:
                rows.setdefault(output, rows[maker.name])
    return [PlacedLayer(layer, tuple(_ordered(nodes, _positions(rows, layer)))) for layer in layers]


def _positions(rows: dict[str, int], layer: Layer) -> Iterator[int]:
    """Yield the positions of a layer's operators."""
    found = False
    for name in layer.origins or (layer.name,):
        position = rows.get(name, rows.get(stem_of(name)))
        if position is not None:
            found = True
            yield position
    if not found and layer.origins and (position := rows.get(layer.name, rows.get(stem_of(layer.name)))) is not None:
        yield position


def _ordered(nodes: Sequence[ChangedNode], positions: Iterator[int]) -> list[int]:
    def rank(position: int) -> tuple[bool, bool, int]:
        kind = nodes[position].op
        return not family_of(kind), is_moving(kind), position

    return sorted(set(positions), key=rank)


def with_times(
    nodes: Sequence[ChangedNode],
    first: ModelGraph,
    second: ModelGraph,
    layers_a: Sequence[Layer],
    layers_b: Sequence[Layer],
) -> tuple[ChangedNode, ...]:
    """Return the operators with their times and kernels; the sum of all times is that of the layers.

    The time of a layer that computes several operators is on the first heavy one, else on the first one
    that computes. Layers that belong to no
    operator (conversions of numbers, changes of layout) follow at the end, so that positions stay valid.
    """
    rows = list(nodes)
    extra: dict[str, ChangedNode] = {}
    placed_a, placed_b = place(nodes, first, layers_a, "a"), place(nodes, second, layers_b, "b")
    partner = paired_extras(placed_a, placed_b)
    for side, placed_layers in (("a", placed_a), ("b", placed_b)):
        slowest: dict[int, float] = {}
        for layer, home in ((placed.layer, placed.rows[0] if placed.rows else None) for placed in placed_layers):
            spent = {f"ms_{side}": layer.ms, f"kernel_{side}": layer.kernel or None}
            if home is None:
                key = partner.get(layer.name, layer.name) if side == "b" else layer.name
                extra[key] = _extra_row(extra.get(key), layer, side).model_copy(update=spent)
                continue
            before = getattr(rows[home], f"ms_{side}")
            if layer.ms < slowest.get(home, 0.0):
                del spent[f"kernel_{side}"]
            slowest[home] = max(layer.ms, slowest.get(home, 0.0))
            rows[home] = rows[home].model_copy(update={**spent, f"ms_{side}": layer.ms + (before or 0.0)})
    return (*rows, *extra.values())


def paired_extras(first: Sequence[PlacedLayer], second: Sequence[PlacedLayer]) -> dict[str, str]:
    """Return the names of layers without operators of the second model with those that do the same in the first.

    Engines number some of them anew each time, so those of the same kind, implementation and size pair in their order.
    """
    names = {placed.layer.name for placed in second if not placed.rows}
    alike: dict[object, deque[str]] = defaultdict(deque)
    known = [placed.layer for placed in first if not placed.rows]
    for layer in known:
        if layer.name not in names:
            alike[layer.kind, layer.kernel, layer.values].append(layer.name)
    pairs = {layer.name: layer.name for layer in known if layer.name in names}
    for layer in (placed.layer for placed in second if not placed.rows and placed.layer.name not in pairs):
        same = alike[layer.kind, layer.kernel, layer.values]
        pairs[layer.name] = same.popleft() if same else f"second: {layer.name}"
    return pairs


def _extra_row(known: ChangedNode | None, layer: Layer, side: str) -> ChangedNode:
    """Return a row for a layer that is no operator of the file; both models may have it."""
    numbers = layer.precision or None
    if known is not None:
        return known.model_copy(update={"b": layer.name, "op_b": layer.kind, "status": "unchanged", "dtype_b": numbers})
    if side == "a":
        return ChangedNode(a=layer.name, b=None, op=layer.kind, status="removed", dtype_a=numbers)
    return ChangedNode(a=None, b=layer.name, op=layer.kind, op_b=layer.kind, status="added", dtype_b=numbers)
