"""Group the operators that two engines compute together, so that their times can be compared."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from networkx.utils import UnionFind

from workers.contracts.after.changes import ChangedNode, Layer
from workers.explain.graph import ModelGraph
from workers.explain.kinds import family_of, is_moving, plain_kind
from workers.explain.times import paired_extras, place

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


NONE = Layer(order=0, name="", kind="", ms=0)


def main_layer(layers: Sequence[Layer]) -> Layer:
    """Return the slowest layer, a heavy one if there is one; a layer without a name for none."""
    heavy = [layer for layer in layers if family_of(layer.kind)] or layers
    return max(heavy, key=lambda layer: layer.ms, default=NONE)


def groups_of(
    nodes: Sequence[ChangedNode],
    first: ModelGraph,
    second: ModelGraph,
    layers_a: Sequence[Layer],
    layers_b: Sequence[Layer],
) -> tuple[Group, ...]:
    """Return all groups that take time; each layer is in one of them.

    Operators belong together if one layer computes them, if the second model has them as one, or if they replace each
    other between the same neighbors. Operators that only move or convert values join none, since many share them.
    """
    sets = UnionFind()
    rows_of: dict[str, list[int]] = defaultdict(list)
    for position, node in enumerate(nodes):
        if node.b is not None and not is_moving(node.op):
            rows_of[node.b].append(position)
    for positions in rows_of.values():
        sets.union(*positions)
    members: tuple[dict[object, list[Layer]], dict[object, list[Layer]]] = defaultdict(list), defaultdict(list)
    homes: list[tuple[object, int, Layer]] = []
    placed_a, placed_b = place(nodes, first, layers_a, "a"), place(nodes, second, layers_b, "b")
    partner = paired_extras(placed_a, placed_b)
    for side, placed in enumerate((placed_a, placed_b)):
        for one in placed:
            linked = [position for position in one.rows if not is_moving(nodes[position].op)] or list(one.rows[:1])
            sets.union(*linked)
            extra = partner.get(one.layer.name, "") if side else one.layer.name
            homes.append((linked[0] if linked else extra, side, one.layer))
    _join_replacements(sets, nodes, first, second)
    for home, side, layer in homes:
        members[side][sets[home]].append(layer)
    inside: dict[object, list[ChangedNode]] = defaultdict(list)
    for position, node in enumerate(nodes):
        inside[sets[position]].append(node)
    keys = dict.fromkeys((*members[0], *members[1]))
    return tuple(Group(tuple(inside.get(key, ())), tuple(members[0][key]), tuple(members[1][key])) for key in keys)


@dataclass
class _Region:
    """Connected changed operators that compute: their rows, and the unchanged rows and inputs around them."""

    members: list[int]
    before: set[object]
    after: set[object]


def _join_replacements(sets: UnionFind, nodes: Sequence[ChangedNode], first: ModelGraph, second: ModelGraph) -> None:
    """Join connected changed operators of both models that lie between the same unchanged ones."""
    known: dict[object, list[_Region]] = defaultdict(list)
    for region in _regions(nodes, first, {node.a: n for n, node in enumerate(nodes) if node.a is not None}):
        for key in region.before:
            known[key].append(region)
    for other in _regions(nodes, second, {node.b: n for n, node in enumerate(nodes) if node.b is not None}):
        for key in other.before:
            for region in known[key]:
                if region.after & other.after:
                    sets.union(*region.members, *other.members)


def _regions(nodes: Sequence[ChangedNode], graph: ModelGraph, rows: Mapping[str, int]) -> list[_Region]:
    """Return the regions of one graph; operators that only move values are looked through."""
    changed = {name for name, row in rows.items() if nodes[row].status in CHANGED and not is_moving(nodes[row].op)}
    source: dict[str, object] = {name: f"input {number}" for number, name in enumerate(graph.inputs)}
    sets, regions = UnionFind(), {name: _Region([], set(), set()) for name in changed}
    for node in graph.nodes:
        sources = [source[name] for name in node.inputs if name in source]
        through = is_moving(node.op) and bool(sources) and nodes[rows[node.name]].status in CHANGED
        source.update(dict.fromkeys(node.outputs, sources[0] if through else node.name))
        if not through:
            _border(sets, regions, node.name, sources, rows)
    for number, name in enumerate(graph.outputs):
        _border(sets, regions, f"output {number}", [source[name]] if name in source else [], rows)
    joined: dict[object, _Region] = {}
    for name, region in regions.items():
        whole = joined.setdefault(sets[name], _Region([], set(), set()))
        whole.members.append(rows[name])
        whole.before |= region.before
        whole.after |= region.after
    return list(joined.values())


def _border(
    sets: UnionFind, regions: Mapping[str, _Region], name: str, sources: Sequence[object], rows: Mapping[str, int]
) -> None:
    for before in sources:
        if name in regions and before in regions:
            sets.union(name, before)
        elif name in regions:
            regions[name].before.add(rows.get(str(before), before))
        elif before in regions:
            regions[str(before)].after.add(rows.get(name, name))
