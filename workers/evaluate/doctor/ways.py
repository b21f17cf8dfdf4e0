"""A way of preparing inputs: steps of the pipeline, and the SPEC that says the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workers.contracts.pipeline import ArraySteps, AudioSteps, ImageSteps, Preprocess, TextSteps
from workers.pipeline import spec

CLASSES: dict[str, type[Any]] = {
    "image": spec.ImageSteps,
    "text": spec.TextSteps,
    "audio": spec.AudioSteps,
    "array": spec.ArraySteps,
}
SPEC_NAMES = {
    "frame_samples": "frame",
    "context_samples": "context",
    "sample_rate_hz": "sample_rate",
}
NOT_IN_SPEC = ("kind", "tokenizer", "pixels")


@dataclass(frozen=True)
class Axis:
    """One thing that can be chosen. `options(steps)` gives `steps` in every plausible way of it.

    `quick` says that it is tried in the short look before a run, too.
    """

    name: str
    options: Callable[[Any], Sequence[Preprocess]]
    quick: bool = False


def plain_steps(steps: Preprocess) -> Any:
    """The same as the pipeline's dataclass."""
    return CLASSES[steps.kind](**steps.model_dump(exclude={"kind"}))


def checked_steps(steps: Any) -> Preprocess:
    """The pipeline's dataclass as the contract's model."""
    found: dict[type[Any], Any] = {
        spec.ImageSteps: ImageSteps,
        spec.TextSteps: TextSteps,
        spec.AudioSteps: AudioSteps,
        spec.ArraySteps: ArraySteps,
    }
    checked: Preprocess = found[type(steps)](**vars(steps))
    return checked


def oddness(steps: Preprocess) -> int:
    """How many parts of a way are not as usual: of ways that cannot be told apart the least odd one counts."""
    usual = type(steps)()
    values = steps.model_dump(exclude={"kind", "tokenizer", "max_length", "resize", "crop", "mean", "std"})
    changed = [name for name, value in values.items() if value != getattr(usual, name)]
    return len(changed) + _odd_sizes(steps)


def _odd_sizes(steps: Preprocess) -> int:
    """Of sounds: 512 samples after 64 old ones are as usual as 512 alone."""
    return -1 if isinstance(steps, AudioSteps) and (steps.frame_samples, steps.context_samples) == (512, 64) else 0


def spec_text(steps: Preprocess) -> str:
    """The SPEC of ``--preprocess`` (CLI.md)."""
    values = steps.model_dump(exclude=set(NOT_IN_SPEC))
    return ",".join(f"{SPEC_NAMES.get(name, name)}={_said(name, value)}" for name, value in values.items())


def _said(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, tuple):
        joined = "x" if name in ("resize", "crop") else "/"
        return joined.join(f"{part:.9g}" for part in value)
    return str(value)
