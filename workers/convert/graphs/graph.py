"""Rewrite the main graph of an ONNX model as an `onnx_ir` graph, whose values know their producers and users."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int | None, ...]


class Graph:
    """The main graph of one model; `commit` writes nodes and weights back into the proto in a valid order.

    Nodes and values are those of `onnx_ir`. Nested graphs are not rewritten; values that they use are never removed.
    """

    def __init__(self, proto: Any) -> None:
        """Deserialize `proto` for rewriting."""
        import onnx_ir as ir

        self.proto = proto
        self.model = ir.serde.deserialize_model(proto)
        self.main = self.model.graph
        self._count = 0
        self._is_inferred = False
        self._taken = {value.name for node in self.main.all_nodes() for value in (*node.inputs, *node.outputs) if value}
        self._taken |= set(self.main.initializers)

    @property
    def nodes(self) -> list[Any]:
        """Return the current nodes of the main graph."""
        return list(self.main)

    # ---- reading

    def constant(self, value: Any) -> Array | None:
        """Return the content of a weight; None for computed values and values that may be given as inputs."""
        if value is None or not value.is_initializer() or value.is_graph_input():
            return None
        content: Array = value.const_value.numpy()
        return content

    def shape(self, value: Any) -> Shape | None:
        """Return the known sizes of a value (None for a free size), or None where the number of axes is unknown."""
        self._infer()
        if value.shape is None:
            return None
        return tuple(size if isinstance(size, int) else None for size in value.shape)

    def dtype(self, value: Any) -> int | None:
        """Return ONNX's number of the element type, where it is known."""
        self._infer()
        return None if value.dtype is None else int(value.dtype)

    def _infer(self) -> None:
        """Infer shapes once and only on demand, because it takes most of the time where nothing is rewritten."""
        from onnx_ir.passes.common import ShapeInferencePass

        if not self._is_inferred:
            self._is_inferred = True
            self.main.sort()
            ShapeInferencePass(check_type=False, strict_mode=False)(self.model)

    def is_captured(self, value: Any) -> bool:
        """Return whether a nested graph uses the value."""
        return any(user.graph is not self.main for user in value.consumers())

    def only_user(self, value: Any) -> Any | None:
        """Return the one node that uses a value; None where several or none do, or where it is an output."""
        uses = value.uses()
        if len(uses) != 1 or value.is_graph_output() or self.is_captured(value):
            return None
        return uses[0].node

    # ---- changing

    def new_name(self, hint: str) -> str:
        """Return an unused name; names of nested graphs count as used."""
        while True:
            self._count += 1
            name = f"{hint}_{self._count}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def add_constant(self, content: Array, hint: str = "constant") -> Any:
        """Add a new weight and return its value."""
        import onnx_ir as ir

        name = self.new_name(hint)
        value = ir.val(name, const_value=ir.tensor(np.ascontiguousarray(content).reshape(content.shape), name=name))
        self.main.register_initializer(value)
        return value

    def add(self, op_type: str, inputs: Sequence[Any], replaced: Any = None, **attributes: Any) -> Any:
        """Add a node and return its output, which takes the place and the name of the value `replaced`."""
        import onnx_ir as ir

        name = self.new_name(op_type.lower()) if replaced is None else replaced.name
        node = ir.node(op_type, inputs, attributes, name=name)
        node.outputs[0].name = name
        self.main.append(node)
        if replaced is not None:
            self._put(replaced, node.outputs[0])
        return node.outputs[0]

    def copied(self, node: Any, inputs: Sequence[Any], **changed: Any) -> list[Any]:
        """Add a copy of a node with other inputs and attributes; return its outputs."""
        import onnx_ir as ir

        attributes = {**node.attributes, **changed}
        copy = ir.node(
            node.op_type, inputs, attributes, domain=node.domain, num_outputs=len(node.outputs), name=node.name
        )
        for value in copy.outputs:
            value.name = self.new_name(node.op_type.lower())
        self.main.append(copy)
        return list(copy.outputs)

    def replace(self, old: Any, new: Any) -> None:
        """Let all users of `old` read `new`; an output of the model keeps its name."""
        if old.is_graph_output():
            self.add("Identity", [new], old)
        else:
            self._put(old, new)

    def _put(self, old: Any, new: Any) -> None:
        if old.is_graph_output():
            new.type, new.shape = old.type, old.shape
        old.replace_all_uses_with(new, replace_graph_outputs=True)
        if old.producer() is not None:
            old.name = self.new_name(old.name)  # the value may stay if its producer has other outputs
            self._drop(old.producer())

    def _drop(self, node: Any) -> None:
        """Remove an unused node and all nodes that only it used."""
        if node is None or any(value.uses() or value.is_graph_output() for value in node.outputs):
            return
        makers = {id(maker): maker for value in node.inputs if value and (maker := value.producer()) is not None}
        self.main.remove(node, safe=True)
        for maker in makers.values():
            if maker.graph is self.main:
                self._drop(maker)

    def commit(self) -> None:
        """Write nodes and weights into the proto, without unused ones."""
        import onnx_ir as ir
        from onnx_ir.passes.common import RemoveUnusedNodesPass

        self.main.sort()
        RemoveUnusedNodesPass()(self.model)
        graph, weights = self.proto.graph, self.main.initializers
        nodes = [ir.serde.serialize_node(node) for node in self.main]
        for index in reversed(range(len(graph.initializer))):
            if graph.initializer[index].name not in weights:
                del graph.initializer[index]
        known = {tensor.name for tensor in graph.initializer}
        new = [value.const_value for name, value in weights.items() if name not in known]
        graph.initializer.extend(ir.serde.serialize_tensor(tensor) for tensor in new if tensor is not None)
        del graph.node[:], graph.value_info[:]  # sizes of tensors that may be removed
        graph.node.extend(nodes)


def attribute(node: Any, name: str, default: Any = None) -> Any:
    """Return the value of a node's attribute, or `default`."""
    entry = node.attributes.get(name)
    return default if entry is None else entry.value


def maker_of(value: Any, *op_types: str) -> Any | None:
    """Return the node that produces a value; None where there is none or its type is not in `op_types`."""
    node = None if value is None else value.producer()
    return node if node is not None and (not op_types or node.op_type in op_types) else None
