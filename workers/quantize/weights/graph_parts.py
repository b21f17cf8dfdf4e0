"""Cut an OpenVINO graph of a language model into consecutive parts of a layer or less.

Everything that depends on weights forms a chain of layers. The graph can be cut where the whole chain passes through
one result. Masks, positions and shapes depend on no weights and cross unchanged. Each part is a separate model, with
parameters in place of earlier values. Caches stay outside, since a part may read the length of another part's cache:
cached values are parameters of a part, and values to cache are results.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

Crossing = tuple[str, int]
"""The name of a node and the number of one of its outputs."""

SMALLEST_BYTES = 6 << 20
"""Smallest weight size of a part in bytes; smaller ones join the next part, because each part is compiled."""

SMALL = 512
"""Smallest size of weights; smaller constants are position frequencies or norm scales."""

SHAPES, OUTSIDE = ("ShapeOf",), ("Parameter", "ReadValue", "Assign", "Result")


@dataclass(frozen=True)
class GraphPart:
    """One part of the graph.

    `nodes` are the names of all nodes except constants. `products` have weights that may be rounded to few bits, `kept`
    have weights that may not: embedding tables and the head. `weights` counts the numbers in the products' weights.
    """

    nodes: frozenset[str]
    takes: tuple[Crossing, ...]
    gives: tuple[Crossing, ...]
    products: tuple[str, ...]
    kept: tuple[str, ...]
    weights: int


class Graph:
    """Index of an `openvino.Model`: names, order and producers of its nodes."""

    def __init__(self, model: Any) -> None:
        """Index the nodes of `model`."""
        self.model = model
        self.ops: list[Any] = model.get_ordered_ops()
        self.by_name: dict[str, Any] = {op.get_friendly_name(): op for op in self.ops}
        self._constant: dict[str, bool] = {}
        for op in self.ops:
            self._constant[op.get_friendly_name()] = self._is_constant(op)

    @property
    def has_unique_names(self) -> bool:
        """Return whether all node names are unique, without which parts cannot be distinguished."""
        return len(self.by_name) == len(self.ops)

    def _is_constant(self, op: Any) -> bool:
        kind = op.get_type_name()
        if kind in ("Parameter", "ReadValue") or not op.get_input_size():
            return bool(kind == "Constant")
        return all(self._constant[name] for name, _ in self.sources(op))

    def is_constant(self, name: str) -> bool:
        """Return whether a node depends only on constants."""
        return self._constant[name]

    def sources(self, op: Any) -> list[Crossing]:
        """Return the inputs of a node."""
        outputs = [op.input_value(number) for number in range(op.get_input_size())]
        return [(output.get_node().get_friendly_name(), output.get_index()) for output in outputs]

    def output(self, crossing: Crossing) -> Any:
        """Return an output of a node."""
        return self.by_name[crossing[0]].output(crossing[1])

    def weights_of(self, op: Any) -> int:
        """Return the number of weights of a product or an embedding table; 0 for all other nodes."""
        if op.get_type_name() not in ("MatMul", "Gather"):
            return 0
        sizes = [prod(op.input_value(port).get_shape()) for port in self.weight_ports(op)]
        return max((size for size in sizes if size >= SMALL), default=0)

    def weight_ports(self, op: Any) -> list[int]:
        """Return the inputs of a product or a table that are constants with more than one axis."""
        ports = (0, 1) if op.get_type_name() == "MatMul" else (0,)
        values = {port: op.input_value(port) for port in ports}
        return [
            port
            for port, value in values.items()
            if self._constant[value.get_node().get_friendly_name()] and len(value.get_shape()) > 1
        ]

    @cached_property
    def chain(self) -> list[Any]:
        """Return, in graph order, all nodes that have layer weights or depend on them."""
        depending: set[str] = set()
        members = []
        for op in self.ops:
            name, kind = op.get_friendly_name(), op.get_type_name()
            if self._constant[name] or kind in (*SHAPES, *OUTSIDE):
                continue
            if self.weights_of(op) or any(source in depending for source, _ in self.sources(op)):
                depending.add(name)
                members.append(op)
        return members


def parts_of(graph: Graph) -> list[GraphPart]:
    """Return the parts in order; a single part where the graph cannot be cut."""
    pieces = _merged(graph, _pieces(graph))
    number_of = {op.get_friendly_name(): number for number, piece in enumerate(pieces) for op in piece}
    _place_others(graph, number_of)
    inside: list[set[str]] = [set() for _ in pieces]
    for name, number in number_of.items():
        inside[number].add(name)
    takes = [tuple(sorted(_taken(graph, names))) for names in inside]
    wanted = {
        source
        for op in graph.ops
        for source in graph.sources(op)
        if number_of.get(op.get_friendly_name()) != number_of.get(source[0])
    }
    heads = [op for piece in pieces for op in piece if graph.weights_of(op)][-1:]
    head = heads[0].get_friendly_name() if heads else ""
    parts = []
    for number, piece in enumerate(pieces):
        weighted = {op.get_friendly_name(): op for op in piece if graph.weights_of(op)}
        kept = tuple(name for name, op in weighted.items() if name == head or op.get_type_name() == "Gather")
        products = tuple(name for name in weighted if name not in kept)
        parts.append(
            GraphPart(
                nodes=frozenset(inside[number]),
                takes=takes[number],
                gives=tuple(sorted(crossing for crossing in wanted if crossing[0] in inside[number])),
                products=products,
                kept=kept,
                weights=sum(graph.weights_of(weighted[name]) for name in products),
            )
        )
    return parts


def _pieces(graph: Graph) -> list[list[Any]]:
    """Cut the chain between any two nodes with weights where only one result continues."""
    chain = graph.chain
    place = {op.get_friendly_name(): number for number, op in enumerate(chain)}
    last_use: dict[Crossing, int] = {}
    for number, op in enumerate(chain):
        for source in graph.sources(op):
            if source[0] in place:
                last_use[source] = number
    ends: dict[int, int] = {}
    live = 0
    pieces, piece, may_cut = [], [], False  # type: list[list[Any]], list[Any], bool
    for number, op in enumerate(chain):
        if graph.weights_of(op):
            may_cut = True
        live -= ends.pop(number, 0)
        for output in op.outputs():
            end = last_use.get((op.get_friendly_name(), output.get_index()), -1)
            if end > number:
                ends[end] = ends.get(end, 0) + 1
                live += 1
        piece.append(op)
        if may_cut and live == 1 and any(graph.weights_of(later) for later in chain[number + 1 :]):
            pieces.append(piece)
            piece, may_cut = [], False
    return [*pieces, piece] if piece else pieces


def _merged(graph: Graph, pieces: list[list[Any]]) -> list[list[Any]]:
    """Merge small pieces with the next one, except the first (the embedding table) and the last (the head)."""
    merged: list[list[Any]] = []
    for number, piece in enumerate(pieces):
        alone = number in (0, 1, len(pieces) - 1)
        if merged and not alone and 2 * sum(graph.weights_of(op) for op in merged[-1]) < SMALLEST_BYTES:
            merged[-1].extend(piece)
        else:
            merged.append(list(piece))
    return merged


def _place_others(graph: Graph, number_of: dict[str, int]) -> None:
    """Assign each node that depends on no weights to the first part that needs it."""
    for op in reversed(graph.ops):
        name = op.get_friendly_name()
        if name in number_of or graph.is_constant(name) or op.get_type_name() in OUTSIDE:
            continue
        users = [user.get_node().get_friendly_name() for output in op.outputs() for user in output.get_target_inputs()]
        numbers = [number_of[user] for user in users if user in number_of]
        if numbers:
            number_of[name] = min(numbers)


def _taken(graph: Graph, names: set[str]) -> set[Crossing]:
    return {
        source
        for name in names
        for source in graph.sources(graph.by_name[name])
        if source[0] not in names and not graph.is_constant(source[0])
    }


def ends_of(graph: Graph, parts: Iterable[GraphPart]) -> GraphPart:
    """Return one part with all kept nodes, because the embedding table and the head often share their weights."""
    kept = tuple(name for part in parts for name in part.kept)
    gives = tuple((name, 0) for name in kept)
    return GraphPart(frozenset(kept), tuple(sorted(_taken(graph, set(kept)))), gives, (), kept, 0)


def input_names(part: GraphPart) -> dict[Crossing, str]:
    """Return the parameter names of a part's own model."""
    return {crossing: f"part_input_{number}" for number, crossing in enumerate(part.takes)}


def taken_out(library: Any, graph: Graph, part: GraphPart) -> Any:
    """Return the part as a separate `openvino.Model` that shares the weights; the graph stays unchanged.

    Its results have the order of `GraphPart.gives`, its parameters that of `GraphPart.takes`.
    """
    names = input_names(part)
    parameters, changed = [], []
    try:
        for crossing in part.takes:
            output = graph.output(crossing)
            parameter = library.opset15.parameter(output.get_partial_shape(), output.get_element_type())
            parameter.set_friendly_name(names[crossing])
            parameter.output(0).get_tensor().set_names({names[crossing]})
            parameters.append(parameter)
            for user in output.get_target_inputs():
                if user.get_node().get_friendly_name() in part.nodes:
                    user.replace_source_output(parameter.output(0))
                    changed.append((user, output))
        results = [library.opset15.result(graph.output(crossing)) for crossing in part.gives]
        return library.Model(results, parameters, "part").clone()
    finally:
        for user, output in changed:
            user.replace_source_output(output)


def joined(library: Any, graph: Graph, parts: Mapping[int, GraphPart], made: Mapping[int, Any]) -> Any:
    """Return the whole model with some parts replaced by other models; this consumes the nodes of both."""
    new: dict[Crossing, Any] = {}
    for number in sorted(parts):
        part, model = parts[number], made[number]
        for op in model.get_ordered_ops():
            op.set_friendly_name(f"part_{number}/{op.get_friendly_name()}")
        for crossing, parameter in zip(part.takes, model.get_parameters(), strict=True):
            _lead(parameter.output(0), new.get(crossing) or graph.output(crossing))
        for crossing, result in zip(part.gives, model.get_results(), strict=True):
            new[crossing] = result.input_value(0)
    for crossing, output in new.items():
        _lead(graph.output(crossing), output)
    source = graph.model
    whole = library.Model(source.get_results(), source.get_sinks(), source.get_parameters(), source.get_name())
    for path, value in _facts(source.rt_info):
        whole.set_rt_info(value, path)
    return whole


def beginnings(library: Any, graph: Graph) -> tuple[list[Crossing], Any]:
    """Return the names of the caches and a model that computes their initial values, in this order, from the inputs."""
    states = [op for op in graph.ops if op.get_type_name() == "ReadValue"]
    results = [library.opset15.result(op.input_value(0)) for op in states]
    model = library.Model(results, graph.model.get_parameters(), "beginnings").clone()
    return [(op.get_friendly_name(), 0) for op in states], model


def _lead(old: Any, new: Any) -> None:
    for user in old.get_target_inputs():
        user.replace_source_output(new)


def _facts(info: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[list[str], Any]]:
    """Yield all runtime info of a model with its paths."""
    for name, value in dict(info).items():
        inner = getattr(value, "value", value)
        if isinstance(inner, dict):
            yield from _facts(inner, (*path, name))
        else:
            yield [*path, name], inner
