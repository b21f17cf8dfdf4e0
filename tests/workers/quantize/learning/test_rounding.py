"""Rounding with compensation, on the inputs that a layer has."""

import numpy as np
import pytest
import torch

from workers.quantize.learning import rounding


def related(groups: int, inputs: int) -> torch.Tensor:
    """2,000 rows whose inputs depend on each other, and a column of ones for the bias."""
    random = np.random.default_rng(3)
    rows = random.normal(0.3, 1, (groups, 2000, inputs)) @ random.normal(0, 1, (inputs, inputs))
    return torch.from_numpy(np.concatenate([rows, np.ones((groups, 2000, 1))], axis=2))


@pytest.mark.parametrize(("groups", "inputs", "most", "left"), [(1, 40, 127, 0.5), (1, 200, 63, 0.5), (6, 9, 63, 0.8)])
def test_rounded_changes_outputs_less_than_rounding_to_nearest(
    groups: int, inputs: int, most: int, left: float
) -> None:
    """Given inputs that depend on each other, Then compensation leaves this part of the squared error at most."""
    rows = related(groups, inputs)
    weights = torch.from_numpy(np.random.default_rng(4).normal(0, 1, (groups, 5, inputs + 1)))
    steps, scales, bias = rounding.rounded(weights, rows.transpose(1, 2) @ rows, True, most)
    largest = weights[..., :-1].abs().amax(2, keepdim=True) / most
    nearest = torch.cat([(weights[..., :-1] / largest).round() * largest, weights[..., -1:]], 2)
    learned = torch.cat([steps * scales[..., None], bias[..., None]], 2)
    errors = [float(((rows @ (one - weights).transpose(1, 2)) ** 2).sum()) for one in (nearest, learned)]
    assert errors[1] < left * errors[0]
    assert torch.equal(steps, steps.round()) and float(steps.abs().max()) <= most


def test_inputs_that_are_always_zero_are_rounded() -> None:
    """Given a layer whose inputs are all zero, Then its weights are whole numbers and no error occurs."""
    weights = torch.ones((1, 2, 3), dtype=torch.float64)
    steps, scales, bias = rounding.rounded(weights, torch.zeros((1, 3, 3), dtype=torch.float64), False, 127)
    assert bias is None and torch.isfinite(steps).all() and torch.allclose(steps * scales[..., None], weights)
