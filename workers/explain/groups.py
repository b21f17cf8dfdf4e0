"""Group the operators that two engines compute together, so that their times can be compared."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import networkx
from networkx.utils import UnionFind

from workers.contracts.after.changes import ChangedNode, Layer
from workers.explain.graph import ModelGraph
from workers.explain.kinds import family_of, is_moving, plain_kind
from workers.explain.times import Placed

CHANGED = frozenset({"added", "removed", "replaced", "unmatched"})


@dataclass(frozen=True)
class Group:
    """Operators that the engines of both models compute together, with the layers that do it.

    A group without operators is a layer that an engine added.
    """

    rows: tuple[ChangedNode, ...]
    first: tuple[Layer, ...]
    second: tuple[Layer, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of its operators, else of its layers."""
        return tuple(row.op for row in self.rows) or tuple(layer.kind for layer in (*self.first, *self.second))

    @property
    def family(self) -> str:
        """Return the words for the family of its first heavy operator; "" if it has none."""
        return next((words for words in map(family_of, self.kinds) if words), "")

    @property
    def heavy(self) -> int:
        """Return the number of its operators of this family; at least 1."""
        return max(1, sum(family_of(row.op) == self.family for row in self.rows))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of its operators, of the second model where it has them."""
        layers = {layer.name: None for layer in (*self.first, *self.second)}
        return tuple(row.b or row.a or "" for row in self.rows) or tuple(layers)

    def only_has(self, kinds: Collection[str]) -> bool:
        """Return whether one model alone has the group, and all its layers are of these kinds."""
        layers = self.first or self.second
        return not (self.first and self.second) and all(plain_kind(layer.kind) in kinds for layer in layers)

    @property
    def precisions(self) -> tuple[str, str]:
        """Return the number formats in which each model computes it; "" where that is unknown."""
        return main_layer(self.first).precision, main_layer(self.second).precision


NONE = Layer(name="", kind="", ms=0)


def main_layer(layers: Sequence[Layer]) -> Layer:
    """Return the slowest layer, a heavy one if there is one; a layer without a name for none."""
    heavy = [layer for layer in layers if family_of(layer.kind)] or layers
    return max(heavy, key=lambda layer: layer.ms, default=NONE)


def groups_of(
    nodes: Sequence[ChangedNode], graphs: tuple[ModelGraph, ModelGraph], placed: tuple[Placed, Placed]
) -> tuple[Group, ...]:
    """Return all groups that take time; each layer is in one of them.

    Operators belong together if one layer computes them, if the second model has them as one, or if they replace each
    other between the same neighbors. Operators that only move or convert values join none, since many share them.
    """
    sets = UnionFind()
    for position, node in enumerate(nodes):
        if node.b is not None and not is_moving(node.op):
            sets.union(position, node.b)
    homes: list[tuple[int, int, Layer]] = []
    for side, layers in enumerate(placed):
        for layer, places in layers:
            linked = [at for at in places if at < len(nodes) and not is_moving(nodes[at].op)] or places[:1]
            sets.union(*linked)
            homes.append((linked[0], side, layer))
    _join_replacements(sets, nodes, graphs)
    members: tuple[dict[object, list[Layer]], dict[object, list[Layer]]] = defaultdict(list), defaultdict(list)
    for home, side, layer in homes:
        members[side][sets[home]].append(layer)
    inside: dict[object, list[ChangedNode]] = defaultdict(list)
    for position, node in enumerate(nodes):
        inside[sets[position]].append(node)
    keys = dict.fromkeys((*members[0], *members[1]))
    return tuple(Group(tuple(inside[key]), tuple(members[0][key]), tuple(members[1][key])) for key in keys)


def _join_replacements(sets: UnionFind, nodes: Sequence[ChangedNode], graphs: tuple[ModelGraph, ModelGraph]) -> None:
    """Join connected changed operators of both models that lie between the same unchanged ones."""
    known: dict[object, list[tuple[set[int], set[object]]]] = defaultdict(list)
    for members, before, after in _regions(nodes, graphs[0], {node.a: at for at, node in enumerate(nodes)}):
        for key in before:
            known[key].append((members, after))
    for members, before, after in _regions(nodes, graphs[1], {node.b: at for at, node in enumerate(nodes)}):
        for others, behind in (one for key in before for one in known[key]):
            if behind & after:
                sets.union(*members, *others)


def _regions(
    nodes: Sequence[ChangedNode], graph: ModelGraph, rows: Mapping[str | None, int]
) -> Iterator[tuple[set[int], set[object], set[object]]]:
    """Yield connected changed operators that compute, and the unchanged ones, inputs and outputs around them.

    Operators that only move values are looked through.
    """
    flow = networkx.DiGraph()
    source: dict[str, object] = {name: f"input {number}" for number, name in enumerate(graph.inputs)}
    for node in graph.nodes:
        row, sources = rows[node.name], [source[name] for name in node.inputs if name in source]
        through = is_moving(node.op) and bool(sources) and nodes[row].status in CHANGED
        source.update(dict.fromkeys(node.outputs, sources[0] if through else row))
        flow.add_edges_from((one, row) for one in sources if not through)
    flow.add_edges_from((source[name], f"output {at}") for at, name in enumerate(graph.outputs) if name in source)
    changed = {at for at in rows.values() if nodes[at].status in CHANGED and not is_moving(nodes[at].op)}
    for members in networkx.weakly_connected_components(flow.subgraph(changed)):
        before = {one for member in members for one in flow.predecessors(member)} - members
        yield members, before, {one for member in members for one in flow.successors(member)} - members
