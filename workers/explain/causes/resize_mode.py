"""Try other ways to bring pictures to the model's size: stretched, cropped, framed, and other interpolations."""

from collections.abc import Iterable
from dataclasses import replace
from typing import get_args

from workers.contracts.translation import _
from workers.evaluate.doctor.pictures import cuts, side_of, size_words
from workers.explain.running import CauseKind, Proposal, Runner
from workers.explain.side import Side
from workers.pipeline.spec import ImageSteps, Interpolation

TORCHVISION_2 = 232
"""Shorter side before the crop to 224 of torchvision's second weights."""


def propose(side: Side, steps: ImageSteps, runner: Runner) -> Iterable[Proposal]:
    """Yield each usual size with each interpolation."""
    height, width = side_of(side.main, steps)
    sizes = [*cuts(steps, (height, width), steps), replace(steps, resize=(height, width), crop=None, letterbox=True)]
    if height == width == 224:
        sizes.append(replace(steps, resize=TORCHVISION_2, crop=(height, width)))
    if isinstance(runner.own, ImageSteps):
        own = runner.own
        sizes.append(replace(steps, resize=own.resize, crop=own.crop, letterbox=own.letterbox))
    known = [replace(steps, interpolation=name) for name in get_args(Interpolation)]
    for one in dict.fromkeys(sizes):
        assert isinstance(one, ImageSteps)
        framed = one.letterbox and one.crop is None and isinstance(one.resize, tuple)
        names = dict.fromkeys((steps.interpolation, *get_args(Interpolation)))
        known += [replace(one, letterbox=framed, interpolation=name) for name in names]
    for other in dict.fromkeys(known):
        same = replace(other, interpolation=steps.interpolation) == steps
        if same:
            before, after = steps.interpolation, other.interpolation
            words = _("{0} interpolation").format(after)
            yield Proposal(side.with_steps(other), "interpolation", before, after, words)
        else:
            size = size_words(other)
            words = _("pictures with the {0}") if isinstance(other.resize, int) else _("pictures {0}")
            yield Proposal(side.with_steps(other), "resize", size_words(steps), size, words.format(size))


CAUSE = CauseKind("resize_mode", order=50, steps=ImageSteps, propose=propose)
