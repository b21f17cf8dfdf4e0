"""Describe inputs and outputs in plain words: "a picture, 224×224, RGB"."""

from workers.contracts.translation import _, joined, mark, ngettext
from workers.pipeline.spec import (
    AudioSteps,
    ImageSteps,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    Preprocess,
    TextSteps,
)

_CHANNELS = {"rgb": "RGB", "bgr": "BGR", "gray": mark("gray")}


def input_meaning(entry: PipelineInput, steps: Preprocess) -> str:
    """Describe the content of one input."""
    if entry.source == "image" and isinstance(steps, ImageSteps):
        return _("a picture, {0}, {1}").format(_sides(entry, steps), _(_CHANNELS[steps.channels]))
    if entry.source == "input_ids" and isinstance(steps, TextSteps):
        return _("a text, up to {0} tokens").format(steps.max_length)
    if entry.source == "audio" and isinstance(steps, AudioSteps):
        rate_khz, old = steps.sample_rate_hz / 1000, steps.context_samples
        if not steps.frame_samples:
            return _("sound at {0:g} kHz, as long as it is").format(rate_khz)
        if not old:
            return _("sound at {0:g} kHz, {1} samples at a time").format(rate_khz, steps.frame_samples)
        return _("sound at {0:g} kHz, {1} samples at a time after {2} old ones").format(
            rate_khz, steps.frame_samples, old
        )
    if entry.source == "input_ids":
        return _("a text, as the numbers of its tokens")
    words = {
        "attention_mask": _("which tokens count"),
        "counted": _("which tokens are judged"),
        "token_type_ids": _("which of two texts a token belongs to"),
        "position_ids": _("the place of each token, counted from 0"),
        "state": _("memory that is carried from step to step, zeros at first"),
    }
    if entry.source == "constant":
        return _("always {0}").format(entry.constant)
    return words.get(entry.source) or numbers(entry.shape[1:] if entry.batched else entry.shape, entry.dtype)


def _sides(entry: PipelineInput, steps: ImageSteps) -> str:
    own = entry.shape[2:4] if steps.layout == "nchw" else entry.shape[1:3]
    height, width = steps.sides or (own if len(own) == 2 else (None, None))
    return _("any size") if not height else f"{width or _('any')}×{height}"


def numbers(shape: tuple[int | None, ...], dtype: str) -> str:
    """Describe an array in words; `shape` excludes the batch axis."""
    if dtype == "string":
        return _("texts")
    if all(size == 1 for size in shape):
        shape = ()
    sizes = joined([_("any") if size is None else str(size) for size in shape], "×")
    if dtype.startswith(("int", "uint")):
        return _("{0} whole numbers").format(sizes) if shape else _("one whole number")
    if dtype == "bool":
        return _("{0} yes/no values").format(sizes) if shape else _("one yes/no value")
    return _("{0} numbers").format(sizes) if shape else _("one number")


RESULTS = {
    "labels": mark("a score for each of several labels"),
    "mask": mark("the class of each pixel"),
    "picture": mark("a picture"),
    "transcript": mark("characters that were read or heard"),
    "tokens": mark("a text, as the numbers of its tokens"),
    "next_tokens": mark("the likeliest next tokens"),
}


def output_meaning(spec: PipelineSpec, entry: PipelineOutput) -> str:
    """Describe the content of one output."""
    shape, answer = entry.shape, entry.answer
    if entry.name in spec.links.values():
        return _("memory for the next step")
    last = shape[-1] if shape else None
    count = len(spec.classes or ())
    of_tokens = (
        _("scores of {0} classes for each token").format(last) if last else _("scores of classes for each token")
    )
    results = RESULTS | {
        "class": _("scores of {0} classes").format(last) if last else _("scores of classes"),
        "score": _("a probability") if spec.scores == "probabilities" else _("a score"),
        "detection": ngettext("boxes around things of {0} class", "boxes around things of {0} classes", count).format(
            count
        )
        if count
        else _("boxes around things"),
        "tensor": of_tokens if spec.task == "token-classification" else "",
        "embedding": _("an embedding of {0} numbers").format(last) if last else _("an embedding"),
    }
    return (answer and results.get(spec.answer_kind)) or numbers(shape[1:], entry.dtype)
