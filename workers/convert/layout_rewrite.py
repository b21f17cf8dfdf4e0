"""Move transposes of another framework's layout through the graph until they meet their inverse and disappear.

Frameworks that keep channels last export a Transpose before and after each convolution. Operators between two of them
can work on the other layout as well, with renamed axes and constants.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from workers.contracts.translation import mark
from workers.convert.graphs.graph import Graph, attribute, maker_of
from workers.convert.rewriting import rewriting

ID = "layout_rewrite"
TITLE = mark("Transposes removed")
MOST_MOVES = 100_000
"""Safety limit that no real graph reaches, so that a defect cannot loop forever."""

Perm = tuple[int, ...]

UNARY = frozenset({"Abs", "Cast", "Ceil", "Clip", "Cos", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid"})
UNARY |= {"HardSwish", "Identity", "LeakyRelu", "Log", "Mish", "Neg", "Not", "Reciprocal", "Relu", "Round", "Selu"}
UNARY |= {"Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu"}
MANY = frozenset({"Add", "And", "Div", "Equal", "Greater", "Less", "Max", "Mean", "Min", "Mod", "Mul", "Or", "PRelu"})
MANY |= {"Pow", "Sub", "Sum", "Where", "Xor"}
REDUCE = frozenset({"ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceL1", "ReduceL2"})
ALONG = frozenset({"Softmax", "LogSoftmax", "Hardmax"})


def moved(graph: Graph, transpose: Any, user: Any) -> bool:
    """Apply `user` to the input of `transpose` and transpose its result; return False where that is impossible."""
    perm = _perm(transpose)
    move = _MOVES.get(user.op_type)
    return bool(perm) and move is not None and move(graph, transpose, user, perm)


def _perm(transpose: Any) -> Perm:
    return tuple(attribute(transpose, "perm", ()))


def _merge(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    """Merge two consecutive transposes into one or none."""
    second = _perm(user)
    if len(second) != len(perm):
        return False
    _transposed(graph, user.outputs[0], transpose.inputs[0], tuple(perm[axis] for axis in second))
    return True


def _transposed(graph: Graph, value: Any, source: Any, perm: Perm) -> None:
    """Compute `value` from `source` by a transpose."""
    if perm == tuple(range(len(perm))):
        graph.replace(value, source)
    else:
        graph.add("Transpose", [source], value, perm=perm)


def _behind(graph: Graph, user: Any, inputs: Sequence[Any], perms: Sequence[Perm], **changed: Any) -> bool:
    """Copy an operator with other inputs and transpose each of its outputs."""
    for value, source, perm in zip(user.outputs, graph.copied(user, inputs, **changed), perms, strict=True):
        _transposed(graph, value, source, perm)
    return True


def _unary(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    if user.inputs[0] is not transpose.outputs[0]:
        return False
    return _behind(graph, user, [transpose.inputs[0], *user.inputs[1:]], [perm])


def _many(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    """Move an operator whose inputs all have the same transpose, are constant, or are single numbers."""
    inputs = [_before(graph, value, perm) for value in user.inputs]
    return None not in inputs and _behind(graph, user, inputs, [perm])


def _before(graph: Graph, value: Any, perm: Perm) -> Any | None:
    """Return the value that becomes `value` by this transpose; None where there is none."""
    maker = maker_of(value, "Transpose")
    if maker is not None and _perm(maker) == perm:
        return maker.inputs[0]
    if graph.shape(value) in ((), (1,)):
        return value
    content = graph.constant(value)
    if content is None or content.ndim > len(perm):
        return None
    if content.size == 1:
        return value
    whole = content.reshape((1,) * (len(perm) - content.ndim) + content.shape)
    return graph.add_constant(whole.transpose(np.argsort(perm)))


def _concat(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    makers = [maker for value in user.inputs if (maker := maker_of(value, "Transpose")) and _perm(maker) == perm]
    if len(makers) < len(user.inputs):
        return False
    inputs = [maker.inputs[0] for maker in makers]
    return _behind(graph, user, inputs, [perm], axis=perm[int(attribute(user, "axis", 0))])


def _along(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    """Move operators along one axis, from operator set 13 on (earlier ones flattened all axes behind it)."""
    from workers.convert.graphs.onnx_files import opset

    if opset(graph.proto) < 13:
        return False
    return _behind(graph, user, [transpose.inputs[0]], [perm], axis=perm[int(attribute(user, "axis", -1))])


def _split(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    axis = perm[int(attribute(user, "axis", 0))]
    return _behind(graph, user, [transpose.inputs[0], *user.inputs[1:]], [perm] * len(user.outputs), axis=axis)


def _over_axes(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    """Rename the axes of a reduction or a Squeeze, an input or an attribute; removed axes shorten the order."""
    is_input = len(user.inputs) > 1 and bool(user.inputs[1])
    given = graph.constant(user.inputs[1]) if is_input else np.array(attribute(user, "axes", ()), np.int64)
    is_squeeze = user.op_type == "Squeeze"
    if given is None or (is_squeeze and not given.size):
        return False
    axes = [int(axis) % len(perm) for axis in given.reshape(-1)] or list(range(len(perm)))
    renamed = [perm[axis] for axis in axes]
    after = perm if not is_squeeze and attribute(user, "keepdims", 1) else _without(perm, axes)
    if is_input:
        inputs = [transpose.inputs[0], graph.add_constant(np.array(renamed)), *user.inputs[2:]]
        return _behind(graph, user, inputs, [after])
    return _behind(graph, user, [transpose.inputs[0]], [after], axes=renamed)


def _without(perm: Perm, axes: Sequence[int]) -> Perm:
    """Return the order of the remaining axes after these axes of the transposed tensor are removed."""
    left = np.delete(perm, list(axes))
    return tuple(np.argsort(np.argsort(left)).tolist())


def _pad(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    if len(user.inputs) < 2 or (len(user.inputs) > 3 and user.inputs[3]):
        return False
    pads = graph.constant(user.inputs[1])
    if pads is None or pads.size != 2 * len(perm):
        return False
    back = np.argsort(perm)
    renamed = np.concatenate([pads.reshape(2, -1)[0][back], pads.reshape(2, -1)[1][back]])
    return _behind(graph, user, [transpose.inputs[0], graph.add_constant(renamed), *user.inputs[2:]], [perm])


def _slice(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    if len(user.inputs) < 3 or user.inputs[0] is not transpose.outputs[0]:
        return False
    starts = graph.shape(user.inputs[1])
    if len(user.inputs) > 3 and user.inputs[3]:
        axes = graph.constant(user.inputs[3])
    else:
        axes = np.arange(starts[0]) if starts and starts[0] is not None else None
    if axes is None:
        return False
    renamed = graph.add_constant(np.array([perm[int(axis)] for axis in axes.reshape(-1)]))
    return _behind(graph, user, [transpose.inputs[0], *user.inputs[1:3], renamed, *user.inputs[4:]], [perm])


def _shape(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    """Reorder the sizes: a transposed tensor has those of the other one in another order."""
    if user.attributes:
        return False
    order = graph.add_constant(np.array(perm))
    graph.add("Gather", [graph.add("Shape", [transpose.inputs[0]]), order], user.outputs[0], axis=0)
    return True


_MOVES: dict[str, Callable[[Graph, Any, Any, Perm], bool]] = {
    "Transpose": _merge,
    "Concat": _concat,
    "Split": _split,
    "Squeeze": _over_axes,
    "Pad": _pad,
    "Shape": _shape,
    "Slice": _slice,
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(MANY, _many),
    **dict.fromkeys(REDUCE, _over_axes),
    **dict.fromkeys(ALONG, _along),
}


def change(graph: Graph) -> int:
    """Move all transposes down as far as possible; return by how many their number fell, 0 if it did not."""
    before = _count(graph)
    if before < 2:
        return 0
    for _ in range(MOST_MOVES):
        if not _one_move(graph):
            break
    return max(0, before - _count(graph))


def _one_move(graph: Graph) -> bool:
    return any(
        moved(graph, node, user)
        for node in graph.nodes
        if node.op_type == "Transpose" and not graph.is_captured(node.outputs[0])
        for user in node.outputs[0].consumers()
    )


def _count(graph: Graph) -> int:
    """Count the transposes of computed values that are used."""
    return sum(
        node.op_type == "Transpose" and bool(node.outputs[0].uses() or node.outputs[0].is_graph_output())
        for node in graph.nodes
    )


SPEC = rewriting(
    ID,
    TITLE,
    change,
    mark("{count} transposes of whole tensors were removed."),
    order=3,
    kinds=("Transpose", "Reorder"),
    summary="Removes the changes of layout that another framework has left between the layers. Same answers.",
    source="ONNX operator specification (Transpose); ONNX Runtime's transpose optimizer works alike",
)
