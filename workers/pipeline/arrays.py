"""Fit arrays to a model's inputs.

Arrays with the model's shape and kind of numbers are used unchanged. Others are reported; numbers are never rounded or
clipped to fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .spec import AudioSteps, ImageSteps, PipelineError, PipelineInput, PipelineSpec, Preprocess
from .words import Words

Shape = tuple[int | None, ...]

NUMBERS = "biufc"
MAIN_SOURCES = ("image", "input_ids", "audio", "array")


def main_input_of(spec: PipelineSpec) -> PipelineInput:
    """Return the input that receives the user's data."""
    return min(
        (entry for entry in spec.inputs if entry.source in MAIN_SOURCES),
        key=lambda entry: MAIN_SOURCES.index(entry.source),
    )


def wanted_shape(entry: PipelineInput, steps: Preprocess) -> Shape:
    """Return the main input's shape; the preparation defines channels and frames that the model leaves free."""
    shape = entry.shape
    if isinstance(steps, ImageSteps):
        channels, axis = _channels(steps), 1 if steps.layout == "nchw" else 3
        if not shape:
            shape = (None,) * 4
        if len(shape) == 4 and shape[axis] is None:
            return (*shape[:axis], channels, *shape[axis + 1 :])
    if isinstance(steps, AudioSteps) and len(shape) == 2 and shape[1] is None and steps.frame_samples:
        return shape[0], steps.context_samples + steps.frame_samples
    return shape


def _channels(steps: ImageSteps) -> int:
    return 1 if steps.channels == "gray" else 3


def dtype_of(entry: PipelineInput) -> np.dtype[Any]:
    """Return the input's dtype; raise PipelineError unless it is a plain number or bool that NumPy knows.

    A stranger's description may name records, texts or nested arrays of any size (`"(30000,30000)u1"`), which NumPy
    would allocate for each value.
    """
    try:
        dtype = np.dtype(entry.dtype)
    except (TypeError, ValueError, SyntaxError):
        dtype = np.dtype(object)
    if dtype.kind not in NUMBERS:
        raise PipelineError("The input {0!r} has a dtype that is not known here: {1!r}.", entry.name, entry.dtype[:40])
    return dtype


def fits(values: NDArray[Any], entry: PipelineInput, steps: Preprocess) -> bool:
    """Return whether an array can be the main input unchanged."""
    return _as_wanted(values, entry, steps) is not None


def ready(values: NDArray[Any], entry: PipelineInput, steps: Preprocess) -> NDArray[Any] | None:
    """Return the array as main input with a batch axis, in the model's dtype; None if it needs preparation first.

    An array needs preparation if its shape or kind of numbers differs. float16 and float64 count as float32.

    Raises:
        PipelineError: The numbers do not fit into the model's dtype.
    """
    found = _as_wanted(values, entry, steps)
    return None if found is None else cast(found, entry)


def _as_wanted(values: NDArray[Any], entry: PipelineInput, steps: Preprocess) -> NDArray[Any] | None:
    if not _same_kind(values.dtype, dtype_of(entry)):
        return None
    shape = wanted_shape(entry, steps)
    found = _placed(values, shape, _axis_of(entry))
    if found is None and isinstance(steps, ImageSteps) and len(shape) == 4 and entry.batched:
        found = _one_channel(values, shape, 1 if steps.layout == "nchw" else 3)
    return found


def _same_kind(have: np.dtype[Any], wanted: np.dtype[Any]) -> bool:
    whole = "iu"
    return have.kind == wanted.kind or (have.kind in whole and wanted.kind in whole)


def _axis_of(entry: PipelineInput) -> int | None:
    return entry.batch_axis if entry.batched else None


def _placed(values: NDArray[Any], shape: Shape, batch_axis: int | None) -> NDArray[Any] | None:
    """Return the array with a batch axis; None if sizes differ. An empty shape accepts any array."""
    if not shape:
        return values
    if batch_axis is not None and values.ndim == len(shape) - 1:
        values = np.expand_dims(values, batch_axis)
    if values.ndim != len(shape):
        return None
    pairs = [pair for at, pair in enumerate(zip(values.shape, shape, strict=True)) if at != batch_axis]
    return None if any(size is not None and have != size for have, size in pairs) else values


def _one_channel(values: NDArray[Any], shape: Shape, axis: int) -> NDArray[Any] | None:
    """Return the array for a model with one channel, whose axis may be missing or at another position."""
    if shape[axis] != 1:
        return None
    if values.ndim in (3, 4) and values.shape[-1] == 1:
        values = values[..., 0]
    elif values.ndim == 4 and values.shape[1] == 1:
        values = values[:, 0]
    found = _placed(values, tuple(size for at, size in enumerate(shape) if at != axis), batch_axis=0)
    return None if found is None else np.expand_dims(found, axis)


def fitted(values: NDArray[Any], entry: PipelineInput) -> NDArray[Any]:
    """Return the array with a leading batch axis in the input's dtype; raise PipelineError if it does not fit."""
    found = _placed(values, entry.shape, _axis_of(entry))
    if found is None:
        raise misfit(values, entry)
    return cast(found, entry)


def misfit(values: NDArray[Any], entry: PipelineInput, steps: Preprocess | None = None) -> PipelineError:
    """Return an error that names the required shape and kind of numbers."""
    shape = entry.shape if steps is None else wanted_shape(entry, steps)
    wanted = "×".join("any" if size is None else str(size) for size in shape)
    have = "×".join(map(str, values.shape)) or Words("one number")
    if _placed(values, shape, _axis_of(entry)) is not None:
        have, wanted = Words("{0} of {1}", have, values.dtype), Words("{0} of {1}", wanted, entry.dtype)
    text = Words("The input {0!r} is {1}, and the model wants {2}.", entry.name, have, wanted)
    hint = ""
    if isinstance(steps, ImageSteps):
        hint = Words(
            "Give it so, as it was prepared for training, and it goes in as it is; or give pictures of 8 bits (uint8,"
            " 0 to 255), which are prepared here."
        )
    elif isinstance(steps, AudioSteps):
        hint = Words("Give it so, and it goes in as it is; or give each sound as one row of samples.")
    return PipelineError("{0} {1}", text, hint) if hint else PipelineError(text.template, *text.facts)


def cast(values: NDArray[Any], entry: PipelineInput) -> NDArray[Any]:
    """Return the array in the input's dtype.

    Raises:
        PipelineError: Numbers would be rounded to integers, cut off or overflow.
    """
    wanted = dtype_of(entry)
    if values.dtype.kind not in NUMBERS or (values.dtype.kind == "c" and wanted.kind != "c"):
        raise PipelineError("The input {0!r} holds {1}, and the model wants numbers.", entry.name, values.dtype)
    if values.dtype == wanted or np.can_cast(values.dtype, wanted, "safe") or not values.size:
        return np.ascontiguousarray(values.astype(wanted, copy=False))
    if wanted.kind in "biu":
        low, high = (0, 1) if wanted.kind == "b" else (np.iinfo(wanted).min, np.iinfo(wanted).max)
        if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.rint(values)).all()):
            raise PipelineError(
                "The input {0!r} holds fractions, and the model wants whole numbers ({1}): they would have to be "
                "rounded.",
                entry.name,
                wanted,
            )
        if values.min() < low or values.max() > high:
            raise PipelineError(
                "The input {0!r} goes from {1:g} to {2:g}, and the model's numbers ({3}) from {4} to {5}.",
                entry.name,
                float(values.min()),
                float(values.max()),
                wanted,
                low,
                high,
            )
        return np.ascontiguousarray(values.astype(wanted))
    with np.errstate(over="ignore"):
        done = np.ascontiguousarray(values.astype(wanted))
    if (np.isinf(done) & np.isfinite(values)).any():
        raise PipelineError("The input {0!r} holds numbers that are too large for {1}.", entry.name, wanted)
    return done


def eight_bits(values: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Return integers from 0 to 255 as uint8; None for other arrays, which are no pictures."""
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind not in "iu" or not values.size or values.min() < 0 or values.max() > 255:
        return None
    return values.astype(np.uint8)


def pictures_in(values: NDArray[Any], *, rows: bool) -> Sequence[NDArray[np.uint8]] | None:
    """Return the 8-bit pictures (H, W), (H, W, 1|3|4) or (1|3, H, W) in an array; None if there are none.

    A further axis means several pictures.

    Args:
        values: The array.
        rows: Treat three axes without a channel axis as several gray pictures.
    """
    bits = eight_bits(values)
    if bits is None:
        return None
    if bits.ndim == 2 or (bits.ndim == 3 and _has_channels(bits.shape)):
        return [bits]
    if (bits.ndim == 4 and _has_channels(bits.shape[1:])) or (bits.ndim == 3 and rows):
        return list(bits)
    return None


def _has_channels(shape: tuple[int, ...]) -> bool:
    return shape[-1] in (1, 3, 4) or shape[0] in (1, 3)
