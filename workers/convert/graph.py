"""The main graph of an ONNX model while it is rewritten: who makes a tensor, who uses it, which ones are constant."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int | None, ...]


class Graph:
    """Nodes may be added and removed at any time; `commit` writes them back in an order that runs.

    Nested graphs are not looked into; what they use of this graph is never removed. A node that is added makes tensors
    under names that are new, or under those of a node that was removed.
    """

    def __init__(self, proto: Any) -> None:
        self.proto = proto
        self.nodes: list[Any] = list(proto.graph.node)
        self.inputs = {value.name for value in proto.graph.input}
        self.outputs = {value.name for value in proto.graph.output}
        self._weights = {tensor.name: tensor for tensor in proto.graph.initializer}
        self._arrays: dict[str, Array] = {}
        self._shapes: dict[str, Shape] | None = None
        self._types: dict[str, int] = {}
        self._count = 0
        self._taken = {name for node in self.nodes for name in (*node.input, *node.output)} | set(self._weights)
        self.captured = _captured(proto.graph)
        self.reindex()

    def reindex(self) -> None:
        """To be called when a node's inputs were changed in place."""
        self.maker = {name: node for node in self.nodes for name in node.output if name}
        self.uses: dict[str, list[Any]] = defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                self.uses[name].append(node)

    # ---- looking

    def constant(self, name: str) -> Array | None:
        """The value of a weight (or of a Constant node), None for what is computed."""
        if name in self._arrays:
            return self._arrays[name]
        from onnx import numpy_helper

        tensor = self._weights.get(name) if name not in self.inputs else None
        node = self.maker.get(name)
        if tensor is None and node is not None and node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = node.attribute[0].t
        if tensor is None:
            return None
        self._arrays[name] = numpy_helper.to_array(tensor)
        return self._arrays[name]

    def shape(self, name: str) -> Shape | None:
        """Sizes as far as they can be told (None where a size is free), None where not even their number can."""
        if self._shapes is None:
            self._infer()
        assert self._shapes is not None
        value = self._arrays.get(name)
        return self._shapes.get(name) if value is None else value.shape

    def dtype(self, name: str) -> int | None:
        """ONNX's number of the element type, where it can be told."""
        if self._shapes is None:
            self._infer()
        return self._types.get(name)

    def _infer(self) -> None:
        import onnx

        inferred = onnx.shape_inference.infer_shapes(self.proto, data_prop=True).graph
        self._shapes = {}
        for value in (*inferred.value_info, *inferred.input, *inferred.output):
            self._types[value.name] = value.type.tensor_type.elem_type
            if value.type.tensor_type.HasField("shape"):
                dims = value.type.tensor_type.shape.dim
                self._shapes[value.name] = tuple(d.dim_value if d.HasField("dim_value") else None for d in dims)
        for name, tensor in self._weights.items():
            self._shapes.setdefault(name, tuple(tensor.dims))
            self._types.setdefault(name, tensor.data_type)

    def only_user(self, name: str) -> Any | None:
        """The one node that uses a tensor, None where several do, none does, or it is an output."""
        users = self.uses.get(name, [])
        return users[0] if len(users) == 1 and name not in self.outputs | self.captured else None

    # ---- changing

    def new_name(self, hint: str) -> str:
        """A tensor name that is not there yet."""
        while True:
            self._count += 1
            name = f"{hint}_{self._count}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def add_constant(self, value: Array, hint: str = "constant") -> str:
        """A new weight; its name."""
        from onnx import numpy_helper

        name = self.new_name(hint)
        tensor = numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name)
        self.proto.graph.initializer.append(tensor)
        self._weights[name], self._arrays[name] = tensor, value
        return name

    def add(self, op_type: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """A new node of one output; the output's name."""
        from onnx import helper

        made = output or self.new_name(op_type.lower())
        self.put(helper.make_node(op_type, list(inputs), [made], name=made, **attributes))
        return made

    def put(self, node: Any) -> None:
        """A node made elsewhere."""
        self.nodes.append(node)
        self.maker.update((name, node) for name in node.output if name)
        for name in node.input:
            self.uses[name].append(node)

    def reset(self, nodes: list[Any]) -> None:
        """Other nodes instead of all that are there."""
        self.nodes = nodes
        self.reindex()

    def remove(self, nodes: Iterable[Any]) -> None:
        """Take nodes out; whoever uses their outputs needs a new maker before `commit`."""
        removed = list(nodes)
        gone = {id(node) for node in removed}
        self.nodes = [node for node in self.nodes if id(node) not in gone]
        for node in removed:
            for name in node.output:
                self.maker.pop(name, None)
            for name in node.input:
                self.uses[name] = [user for user in self.uses[name] if id(user) not in gone]

    def set_inputs(self, node: Any, inputs: Sequence[str]) -> None:
        """Let a node read other tensors."""
        node.input[:] = inputs
        self.reindex()

    def commit(self) -> None:
        """Drop what nobody uses, put the nodes into an order that runs, write them into the proto."""
        self._prune()
        self.nodes = ordered(self.nodes)
        copies = [type(node).FromString(node.SerializeToString()) for node in self.nodes]
        graph = self.proto.graph
        del graph.node[:]
        graph.node.extend(copies)
        used = {name for node in copies for name in node.input} | self.outputs | self.captured
        kept = [tensor for tensor in graph.initializer if tensor.name in used]
        if len(kept) != len(graph.initializer):
            copied = [type(tensor).FromString(tensor.SerializeToString()) for tensor in kept]
            del graph.initializer[:]
            graph.initializer.extend(copied)
        del graph.value_info[:]  # sizes of tensors that may be gone
        self.nodes = list(graph.node)
        self._weights = {tensor.name: tensor for tensor in graph.initializer}
        self._shapes = None
        self.reindex()

    def _prune(self) -> None:
        while True:
            used = {name for node in self.nodes for name in node.input} | self.outputs | self.captured
            live = [node for node in self.nodes if any(name in used for name in node.output)]
            if len(live) == len(self.nodes):
                return
            self.nodes = live


def attribute(node: Any, name: str, default: Any = None) -> Any:
    """The value of a node's attribute."""
    from onnx import helper

    return next((helper.get_attribute_value(entry) for entry in node.attribute if entry.name == name), default)


def _captured(graph: Any) -> set[str]:
    """Names that nested graphs use."""
    names: set[str] = set()
    for node in graph.node:
        for entry in node.attribute:
            for inner in (entry.g, *entry.graphs) if entry.HasField("g") or entry.graphs else ():
                names |= {name for nested in inner.node for name in nested.input} | _captured(inner)
                names |= {value.name for value in inner.output}
    return names


def ordered(nodes: list[Any]) -> list[Any]:
    """Makers before users, otherwise as they were."""
    maker = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    waits: list[set[int]] = []
    users: dict[int, list[int]] = defaultdict(list)
    for index, node in enumerate(nodes):
        names = {*node.input, *(name for name in _captured_by(node))}
        before = {maker[name] for name in names if name in maker and maker[name] != index}
        waits.append(before)
        for other in before:
            users[other].append(index)

    ready = [index for index, before in enumerate(waits) if not before]
    heapq.heapify(ready)
    done: list[Any] = []
    while ready:
        index = heapq.heappop(ready)
        done.append(nodes[index])
        for user in users[index]:
            waits[user].discard(index)
            if not waits[user]:
                heapq.heappush(ready, user)
    return done


def _captured_by(node: Any) -> set[str]:
    class _One:
        pass

    one = _One()
    one.node = [node]  # type: ignore[attr-defined]
    return _captured(one)
