"""The main graph of an ONNX model while it is rewritten, as `onnx_ir` holds it: values know their makers and users."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int | None, ...]


class Graph:
    """Nodes and values are those of `onnx_ir`; `commit` writes them back into the proto, in an order that runs.

    Nested graphs are not looked into; what they use of this graph is never removed.
    """

    def __init__(self, proto: Any) -> None:
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
        """Those of the main graph, as they are now."""
        return list(self.main)

    # ---- looking

    def constant(self, value: Any) -> Array | None:
        """The content of a weight, None for what is computed or may be given as an input."""
        if value is None or not value.is_initializer() or value.is_graph_input():
            return None
        content: Array = value.const_value.numpy()
        return content

    def shape(self, value: Any) -> Shape | None:
        """Sizes as far as they can be told (None where a size is free), None where not even their number can."""
        self._infer()
        if value.shape is None:
            return None
        return tuple(size if isinstance(size, int) else None for size in value.shape)

    def dtype(self, value: Any) -> int | None:
        """ONNX's number of the element type, where it can be told."""
        self._infer()
        return None if value.dtype is None else int(value.dtype)

    def _infer(self) -> None:
        """Once, and only for those who ask: it takes most of the time that there is nothing to rewrite in."""
        from onnx_ir.passes.common import ShapeInferencePass

        if not self._is_inferred:
            self._is_inferred = True
            self.main.sort()
            ShapeInferencePass(check_type=False, strict_mode=False)(self.model)

    def is_captured(self, value: Any) -> bool:
        """Whether a nested graph uses it."""
        return any(user.graph is not self.main for user in value.consumers())

    def only_user(self, value: Any) -> Any | None:
        """The one node that uses a value, None where several do, none does, or it is an output."""
        uses = value.uses()
        if len(uses) != 1 or value.is_graph_output() or self.is_captured(value):
            return None
        return uses[0].node

    # ---- changing

    def new_name(self, hint: str) -> str:
        """A name that is not there yet, nested graphs included."""
        while True:
            self._count += 1
            name = f"{hint}_{self._count}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def add_constant(self, content: Array, hint: str = "constant") -> Any:
        """A new weight."""
        import onnx_ir as ir

        name = self.new_name(hint)
        value = ir.val(name, const_value=ir.tensor(np.ascontiguousarray(content).reshape(content.shape), name=name))
        self.main.register_initializer(value)
        return value

    def add(self, op_type: str, inputs: Sequence[Any], replaced: Any = None, **attributes: Any) -> Any:
        """The output of a new node; it takes the place and the name of the value `replaced`."""
        import onnx_ir as ir

        name = self.new_name(op_type.lower()) if replaced is None else replaced.name
        node = ir.node(op_type, inputs, attributes, name=name)
        node.outputs[0].name = name
        self.main.append(node)
        if replaced is not None:
            self._put(replaced, node.outputs[0])
        return node.outputs[0]

    def copied(self, node: Any, inputs: Sequence[Any], **changed: Any) -> list[Any]:
        """The outputs of the same operator on other inputs, with other attributes."""
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
        """Let everybody who reads `old` read `new`; an output of the model keeps its name."""
        if old.is_graph_output():
            self.add("Identity", [new], old)
        else:
            self._put(old, new)

    def _put(self, old: Any, new: Any) -> None:
        if old.is_graph_output():
            new.type, new.shape = old.type, old.shape
        old.replace_all_uses_with(new, replace_graph_outputs=True)
        if old.producer() is not None:
            old.name = self.new_name(old.name)  # it may stay, where its maker has other outputs
            self._drop(old.producer())

    def _drop(self, node: Any) -> None:
        """Take a node out that serves nobody, and whoever served it alone."""
        if node is None or any(value.uses() or value.is_graph_output() for value in node.outputs):
            return
        makers = {id(maker): maker for value in node.inputs if value and (maker := value.producer()) is not None}
        self.main.remove(node, safe=True)
        for maker in makers.values():
            if maker.graph is self.main:
                self._drop(maker)

    def commit(self) -> None:
        """Write nodes and weights into the proto, without those that nobody uses."""
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
        del graph.node[:], graph.value_info[:]  # sizes of tensors that may be gone
        graph.node.extend(nodes)


def attribute(node: Any, name: str, default: Any = None) -> Any:
    """The value of a node's attribute."""
    found = node.attributes.get(name)
    return default if found is None else found.value


def maker_of(value: Any, *op_types: str) -> Any | None:
    """The node that makes a value, None where there is none or it is of another kind."""
    node = None if value is None else value.producer()
    return node if node is not None and (not op_types or node.op_type in op_types) else None
