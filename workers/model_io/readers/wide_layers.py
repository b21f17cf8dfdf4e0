"""Compute a module in 32 bits while its weights keep their format.

Only the weights of the layer that runs are widened, so that checking a large model needs no memory for a full copy.
"""

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def in_32_bits(model: Any) -> Iterator[None]:
    """Widen the parameters of each part of a `torch.nn.Module` to float32 while that part runs, inside this context."""
    hooks = []
    for part in model.modules():
        own = [parameter for parameter in part.parameters(recurse=False) if parameter.is_floating_point()]
        if own:
            wide = _Wide(own)
            hooks.append(part.register_forward_pre_hook(wide.widen))
            hooks.append(part.register_forward_hook(wide.put_back, always_call=True))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class _Wide:
    """Stored parameters of one part, which are widened while the part runs."""

    def __init__(self, parameters: list[Any]) -> None:
        self._parameters, self._stored = parameters, list[Any]()

    def widen(self, *_: Any) -> None:
        self._stored = [parameter.data for parameter in self._parameters]
        for parameter in self._parameters:
            parameter.data = parameter.data.float()

    def put_back(self, *_: Any) -> None:
        for parameter, data in zip(self._parameters, self._stored, strict=False):
            parameter.data = data
        self._stored = []
