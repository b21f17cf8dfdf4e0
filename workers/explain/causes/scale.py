"""Try other ranges of values: 0 to 1, 0 to 255, −1 to 1, and samples of sounds as 16-bit numbers."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from workers.evaluate.doctor.others import array_axes, sound_axes
from workers.evaluate.doctor.pictures import with_families
from workers.explain.side import CauseKind, Material, Proposal, Side
from workers.pipeline.arrays import dtype_of
from workers.pipeline.pipeline import Arrays
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, PipelineSpec

RANGES: dict[str, tuple[float, float]] = {"0..1": (1.0, 0.0), "0..255": (255.0, 0.0), "-1..1": (2.0, -1.0)}
"""Factor and offset that turn values from 0 to 1 into each range."""


@dataclass(frozen=True)
class Scaled:
    """Multiplies the main input by a factor and adds an offset."""

    name: str
    factor: float
    offset: float

    def __call__(self, feeds: Arrays, spec: PipelineSpec) -> Arrays:
        """Return the feeds with the changed main input."""
        values = feeds[self.name]
        changed = values.astype(np.float64) * self.factor + self.offset
        return {**feeds, self.name: changed.astype(values.dtype)}


def range_of(steps: ImageSteps) -> str | None:
    """Return the plain range of a preparation without a mean of its own; None with one."""
    known = {("0..1", 0.0, 1.0): "0..1", ("0..255", 0.0, 1.0): "0..255", ("0..1", 0.5, 0.5): "-1..1"}
    values = {*zip(steps.mean, steps.std, strict=True)} if len(steps.mean) == len(steps.std) else set()
    return known.get((steps.range, *values.pop())) if len(values) == 1 else None


def propose(side: Side, material: Material) -> Iterable[Proposal]:
    """Yield the other usual ranges."""
    steps, main = side.steps, side.main
    if material.arrays and not isinstance(steps, ArraySteps):
        if dtype_of(main).kind == "f":
            yield from _of_arrays(side)
    elif isinstance(steps, ImageSteps):
        yield from _of_pictures(side, steps)
    elif isinstance(steps, ArraySteps) and dtype_of(main).kind == "f":
        for other in array_axes(main, material.samples, material.model_dir)[0][0](steps):
            assert isinstance(other, ArraySteps)
            before, after = (f"{one.scale:g}x{one.offset:+g}" for one in (steps, other))
            words = f"values times {other.scale:g} plus {other.offset:g}"
            yield Proposal(side.with_steps(other), "scale", before, after, words)
    elif isinstance(steps, AudioSteps):
        for other in sound_axes(main, bool(side.spec.links))[0][0](steps):
            assert isinstance(other, AudioSteps)
            words = f"samples times {other.scale:g}"
            yield Proposal(side.with_steps(other), "scale", steps.scale, other.scale, words)


def _of_pictures(side: Side, steps: ImageSteps) -> Iterable[Proposal]:
    other = "0..255" if steps.range == "0..1" else "0..1"
    now = range_of(steps)
    if now is None:
        changed = replace(steps, range="0..255" if steps.range == "0..1" else "0..1")
        yield Proposal(
            side.with_steps(changed), "range", steps.range, other, f"values from {other.replace('..', ' to ')}"
        )
        return
    count = len(steps.mean)
    for name in RANGES:
        half, values = name == "-1..1", "0..255" if name == "0..255" else "0..1"
        family = (values, (0.5 if half else 0.0,) * count, (0.5 if half else 1.0,) * count)
        found = with_families(steps, [family])[0]  # type: ignore[list-item]
        if name != now:
            words = f"values from {name.replace('..', ' to ').replace('-', '−')}"
            yield Proposal(side.with_steps(found), "range", now, name, words)


def _of_arrays(side: Side) -> Iterable[Proposal]:
    for before, (factor, offset) in RANGES.items():
        for after, (other_factor, other_offset) in RANGES.items():
            if before != after:
                times = other_factor / factor
                change = Scaled(side.main.name, times, other_offset - offset * times)
                words = f"values from {after.replace('..', ' to ')} instead of {before.replace('..', ' to ')}"
                yield Proposal(side.with_feeds(change), "range", before, after, words)


CAUSE = CauseKind("scale", order=30, propose=propose)
