"""Take rows out of a layer's inputs, so that the layer becomes a product of each row with its weights."""

from collections.abc import Mapping
from typing import Any

from workers.convert.replica.operators import padding
from workers.convert.replica.torch_replica import Layer


def weights_of(layer: Layer) -> Any:
    """Return the weights as (groups, outputs, inputs), float64."""
    weight = layer.module.weight.detach().double()
    groups = int(getattr(layer.module, "groups", 1))
    return weight.reshape(groups, weight.shape[0] // groups, -1)


def rows(layer: Layer, attributes: Mapping[str, Any], x: Any, most: int, generator: Any) -> Any:
    """Return at most `most` rows (groups, rows, inputs) at random places.

    Args:
        layer: a convolution of one or two axes, or a product.
        attributes: the node's attributes.
        x: the layer's input.
        most: number of rows.
        generator: source of the random places.
    """
    import torch
    from torch.nn import functional

    if layer.kind == "linear":
        flat = x.reshape(1, -1, x.shape[-1])
        return flat[:, _places(flat.shape[1], most, generator)]
    module, kernel = layer.module, tuple(layer.module.kernel_size)
    x = functional.pad(x, padding(attributes, x, kernel))
    strides, widths = tuple(module.stride), tuple(module.dilation)
    if len(kernel) == 1:
        x, kernel, strides, widths = x[:, :, None], (1, *kernel), (1, *strides), (1, *widths)
    sizes = [
        (size - width * (part - 1) - 1) // stride + 1
        for size, part, width, stride in zip(x.shape[2:], kernel, widths, strides, strict=True)
    ]
    height, width = sizes
    chosen = _places(x.shape[0] * height * width, most, generator)
    item, place = chosen // (height * width), chosen % (height * width)
    down, right = (
        (start * stride)[:, None] + torch.arange(part)[None] * gap
        for start, stride, part, gap in zip((place // width, place % width), strides, kernel, widths, strict=True)
    )
    taken = x[item[:, None, None], :, down[:, :, None], right[:, None, :]]  # (rows, height, width, channels)
    return taken.permute(0, 3, 1, 2).reshape(len(chosen), module.groups, -1).transpose(0, 1)


def _places(count: int, most: int, generator: Any) -> Any:
    import torch

    return torch.arange(count) if count <= most else torch.randperm(count, generator=generator)[:most]
