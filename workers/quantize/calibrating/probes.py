"""Read inner values of a model: add outputs to a copy of it and run the examples through the copy."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from workers.convert.graphs import onnx_files
from workers.infer.base import Arrays


def float_tensors(proto: Any) -> list[str]:
    """Return the inner values of the main graph that are known to be 32-bit floats. Shapes must be inferred first."""
    from onnx import TensorProto

    known = {
        value.name
        for value in (*proto.graph.value_info, *proto.graph.output)
        if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    return [name for node in proto.graph.node for name in node.output if name in known]


def with_types(proto: Any, path: Path) -> None:
    """Add the types of inner values to `proto`, which is stored at `path`; its weights may lie in a separate file."""
    import onnx

    inferred = path.with_name("inferred.onnx")
    onnx.shape_inference.infer_shapes_path(str(path), str(inferred))
    typed = onnx.load(str(inferred), load_external_data=False)
    inferred.unlink()
    del proto.graph.value_info[:]
    proto.graph.value_info.extend(typed.graph.value_info)


def add_largest(proto: Any, name: str) -> str:
    """Add an output (width,) with the largest absolute values of the tensor `name` (…, width); return its name."""
    from onnx import helper

    output = f"fettle_largest_{name}"
    absolute, flat = f"{output}_abs", f"{output}_flat"
    proto.graph.node.append(helper.make_node("Abs", [name], [absolute]))
    proto.graph.node.append(helper.make_node("Flatten", [absolute], [flat], axis=-1))
    proto.graph.node.append(_reduce(proto, "ReduceMax", flat, output, 0))
    return _shown(proto, output)


def add_copy(proto: Any, name: str) -> str:
    """Add an output with the values of the tensor `name` and return the name of the output."""
    from onnx import helper

    output = f"fettle_copy_{name}"
    proto.graph.node.append(helper.make_node("Identity", [name], [output]))
    return _shown(proto, output)


def add_extremes(proto: Any, name: str) -> tuple[str, str]:
    """Add outputs () with the smallest and the largest value of the tensor `name` and return their names."""
    from onnx import helper

    low, high = f"fettle_low_{name}", f"fettle_high_{name}"
    proto.graph.node.append(helper.make_node("ReduceMin", [name], [low], keepdims=0))
    proto.graph.node.append(helper.make_node("ReduceMax", [name], [high], keepdims=0))
    return _shown(proto, low), _shown(proto, high)


def add_channel_mean(proto: Any, name: str, axis: int) -> str:
    """Add an output (channels,) with the mean of each channel of the tensor `name` (axis 1, or −1); return its name."""
    from onnx import TensorProto, helper

    output = f"fettle_mean_{name}"
    graph = proto.graph
    flat = rows = f"{output}_flat"
    if axis == 1:  # (n, channels, …) → (n, channels, all others) → mean over these → (n, channels)
        graph.initializer.append(helper.make_tensor(f"{output}_shape", TensorProto.INT64, [3], [0, 0, -1]))
        rows = f"{output}_rows"
        graph.node.append(helper.make_node("Reshape", [name, f"{output}_shape"], [flat]))
        graph.node.append(_reduce(proto, "ReduceMean", flat, rows, 2))
    else:
        graph.node.append(helper.make_node("Flatten", [name], [flat], axis=-1))
    graph.node.append(_reduce(proto, "ReduceMean", rows, output, 0))
    return _shown(proto, output)


def _shown(proto: Any, name: str) -> str:
    """Make the 32-bit value `name` an output of the model; return its name."""
    from onnx import TensorProto, helper

    proto.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return name


def _reduce(proto: Any, kind: str, source: str, output: str, axis: int) -> Any:
    """Return a node that reduces one axis; from operator set 18 on the axis is an input."""
    from onnx import TensorProto, helper

    if onnx_files.opset(proto) < 18:
        return helper.make_node(kind, [source], [output], axes=[axis], keepdims=0)
    proto.graph.initializer.append(helper.make_tensor(f"{output}_axis", TensorProto.INT64, [1], [axis]))
    return helper.make_node(kind, [source, f"{output}_axis"], [output], keepdims=0)


def run_each(path: Path, names: list[str], requests: Iterable[Arrays]) -> Iterator[Arrays]:
    """Yield the values of these outputs, by name, for each request.

    Raises:
        NotRunnable: the model does not open.
    """
    session = onnx_files.start(path, "none")
    for feeds in requests:
        yield dict(zip(names, session.run(names, dict(feeds)), strict=True))


def largest(path: Path, names: list[str], requests: Iterable[Arrays]) -> Arrays:
    """Return the element-wise maximum of these outputs over all requests."""
    maxima: Arrays = {}
    for values in run_each(path, names, requests):
        for name, value in values.items():
            maxima[name] = np.maximum(maxima[name], value) if name in maxima else value
    return maxima
