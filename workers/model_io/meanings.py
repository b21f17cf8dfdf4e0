"""Describe inputs and outputs in plain words: "a picture, 224×224, RGB"."""

from workers.contracts.translation import _
from workers.pipeline.spec import (
    AudioSteps,
    ImageSteps,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    Preprocess,
    TextSteps,
)

_CHANNELS = {"rgb": "RGB", "bgr": "BGR", "gray": "gray"}


def input_meaning(entry: PipelineInput, steps: Preprocess) -> str:
    """Describe the content of one input."""
    if entry.source == "image" and isinstance(steps, ImageSteps):
        size = steps.crop or steps.resize
        sides = (size, size) if isinstance(size, int) else size
        return _("a picture, {0}, {1}").format(_sides(sides, entry, steps), _CHANNELS[steps.channels])
    if entry.source == "input_ids" and isinstance(steps, TextSteps):
        return _("a text, up to {0} tokens").format(steps.max_length)
    if entry.source == "audio" and isinstance(steps, AudioSteps):
        old = _(" after {0} old ones").format(steps.context_samples) if steps.context_samples else ""
        part = _("{0} samples at a time").format(steps.frame_samples) if steps.frame_samples else "as long as it is"
        return _("sound at {0:g} kHz, {1}{2}").format(steps.sample_rate_hz / 1000, part, old)
    if entry.source == "input_ids":
        return "a text, as the numbers of its tokens"
    words = {
        "attention_mask": "which tokens count",
        "counted": "which tokens are judged",
        "token_type_ids": "which of two texts a token belongs to",
        "position_ids": "the place of each token, counted from 0",
        "state": "memory that is carried from step to step, zeros at first",
    }
    if entry.source == "constant":
        return _("always {0}").format(entry.constant)
    return words.get(entry.source) or numbers(entry.shape[1:] if entry.batched else entry.shape, entry.dtype)


def _sides(size: tuple[int, int] | None, entry: PipelineInput, steps: ImageSteps) -> str:
    own = entry.shape[2:4] if steps.layout == "nchw" else entry.shape[1:3]
    height, width = size or (own if len(own) == 2 else (None, None))
    return "any size" if not (height and width) else f"{width}×{height}"


def numbers(shape: tuple[int | None, ...], dtype: str) -> str:
    """Describe an array in words; `shape` excludes the batch axis."""
    kind = "whole numbers" if dtype.startswith(("int", "uint")) else "yes/no values" if dtype == "bool" else "numbers"
    if not shape:
        return _("one of {0}").format(kind) if kind != "numbers" else "one number"
    return "×".join("any" if size is None else str(size) for size in shape) + f" {kind}"


RESULTS = {
    "labels": "a score for each of several labels",
    "mask": "the class of each pixel",
    "picture": "a picture",
    "transcript": "characters that were read or heard",
    "tokens": "a text, as the numbers of its tokens",
    "next_tokens": "the likeliest next tokens",
}


def output_meaning(spec: PipelineSpec, entry: PipelineOutput) -> str:
    """Describe the content of one output."""
    shape, answer = entry.shape, entry.answer
    if entry.name in spec.links.values():
        return "memory for the next step"
    last = shape[-1] if shape else None
    scores = _("scores of {0} classes").format(last) if last else "scores of classes"
    results = RESULTS | {
        "class": scores,
        "score": "a probability" if spec.scores == "probabilities" else "a score",
        "detection": _("boxes around things of {0} classes").format(len(spec.classes))
        if spec.classes
        else "boxes around things",
        "tensor": _("{0} for each token").format(scores) if spec.task == "token-classification" else "",
        "embedding": _("an embedding of {0} numbers").format(last) if last else "an embedding",
    }
    return (answer and results.get(spec.answer_kind)) or numbers(shape[1:], entry.dtype)
