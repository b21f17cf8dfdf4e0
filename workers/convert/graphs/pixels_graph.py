"""Add the nodes that prepare an image before a graph."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.convert.graphs import onnx_files
from workers.pipeline.spec import ImageSteps


def put_before(proto: Any, name: str, steps: ImageSteps) -> bool:
    """Make the input `name` uint8 (n, height, width, channels) and add the nodes that prepare it.

    The proto is changed. The computation is that of `workers.pipeline.images`, written as one product and one sum.

    Returns:
        False where the graph has no such input.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = proto.graph
    value = next((value for value in graph.input if value.name == name), None)
    if value is None:
        return False
    prefix = _new_prefix(graph)
    prepared = f"{prefix}prepared"
    _rename(graph, name, prepared)
    nodes: list[Any] = []
    weights: list[Any] = []
    last = name

    def add(kind: str, *constants: tuple[str, NDArray[Any]], **attributes: Any) -> None:
        nonlocal last
        weights.extend(numpy_helper.from_array(array, prefix + hint) for hint, array in constants)
        inputs = [last, *(prefix + hint for hint, _ in constants)]
        last = f"{prefix}{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [last], name=last, **attributes))

    is_first = steps.layout == "nchw"
    if is_first:  # transposing bytes is the fastest
        add("Transpose", perm=[0, 3, 1, 2])
    if steps.channels == "bgr":
        add("Gather", ("order", np.array([2, 1, 0])), axis=1 if is_first else 3)
    add("Cast", to=TensorProto.FLOAT)
    scale, offset = factors(steps)
    shape = (1, -1, 1, 1) if is_first else (1, 1, 1, -1)
    if (scale != 1).any():
        add("Mul", ("scale", scale.reshape(shape)))
    if offset.any():
        add("Add", ("offset", offset.reshape(shape)))
    wanted = value.type.tensor_type.elem_type
    add("Cast", to=wanted) if wanted != TensorProto.FLOAT else add("Identity")
    nodes[-1].output[0] = prepared

    dims = [onnx_files.copied(dim) for dim in value.type.tensor_type.shape.dim]
    if is_first:
        dims = [dims[axis] for axis in (0, 2, 3, 1)]
    del value.type.tensor_type.shape.dim[:]
    value.type.tensor_type.shape.dim.extend(dims)
    value.type.tensor_type.elem_type = TensorProto.UINT8
    onnx_files.set_nodes(graph, [*nodes, *(onnx_files.copied(node) for node in graph.node)])
    graph.initializer.extend(weights)
    return True


def factors(steps: ImageSteps) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return scale and offset (float32) of each channel: (x / 255 − mean) / std as x·scale + offset."""
    std = np.asarray(steps.std, np.float64)
    scale = 1 / (std * (255 if steps.range == "0..1" else 1))
    return scale.astype(np.float32), (-np.asarray(steps.mean, np.float64) / std).astype(np.float32)


def _new_prefix(graph: Any) -> str:
    """Return a prefix with which no tensor name begins."""
    taken: set[str] = set()
    for inner in onnx_files.graphs(graph):
        taken |= {value.name for value in (*inner.input, *inner.output, *inner.initializer)}
        taken |= {name for node in inner.node for name in (*node.input, *node.output)}
    prefix = "pixels_"
    while any(name.startswith(prefix) for name in taken):
        prefix += "in_"
    return prefix


def _rename(graph: Any, old: str, new: str) -> None:
    """Let all readers of the tensor `old` read `new`, also in nested graphs, because names are unique across them."""
    for inner in onnx_files.graphs(graph):
        for node in inner.node:
            node.input[:] = [new if name == old else name for name in node.input]
        if inner is not graph:
            for output in inner.output:
                output.name = new if output.name == old else output.name
