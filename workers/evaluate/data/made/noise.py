"""Generate the start of sampling runs: noise at a diffusion model's highest level, fixed by the seed."""

import numpy as np
from numpy.typing import NDArray

from workers.pipeline.spec import PipelineInput, Sampling


def make_noise(
    rng: np.random.Generator, entry: PipelineInput, steps: Sampling, other: NDArray[np.generic]
) -> NDArray[np.generic]:
    """Return the value of one input at the first step of the run.

    `other` is the value of an input that is neither noise nor level.
    """
    if entry.name == steps.level:
        return np.full(other.shape, steps.levels[0], other.dtype)
    if entry.name == steps.sample:
        return (rng.standard_normal(other.shape) * steps.levels[0]).astype(other.dtype)
    return other
