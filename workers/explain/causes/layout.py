"""Try the other order of axes: colors first (NCHW) or last (NHWC), for inputs and for answers."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from workers.explain.side import CauseKind, Material, Proposal, Rows, Side
from workers.pipeline.pipeline import Arrays
from workers.pipeline.spec import ArraySteps, ImageSteps, PipelineSpec

LEAST_AXES = 3


@dataclass(frozen=True)
class Moved:
    """Moves an axis of the main input."""

    name: str
    source: int
    target: int

    def __call__(self, feeds: Arrays, spec: PipelineSpec) -> Arrays:
        """Return the feeds with the axis moved."""
        moved = np.moveaxis(feeds[self.name], self.source, self.target)
        return {**feeds, self.name: np.ascontiguousarray(moved)}


@dataclass(frozen=True)
class MovedAnswer:
    """Moves an axis of the second side's answers."""

    source: int
    target: int

    def __call__(self, first: Rows, second: Rows) -> tuple[Rows, Rows]:
        """Return the first side's answers, and the second's with the axis moved."""
        if any(row.ndim < LEAST_AXES - 1 for row in second):
            raise ValueError("too few axes")
        return first, [np.moveaxis(row, self.source, self.target) for row in second]


def propose(side: Side, material: Material) -> Iterable[Proposal]:
    """Yield both ways to move the axis of colors."""
    steps, main, words = side.steps, side.main, ("nchw", "nhwc")
    if isinstance(steps, ImageSteps) and not material.arrays and not steps.pixels:
        other = "nhwc" if steps.layout == "nchw" else "nchw"
        changed = side.with_steps(replace(steps, layout="nhwc" if steps.layout == "nchw" else "nchw"))
        yield Proposal(changed, "layout", steps.layout, other, f"inputs in the layout {other.upper()}")
    elif isinstance(steps, ImageSteps | ArraySteps) and len(main.shape) >= LEAST_AXES:
        for source, target, (before, after) in ((1, -1, words), (-1, 1, words[::-1])):
            changed = side.with_feeds(Moved(main.name, source, target), material.shape)
            if isinstance(steps, ImageSteps):
                changed = changed.with_steps(replace(steps, layout="nchw" if before == "nchw" else "nhwc"))
            yield Proposal(changed, "layout", before, after, f"inputs in the layout {after.upper()}")
    if side.spec.postprocess is None:
        for source, target, (before, after) in ((0, -1, words), (-1, 0, words[::-1])):
            changed = replace(side, answers=(*side.answers, MovedAnswer(source, target)))
            yield Proposal(
                changed, "output_layout", after, before, f"answers in the layout {after.upper()}", gives=True
            )


CAUSE = CauseKind("layout", order=10, propose=propose)
