"""Try the other order of axes: colors first (NCHW) or last (NHWC), for inputs and for answers."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from workers.contracts.translation import _
from workers.explain.running import CauseKind, Proposal, Runner
from workers.explain.side import Rows, Side
from workers.pipeline.spec import ImageSteps, Preprocess


def moved(first: Rows, second: Rows, source: int, target: int) -> tuple[Rows, Rows]:
    """Return the first side's answers, and the second's with an axis moved."""
    if any(row.ndim < 2 for row in second):
        raise ValueError("too few axes")
    return first, [np.moveaxis(row, source, target) for row in second]


def propose(side: Side, steps: Preprocess, runner: Runner) -> Iterable[Proposal]:
    """Yield the other layout of pictures, and both ways to move an axis of the answers."""
    if isinstance(steps, ImageSteps) and not steps.pixels:
        changed = replace(steps, layout="nhwc" if steps.layout == "nchw" else "nchw")
        words = _("inputs in the layout {0}").format(changed.layout.upper())
        yield Proposal(side.with_steps(changed), "layout", steps.layout, changed.layout, words)
    if side.spec.postprocess is None:
        for source, before, after in ((0, "nhwc", "nchw"), (-1, "nchw", "nhwc")):
            changed_answers = side.with_answers(partial(moved, source=source, target=-1 - source))
            words = _("answers in the layout {0}").format(after.upper())
            yield Proposal(changed_answers, "output_layout", before, after, words, gives=True)


CAUSE = CauseKind("layout", order=10, propose=propose)
