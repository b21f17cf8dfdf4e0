"""Try other ranges of values: 0 to 1, 0 to 255, −1 to 1, and samples of sounds as 16-bit numbers."""

from collections.abc import Iterable
from dataclasses import replace

from workers.contracts.translation import _
from workers.evaluate.doctor.others import array_axes, sound_axes
from workers.evaluate.doctor.pictures import Family, with_families
from workers.explain.running import CauseKind, Proposal, Runner
from workers.explain.side import Side
from workers.pipeline.arrays import dtype_of
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, Preprocess

RANGES: dict[str, Family] = {
    "0..1": ("0..1", (0.0,), (1.0,)), "0..255": ("0..255", (0.0,), (1.0,)), "-1..1": ("0..1", (0.5,), (0.5,)),
}  # fmt: skip


def range_of(steps: ImageSteps) -> str | None:
    """Return the plain range of a preparation without a mean of its own; None with one."""
    own = (steps.range, {*steps.mean}, {*steps.std})
    return next((name for name, (values, mean, std) in RANGES.items() if own == (values, {*mean}, {*std})), None)


def propose(side: Side, steps: Preprocess, runner: Runner) -> Iterable[Proposal]:
    """Yield the other usual ranges."""
    main = side.main
    if isinstance(steps, ImageSteps):
        yield from _of_pictures(side, steps)
    elif isinstance(steps, ArraySteps) and dtype_of(main).kind == "f":
        for other in array_axes(main, runner.samples(side.spec), runner.model_dir)[0][0](steps):
            assert isinstance(other, ArraySteps)
            before, after = (f"{one.scale:g}x{one.offset:+g}" for one in (steps, other))
            words = _("values times {0:g} plus {1:g}").format(other.scale, other.offset)
            yield Proposal(side.with_steps(other), "scale", before, after, words)
    elif isinstance(steps, AudioSteps):
        for other in sound_axes(main, bool(side.spec.links))[0][0](steps):
            assert isinstance(other, AudioSteps)
            words = _("samples times {0:g}").format(other.scale)
            yield Proposal(side.with_steps(other), "scale", steps.scale, other.scale, words)


def _of_pictures(side: Side, steps: ImageSteps) -> Iterable[Proposal]:
    now, count = range_of(steps), len(steps.mean)
    if now is None:  # the same mean beside the other range
        changed = replace(steps, range="0..255" if steps.range == "0..1" else "0..1")
        tried: dict[str, Preprocess] = {changed.range: changed}
    else:
        families = ((values, mean * count, std * count) for values, mean, std in RANGES.values())
        tried = dict(zip(RANGES, with_families(steps, families), strict=True))
    for name, other in tried.items():
        words = _("values from {0} to {1}").format(*name.replace("-", "−").split(".."))
        yield Proposal(side.with_steps(other), "range", now or steps.range, name, words)


CAUSE = CauseKind("scale", order=30, propose=propose)
