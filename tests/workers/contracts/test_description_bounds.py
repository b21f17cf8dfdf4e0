"""Refuse untrusted descriptions with sizes that would fill the memory."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
from pydantic import ValidationError

from workers.contracts.pipeline import checked
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, Part, PipelineInput, TextSteps

HUGE = (-1, 2**31, 2**63, 10**30)


@pytest.mark.parametrize("number", HUGE)
@pytest.mark.parametrize(
    ("part", "field"),
    [
        (ImageSteps, "resize"), (ImageSteps, "crop"), (TextSteps, "max_length"), (AudioSteps, "sample_rate_hz"),
        (AudioSteps, "frame_samples"), (AudioSteps, "context_samples"),
    ],
)  # fmt: skip
def test_description_size_beyond_bounds_is_refused(part: type, field: str, number: int) -> None:
    """Given a size below 0 or beyond what data have, then the description does not hold."""
    with pytest.raises(ValidationError):
        checked(part(**{field: number}))


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize(
    "part",
    [lambda n: ArraySteps(offset=n), lambda n: ArraySteps(swap=(0.0, n)), lambda n: ImageSteps(mean=(n, 0.5, 0.5))],
)
def test_description_number_that_is_not_finite_is_refused(part: Callable[[float], Part], number: float) -> None:
    """Given 1e999 or NaN in a description, which JSON would write as null, then the description does not hold."""
    with pytest.raises(ValidationError, match="finite"):
        checked(part(number))


@pytest.mark.parametrize(("count", "is_valid"), [(64, True), (65, False)])
def test_description_names_at_most_64_columns(count: int, is_valid: bool) -> None:
    """Given a bundle's description with more names of columns than Fettle writes, then the description does not hold."""
    part = PipelineInput("x", "float32", (None, count), "array", columns=tuple(f"a{at}" for at in range(count)))
    with nullcontext() if is_valid else pytest.raises(ValidationError):
        checked(part)


@pytest.mark.parametrize("sides", [(0, 64), (64, 2**31)])
def test_description_frame_beyond_bounds_is_refused(sides: tuple[int, int]) -> None:
    """Given a frame with one side that no picture has, then the description does not hold."""
    with pytest.raises(ValidationError):
        checked(ImageSteps(resize=sides, letterbox=True))


@pytest.mark.parametrize(("shape", "axis"), [((None, 4), 2), ((None, 4), 10**9), ((-1, 4), 0), ((2**63, 4), 0)])
def test_description_input_without_its_batch_axis_is_refused(shape: tuple[int | None, ...], axis: int) -> None:
    """Given a batch axis beyond the input's axes, or sizes that no array has, then the description does not hold."""
    with pytest.raises(ValueError):
        checked(PipelineInput(name="x", dtype="float32", shape=shape, source="array", batch_axis=axis))


def test_description_unbatched_input_needs_no_batch_axis() -> None:
    """Given an input that counts no items, or no shape at all, then the axis says nothing."""
    checked(PipelineInput(name="x", dtype="float32", shape=(4,), source="array", batch_axis=1, batched=False))
    checked(PipelineInput(name="x", dtype="float32", shape=(), source="array", batch_axis=1))
