"""Looking at inner values of a model: more outputs are added to a copy of it, and the examples are run through."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workers.convert.graphs import onnx_files

if TYPE_CHECKING:
    from workers.contracts.process.context import Feeds

Arrays = dict[str, NDArray[Any]]


def float_tensors(proto: Any) -> list[str]:
    """Inner values of the main graph that are known to be 32-bit numbers. Shapes must have been inferred."""
    from onnx import TensorProto

    known = {
        value.name
        for value in (*proto.graph.value_info, *proto.graph.output)
        if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    return [name for node in proto.graph.node for name in node.output if name in known]


def with_types(proto: Any, path: Path) -> Any:
    """The model in the file at `path` with the types of its inner values, without weights where they lie apart."""
    import onnx

    inferred = path.with_name("inferred.onnx")
    onnx.shape_inference.infer_shapes_path(str(path), str(inferred))
    typed = onnx.load(str(inferred), load_external_data=False)
    inferred.unlink()
    del proto.graph.value_info[:]
    proto.graph.value_info.extend(typed.graph.value_info)
    return proto


def add_largest(proto: Any, name: str, axes_kept: int = 0) -> str:
    """Add the largest absolute value of the tensor `name`, over all but its last `axes_kept` axes; the output's name.

    The result has the shape () or that of those axes.
    """
    from onnx import TensorProto, helper

    output = f"fettle_largest_{name}"
    absolute, flat = f"{output}_abs", f"{output}_flat"
    graph = proto.graph
    nodes = [helper.make_node("Abs", [name], [absolute])]
    if axes_kept == 0:
        nodes.append(helper.make_node("ReduceMax", [absolute], [output], keepdims=0))
    else:  # (…, width) → (all others, width) → (width,)
        nodes.append(helper.make_node("Flatten", [absolute], [flat], axis=-axes_kept))
        nodes.append(_reduce(proto, "ReduceMax", flat, output, 0))
    graph.node.extend(nodes)
    graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
    return output


def add_extremes(proto: Any, name: str) -> tuple[str, str]:
    """Add the smallest and the largest value of the tensor `name`, each of shape (); the outputs' names."""
    from onnx import TensorProto, helper

    names = (f"fettle_low_{name}", f"fettle_high_{name}")
    for kind, output in zip(("ReduceMin", "ReduceMax"), names, strict=True):
        proto.graph.node.append(helper.make_node(kind, [name], [output], keepdims=0))
        proto.graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
    return names


def add_channel_mean(proto: Any, name: str, axis: int) -> str:
    """Add the mean of each channel of the tensor `name` (axis 1, or −1); the output's name, its shape (channels,)."""
    from onnx import TensorProto, helper

    output = f"fettle_mean_{name}"
    graph = proto.graph
    flat, rows = f"{output}_flat", name
    if axis == 1:  # (n, channels, …) → (n, channels, all others) → mean over these → (n, channels)
        graph.initializer.append(helper.make_tensor(f"{output}_shape", TensorProto.INT64, [3], [0, 0, -1]))
        rows = f"{output}_rows"
        graph.node.append(helper.make_node("Reshape", [name, f"{output}_shape"], [flat]))
        graph.node.append(_reduce(proto, "ReduceMean", flat, rows, 2))
    else:
        graph.node.append(helper.make_node("Flatten", [name], [flat], axis=-1))
        rows = flat
    graph.node.append(_reduce(proto, "ReduceMean", rows, output, 0))
    graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
    return output


def _reduce(proto: Any, kind: str, source: str, output: str, axis: int) -> Any:
    """A node that reduces one axis; from operator set 18 on the axis is an input."""
    from onnx import TensorProto, helper

    if onnx_files.opset(proto) < 18:
        return helper.make_node(kind, [source], [output], axes=[axis], keepdims=0)
    proto.graph.initializer.append(helper.make_tensor(f"{output}_axis", TensorProto.INT64, [1], [axis]))
    return helper.make_node(kind, [source, f"{output}_axis"], [output], keepdims=0)


def run_each(path: Path, names: list[str], requests: "Iterable[Feeds]") -> Iterator[Arrays]:
    """The values of these outputs for each request, by name. Raises NotRunnable where the model does not open."""
    session = onnx_files.start(path, "none")
    for feeds in requests:
        yield dict(zip(names, session.run(names, dict(feeds)), strict=True))


def largest(path: Path, names: list[str], requests: "Iterable[Feeds]") -> Arrays:
    """The element-wise maximum of these outputs over all requests."""
    found: Arrays = {}
    for values in run_each(path, names, requests):
        for name, value in values.items():
            found[name] = np.maximum(found[name], value) if name in found else value
    return found
