"""Try the other order of axes: colors first (NCHW) or last (NHWC), for inputs and for answers."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from workers.contracts.translation import _
from workers.explain.side import CauseKind, Material, Proposal, Rows, Side
from workers.pipeline.spec import ImageSteps


@dataclass(frozen=True)
class MovedAnswer:
    """Moves an axis of the second side's answers."""

    source: int
    target: int

    def __call__(self, first: Rows, second: Rows) -> tuple[Rows, Rows]:
        """Return the first side's answers, and the second's with the axis moved."""
        if any(row.ndim < 2 for row in second):
            raise ValueError("too few axes")
        return first, [np.moveaxis(row, self.source, self.target) for row in second]


def propose(side: Side, material: Material) -> Iterable[Proposal]:
    """Yield the other layout of pictures, and both ways to move an axis of the answers."""
    steps = side.steps
    if isinstance(steps, ImageSteps) and not steps.pixels:
        changed = replace(steps, layout="nhwc" if steps.layout == "nchw" else "nchw")
        words = _("inputs in the layout {0}").format(changed.layout.upper())
        yield Proposal(side.with_steps(changed), "layout", steps.layout, changed.layout, words)
    if side.spec.postprocess is None:
        for source, before, after in ((0, "nhwc", "nchw"), (-1, "nchw", "nhwc")):
            moved = side.with_answers(MovedAnswer(source, -1 - source))
            words = _("answers in the layout {0}").format(after.upper())
            yield Proposal(moved, "output_layout", before, after, words, gives=True)


CAUSE = CauseKind("layout", order=10, propose=propose)
