"""List plausible preprocessings of inputs that are not pictures: sounds, texts, integers and floats."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.doctor.search import Axes, Axis
from workers.model_io.readers.onnx_graph import integer_bounds
from workers.pipeline.arrays import dtype_of
from workers.pipeline.spec import ArraySteps, AudioSteps, PipelineInput, Preprocess

FRAMES = ((512, 64), (512, 0), (256, 32), (256, 0), (1024, 0), (1536, 0))
"""New samples and context samples before them of known voice detectors at 16 kHz and 8 kHz: silero-vad 5 and 4, WebRTC.
"""
AS_16_BITS = 32768.0
RATES_HZ = (16_000, 8_000)


def _axis(field: str, *values: Any, with_own: bool = False) -> Axis:
    """Return the axis of one field: these values, after the field's own one with `with_own`."""

    def variants(steps: Any) -> list[Preprocess]:
        own = (getattr(steps, field),) if with_own else ()
        return [replace(steps, **{field: value}) for value in dict.fromkeys((*own, *values))]

    return variants


def sound_axes(entry: PipelineInput, stateful: bool) -> Axes:
    """Return the axes for sounds: frame size (as the model's input width allows), loudness, rate, state."""
    width = entry.shape[-1] if entry.shape else None

    def frames(steps: AudioSteps) -> list[Preprocess]:
        found = {(steps.frame_samples, steps.context_samples), *FRAMES}
        if width is not None:
            found = {pair for pair in found if sum(pair) == width} | {(width, 0)}
        order = sorted(found, key=lambda pair: (pair not in FRAMES, FRAMES.index(pair) if pair in FRAMES else 0))
        return [replace(steps, frame_samples=new, context_samples=old) for new, old in order]

    loudness, state = _axis("scale", 1.0, AS_16_BITS), _axis("carry_state", True, False)
    rates = _axis("sample_rate_hz", *RATES_HZ, with_own=True)
    return [loudness, frames], [rates, state] if stateful else [rates]


def text_axes(entry: PipelineInput) -> Axes:
    """Return the axes for texts: case, special tokens of the tokenizer, length (up to the model's own)."""
    width = entry.shape[1] if len(entry.shape) > 1 else None

    lengths = () if width is not None else (128, 256, 512)
    marks, letters = _axis("special_tokens", True, False), _axis("lowercase", False, True)
    return [marks, letters], [_axis("max_length", *lengths, with_own=True)]


def array_axes(entry: PipelineInput, samples: Sequence[NDArray[Any]], model_dir: Path) -> Axes:
    """Return the axes for arrays.

    Integers vary in their order, the first index and the padding value; other numbers vary in their scale.
    """
    if dtype_of(entry).kind in "iu":
        return _integer_axes(entry, samples, integer_bounds(model_dir).get(entry.name))

    def scales(steps: ArraySteps) -> list[Preprocess]:
        plain = [(1.0, 0.0), (1 / 255, 0.0), (255.0, 0.0), (2.0, -1.0), (2 / 255, -1.0), (1 / 16, 0.0), (-1.0, 1.0)]
        pairs = dict.fromkeys([(steps.scale, steps.offset), *plain])
        return [replace(steps, scale=scale, offset=offset) for scale, offset in pairs]

    return [scales], []


def _integer_axes(entry: PipelineInput, samples: Sequence[NDArray[Any]], bound: int | None) -> Axes:
    flat = [np.ravel(sample) for sample in samples]
    ends = [int(values[-1]) for values in flat if values.size > 1 and values[-1] == values[-2]]
    fills = sorted({value for value in ends if ends.count(value) > 1}, key=ends.count, reverse=True)[:2]
    usual = {0, *({bound - 1} if bound else set())}

    def orders(steps: ArraySteps) -> list[Preprocess]:
        """Vary order and offset together, because changing only one does not help if both are wrong."""
        turns: tuple[Literal["same", "reversed", "halves"], ...] = ("same", "reversed", "halves")
        known = turns if len(entry.shape) > 1 else turns[:1]
        return [replace(steps, order=o, offset=f) for o in known for f in (0.0, 1.0, -1.0)]

    def filled(steps: ArraySteps) -> list[Preprocess]:
        swaps = [None, steps.swap, *((float(old), float(new)) for old in fills for new in usual if old != new)]
        return [replace(steps, swap=swap) for swap in dict.fromkeys(swaps)]

    return [orders, filled], []
