"""Round the weights of one layer so that its outputs change least, on the inputs that it has in examples.

Weights are rounded one after the other, and those not yet rounded take over the error of each. A bias, which stays
unrounded, takes over the rest. Sources: Optimal Brain Compression, arXiv 2208.11580; GPTQ, arXiv 2210.17323.
"""

from typing import Any

SHRINKS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7)
"""Parts of the largest weight that a scale may end at; larger weights are clipped."""

DAMPING = 0.01
"""Part of the mean diagonal that is added to it (GPTQ, section 3.3)."""

BLOCK = 128
"""Number of inputs whose errors are handed on to the others at once (GPTQ, section 3.3)."""

TINY = 1e-12


def rounded(weights: Any, products: Any, has_bias: bool, most: int) -> tuple[Any, Any, Any]:
    """Return whole numbers (g, o, k), their scales (g, o), and the bias (g, o) or None.

    Args:
        weights: weights (g, o, k) of g groups with o outputs and k inputs each, float64; a bias is the last input.
        products: sums over examples of the products of the inputs (g, k, k), float64.
        has_bias: the last input is a bias.
        most: largest whole number.
    """
    import torch

    size = products.diagonal(dim1=1, dim2=2).mean(1).clamp_min(TINY)
    curvature = products + (DAMPING * size)[:, None, None] * torch.eye(products.shape[1], dtype=products.dtype)
    factors = torch.linalg.cholesky(torch.linalg.inv(curvature), upper=True)
    count = weights.shape[2] - has_bias
    scales = _scales(weights[..., :count], curvature.diagonal(dim1=1, dim2=2)[:, None, :count], most)
    left, steps = weights.clone(), torch.zeros_like(weights[..., :count])
    for start in range(0, count, BLOCK):
        end = min(start + BLOCK, count)
        gaps = torch.zeros_like(left[..., start:end])
        for place in range(start, end):
            values = left[..., place]
            steps[..., place] = torch.clamp((values / scales).round(), -most, most)
            gap = (values - steps[..., place] * scales) / factors[:, None, place, place]
            left[..., place:end] -= gap[..., None] * factors[:, None, place, place:end]
            gaps[..., place - start] = gap
        left[..., end:] -= gaps @ factors[:, start:end, end:]
    return steps, scales, left[..., -1] if has_bias else None


def _scales(weights: Any, importance: Any, most: int) -> Any:
    """Return the scale (g, o) with the smallest weighted error of rounding to nearest."""
    import torch

    scales = weights.abs().amax(2).clamp_min(TINY) / most
    best, least = scales, torch.full_like(scales, torch.inf)
    for shrink in SHRINKS:
        tried = scales * shrink
        nearest = torch.clamp((weights / tried[..., None]).round(), -most, most) * tried[..., None]
        error = ((nearest - weights) ** 2 * importance).sum(2)
        best, least = torch.where(error < least, tried, best), torch.minimum(error, least)
    return best
