"""A way of preparing inputs: steps of the pipeline, and the SPEC that says the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workers.pipeline.spec import AudioSteps, Preprocess


@dataclass(frozen=True)
class Axis:
    """One thing that can be chosen. `options(steps)` gives `steps` in every plausible way of it.

    `quick` says that it is tried in the short look before a run, too.
    """

    name: str
    options: Callable[[Any], Sequence[Preprocess]]
    quick: bool = False


def oddness(steps: Preprocess) -> int:
    """How many parts of a way are not as usual: of ways that cannot be told apart the least odd one counts."""
    usual = type(steps)()
    left_out = {"tokenizer", "max_length", "resize", "crop", "mean", "std"}
    changed = [name for name, value in vars(steps).items() if name not in left_out and value != getattr(usual, name)]
    return len(changed) + _odd_sizes(steps)


def _odd_sizes(steps: Preprocess) -> int:
    """Of sounds: 512 samples after 64 old ones are as usual as 512 alone."""
    return -1 if isinstance(steps, AudioSteps) and (steps.frame_samples, steps.context_samples) == (512, 64) else 0
