"""Find channels that other channels can replace, and fold them into the weights that read them.

Source: Model Preserving Compression for Neural Networks, arXiv 2108.00065 (interpolative decomposition). A pivoted
factorization of the channels' values on examples ranks channels by what they add to earlier ones. A linear map
reconstructs the removed channels from the kept ones and is multiplied into the weights that read them. It has no
constant part, so zeros at an image's edge stay zeros.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_WIDTH = 4096
"""Largest number of layer inputs whose products are recorded (a table of this size squared)."""

PLACES = 128
"""Number of positions of each example that are used."""

DAMPING = 1e-4
"""Share of the mean that is added to the diagonal, so that rarely active channels do not get large weights."""

Moments = dict[Any, NDArray[np.float64]]


def moments(layers: Sequence[Any], run: Callable[[], None]) -> Moments:
    """Return for each layer the products of its input channels (C, C), summed over positions while `run` runs."""
    import torch

    sums: Moments = {}
    rng = np.random.default_rng(0)

    def places(count: int, most: int) -> Any:
        return torch.from_numpy(rng.integers(count, size=most))

    def note(layer: Any, given: tuple[Any, ...]) -> None:
        x = given[0].detach()
        if isinstance(layer, torch.nn.Linear):
            flat = x.reshape(-1, x.shape[-1])
            rows = flat if len(flat) <= PLACES * len(x) else flat[places(len(flat), PLACES * len(x))]
        else:
            spots = x.flatten(2)
            few = spots if spots.shape[2] <= PLACES else spots[:, :, places(spots.shape[2], PLACES)]
            rows = few.transpose(1, 2).reshape(-1, x.shape[1])
        if rows.shape[1] > MAX_WIDTH:
            return
        sums[layer] = sums.get(layer, 0) + (rows.T @ rows).double().numpy()

    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        with torch.no_grad():
            run()
    finally:
        for hook in hooks:
            hook.remove()
    return sums


def readers(group: Any, graph: Any) -> list[tuple[Any, list[int]]]:
    """Return the layers of a group that read its channels, each with its input numbers. Depthwise ones are skipped."""
    return [
        (dep.target.module, list(numbers))
        for dep, numbers in group
        if graph.is_in_channel_pruning_fn(dep.handler) and getattr(dep.target.module, "groups", 1) == 1
        if hasattr(dep.target.module, "weight") and dep.target.module.weight.ndim >= 2
    ]


def reads(layer: Any) -> Any:
    """Return a view of a layer's weights with the shape (inputs, everything else)."""
    weight = layer.weight.detach()
    return weight.flatten(1) if type(layer).__name__.startswith("ConvTranspose") else weight.transpose(0, 1).flatten(1)


class Importance:
    """Channel ranking for torch-pruning: the higher a channel's number, the later it is removed.

    Groups without known values are ranked by `otherwise` (magnitude).
    """

    def __init__(self, otherwise: Any) -> None:
        """Create a ranking; `graph` and `moments` are set before each round."""
        self._otherwise = otherwise
        self.graph: Any = None
        self.moments: Moments = {}

    def __call__(self, group: Any) -> Any:
        """Return one number per channel of the group."""
        import torch

        width = len(group[0].idxs)
        total = np.zeros((width, width))
        for layer, numbers in readers(group, self.graph):
            table = self.moments.get(layer)
            if table is None or len(numbers) != width or len(table) < width:
                continue
            size = np.asarray(reads(layer).double().norm(dim=1))[numbers]
            scaled = table[np.ix_(numbers, numbers)] * np.outer(size, size)
            total += scaled / max(float(np.trace(scaled)), 1e-30)
        if not total.any():
            return self._otherwise(group)
        ranked = torch.zeros(width)
        ranked[torch.from_numpy(pivots(total))] = torch.arange(width, 0, -1, dtype=torch.float32)
        return ranked


def pivots(table: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the channels in the order of a pivoted Cholesky factorization of `table` (n, n), which is symmetric.

    Each step takes the channel whose value earlier channels explain least.
    """
    width = len(table)
    left = np.diag(table).copy()
    order, rows = np.empty(width, np.int64), np.zeros((width, width))
    for step in range(width):
        best = int(np.argmax(left))
        order[step] = best
        pivot = left[best]
        left[best] = -np.inf
        if pivot <= 0:
            rest = np.flatnonzero(np.isfinite(left))
            order[step + 1 :] = rest
            break
        rows[step] = (table[best] - rows[:step].T @ rows[:step, best]) / np.sqrt(pivot)
        left -= rows[step] ** 2
    return order


def stand_in(group: Any, graph: Any, known: Moments) -> None:
    """Fold the channels that are removed (the group's numbers) into the weights of their readers, before removal."""
    import torch

    for layer, numbers in readers(group, graph):
        table = known.get(layer)
        if table is None:
            continue
        gone = np.asarray(numbers)
        stay = np.setdiff1d(np.arange(len(table)), gone)
        inner = table[np.ix_(stay, stay)]
        inner += np.eye(len(stay)) * DAMPING * max(float(np.diag(inner).mean()), 1e-30)
        share = torch.from_numpy(np.linalg.solve(inner, table[np.ix_(stay, gone)]))
        weights = reads(layer)
        added = share @ weights[gone].double()
        with torch.no_grad():
            transposed = type(layer).__name__.startswith("ConvTranspose")
            target = layer.weight.data if transposed else layer.weight.data.transpose(0, 1)
            target[torch.from_numpy(stay)] += added.reshape(len(stay), *target.shape[1:]).float()
        known[layer] = table[np.ix_(stay, stay)]
