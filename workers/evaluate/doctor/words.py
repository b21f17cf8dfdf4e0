"""Describe a preprocessing in words for people."""

from workers.evaluate.doctor.pictures import picture_words
from workers.pipeline.spec import ArraySteps, AudioSteps, ImageSteps, Preprocess, TextSteps


def words_of(steps: Preprocess) -> str:
    """Return a preprocessing in words.

    Example: "shorter side 256, middle 224 × 224, RGB, 0 to 1, ImageNet’s mean and spread".
    """
    if isinstance(steps, ImageSteps):
        return picture_words(steps)
    if isinstance(steps, AudioSteps):
        size = f"pieces of {steps.frame_samples:,} samples" if steps.frame_samples else "whole sounds"
        before = f" after {steps.context_samples:,} old ones" if steps.context_samples else ""
        loud = "" if steps.scale == 1 else f", values times {steps.scale:g}"
        state = "" if steps.carry_state else ", the state begins anew each time"
        return f"{size}{before} at {steps.sample_rate_hz:,} Hz{loud}{state}"
    if isinstance(steps, TextSteps):
        case = "in small letters" if steps.lowercase else "letters as they are"
        marks = "with" if steps.special_tokens else "without"
        return f"{case}, {marks} the tokenizer’s own marks, at most {steps.max_length:,} tokens"
    return _array_words(steps)


def _array_words(steps: ArraySteps) -> str:
    parts = {"same": [], "reversed": ["in reversed order"], "halves": ["the halves swapped"]}[steps.order]
    if steps.scale != 1:
        parts.append(f"times {steps.scale:g}")
    if steps.offset:
        parts.append(f"{'plus' if steps.offset > 0 else 'minus'} {abs(steps.offset):g}")
    if steps.swap is not None:
        parts.append(f"{steps.swap[0]:g} given as {steps.swap[1]:g}")
    return "values " + (", ".join(parts) or "as they are")
