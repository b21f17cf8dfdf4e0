"""Remove attention heads from a graph whose form shows them.

Source: Are Sixteen Heads Really Better than One?, arXiv 1905.10650. Heads are visible where query, key and value are
products with fixed weights, reshaped to (…, heads, size) by a constant shape. The heads must also be joined again
before a product with fixed weights. Heads with small value and output weights are removed first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.convert.graphs import onnx_files

PASSED = frozenset({"Transpose", "Mul", "Div", "Identity", "Dropout"})
MASKED = frozenset({"Add", "Sub", "Mul", "Div", "Where", "Identity", "Dropout"})


@dataclass(frozen=True)
class _Part:
    """A product with fixed weights (in, out), its bias, and the Reshape that splits it into heads."""

    reshape: Any
    weight: str
    bias: str | None


@dataclass(frozen=True)
class Attention:
    """One attention block.

    `parts` are query, key and value, `joined` is the Reshape after it, and `output` names the weights that follow.
    """

    parts: tuple[_Part, _Part, _Part]
    joined: Any
    output: str
    heads: int
    size: int


class _Graph:
    def __init__(self, proto: Any) -> None:
        from onnx import numpy_helper

        self.nodes = list(proto.graph.node)
        self.values = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
        self.made_by = {name: node for node in self.nodes for name in node.output}
        self.uses = [name for node in self.nodes for name in node.input]

    def reader(self, name: str) -> Any:
        """Return the only node that reads `name`, behind nodes that change nothing; None where there are several."""
        readers = [node for node in self.nodes if name in node.input]
        if len(readers) != 1:
            return None
        node = readers[0]
        return self.reader(node.output[0]) if node.op_type in ("Identity", "Dropout") else node

    def up(self, name: str, through: frozenset[str], wanted: str) -> Any:
        """Return the nearest node of a type above `name`, along the one non-constant input of each node."""
        node = self.made_by.get(name)
        while node is not None and node.op_type != wanted:
            given = [entry for entry in node.input if entry in self.made_by]
            if node.op_type not in through or not given:
                return None
            node = self.made_by[given[0]]
        return node

    def part(self, name: str) -> _Part | None:
        reshape = self.up(name, PASSED, "Reshape")
        if reshape is None or reshape.input[1] not in self.values:
            return None
        node = self.made_by.get(reshape.input[0])
        bias = None
        if node is not None and node.op_type == "Add":
            constants = [entry for entry in node.input if entry in self.values and self.values[entry].ndim == 1]
            product = [self.made_by.get(entry) for entry in node.input if entry in self.made_by]
            if len(constants) != 1 or not product:
                return None
            bias, node = constants[0], product[0]
        if node is None or node.op_type != "MatMul" or node.input[1] not in self.values:
            return None
        names = [node.input[1], reshape.input[1], *([bias] if bias else [])]
        if any(self.uses.count(entry) > 1 for entry in (names[0], *names[2:])):
            return None  # another product reads these weights, too
        return _Part(reshape, node.input[1], bias)


def find(proto: Any) -> list[Attention]:
    """Return all attention blocks of the graph whose heads are visible; constants must be initializers."""
    graph = _Graph(proto)
    return [block for node in graph.nodes if node.op_type == "Softmax" if (block := _block(graph, node)) is not None]


def _block(graph: _Graph, softmax: Any) -> Attention | None:
    scores = graph.up(softmax.input[0], MASKED, "MatMul")
    mixed = graph.reader(softmax.output[0])
    if scores is None or mixed is None or mixed.op_type != "MatMul":
        return None
    turned = graph.reader(mixed.output[0])
    joined = graph.reader(turned.output[0]) if turned is not None and turned.op_type == "Transpose" else None
    out = graph.reader(joined.output[0]) if joined is not None and joined.op_type == "Reshape" else None
    if out is None or out.op_type != "MatMul" or out.input[1] not in graph.values:
        return None
    parts = [graph.part(name) for name in (*scores.input, mixed.input[1])]
    if joined is None or any(part is None for part in parts) or joined.input[1] not in graph.values:
        return None
    query, key, value = (part for part in parts if part is not None)
    shapes = [graph.values[part.reshape.input[1]] for part in (query, key, value)]
    width = graph.values[value.weight].shape[1]
    size = int(shapes[0][-1])
    fits = all(len(shape) == 4 and shape[3] == size and shape[2] in (-1, width // max(size, 1)) for shape in shapes)
    if size < 1 or width % size or not fits or graph.values[joined.input[1]][-1] not in (-1, width):
        return None
    return Attention((query, key, value), joined, out.input[1], width // size, size)


def cut(proto: Any, share: float) -> tuple[Any, int, int]:
    """Remove `share` of each block's heads.

    Returns:
        A new proto, the number of removed heads and the number of heads before.
    """
    from onnx import numpy_helper

    new = onnx_files.copied(proto)
    blocks = find(new)
    tensors = {tensor.name: tensor for tensor in new.graph.initializer}

    def change(name: str, array: NDArray[Any]) -> None:
        tensors[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), name))

    gone = 0
    for number, block in enumerate(blocks):
        values = {name: numpy_helper.to_array(tensors[name]) for name in _names(block)}
        stay = _staying(block, values, share)
        gone += block.heads - len(stay)
        columns = np.concatenate([np.arange(head * block.size, (head + 1) * block.size) for head in stay])
        for part in block.parts:
            change(part.weight, values[part.weight][:, columns])
            if part.bias is not None:
                change(part.bias, values[part.bias][columns])
        change(block.output, values[block.output][columns])
        for node, axis, length in (*((p.reshape, 2, len(stay)) for p in block.parts), (block.joined, -1, len(columns))):
            shape = numpy_helper.to_array(tensors[node.input[1]]).copy()
            if shape[axis] != -1:
                shape[axis] = length
            name = f"{node.output[0]}_shape_{number}"  # blocks may have shared a shape
            new.graph.initializer.append(numpy_helper.from_array(shape, name))
            node.input[1] = name
    del new.graph.value_info[:]
    return new, gone, sum(block.heads for block in blocks)


def _names(block: Attention) -> Iterator[str]:
    for part in block.parts:
        yield part.weight
        if part.bias is not None:
            yield part.bias
    yield block.output


def _staying(block: Attention, values: dict[str, NDArray[Any]], share: float) -> list[int]:
    """Return the heads to keep, at least one: those with the largest value weights times output weights."""
    value = values[block.parts[2].weight].reshape(-1, block.heads, block.size)
    output = values[block.output].reshape(block.heads, block.size, -1)
    worth = np.einsum("ihs,ihs->h", value, value) * np.einsum("hso,hso->h", output, output)
    kept = max(1, block.heads - int(share * block.heads))
    return sorted(int(head) for head in np.argsort(-worth, kind="stable")[:kept])
