"""Compute inner values of OpenVINO models and of ONNX files as OpenVINO reads them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from workers.explain.graphs.building import Names
from workers.explain.graphs.weights import number_type
from workers.explain.inner_values.base import InnerModel, Operator, Part, Run, refusals
from workers.explain.rounding import coarsest, of_steps
from workers.infer.base import Arrays
from workers.infer.openvino_program import import_library, input_name, options_of, read_model
from workers.quantize.weights.graph_parts import OUTSIDE, Crossing, Graph, GraphPart, beginnings, taken_out

FREE = ("shapes", "constants", "chat", "cache_bits", "cache_dir")
"""Settings that do not matter for single operators."""


class OpenVinoModel(InnerModel):
    """One model; its weights stay in the file until a part is compiled."""

    def __init__(self, path: Path, settings: Mapping[str, Any], threads: int) -> None:
        """Read the graph; `settings` are those of the version.

        Raises:
            NotRunnable: OpenVINO cannot read it.
        """
        self._library = import_library()
        self._core = self._library.Core()
        own = {name: value for name, value in settings.items() if name not in FREE}
        self._options, _ = options_of(self._core, own, threads)
        self.precision = str(self._options["INFERENCE_PRECISION_HINT"])
        with refusals():
            model = read_model(self._core, path, {})
        names = Names()
        for op in model.get_ordered_ops():
            op.set_friendly_name(names.unique(op.get_friendly_name()))
        self._graph = Graph(model)
        self._crossings: dict[str, Crossing] = {}
        self._values: dict[Crossing, str] = {}
        for port in model.inputs:
            self._call((port.node.get_friendly_name(), 0), input_name(port))
        self.inputs = tuple(self._crossings)
        self.operators = tuple(self._read(self._graph.ops))
        ports = ((value, self._graph.output(crossing)) for value, crossing in self._crossings.items())
        self.other_names = {str(name): value for value, port in ports for name in port.get_names()}
        self._states, self._begin = beginnings(self._library, self._graph)

    def _call(self, crossing: Crossing, name: str) -> str:
        self._crossings[name], self._values[crossing] = crossing, name
        return name

    def _read(self, ops: Iterable[Any]) -> Iterable[Operator]:
        for op in ops:
            name = op.get_friendly_name()
            crossings = [(name, number) for number in range(op.get_output_size())]
            if self._graph.is_constant(name) or op.get_type_name() in OUTSIDE:
                if op.get_type_name() == "ReadValue":
                    self._call(crossings[0], name)
                continue
            sources = [one for one in self._graph.sources(op) if not self._graph.is_constant(one[0])]
            constants = self._constants(op)
            yield Operator(
                name,
                tuple(dict.fromkeys(self._values[one] for one in sources)),
                tuple(self._call(one, name if one[1] == 0 else f"{name}:{one[1]}") for one in crossings),
                sum(int(constant.get_byte_size()) for constant in constants),
                _rounds_to(op, constants),
                max((of_steps(one.data) for one in constants if _kind(one) in ("int8", "u8")), default=0.0),
            )

    def _constants(self, op: Any) -> list[Any]:
        found: dict[str, Any] = {}
        unread = [op]
        while unread:
            one = unread.pop()
            for number in range(one.get_input_size()):
                source = one.input_value(number).get_node()
                name = source.get_friendly_name()
                if self._graph.is_constant(name) and name not in found:
                    found[name] = source
                    unread.append(source)
        return [one for one in found.values() if one.get_type_name() == "Constant"]

    def complete(self, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        """Return a request with all inputs and, for a model with a cache, the state before the first token."""
        given = super().complete(feeds)
        if self._states:
            found = self._compiled(self._begin, [name for name, _ in self._states])
            given |= found([given[name] for name in self.inputs])
        return given

    def start(self, part: Part) -> Run:
        """Compile one part."""
        names = frozenset(operator.name for operator in part.operators)
        takes = tuple(self._crossings[name] for name in part.takes)
        gives = tuple(self._crossings[name] for name in part.gives)
        model = taken_out(self._library, self._graph, GraphPart(names, takes, gives, (), (), 0))
        run = self._compiled(model, part.gives)
        return lambda feeds: run([feeds[name] for name in part.takes])

    def _compiled(self, model: Any, names: Iterable[str]) -> Any:
        with refusals():
            request = self._core.compile_model(model, "CPU", self._options).create_infer_request()

        def run(arrays: list[NDArray[Any]]) -> Arrays:
            with refusals():
                request.infer(dict(enumerate(arrays)))
                return {name: request.get_output_tensor(number).data.copy() for number, name in enumerate(names)}

        return run


def _rounds_to(op: Any, constants: Iterable[Any]) -> str:
    if op.get_type_name() == "FakeQuantize":
        return "int8"
    return coarsest(map(_kind, constants))


def _kind(constant: Any) -> str:
    return number_type(constant.get_element_type().get_type_name())
