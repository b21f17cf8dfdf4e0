"""Try pictures with red and blue exchanged."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from workers.evaluate.doctor.pictures import both_orders
from workers.explain.side import CauseKind, Material, Proposal, Side
from workers.pipeline.pipeline import Arrays
from workers.pipeline.spec import ImageSteps, PipelineSpec


@dataclass(frozen=True)
class Reversed:
    """Reverses an axis of the main input."""

    name: str
    axis: int

    def __call__(self, feeds: Arrays, spec: PipelineSpec) -> Arrays:
        """Return the feeds with the axis reversed."""
        return {**feeds, self.name: np.ascontiguousarray(np.flip(feeds[self.name], self.axis))}


def propose(side: Side, material: Material) -> Iterable[Proposal]:
    """Yield the other order of colors, with the mean in both orders."""
    steps = side.steps
    if material.arrays:
        shape = side.main.shape
        axes = [axis for axis in (1, len(shape) - 1) if len(shape) == 4 and shape[axis] == 3]
        for axis in axes:
            changed = side.with_feeds(Reversed(side.main.name, axis))
            yield Proposal(changed, "channels", "rgb", "bgr", "pictures with their colors in the other order")
    elif isinstance(steps, ImageSteps) and steps.channels != "gray":
        for other in both_orders(steps):
            if isinstance(other, ImageSteps) and other.channels != steps.channels:
                words = f"{other.channels.upper()} pictures"
                yield Proposal(side.with_steps(other), "channels", steps.channels, other.channels, words)


CAUSE = CauseKind("channel_order", order=20, propose=propose)
