"""Convert ONNX nodes with weights to torch layers, and their weights back into the graph."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.convert.replica.operators import padding

LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization"})


@dataclass
class Layer:
    """One torch layer `module`; `data` is the number of the node's input that is no weight.

    `kind` is conv, transposed, linear or norm.
    """

    kind: str
    module: Any
    op_type: str
    data: int = 0

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
    if not plain or (len(given) > 1 and given[1].ndim != 1):
        return None
    weight = given[0] if a.get("transB", 0) else given[0].T
    if len(given) > 1 and given[1].shape != weight.shape[:1]:
        return None
    return _linear(weight, given)


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
