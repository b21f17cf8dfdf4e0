"""Compute inner values of ONNX files with ONNX Runtime: each part is a small graph that shares the weights' file."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.convert.graphs import onnx_files
from workers.explain.graphs.onnx import type_of
from workers.explain.inner_values.base import InnerModel, Operator, Part, Run, Values, refusals
from workers.explain.rounding import coarsest, of_steps
from workers.infer import onnxruntime_cpu as engine
from workers.infer.onnxruntime_card import NUMPY_TYPES

INLINE_BYTES = 64 << 20
"""Largest size of weights inside the graph; larger ones move into a file, so that a part maps its own alone."""

OWN = "fettle_own_"
"""Prefix of a value that a part computes although another value is fed in its place."""

FOLDER_OF_WEIGHTS = "session.model_external_initializers_file_folder_path"
EIGHT_BITS = ("QuantizeLinear", "DequantizeLinear", "QLinear", "DynamicQuantize", "MatMulInteger", "ConvInteger")


class OnnxModel(InnerModel):
    """One ONNX file, without its large weights in memory."""

    def __init__(self, path: Path, threads: int, scratch: Path) -> None:
        """Read the graph.

        Args:
            path: the file.
            threads: number of threads.
            scratch: an empty folder for weights that lie inside a large file.
        """
        import onnx.inliner

        proto = onnx.load(str(path), load_external_data=False)
        self._folder = path.parent
        if onnx_files.weight_bytes(proto) > INLINE_BYTES:
            onnx.load_external_data_for_model(proto, str(path.parent))
            self._folder = scratch
            onnx.save_model(proto, str(scratch / path.name), save_as_external_data=True, location="weights.data")
            proto = onnx.load(str(scratch / path.name), load_external_data=False)
        if proto.functions:
            proto = onnx.inliner.inline_local_functions(proto)
        self._proto, self._threads = proto, threads
        self._library = engine.import_library()
        self._weights = {tensor.name: tensor for tensor in proto.graph.initializer}
        inputs = [value for value in proto.graph.input if value.name not in self._weights]
        self.inputs = tuple(value.name for value in inputs)
        self._types = {value.name: value.type.tensor_type.elem_type for value in inputs}
        self._constants: dict[str, Any] = {}
        self._nodes: dict[str, Any] = {}
        self._order = {_first(node): place for place, node in enumerate(proto.graph.node)}
        self.operators = tuple(self._read(proto.graph.node))

    def _read(self, nodes: Iterable[Any]) -> Iterable[Operator]:
        for node in nodes:
            reads = tuple(dict.fromkeys(self._computed((*node.input, *_captured(node)))))
            gives = tuple(name for name in node.output if name)
            if not reads:
                self._constants |= dict.fromkeys(gives, node)
                continue
            name = node.name if node.name and node.name not in self._nodes else gives[0]
            self._nodes[name] = node
            _, weights = self._behind([node])
            error = max(
                (of_steps(self._array(one)) for one in weights if type_of(one.data_type) in ("int8", "u8")), default=0.0
            )
            yield Operator(name, reads, gives, sum(map(_size, weights)), _rounds_to(node, weights), error)

    def _computed(self, names: Iterable[str]) -> Iterable[str]:
        return (name for name in names if name and name not in self._weights and name not in self._constants)

    def _behind(self, nodes: Iterable[Any]) -> tuple[list[Any], list[Any]]:
        """Return the nodes that compute constants for `nodes`, in no order, and the weights of all of them."""
        found: dict[str, Any] = {}
        weights: dict[str, Any] = {}
        unread = list(nodes)
        while unread:
            node = unread.pop()
            for name in (*node.input, *_captured(node)):
                if name in self._weights:
                    weights[name] = self._weights[name]
                elif name in self._constants and _first(self._constants[name]) not in found:
                    found[_first(self._constants[name])] = self._constants[name]
                    unread.append(self._constants[name])
        return list(found.values()), list(weights.values())

    def start(self, part: Part) -> Run:
        """Load one part."""
        import onnx

        nodes = [self._nodes[operator.name] for operator in part.operators]
        constants, weights = self._behind(nodes)
        graph = onnx.GraphProto(name="part", initializer=weights)
        graph.node.extend(sorted((*constants, *nodes), key=lambda node: self._order[_first(node)]))
        fed = set(part.takes)
        for node in graph.node:
            for place, name in enumerate(node.output):
                if name in fed:
                    node.output[place] = OWN + name
        for name in part.takes:
            graph.input.append(onnx.helper.make_tensor_value_info(name, self._types[name], None))
        wanted = [OWN + name if name in fed else name for name in part.gives]
        graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
        proto = onnx.ModelProto(ir_version=self._proto.ir_version, graph=graph)
        proto.opset_import.extend(self._proto.opset_import)
        return self._opened(proto, part.gives, wanted)

    def _opened(self, proto: Any, gives: tuple[str, ...], wanted: list[str]) -> Run:
        options = engine.make_options(self._library, {"graph_optimization": "basic"}, self._threads)
        options.add_session_config_entry(FOLDER_OF_WEIGHTS, str(self._folder))
        session = engine.start(self._library, proto.SerializeToString(), options, ["CPUExecutionProvider"])
        for name, entry in zip(gives, session.get_outputs(), strict=True):
            self._types[name] = _element_type(entry.type)

        def run(feeds: Values) -> Values:
            with refusals():
                return dict(zip(gives, session.run(wanted, dict(feeds)), strict=True))

        return run

    def dequantized(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers that the 8-bit output of an operator with its own scale stands for."""
        node = self._nodes[self.makers[name].name]
        if values.dtype.kind not in "iu" or not node.op_type.startswith(("QuantizeLinear", "QLinear")):
            return values
        first = 1 if node.op_type == "QuantizeLinear" else 6 if len(node.input) > 7 else 3
        scale, zero = (self._number(node.input, place) for place in (first, first + 1))
        return values if scale is None else np.asarray((values.astype(np.float32) - (zero or 0)) * scale, np.float32)

    def _number(self, names: Sequence[str], place: int) -> float | None:
        tensor = self._weights.get(names[place]) if place < len(names) else None
        values = np.empty(0) if tensor is None else self._array(tensor)
        return float(values.item()) if values.size == 1 else None

    def _array(self, tensor: Any) -> NDArray[Any]:
        from onnx import numpy_helper

        return np.asarray(numpy_helper.to_array(tensor, str(self._folder)))


def _first(node: Any) -> str:
    return next((name for name in node.output if name), "")


def _rounds_to(node: Any, weights: Iterable[Any]) -> str:
    if node.op_type in ("MatMulNBits", "GatherBlockQuantized"):
        return "int4"
    if node.op_type.startswith(EIGHT_BITS):
        return "int8"
    return coarsest(type_of(one.data_type) for one in weights)


def _captured(node: Any) -> list[str]:
    """Return the values from outside that the branches or the loop of a node read."""
    names = []
    for attribute in node.attribute:
        for graph in (*((attribute.g,) if attribute.HasField("g") else ()), *attribute.graphs):
            own = {value.name for value in (*graph.input, *graph.initializer)}
            own |= {name for inner in graph.node for name in inner.output}
            read = [name for inner in graph.node for name in (*inner.input, *_captured(inner))]
            names += [name for name in (*read, *(value.name for value in graph.output)) if name and name not in own]
    return names


def _size(tensor: Any) -> int:
    external = {entry.key: entry.value for entry in tensor.external_data}
    return int(external.get("length", 0)) or int(tensor.ByteSize())


def _element_type(kind: str) -> int:
    """Return ONNX's number of a type that ONNX Runtime names "tensor(float)"; 0 for what is no tensor of numbers."""
    from onnx import helper

    name = NUMPY_TYPES.get(kind)
    return 0 if name is None else int(helper.np_dtype_to_tensor_dtype(np.dtype(name)))
