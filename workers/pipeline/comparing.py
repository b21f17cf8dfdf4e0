"""Which predictions of a bundle differ from those that it gave where it was made, by the rules of the proof.

Predictions are compared item by item and number by number, never by a figure of the whole output: by cosine a score of
.95 and one of .02 are alike, since both point the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .alike.channels import ERROR_SHARE, channel_errors
from .alike.masks import same_masks
from .alike.pictures import changed_pictures, span_of
from .alike.shares import SCORE_MOVED, unlike_classes, unlike_labels
from .alike.vectors import unlike_vectors
from .answers import probabilities
from .next_words import changed_places
from .postprocess.matching import same_boxes
from .spec import BoxesSteps, PipelineSpec

Values = NDArray[Any]
Rule = Callable[[Sequence[Values], Sequence[Values], PipelineSpec, float], Sequence[bool] | NDArray[np.bool_]]

OF_32_BIT, OF_FEWER_BITS = 0.3, 1.0
"""Shares of what the proof allows (a tenth of a channel's spread, .1 of a score) that rounding may use up.

Measured on MobileNetV2 (1,000 channels, OpenVINO, the worst channel) between sets of instructions: 32-bit numbers
differ by .00004 of the spread, BF16 by .077 where a processor has no such arithmetic. 8-bit numbers are equal where
both processors have VNNI; without it products are cut off, and 7 of 20 classes are others: that is found, as it has to
be. Neither share is above 1, so what the proof calls changed is found."""

ROUNDING, FLOOR = 1e-5, 1e-7
"""32-bit numbers differ by so much of themselves, and of the largest number of their prediction, on any processor."""

MOST_OTHER_WORDS = 0.02
"""Of a text's next words, such that were far less likely where the bundle was made."""

PERPLEXITY_MOVED = float(np.log(1.02))
"""Nats by which the probability of what follows may change on average: the proof allows 2 % of the perplexity."""

END_MOVED = -float(np.log(0.6))
"""Nats by which the end of an answer may become more or less likely: the proof allows .4 of its probability."""


def differing(spec: PipelineSpec, expected: Sequence[Values], given: Sequence[Values], share: float) -> list[str]:
    """What is different in each of n predictions, "" where it is alike.

    Args:
        spec: What kind of predictions they are.
        expected: Those of the computer where the bundle was made, one item each, without a batch axis.
        given: Those of this computer, of the same items.
        share: How much of what the proof allows may be used up by rounding: `OF_32_BIT` or `OF_FEWER_BITS`.
    """
    found = [_broken(spec, *pair) for pair in zip(expected, given, strict=True)]
    whole = [at for at, reason in enumerate(found) if reason is None]
    if whole:
        rule, told = _rule_for(spec, expected[whole[0]])
        flags = rule([expected[at] for at in whole], [given[at] for at in whole], spec, share)
        for at, differs in zip(whole, flags, strict=True):
            found[at] = told if differs else ""
    return [reason or "" for reason in found]


def _broken(spec: PipelineSpec, expected: Values, given: Values) -> str | None:
    """What is wrong with a prediction that cannot be compared, "" where both are the same, else None."""
    if isinstance(spec.postprocess, BoxesSteps):
        return None
    if expected.shape != given.shape:
        return f"the answer has the shape {given.shape} instead of {expected.shape}."
    if np.array_equal(expected, given, equal_nan=True):
        return ""
    return None if np.isfinite(given).all() and np.isfinite(expected).all() else "the answer is not a number."


def _rule_for(spec: PipelineSpec, example: Values) -> tuple[Rule, str]:
    """The rule of this kind of predictions, and what it says of one that differs."""
    if isinstance(spec.postprocess, BoxesSteps):
        return _boxes, "something else is found, or elsewhere."
    kind = spec.answer_kind
    if kind == "score" and spec.links:
        return _moments, "a score moved."
    if kind in ("class", "score") and example.ndim <= 1:
        return _classes, "another class is answered, or how sure it is changed."
    return _BY_KIND.get(kind, (_numbers, "its numbers differ."))


def _boxes(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    assert isinstance(spec.postprocess, BoxesSteps)
    threshold = spec.postprocess.score_threshold
    return [not same_boxes(a, b, threshold) for a, b in zip(old, new, strict=True)]


def _classes(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    """Of one item after the other: a model may give another number of scores from item to item."""
    pairs = ((_class_shares(a, spec), _class_shares(b, spec)) for a, b in zip(old, new, strict=True))
    return [bool(unlike_classes(a, b, share * SCORE_MOVED)[0]) for a, b in pairs]


def _class_shares(values: Values, spec: PipelineSpec) -> NDArray[np.floating[Any]]:
    """(1, classes) shares; a single score is the second of two classes."""
    shares = probabilities(values.reshape(1, -1), spec)
    return np.hstack([1 - shares, shares]) if shares.shape[1] == 1 else shares


def _labels(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    pairs = ((probabilities(a, spec), probabilities(b, spec)) for a, b in zip(old, new, strict=True))
    return [bool(unlike_labels(a, b, share * SCORE_MOVED).any()) for a, b in pairs]


def _moments(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    pairs = ((probabilities(a, spec), probabilities(b, spec)) for a, b in zip(old, new, strict=True))
    return [bool(np.abs(b - a).max(initial=0.0) > share * SCORE_MOVED) for a, b in pairs]


def _vectors(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> NDArray[np.bool_]:
    """Vectors of items of one size; other predictions are compared as numbers."""
    if len({part.size for part in old}) > 1:
        return _numbers(old, new, spec, share)
    before, after = (np.stack([part.ravel() for part in side]) for side in (old, new))
    return unlike_vectors(before, after, share)


def _masks(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    return [not same_masks(a, b) for a, b in zip(old, new, strict=True)]


def _pictures(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> NDArray[np.bool_]:
    return changed_pictures(old, new)[0] if span_of(old)[1] > 0 else _numbers(old, new, spec, share)


def _texts(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    """One other token may be a number or a name, and nothing here reads them: all have to be the same."""
    return [not np.array_equal(a, b) for a, b in zip(old, new, strict=True)]


def _words(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    ends = spec.chat.ends if spec.chat is not None else ()
    return [bool(len(a)) and _other_words(a, b, ends) for a, b in zip(old, new, strict=True)]


def _other_words(old: Values, new: Values, ends: Sequence[int]) -> bool:
    """Picks, the probability of what follows (where its change is not noise), and that of the end of an answer."""
    moved = new[:, 1].astype(np.float64) - old[:, 1]
    noise = 2 * float(moved.std()) / np.sqrt(len(moved))
    at_end = moved[np.isin(old[:, 0], ends)]
    return bool(
        changed_places(old, new).mean() > MOST_OTHER_WORDS
        or abs(float(moved.mean())) > max(PERPLEXITY_MOVED, noise)
        or (len(at_end) and float(np.abs(at_end).mean()) > END_MOVED)
    )


def _numbers(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> NDArray[np.bool_]:
    return np.asarray(channel_errors(old, [*map(_without_rounding, old, new)]) > share * ERROR_SHARE, np.bool_)


def _without_rounding(old: Values, new: Values) -> Values:
    """`new` with what 32-bit rounding alone explains taken back."""
    size = np.abs(old.astype(np.float64))
    allowed = np.maximum(ROUNDING * size, FLOOR * size.max(initial=0.0))
    return np.where(np.abs(new.astype(np.float64) - old) <= allowed, old, new)


_BY_KIND: Mapping[str, tuple[Rule, str]] = {
    "labels": (_labels, "a label is lost or new, or its score moved."),
    "embedding": (_vectors, "the vector points elsewhere, or its length changed."),
    "mask": (_masks, "the mask lies elsewhere."),
    "picture": (_pictures, "the picture looks otherwise."),
    "tokens": (_texts, "another text is answered."),
    "transcript": (_texts, "another text is answered."),
    "next_tokens": (_words, "it goes on with other words, or ends otherwise."),
}
