"""Run a diffusion model's whole sampling: call its step network along descending noise levels.

Source: Consistency Models, arXiv 2303.01469, algorithm 1: clean the noisy values, add noise of the next lower level,
clean again. Networks that give the clean values at any level (EDM's denoisers, arXiv 2206.00364) are sampled alike. The
noise is fixed, so that two versions of a network can be compared number by number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .spec import Sampling

Arrays = dict[str, NDArray[Any]]
SEED = 2303


def sample(call: Callable[[Arrays], Arrays], steps: Sampling, answer: str, feeds: Mapping[str, NDArray[Any]]) -> Arrays:
    """Return all outputs of the last step.

    Args:
        call: Runs the network on rows.
        steps: Names of inputs, and the noise levels.
        answer: Name of the output with the clean values.
        feeds: Noisy values of the first level, and that level (n,). Later noise is the same for every row, whatever the
            number of rows.
    """
    given: Arrays = dict(feeds)
    outputs = call(given)
    rng = np.random.default_rng(SEED)
    for level in steps.levels[1:]:
        noisy, old = given[steps.sample], given[steps.level]
        noise = rng.standard_normal((1, *noisy.shape[1:])).astype(noisy.dtype)
        size = float(np.sqrt(max(level**2 - steps.lowest**2, 0.0)))
        given[steps.sample] = (outputs[answer] + size * noise).astype(noisy.dtype)
        given[steps.level] = np.full(old.shape, level, old.dtype)
        outputs = call(given)
    return outputs
