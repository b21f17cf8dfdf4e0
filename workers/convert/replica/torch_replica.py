"""Rebuild an ONNX graph as a torch module whose weights can be trained and pruned.

Each node with weights becomes a torch layer (which torch-pruning knows), every other node a function. Changed weights
go back into the same graph (`write_back`), so names, free sizes and operator set stay unchanged; an export would
create a different graph. `check` compares module and graph on real inputs before anything else is done.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.errors import InputRefused
from workers.contracts.translation import _
from workers.convert.graphs import onnx_files
from workers.convert.replica.operators import Operator, operators, padding
from workers.infer.base import Arrays

LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization"})


@dataclass
class Layer:
    """One torch layer `module` of a node whose first input is the data; `kind`: conv, transposed, linear or norm."""

    kind: str
    module: Any
    op_type: str

    def run(self, attributes: Mapping[str, Any], x: Any) -> Any:
        """Return the layer's output; the padding of a convolution is added here."""
        if self.kind != "conv":
            return self.module(x)
        from torch.nn import functional

        around = padding(attributes, x, tuple(self.module.kernel_size))
        return self.module(functional.pad(x, around) if any(around) else x)

    @property
    def depthwise(self) -> bool:
        """Return whether each channel has its own convolution."""
        module = self.module
        return self.kind == "conv" and module.groups == module.in_channels == module.out_channels > 1

    @property
    def grouped(self) -> bool:
        """Return whether the convolution has groups of several channels."""
        return self.kind in ("conv", "transposed") and self.module.groups > 1 and not self.depthwise

    @property
    def given(self) -> int:
        """Return the number of output channels."""
        module = self.module
        return int(getattr(module, "out_channels", 0) or getattr(module, "out_features", 0) or module.num_features)

    def arrays(self, attributes: Mapping[str, Any]) -> list[NDArray[np.float32]]:
        """Return the weights in the order of the node's inputs after the data."""
        weights = {name: value.detach().numpy() for name, value in self.module.state_dict().items()}
        if self.kind == "norm":
            return [weights[name] for name in ("weight", "bias", "running_mean", "running_var")]
        transposed = self.op_type == "MatMul" or (self.op_type == "Gemm" and not attributes.get("transB", 0))
        first = np.ascontiguousarray(weights["weight"].T) if transposed else weights["weight"]
        return [first, *([weights["bias"]] if "bias" in weights else [])]


def layer_of(node: Any, attributes: Mapping[str, Any], weights: Mapping[str, Any]) -> Layer | None:
    """Return the layer of a node; None where its weights are not 32-bit constants or its form is unusual."""
    makers = {"Conv": _conv, "ConvTranspose": _transposed, "Gemm": _gemm, "MatMul": _matmul}
    given = [weights.get(name) for name in node.input[1:]]
    if any(value is None or value.dtype != np.float32 for value in given) or not given:
        return None
    made = makers.get(node.op_type, _norm)(attributes, given)
    return None if made is None else Layer(made[0], made[1].eval(), node.op_type)


def _fill(module: Any, **values: NDArray[np.float32]) -> Any:
    import torch

    with torch.no_grad():
        for name, value in values.items():
            getattr(module, name).copy_(torch.from_numpy(np.array(value)))
    return module


def _with_bias(module: Any, weight: NDArray[np.float32], given: list[Any]) -> Any:
    return _fill(module, weight=weight, **({"bias": given[1]} if len(given) > 1 else {}))


def _conv(a: Mapping[str, Any], given: list[Any]) -> tuple[str, Any] | None:
    from torch import nn

    weight, rank = given[0], given[0].ndim - 2
    if rank not in (1, 2, 3):
        return None
    groups, ones = a.get("group", 1), [1] * rank
    sizes = (weight.shape[1] * groups, weight.shape[0], tuple(weight.shape[2:]))
    strides, dilations = (tuple(a.get(name, ones)) for name in ("strides", "dilations"))
    kind = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]
    module = kind(*sizes, strides, 0, dilations, groups, len(given) > 1)
    return "conv", _with_bias(module, weight, given)


def _transposed(a: Mapping[str, Any], given: list[Any]) -> tuple[str, Any] | None:
    from torch import nn

    weight, rank = given[0], given[0].ndim - 2
    pads = a.get("pads", [0] * (2 * rank))
    mode = a.get("auto_pad", b"NOTSET")
    if rank not in (1, 2) or "output_shape" in a or mode not in (b"NOTSET", b"VALID") or pads[:rank] != pads[rank:]:
        return None
    groups, ones = a.get("group", 1), [1] * rank
    sizes = (weight.shape[0], weight.shape[1] * groups, tuple(weight.shape[2:]))
    strides, dilations = (tuple(a.get(name, ones)) for name in ("strides", "dilations"))
    outer = tuple(a.get("output_padding", [0] * rank))
    kind = (nn.ConvTranspose1d, nn.ConvTranspose2d)[rank - 1]
    module = kind(*sizes, strides, tuple(pads[:rank]), outer, groups, len(given) > 1, dilations)
    return "transposed", _with_bias(module, weight, given)


def _gemm(a: Mapping[str, Any], given: list[Any]) -> tuple[str, Any] | None:
    plain = a.get("alpha", 1.0) == 1.0 and a.get("beta", 1.0) == 1.0 and not a.get("transA", 0)
    weight = given[0] if a.get("transB", 0) else given[0].T
    fits = plain and all(bias.shape == weight.shape[:1] for bias in given[1:])
    return _linear(weight, given) if fits else None


def _matmul(a: Mapping[str, Any], given: list[Any]) -> tuple[str, Any] | None:
    return _linear(given[0].T, given) if given[0].ndim == 2 else None


def _linear(weight: NDArray[np.float32], given: list[Any]) -> tuple[str, Any]:
    from torch import nn

    return "linear", _with_bias(nn.Linear(weight.shape[1], weight.shape[0], len(given) > 1), weight, given)


def _norm(a: Mapping[str, Any], given: list[Any]) -> tuple[str, Any] | None:
    from torch import nn

    class Norm(nn.BatchNorm2d):  # type: ignore[misc]
        """A batch normalization with any number of axes after the channels."""

        def _check_input_dim(self, input: Any) -> None:
            pass

    if len(given) != 4 or a.get("training_mode", 0):
        return None
    scale, bias, mean, variance = given
    module = Norm(len(scale), a.get("epsilon", 1e-5))
    return "norm", _fill(module, weight=scale, bias=bias, running_mean=mean, running_var=variance)


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

    def run(self, feeds: Mapping[str, Any]) -> Arrays:
        """Return the outputs for one request as arrays, like a session of `workers.infer`."""
        import torch

        with torch.inference_mode():
            answers = self.module(*tensors(feeds, self.inputs))
        return {name: answer.numpy() for name, answer in zip(self.outputs, answers, strict=True)}


def tensors(feeds: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    """Return the arrays of a request as torch tensors, in the order of `names`."""
    import torch

    return [torch.from_numpy(np.array(feeds[name])) for name in names]


def build(proto: Any, title: str, more: Mapping[str, Operator] | None = None) -> TorchReplica:
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
            raise no_twin(title, _("the operator {0} cannot be taken back to PyTorch").format(node.op_type))
        if len(node.output) > 1 and any(node.output[1:]):
            raise no_twin(title, _("{0} gives several results here").format(node.op_type))
        steps.append(Step(node, attributes, layer))
    inputs = tuple(value.name for value in proto.graph.input if value.name not in weights)
    twin = TorchReplica(proto, None, steps, inputs, tuple(value.name for value in proto.graph.output))
    twin.module = _module(twin, weights, known)
    return twin


def no_twin(title: str, why: str) -> InputRefused:
    """Return the error for a model that cannot be rebuilt in torch."""
    return InputRefused(
        "no_torch_twin",
        _("{0} is not offered for this model").format(_(title)),
        _("It works on a copy of the model in PyTorch, and {0}.").format(_(why)),
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
                arguments = [values[name] for name in read_by(step)]
                if step.layer is not None:
                    result = step.layer.run(step.attributes, arguments[0])
                elif step.flat:
                    result = arguments[0].flatten(1)
                else:
                    result = known[step.node.op_type](step.attributes, *arguments)
                    step.flat = twin.looking and _joins(step, arguments, result, self.fixed)
                values[step.node.output[0]] = result
            return tuple(values[name] for name in twin.outputs)

    return Graph().eval()


def _joins(step: Step, arguments: Sequence[Any], result: Any, fixed: Mapping[str, Any]) -> bool:
    """Return whether a Reshape to a constant shape joins all axes except the first."""
    if step.node.op_type != "Reshape" or step.node.input[1] not in fixed or arguments[0].ndim < 3:
        return False
    return bool(result.shape == arguments[0].flatten(1).shape)


def read_by(step: Step) -> list[str]:
    """Return the names that a step reads, without the weights of its layer."""
    return list(step.node.input[:1] if step.layer is not None else step.node.input)


def look(twin: TorchReplica, feeds: Arrays) -> None:
    """Run one request and mark the Reshapes that join all axes except the first, because pruning changes their size."""
    twin.looking = True
    twin.run(feeds)
    twin.looking = False


def check(twin: TorchReplica, session: Any, requests: Sequence[Arrays], title: str) -> float:
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
            raise no_twin(title, _("the copy does not run ({0})").format(onnx_files.one_line(error))) from error
        for name, values in wanted.items():
            if got[name].shape != values.shape:
                raise no_twin(title, _("the copy gives answers of another shape"))
            size = max(float(np.abs(values).max(initial=0)), 1e-12)
            gap = np.abs(values.astype(np.float64) - got[name])
            largest = max(largest, float(np.nan_to_num(gap, nan=np.inf).max(initial=0)) / size)
    twin.looking = False
    if largest > MAX_DIFFERENCE:
        raise no_twin(
            title,
            _("the copy's answers differ by {0:.1e} of their size, more than {1:g}").format(largest, MAX_DIFFERENCE),
        )
    return largest


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Set the number of torch threads inside this context."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
