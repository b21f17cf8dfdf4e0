"""Define the axes along which preprocessings vary, and how unusual one is."""

from collections.abc import Callable, Sequence
from typing import Any

from workers.pipeline.spec import AudioSteps, Preprocess

Axis = Callable[[Any], Sequence[Preprocess]]
"""Returns a preprocessing with every plausible value of one of its properties."""

Axes = tuple[list[Axis], list[Axis]]
"""Axes of both searches, and those that only the long one tries; the most informative first."""


def oddness(steps: Preprocess) -> int:
    """Return how many settings of a preprocessing are unusual.

    Among preprocessings that cannot be distinguished, the one with the smallest number counts.
    """
    usual = type(steps)()
    left_out = {"tokenizer", "max_length", "resize", "crop", "mean", "std"}
    changed = [name for name, value in vars(steps).items() if name not in left_out and value != getattr(usual, name)]
    return len(changed) + _odd_sizes(steps)


def _odd_sizes(steps: Preprocess) -> int:
    """Return −1 for sounds with 512 samples after 64 context samples, because this is as usual as 512 alone."""
    return -1 if isinstance(steps, AudioSteps) and (steps.frame_samples, steps.context_samples) == (512, 64) else 0
