"""Compute ONNX operators without weights of their own in torch.

Source: the ONNX operator specification (onnx.ai/onnx/operators). Each function takes the node's attributes and its
inputs (None for an omitted one) and returns a tensor or a tuple of tensors.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

Attributes = Mapping[str, Any]
Operator = Callable[..., Any]

UNARY = ("Relu", "Sigmoid", "HardSwish", "Tanh", "Softplus", "Erf", "Exp", "Log", "Sqrt", "Reciprocal", "Neg", "Abs")
"""Operators without attributes that torch has under the same name in lower case."""

REDUCTIONS = {"Mean": "mean", "Sum": "sum", "Max": "amax"}
"""Ends of ONNX's names of reductions and torch's methods."""


class NoCounterpart(ValueError):
    """An operator has a form that torch cannot compute equally; the technique is then not offered."""


def operators() -> dict[str, Operator]:
    """Return all operators by name."""
    return {**_element_wise(), **_over_axes(), **_shapes()}


def _element_wise() -> dict[str, Operator]:
    import torch
    from torch.nn import functional

    named = {name: getattr(torch if hasattr(torch, name.lower()) else functional, name.lower()) for name in UNARY}
    return {
        **{name: lambda a, x, function=function: function(x) for name, function in named.items()},
        "LeakyRelu": lambda a, x: functional.leaky_relu(x, a.get("alpha", 0.01)),
        "PRelu": lambda a, x, slope: torch.where(x < 0, x * slope, x),
        "Elu": lambda a, x: functional.elu(x, a.get("alpha", 1.0)),
        "HardSigmoid": lambda a, x: torch.clamp(x * a.get("alpha", 0.2) + a.get("beta", 0.5), 0, 1),
        "Gelu": lambda a, x: functional.gelu(x, approximate=_text(a.get("approximate", "none"))),
        "Identity": lambda a, x: x,
        "Dropout": lambda a, x, *rest: x,
        "Add": lambda a, x, y: x + y,
        "Sub": lambda a, x, y: x - y,
        "Mul": lambda a, x, y: x * y,
        "Div": lambda a, x, y: x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc"),
        "Pow": lambda a, x, y: x ** y.to(x.dtype),
        "Sum": lambda a, *x: sum(x[1:], x[0]),
        "Equal": lambda a, x, y: x == y,
        "Where": lambda a, which, x, y: torch.where(which, x, y),
        "Clip": _clip,
        "Cast": _cast,
        "MatMul": lambda a, x, y: torch.matmul(x, y),
        "Gemm": _gemm,
    }


def _over_axes() -> dict[str, Operator]:
    import torch
    from torch.nn import functional

    return {
        "Softmax": lambda a, x: functional.softmax(x, a.get("axis", -1)),
        "LogSoftmax": lambda a, x: functional.log_softmax(x, a.get("axis", -1)),
        **{f"Reduce{name}": partial(_reduce, method) for name, method in REDUCTIONS.items()},
        "LayerNormalization": _layer_norm,
        "Concat": lambda a, *x: torch.cat(x, a["axis"]),
        "Gather": _gather,
    }


def _shapes() -> dict[str, Operator]:
    import torch

    return {
        "Shape": lambda a, x: torch.tensor(x.shape[a.get("start", 0) : a.get("end")], dtype=torch.int64),
        "Flatten": lambda a, x: x.flatten(1) if a.get("axis", 1) == 1 else x.reshape(x.shape[: a["axis"]].numel(), -1),
        "Reshape": _reshape,
        "Transpose": lambda a, x: x.permute(*a.get("perm", range(x.ndim)[::-1])),
        "Squeeze": _squeeze,
        "Unsqueeze": _unsqueeze,
        "Expand": lambda a, x, shape: x.expand(torch.broadcast_shapes(x.shape, tuple(shape.tolist()))),
        "Slice": _slice,
        "GlobalAveragePool": lambda a, x: x.mean(tuple(range(2, x.ndim)), keepdim=True),
        "GlobalMaxPool": lambda a, x: x.amax(tuple(range(2, x.ndim)), keepdim=True),
        "MaxPool": _max_pool,
        "AveragePool": _average_pool,
        "Pad": _pad,
        "Resize": _resize,
    }


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _clip(a: Attributes, x: Any, low: Any = None, high: Any = None) -> Any:
    import torch

    bounds = [a.get(name) if bound is None else bound for name, bound in (("min", low), ("max", high))]
    lowest, highest = (float(bound) if bound is not None else None for bound in bounds)
    return x if lowest is None and highest is None else torch.clamp(x, lowest, highest)


def _cast(a: Attributes, x: Any) -> Any:
    import torch
    from onnx import helper

    return x.to(getattr(torch, helper.tensor_dtype_to_np_dtype(a["to"]).name))


def _gemm(a: Attributes, x: Any, y: Any, z: Any = None) -> Any:
    x, y = (value.T if a.get(flag, 0) else value for flag, value in (("transA", x), ("transB", y)))
    product = a.get("alpha", 1.0) * (x @ y)
    return product if z is None else product + a.get("beta", 1.0) * z


def _axes(a: Attributes, x: Any, axes: Any) -> tuple[int, ...]:
    given = a.get("axes") if axes is None else axes.tolist()
    if given or a.get("noop_with_empty_axes", 0):
        return tuple(given or ())
    return tuple(range(x.ndim))


def _reduce(method: str, a: Attributes, x: Any, axes: Any = None) -> Any:
    return getattr(x, method)(_axes(a, x, axes), keepdim=bool(a.get("keepdims", 1)))


def _layer_norm(a: Attributes, x: Any, scale: Any, bias: Any = None) -> Any:
    from torch.nn import functional

    shape = x.shape[a.get("axis", -1) :]
    return functional.layer_norm(x, shape, scale, bias, a.get("epsilon", 1e-5))


def _gather(a: Attributes, x: Any, index: Any) -> Any:
    import torch

    axis = a.get("axis", 0) % x.ndim
    index = torch.where(index < 0, index + x.shape[axis], index)
    picked = torch.index_select(x, axis, index.reshape(-1).to(torch.int64))
    return picked.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


def _reshape(a: Attributes, x: Any, shape: Any) -> Any:
    wanted = shape.tolist()
    if not a.get("allowzero", 0):
        wanted = [x.shape[axis] if size == 0 else size for axis, size in enumerate(wanted)]
    return x.reshape(wanted)


def _squeeze(a: Attributes, x: Any, axes: Any = None) -> Any:
    given = a.get("axes") if axes is None else axes.tolist()
    return x.squeeze() if given is None else x.squeeze(tuple(given))


def _unsqueeze(a: Attributes, x: Any, axes: Any = None) -> Any:
    given = a["axes"] if axes is None else axes.tolist()
    rank = x.ndim + len(given)
    for axis in sorted(axis % rank for axis in given):
        x = x.unsqueeze(axis)
    return x


def _slice(a: Attributes, x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None) -> Any:
    given = (("starts", starts), ("ends", ends), ("axes", axes))
    begin, end, along = ((a.get(name) or []) if value is None else value.tolist() for name, value in given)
    stride = [1] * len(begin) if steps is None else steps.tolist()
    for axis, first, last, step in zip(along or range(len(begin)), begin, end, stride, strict=True):
        if step < 1:
            raise NoCounterpart("Slice backwards")
        x = x[tuple([slice(None)] * (axis % x.ndim) + [slice(first, last, step)])]
    return x


def padding(a: Attributes, x: Any, kernel: tuple[int, ...]) -> list[int]:
    """Return the padding of `x` (torch's order: last axis first), from `pads` or `auto_pad`."""
    mode, rank = _text(a.get("auto_pad", "NOTSET")), len(kernel)
    if mode in ("NOTSET", ""):
        pads = a.get("pads", [0] * (2 * rank))
    elif mode == "VALID":
        pads = [0] * (2 * rank)
    else:
        strides, dilations = a.get("strides", [1] * rank), a.get("dilations", [1] * rank)
        pads = [0] * (2 * rank)
        for axis, (size, width) in enumerate(zip(x.shape[2:], kernel, strict=True)):
            reach = (width - 1) * dilations[axis] + 1
            total = max(0, (-(-size // strides[axis]) - 1) * strides[axis] + reach - size)
            small = total // 2
            pads[axis], pads[axis + rank] = (small, total - small) if mode == "SAME_UPPER" else (total - small, small)
    return [pads[axis + part] for axis in reversed(range(rank)) for part in (0, rank)]


def _max_pool(a: Attributes, x: Any) -> Any:
    from torch.nn import functional

    kernel = tuple(a["kernel_shape"])
    x = functional.pad(x, padding(a, x, kernel), value=float("-inf"))
    pool = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)[len(kernel) - 1]
    strides, dilations = (tuple(a.get(name, (1,) * len(kernel))) for name in ("strides", "dilations"))
    return pool(x, kernel, strides, 0, dilations, ceil_mode=bool(a.get("ceil_mode", 0)))


def _average_pool(a: Attributes, x: Any) -> Any:
    import torch
    from torch.nn import functional

    kernel = tuple(a["kernel_shape"])
    pool = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)[len(kernel) - 1]
    strides, ceil = tuple(a.get("strides", (1,) * len(kernel))), bool(a.get("ceil_mode", 0))
    pads = padding(a, x, kernel)
    if not any(pads):
        return pool(x, kernel, strides, 0, ceil)
    answer = pool(functional.pad(x, pads), kernel, strides, 0, ceil)
    if a.get("count_include_pad", 0):
        return answer
    inside = functional.pad(torch.ones_like(x[:1, :1]), pads)
    return answer / pool(inside, kernel, strides, 0, ceil)


def _pad(a: Attributes, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Any:
    from torch.nn import functional

    if axes is not None or _text(a.get("mode", "constant")) not in ("constant", "reflect"):
        raise NoCounterpart("Pad of this kind")
    given = a["pads"] if pads is None else pads.tolist()
    order = [given[axis + part] for axis in reversed(range(x.ndim)) for part in (0, x.ndim)]
    if _text(a.get("mode", "constant")) == "reflect":
        return functional.pad(x, order[: 2 * (x.ndim - 2)], mode="reflect")
    return functional.pad(x, order, value=float(a.get("value", 0.0) if value is None else value))


def _resize(a: Attributes, x: Any, roi: Any = None, scales: Any = None, sizes: Any = None) -> Any:
    from torch.nn import functional

    mode, where = _text(a.get("mode", "nearest")), _text(a.get("coordinate_transformation_mode", "half_pixel"))
    scale = scales.tolist() if scales is not None and scales.numel() else None
    size = [round(n * s) for n, s in zip(x.shape, scale, strict=True)] if scale else sizes.tolist()
    if list(size[:2]) != list(x.shape[:2]):
        raise NoCounterpart("Resize of other axes than height and width")
    if mode == "nearest":
        return functional.interpolate(x, size=tuple(size[2:]), mode="nearest")
    if mode != "linear":
        raise NoCounterpart(f"Resize by {mode}")
    kind = {3: "linear", 4: "bilinear", 5: "trilinear"}[x.ndim]
    return functional.interpolate(x, size=tuple(size[2:]), mode=kind, align_corners=where == "align_corners")
