"""Rebuild an ONNX graph as a torch module whose weights can be trained and pruned.

Each node with weights becomes a torch layer (which torch-pruning knows), every other node a function. Changed weights
go back into the same graph (`write_back`), so names, free sizes and operator set stay unchanged; an export would
create a different graph. `check` compares module and graph on real inputs before anything else is done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.contracts.errors import InputRefused
from workers.convert.graphs import onnx_files
from workers.convert.replica.layers import LAYERS, Layer, layer_of
from workers.convert.replica.operators import Operator, operators

if TYPE_CHECKING:
    from workers.contracts.process.context import Feeds

MAX_DIFFERENCE = 1e-4
"""Largest allowed difference of an output, relative to the largest value of that output."""


@dataclass
class Step:
    """One node and its layer or function; `flat` marks a Reshape that joins all axes except the first."""

    node: Any
    attributes: dict[str, Any]
    layer: Layer | None = None
    flat: bool = False


@dataclass
class TorchReplica:
    """A graph rebuilt in torch.

    `module(*tensors)` returns the graph's outputs in order. `parameters` are trainable constants by their names in the
    graph. While `looking` is set, Reshapes that join axes are marked.
    """

    proto: Any
    module: Any
    steps: list[Step]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    looking: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)

    def run(self, feeds: "Mapping[str, Any]") -> "Feeds":
        """Return the outputs for one request as arrays, like a session of `workers.infer`."""
        import torch

        with torch.inference_mode():
            answers = self.module(*tensors(feeds, self.inputs))
        return {name: answer.numpy() for name, answer in zip(self.outputs, answers, strict=True)}


def tensors(feeds: "Mapping[str, Any]", names: Sequence[str]) -> list[Any]:
    """Return the arrays of a request as torch tensors, in the order of `names`."""
    import torch

    return [torch.from_numpy(np.array(feeds[name])) for name in names]


def build(proto: Any, title: str, more: "Mapping[str, Operator] | None" = None) -> TorchReplica:
    """Rebuild a graph in torch; `more` adds operators to the usual ones.

    Raises:
        InputRefused: with the name of the operator that torch cannot compute.
    """
    onnx_files.lift_constants(proto)
    onnx_files.flatten_biases(proto)
    from onnx import helper, numpy_helper

    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    known = {**operators(), **(more or {})}
    steps: list[Step] = []
    for node in proto.graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        layer = layer_of(node, attributes, weights) if node.op_type in LAYERS else None
        if layer is None and (node.op_type not in known or node.domain not in ("", "ai.onnx")):
            raise no_twin(title, f"the operator {node.op_type} cannot be taken back to PyTorch")
        if len(node.output) > 1 and any(node.output[1:]):
            raise no_twin(title, f"{node.op_type} gives several results here")
        steps.append(Step(node, attributes, layer))
    inputs = tuple(value.name for value in proto.graph.input if value.name not in weights)
    twin = TorchReplica(proto, None, steps, inputs, tuple(value.name for value in proto.graph.output))
    twin.module = _module(twin, weights, known)
    return twin


def no_twin(title: str, why: str) -> InputRefused:
    """Return the error for a model that cannot be rebuilt in torch."""
    return InputRefused(
        "no_torch_twin",
        f"{title} is not offered for this model",
        f"It works on a copy of the model in PyTorch, and {why}.",
        "Use the techniques that change the model's numbers instead.",
    )


def _module(twin: TorchReplica, weights: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    import torch

    class Graph(torch.nn.Module):  # type: ignore[misc]
        """A module that runs the steps in order."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = torch.nn.ModuleList([s.layer.module for s in twin.steps if s.layer is not None])
            self.taught = torch.nn.ParameterList()
            self.fixed: dict[str, Any] = {}
            used = {name for step in twin.steps for name in read_by(step)}
            for name in sorted(used & weights.keys()):
                value = torch.from_numpy(np.array(weights[name]))
                if value.dtype == torch.float32 and value.numel() > 1:
                    parameter = torch.nn.Parameter(value)
                    self.taught.append(parameter)
                    twin.parameters[name] = parameter
                else:
                    self.fixed[name] = value

        def forward(self, *given: Any) -> tuple[Any, ...]:
            values = {**self.fixed, **twin.parameters, **dict(zip(twin.inputs, given, strict=True)), "": None}
            for step in twin.steps:
                found = [values[name] for name in read_by(step)]
                if step.layer is not None:
                    result = step.layer.run(step.attributes, found[0])
                elif step.flat:
                    result = found[0].flatten(1)
                else:
                    result = known[step.node.op_type](step.attributes, *found)
                    step.flat = twin.looking and _joins(step, found, result, self.fixed)
                values[step.node.output[0]] = result
            return tuple(values[name] for name in twin.outputs)

    return Graph().eval()


def _joins(step: Step, found: Sequence[Any], result: Any, fixed: Mapping[str, Any]) -> bool:
    """Return whether a Reshape to a constant shape joins all axes except the first."""
    if step.node.op_type != "Reshape" or step.node.input[1] not in fixed or found[0].ndim < 3:
        return False
    return bool(result.shape == found[0].flatten(1).shape)


def read_by(step: Step) -> list[str]:
    """Return the names that a step reads, without the weights of its layer."""
    names = list(step.node.input)
    return [names[step.layer.data]] if step.layer is not None else names


def look(twin: TorchReplica, feeds: "Feeds") -> None:
    """Run one request and mark the Reshapes that join all axes except the first, because pruning changes their size."""
    twin.looking = True
    twin.run(feeds)
    twin.looking = False


def check(twin: TorchReplica, session: Any, requests: "Sequence[Feeds]", title: str) -> float:
    """Return the largest relative difference between the torch module and the session on these requests.

    Reshapes that join all axes except the first are marked here, because pruning changes their size.

    Raises:
        InputRefused: the difference exceeds 1e-4, or the module does not run.
    """
    largest = 0.0
    twin.looking = True
    for feeds in requests:
        wanted = session.run(feeds)
        try:
            got = twin.run(feeds)
        except Exception as error:  # torch raises different types by operator
            raise no_twin(title, f"the copy does not run ({onnx_files.one_line(error)})") from error
        for name, values in wanted.items():
            if got[name].shape != values.shape:
                raise no_twin(title, "the copy gives answers of another shape")
            size = max(float(np.abs(values).max(initial=0)), 1e-12)
            gap = np.abs(values.astype(np.float64) - got[name])
            largest = max(largest, float(np.nan_to_num(gap, nan=np.inf).max(initial=0)) / size)
    twin.looking = False
    if largest > MAX_DIFFERENCE:
        raise no_twin(title, f"the copy's answers differ by {largest:.1e} of their size, more than {MAX_DIFFERENCE:g}")
    return largest
