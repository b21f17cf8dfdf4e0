"""Find predictions of a bundle that differ from those of the computer where it was made, by the rules of the proof.

Predictions are compared item by item and number by number, never by a figure of the whole output: by cosine, scores of
0.95 and 0.02 are equal, since both have the same direction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .alike.channels import ERROR_SHARE, channel_errors
from .alike.masks import same_masks
from .alike.pictures import changed_pictures, ranges_of
from .alike.shares import SCORE_MOVED, unlike_classes, unlike_labels
from .alike.vectors import unlike_vectors
from .answers import probabilities
from .next_words import changed_places
from .postprocess.matching import same_boxes
from .spec import BoxesSteps, PipelineSpec
from .words import Words

Values = NDArray[Any]
Rule = Callable[[Sequence[Values], Sequence[Values], PipelineSpec, float], Sequence[bool] | NDArray[np.bool_]]

OF_32_BIT, OF_FEWER_BITS = 0.3, 1.0
"""Shares of the proof's tolerance (a tenth of a channel's spread, 0.1 of a score) that rounding may use.

Measured on MobileNetV2 (1,000 channels, OpenVINO, the worst channel) between instruction sets: 32-bit numbers differ by
0.00004 of the spread, BF16 by 0.077 if a processor lacks such arithmetic. 8-bit numbers are equal if both processors
have VNNI. Without VNNI products saturate, and 7 of 20 classes differ; this is reported, as it must be. Neither share is
above 1, so every change that the proof reports is found.
"""

ROUNDING, FLOOR = 1e-5, 1e-7
"""Relative differences of 32-bit numbers between processors: of the number, and of its prediction's largest number."""

MOST_OTHER_WORDS = 0.02
"""Maximum share of a text's next tokens that were far less likely where the bundle was made."""

PERPLEXITY_MOVED = float(np.log(1.02))
"""Tolerated mean change of the next token's log probability in nats: the proof allows 2 % of the perplexity."""

END_MOVED = -float(np.log(0.6))
"""Tolerated change of the log probability of an answer's end in nats: the proof allows 0.4 of its probability."""


def differing(spec: PipelineSpec, expected: Sequence[Values], given: Sequence[Values], share: float) -> list[str]:
    """Return the difference of each of n predictions as a sentence; "" if they are equal.

    Args:
        spec: Description of the predictions.
        expected: Predictions of the computer where the bundle was made, one item each, without a batch axis.
        given: Predictions of this computer for the same items.
        share: Share of the proof's tolerance that rounding may use: `OF_32_BIT` or `OF_FEWER_BITS`.
    """
    found = [_broken(spec, *pair) for pair in zip(expected, given, strict=True)]
    whole = [at for at, reason in enumerate(found) if reason is None]
    if whole:
        rule, report = _rule_for(spec, expected[whole[0]])
        flags = rule([expected[at] for at in whole], [given[at] for at in whole], spec, share)
        for at, differs in zip(whole, flags, strict=True):
            found[at] = report if differs else ""
    return [reason or "" for reason in found]


def _broken(spec: PipelineSpec, expected: Values, given: Values) -> str | None:
    """Return why a prediction cannot be compared; "" if both are the same, None if they must be compared."""
    if isinstance(spec.postprocess, BoxesSteps):
        return None
    if expected.shape != given.shape:
        return Words("the answer has the shape {0} instead of {1}.", given.shape, expected.shape)
    if np.array_equal(expected, given, equal_nan=True):
        return ""
    return None if np.isfinite(given).all() and np.isfinite(expected).all() else Words("the answer is not a number.")


def _rule_for(spec: PipelineSpec, example: Values) -> tuple[Rule, str]:
    """Return the rule for this kind of predictions and its sentence for a difference."""
    if isinstance(spec.postprocess, BoxesSteps):
        return _boxes, Words("something else is found, or elsewhere.")
    kind = spec.answer_kind
    if kind == "score" and spec.links:
        return _moments, Words("a score moved.")
    if kind in ("class", "score") and example.ndim <= 1:
        return _classes, Words("another class is answered, or how sure it is changed.")
    return _BY_KIND.get(kind, (_numbers, Words("its numbers differ.")))


def _boxes(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    assert isinstance(spec.postprocess, BoxesSteps)
    threshold = spec.postprocess.score_threshold
    return [not same_boxes(a, b, threshold) for a, b in zip(old, new, strict=True)]


def _classes(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    """Compare item by item, since a model may give a different number of scores per item."""
    pairs = ((_class_shares(a, spec), _class_shares(b, spec)) for a, b in zip(old, new, strict=True))
    return [bool(unlike_classes(a, b, share * SCORE_MOVED)[0]) for a, b in pairs]


def _class_shares(values: Values, spec: PipelineSpec) -> NDArray[np.floating[Any]]:
    """Return (1, classes) shares; a single score becomes the second of two classes."""
    shares = probabilities(values.reshape(1, -1), spec)
    return np.hstack([1 - shares, shares]) if shares.shape[1] == 1 else shares


def _labels(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    pairs = ((probabilities(a, spec), probabilities(b, spec)) for a, b in zip(old, new, strict=True))
    return [bool(unlike_labels(a, b, share * SCORE_MOVED).any()) for a, b in pairs]


def _moments(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    pairs = ((probabilities(a, spec), probabilities(b, spec)) for a, b in zip(old, new, strict=True))
    return [bool(np.abs(b - a).max(initial=0.0) > share * SCORE_MOVED) for a, b in pairs]


def _vectors(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> NDArray[np.bool_]:
    """Compare vectors of equal sizes; other predictions are compared as numbers."""
    if len({part.size for part in old}) > 1:
        return _numbers(old, new, spec, share)
    before, after = (np.stack([part.ravel() for part in side]) for side in (old, new))
    return unlike_vectors(before, after, share)


def _masks(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    return [not same_masks(a, b) for a, b in zip(old, new, strict=True)]


def _pictures(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> NDArray[np.bool_]:
    return changed_pictures(old, new)[0] if ranges_of(old)[:, 1].any() else _numbers(old, new, spec, share)


def _texts(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    """Require equal tokens: one other token may be a number or a name, and no rule here understands them."""
    return [not np.array_equal(a, b) for a, b in zip(old, new, strict=True)]


def _words(old: Sequence[Values], new: Sequence[Values], spec: PipelineSpec, share: float) -> list[bool]:
    ends = spec.chat.ends if spec.chat is not None else ()
    return [bool(len(a)) and _other_words(a, b, ends) for a, b in zip(old, new, strict=True)]


def _other_words(old: Values, new: Values, ends: Sequence[int]) -> bool:
    """Return whether picked tokens, the probability of what follows (beyond noise), or that of the end changed."""
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
    """Return `new` with `old`'s value wherever 32-bit rounding alone explains the difference."""
    size = np.abs(old.astype(np.float64))
    allowed = np.maximum(ROUNDING * size, FLOOR * size.max(initial=0.0))
    return np.where(np.abs(new.astype(np.float64) - old) <= allowed, old, new)


_BY_KIND: Mapping[str, tuple[Rule, str]] = {
    "labels": (_labels, Words("a label is lost or new, or its score moved.")),
    "embedding": (_vectors, Words("the vector points elsewhere, or its length changed.")),
    "mask": (_masks, Words("the mask lies elsewhere.")),
    "picture": (_pictures, Words("the picture looks different.")),
    "tokens": (_texts, Words("another text is answered.")),
    "transcript": (_texts, Words("another text is answered.")),
    "next_tokens": (_words, Words("it continues with other words, or ends elsewhere.")),
}
