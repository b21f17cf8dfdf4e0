"""Try pictures with red and blue exchanged."""

from collections.abc import Iterable

from workers.contracts.translation import _
from workers.evaluate.doctor.pictures import both_orders
from workers.explain.running import CauseKind, Proposal, Runner
from workers.explain.side import Side
from workers.pipeline.spec import ImageSteps


def propose(side: Side, steps: ImageSteps, runner: Runner) -> Iterable[Proposal]:
    """Yield the other order of colors, with the mean in both orders."""
    for other in both_orders(steps) if steps.channels != "gray" else ():
        if isinstance(other, ImageSteps) and other.channels != steps.channels:
            words = _("{0} pictures").format(other.channels.upper())
            yield Proposal(side.with_steps(other), "channels", steps.channels, other.channels, words)


CAUSE = CauseKind("channel_order", order=20, steps=ImageSteps, propose=propose)
