"""Detect the step network of a diffusion model and how a sampling run calls it."""

import re

from workers.contracts.specs import TensorSpec
from workers.pipeline.spec import PipelineInput, Sampling

LEVEL_NAMES = re.compile(r"^(sigma|sigmas|noise_level|noise_std)$", re.I)
"""Names of inputs with the noise level as a standard deviation.

Schedule steps (`timestep`) are numbers whose meaning no file states, so such a network is compared step by step.
"""

CLEAN_NAMES = re.compile(r"denoised|clean|sample|x0|pred_original", re.I)

LEVELS = (80.0, 0.821)
"""First and second noise level of the consistency models of arXiv 2310.14189."""

LOWEST = 0.002


def guess_sampling(inputs: tuple[PipelineInput, ...], answer: TensorSpec) -> Sampling | None:
    """Return a run of two steps if inputs hold a noisy sample and the noise level, and the prediction is clean."""
    levels = [entry for entry in inputs if LEVEL_NAMES.match(entry.name) and len(entry.shape) == 1]
    shape = tuple(size if isinstance(size, int) else None for size in answer.shape)
    noisy = [entry for entry in inputs if entry.shape[1:] == shape[1:] and len(entry.shape) >= 3]
    floats = all(entry.dtype == "float32" for entry in (*levels, *noisy))
    if len(levels) != 1 or len(noisy) != 1 or not floats or not CLEAN_NAMES.search(answer.name):
        return None
    return Sampling(sample=noisy[0].name, level=levels[0].name, levels=LEVELS, lowest=LOWEST)
