"""Read the graph of an OpenVINO program as its file has it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers.contracts.errors import InputRefused
from workers.contracts.translation import _
from workers.explain.graph import ModelGraph
from workers.explain.graphs.building import GraphBuilder
from workers.explain.graphs.weights import Weight, number_type, shortened, weight_of_array


def read(path: Path) -> ModelGraph:
    """Read the graph of an IR or ONNX file.

    Raises:
        InputRefused: OpenVINO cannot read it.
    """
    from workers.infer.openvino_program import import_library

    try:
        model = import_library().Core().read_model(str(path))
    except RuntimeError as error:
        raise InputRefused(
            "model_unreadable",
            "The model file cannot be read",
            _("OpenVINO cannot read {0}.").format(path.name),
            "Open the model again from its original file.",
        ) from error
    reader = _Reader()
    reader.read(model, 0, {}, "")
    inputs = tuple(_value(port.get_node(), 0) for port in model.inputs)
    sources = [port.get_node().input_value(0) for port in model.outputs]
    outputs = tuple(_value(source.get_node(), source.get_index()) for source in sources)
    return ModelGraph(tuple(reader.nodes), inputs, outputs)


def _value(node: Any, port: int) -> str:
    """Return the name of an output: that of its tensor, else the operator's with the port's number."""
    names = sorted(node.output(port).get_names())
    return str(names[0]) if names else f"{node.get_friendly_name()}:{port}"


class _Reader(GraphBuilder):
    """Collects the operators of a model and of the bodies inside it, whose names get a prefix."""

    def read(self, model: Any, depth: int, outer: Mapping[str, str], above: str) -> list[str]:
        """Append the operators of a model or body; return the names of the values that it gives.

        `outer` gives the names of the values that the body's parameters are.
        """
        given = []
        for node in model.get_ordered_ops():
            kind = node.get_type_name()
            if kind == "Result":
                given.append(self._read(node, outer, above)[0])
            elif kind == "Constant":
                self.store(above + _value(node, 0), [_weight(node)])
            elif kind != "Parameter":
                self._node(node, depth, outer, above)
        return given

    def _read(self, node: Any, outer: Mapping[str, str], above: str) -> list[str]:
        sources = [node.input_value(number) for number in range(node.get_input_size())]
        names = [_value(source.get_node(), source.get_index()) for source in sources]
        return [outer.get(name, above + name) for name in names]

    def _node(self, node: Any, depth: int, outer: Mapping[str, str], above: str) -> None:
        read = self._read(node, outer, above)
        name = self.names.unique(above + node.get_friendly_name())
        inner = []
        for number, body in enumerate(_bodies(node)):
            own = _carried(node, number, body, read)
            inner += self.read(body, depth + 1, own, f"{name}/{number}/")
        dtype, shape = _form(node)
        self.add(
            name,
            node.get_type_name(),
            read,
            tuple(above + _value(node, port) for port in range(node.get_output_size())),
            inner=inner,
            attributes={str(key): shortened(value) for key, value in node.get_attributes().items()},
            dtype=dtype,
            shape=shape,
            depth=depth,
        )


def _bodies(node: Any) -> list[Any]:
    """Return the bodies of a branch or loop."""
    if node.get_type_name() == "If":
        return [node.get_then_body(), node.get_else_body()]
    return [node.get_function()] if node.get_type_name() in ("Loop", "TensorIterator") else []


def _carried(node: Any, number: int, body: Any, read: list[str]) -> dict[str, str]:
    """Return {parameter of a body: the value outside that it is}."""
    is_branch = node.get_type_name() == "If"
    rows = node.get_input_descriptions(number) if is_branch else node.get_input_descriptions()
    parameters = body.get_parameters()
    return {_value(parameters[row.body_parameter_index], 0): read[row.input_index] for row in rows}


def _form(node: Any) -> tuple[str, tuple[int | None, ...] | None]:
    """Return number type and sizes of the first output."""
    if not node.get_output_size():
        return "", None
    shape = node.get_output_partial_shape(0)
    known = None if shape.rank.is_dynamic else tuple(one.get_length() if one.is_static else None for one in shape)
    return number_type(node.get_output_element_type(0).get_type_name()), known


def _weight(node: Any) -> Weight:
    dtype = number_type(node.get_element_type().get_type_name())
    shape = tuple(int(size) for size in node.get_output_shape(0))
    return weight_of_array(node.get_friendly_name(), dtype, shape, node.data)
