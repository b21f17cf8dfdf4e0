"""Run projected gradient descent under the L∞ norm (Madry and others 2018, arXiv 1706.06083), on a torch program."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.stress.base import Floats

STEP = 2.5
"""A step is this many times eps / steps, which reaches the edge of the ball from any start (the paper's rule)."""


def pgd_attack(
    scores: Callable[[Any], Any], inputs: Floats, classes: NDArray[np.int64], eps: float, steps: int, seed: int,
    check: Callable[[], None],
) -> Floats:  # fmt: skip
    """Return changed inputs (n, C, H, W) within `eps` and in 0..1, from a random start.

    Args:
        scores: `scores(tensor (n, C, H, W))` returns a tensor (n, classes) through which gradients flow.
        inputs: Inputs (n, C, H, W) in 0..1.
        classes: Right class of each input (n,).
        eps: Largest change of a value.
        steps: Number of steps.
        seed: Seed of the random start.
        check: Called between steps; may raise.
    """
    import torch

    noise = np.random.default_rng(seed).uniform(-eps, eps, inputs.shape).astype(np.float32)
    start, wanted = torch.from_numpy(inputs.copy()), torch.from_numpy(classes)
    now = (start + torch.from_numpy(noise)).clamp(0, 1)
    for _ in range(steps):
        check()
        now = now.detach().requires_grad_(True)
        loss = torch.nn.functional.cross_entropy(scores(now), wanted, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, now)
        with torch.no_grad():
            moved = now + STEP * eps / steps * gradient.sign()
            now = torch.maximum(torch.minimum(moved, start + eps), start - eps).clamp(0, 1)
    return np.asarray(now.detach().numpy(), np.float32)
