"""Describe inputs and outputs in plain words: "a picture, 224×224, RGB"."""

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
        return f"a picture, {_sides(sides, entry, steps)}, {_CHANNELS[steps.channels]}"
    if entry.source == "input_ids" and isinstance(steps, TextSteps):
        return f"a text, up to {steps.max_length} tokens"
    if entry.source == "audio" and isinstance(steps, AudioSteps):
        old = f" after {steps.context_samples} old ones" if steps.context_samples else ""
        part = f"{steps.frame_samples} samples at a time" if steps.frame_samples else "as long as it is"
        return f"sound at {steps.sample_rate_hz / 1000:g} kHz, {part}{old}"
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
        return f"always {entry.constant}"
    return words.get(entry.source) or numbers(entry.shape[1:] if entry.batched else entry.shape, entry.dtype)


def _sides(size: tuple[int, int] | None, entry: PipelineInput, steps: ImageSteps) -> str:
    own = entry.shape[2:4] if steps.layout == "nchw" else entry.shape[1:3]
    height, width = size or (own if len(own) == 2 else (None, None))
    return "any size" if not (height and width) else f"{width}×{height}"


def numbers(shape: tuple[int | None, ...], dtype: str) -> str:
    """Describe an array in words; `shape` excludes the batch axis."""
    kind = "whole numbers" if dtype.startswith(("int", "uint")) else "yes/no values" if dtype == "bool" else "numbers"
    if not shape:
        return f"one of {kind}" if kind != "numbers" else "one number"
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
    scores = f"scores of {last} classes" if last else "scores of classes"
    results = RESULTS | {
        "class": scores,
        "score": "a probability" if spec.scores == "probabilities" else "a score",
        "detection": f"boxes around things of {len(spec.classes)} classes" if spec.classes else "boxes around things",
        "tensor": f"{scores} for each token" if spec.task == "token-classification" else "",
        "embedding": f"an embedding of {last} numbers" if last else "an embedding",
    }
    return (answer and results.get(spec.answer_kind)) or numbers(shape[1:], entry.dtype)
