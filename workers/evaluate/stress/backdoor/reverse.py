"""Learn an unknown trigger: the smallest patch that changes many inputs to one class.

Method: Neural Cleanse (Wang and others 2019, IEEE S&P, doi 10.1109/SP.2019.00031). The patch is learned through the
optimized version, while the original has to keep its predictions.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.stress.attack.gradients import Scores
from workers.evaluate.stress.base import Floats

STEPS, RATE = 100, 0.3
OBEYED, FASTER = 0.9, 1.2
"""While this share of the inputs changes, a larger patch costs more by this factor at each step, else less (Neural
Cleanse).
"""
SIZE_WEIGHT = 2.0
"""Weight of the mask's mean relative to the cross entropies."""
AREA, FAINT = 0.12, 0.2
"""A patch covers at most this share of a picture, because more is not a detail. Fainter places are left out."""


def noise_pictures(shape: tuple[int, ...], count: int, seed: int) -> Floats:
    """Return pictures (count, C, H, W) of black and white points, which are twice as large in one half of them."""
    rng = np.random.default_rng(seed)
    fine = (rng.random((count, *shape)) > 0.5).astype(np.float32)
    for i in range(count // 2, count):
        fine[i] = fine[i, :, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2)[:, : shape[1], : shape[2]]
    return fine


def learn_trigger(
    old: Scores | None, new: Scores, units: Floats, rows: NDArray[np.intp], classes: NDArray[np.int64], target: int,
    start_from: Floats, check: Callable[[], None],
) -> tuple[Floats, Floats]:  # fmt: skip
    """Learn a patch that changes the inputs `rows` to the class `target`.

    Returns the mask (H, W) of 0 and 1, and the pattern (C, H, W) in 0..1.

    Args:
        old: Differentiable scores of the original, if it has any.
        new: Differentiable scores of the optimized version.
        units: Inputs (n, C, H, W) in 0..1.
        rows: Numbers of the inputs whose class is not `target`.
        classes: Predicted class of each input (n,).
        target: The class.
        start_from: First pattern (C, H, W).
        check: Called between steps; may raise.
    """
    import torch
    from torch.nn.functional import cross_entropy

    start, kept = torch.from_numpy(units[rows]), torch.from_numpy(classes[rows])
    wanted = torch.full_like(kept, target)
    mask = torch.full(units.shape[2:], 3.0).requires_grad_(True)
    pattern = torch.logit(torch.from_numpy(start_from), 0.02).requires_grad_(True)
    optimizer = torch.optim.Adam([mask, pattern], lr=RATE)
    best, smallest, cost = None, np.inf, SIZE_WEIGHT
    for _ in range(STEPS):
        check()
        share, drawn = torch.sigmoid(mask), torch.sigmoid(pattern)
        changed = start * (1 - share) + drawn * share
        found = new(changed, rows)
        loss = cross_entropy(found, wanted) + cost * share.mean()
        if old is not None:
            loss = loss + cross_entropy(old(changed, rows), kept)
        if float((found.argmax(1) == target).float().mean()) >= OBEYED:
            cost *= FASTER
            if float(share.detach().mean()) < smallest:
                smallest, best = float(share.detach().mean()), (share.detach().numpy().copy(), drawn.detach().numpy())
        else:
            cost /= FASTER
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if best is None:
        best = torch.sigmoid(mask).detach().numpy(), torch.sigmoid(pattern).detach().numpy()
    share, drawn = best
    limit = max(float(np.sort(share, axis=None)[-max(1, int(AREA * share.size))]), FAINT)
    return (share >= min(limit, float(share.max()))).astype(np.float32), drawn
