"""How one operator is made to work before a Transpose instead of after it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from workers.convert.graph import Graph, attribute

Perm = tuple[int, ...]

UNARY = frozenset({"Abs", "Cast", "Ceil", "Clip", "Cos", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid"})
UNARY |= {"HardSwish", "Identity", "LeakyRelu", "Log", "Mish", "Neg", "Not", "Reciprocal", "Relu", "Round", "Selu"}
UNARY |= {"Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu"}
MANY = frozenset({"Add", "And", "Div", "Equal", "Greater", "Less", "Max", "Mean", "Min", "Mod", "Mul", "Or", "PRelu"})
MANY |= {"Pow", "Sub", "Sum", "Where", "Xor"}
REDUCE = frozenset({"ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceL1", "ReduceL2"})
ALONG = frozenset({"Softmax", "LogSoftmax", "Hardmax"})


def moved(graph: Graph, transpose: Any, user: Any) -> bool:
    """Let `user` work on what goes into `transpose`, and transpose its result; False where it cannot."""
    perm = tuple(attribute(transpose, "perm", ()))
    if not perm or transpose.output[0] in graph.captured:
        return False
    move = _MOVES.get(user.op_type)
    return move is not None and move(graph, transpose, user, perm)


def _merge(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    """Two in a row are one, or none."""
    second = tuple(attribute(user, "perm", ()))
    if len(second) != len(perm):
        return False
    both = tuple(perm[axis] for axis in second)
    output, source = user.output[0], transpose.input[0]
    graph.remove([user])
    if both != tuple(range(len(both))):
        graph.add("Transpose", [source], output, perm=both)
    elif output in graph.outputs | graph.captured:
        graph.add("Identity", [source], output)
    else:
        for other in list(graph.uses[output]):
            other.input[:] = [source if name == output else name for name in other.input]
        graph.reindex()
    return True


def _behind(graph: Graph, user: Any, inputs: Sequence[str], perms: Sequence[Perm], **changed: Any) -> bool:
    """The same operator on other inputs, each of its outputs transposed."""
    from onnx import helper

    outputs = list(user.output)
    graph.remove([user])
    inner = [graph.new_name(f"{name}_moved") for name in outputs]
    node = type(user).FromString(user.SerializeToString())
    node.input[:], node.output[:] = inputs, inner
    for name, value in changed.items():
        kept = [entry for entry in node.attribute if entry.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, value)])
    graph.put(node)
    for name, source, perm in zip(outputs, inner, perms, strict=True):
        if perm == tuple(range(len(perm))):
            graph.add("Identity", [source], name)
        else:
            graph.add("Transpose", [source], name, perm=perm)
    return True


def _unary(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    if user.input[0] != transpose.output[0]:
        return False
    return _behind(graph, user, [transpose.input[0], *user.input[1:]], [perm])


def _many(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    """All inputs are transposed alike, constant, or single numbers."""
    inputs = [_before(graph, name, perm) for name in user.input]
    if any(name is None for name in inputs):
        return False
    return _behind(graph, user, [str(name) for name in inputs], [perm])


def _before(graph: Graph, name: str, perm: Perm) -> str | None:
    """The tensor that becomes `name` by this transpose, None where there is none yet."""
    maker = graph.maker.get(name)
    if maker is not None and maker.op_type == "Transpose" and tuple(attribute(maker, "perm", ())) == perm:
        return str(maker.input[0])
    shape = graph.shape(name)
    if shape is not None and all(size == 1 for size in shape) and len(shape) <= 1:
        return name
    value = graph.constant(name)
    if value is None or value.ndim > len(perm):
        return None
    if value.size == 1:
        return name
    whole = value.reshape((1,) * (len(perm) - value.ndim) + value.shape)
    return graph.add_constant(whole.transpose(np.argsort(perm)))


def _concat(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    inputs = []
    for name in user.input:
        maker = graph.maker.get(name)
        if maker is None or maker.op_type != "Transpose" or tuple(attribute(maker, "perm", ())) != perm:
            return False
        inputs.append(maker.input[0])
    return _behind(graph, user, inputs, [perm], axis=perm[int(attribute(user, "axis", 0))])


def _along(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    """Operators along one axis, from operator set 13 on (before, they flattened everything behind it)."""
    from workers.convert.onnx_files import opset

    if opset(graph.proto) < 13:
        return False
    return _behind(graph, user, [transpose.input[0]], [perm], axis=perm[int(attribute(user, "axis", -1))])


def _split(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    axis = perm[int(attribute(user, "axis", 0))]
    return _behind(graph, user, [transpose.input[0], *user.input[1:]], [perm] * len(user.output), axis=axis)


def _reduce(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    """Axes are renamed; those that disappear leave a shorter order behind."""
    axes, given = _axes(graph, user, 1)
    if axes is None:
        return False
    axes = [axis % len(perm) for axis in axes] or list(range(len(perm)))
    renamed = [perm[axis] for axis in axes]
    after = perm if attribute(user, "keepdims", 1) else _without(perm, axes)
    return _with_axes(graph, transpose, user, renamed, after, given)


def _squeeze(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    axes, given = _axes(graph, user, 1)
    if not axes:
        return False
    axes = [axis % len(perm) for axis in axes]
    return _with_axes(graph, transpose, user, [perm[axis] for axis in axes], _without(perm, axes), given)


def _axes(graph: Graph, user: Any, place: int) -> tuple[list[int] | None, bool]:
    """(axes, whether they are an input): None where they are computed, empty where there are none."""
    if len(user.input) > place and user.input[place]:
        value = graph.constant(user.input[place])
        return (None if value is None else [int(axis) for axis in value.reshape(-1)]), True
    return [int(axis) for axis in attribute(user, "axes", ())], False


def _with_axes(graph: Graph, transpose: Any, user: Any, axes: list[int], after: Perm, given: bool) -> bool:
    if given:
        inputs = [transpose.input[0], graph.add_constant(np.array(axes)), *user.input[2:]]
        return _behind(graph, user, inputs, [after])
    return _behind(graph, user, [transpose.input[0]], [after], axes=axes)


def _without(perm: Perm, axes: Sequence[int]) -> Perm:
    """The order of what is left when these axes of the transposed tensor are gone."""
    left = [perm[axis] for axis in range(len(perm)) if axis not in axes]
    ranked = sorted(left)
    return tuple(ranked.index(axis) for axis in left)


def _pad(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    if len(user.input) < 2 or (len(user.input) > 3 and user.input[3]):
        return False
    pads = graph.constant(user.input[1])
    if pads is None or pads.size != 2 * len(perm):
        return False
    back = np.argsort(perm)
    renamed = np.concatenate([pads.reshape(2, -1)[0][back], pads.reshape(2, -1)[1][back]])
    return _behind(graph, user, [transpose.input[0], graph.add_constant(renamed), *user.input[2:]], [perm])


def _slice(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    if len(user.input) < 3 or user.input[0] != transpose.output[0]:
        return False
    starts = graph.shape(user.input[1])
    if len(user.input) > 3 and user.input[3]:
        axes = graph.constant(user.input[3])
    else:
        axes = np.arange(starts[0]) if starts and starts[0] is not None else None
    if axes is None:
        return False
    renamed = graph.add_constant(np.array([perm[int(axis)] for axis in axes.reshape(-1)]))
    return _behind(graph, user, [transpose.input[0], *user.input[1:3], renamed, *user.input[4:]], [perm])


def _shape(graph: Graph, transpose: Any, user: Any, perm: Perm) -> bool:
    """The sizes of a transposed tensor are those of the other one in another order."""
    if user.attribute:
        return False
    output = user.output[0]
    graph.remove([user])
    order = graph.add_constant(np.array(perm))
    graph.add("Gather", [graph.add("Shape", [transpose.input[0]]), order], output, axis=0)
    return True


_MOVES: dict[str, Callable[[Graph, Any, Any, Perm], bool]] = {
    "Transpose": _merge,
    "Concat": _concat,
    "Split": _split,
    "Squeeze": _squeeze,
    "Pad": _pad,
    "Shape": _shape,
    "Slice": _slice,
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(MANY, _many),
    **dict.fromkeys(REDUCE, _reduce),
    **dict.fromkeys(ALONG, _along),
}
