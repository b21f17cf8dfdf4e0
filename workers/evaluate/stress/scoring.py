"""Score both versions' predictions for one input, as a pair of numbers 0..1."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import Measure
from workers.evaluate.proof.predictions import predict
from workers.evaluate.proof.similarity import cosine
from workers.evaluate.stress.samples import SampledExamples
from workers.pipeline.comparing import OF_FEWER_BITS, differing
from workers.pipeline.pipeline import Pipeline

SAME_DIRECTION = 0.99
"""Embeddings count as equal from this cosine on."""

Values = NDArray[np.float32]


def score_pair(
    pipeline: Pipeline, measure: Measure, given: SampledExamples, reference: Values, old: Values, new: Values
) -> tuple[float, float] | None:
    """Return the scores of the original and of the optimized version, or None if the item cannot be scored.

    `reference` is the original's prediction for the unchanged input, `pipeline` that of the original.
    """
    if measure == "similarity":
        return similarity(pipeline, old, new)
    if pipeline.stateful:
        return _steps(pipeline, measure, given, reference, old, new)
    accepted = given.item.labels if measure == "accuracy" else (class_of(pipeline, reference),)
    if not accepted or accepted == (-1,):
        return None
    first, second = (float(class_of(pipeline, answer) in accepted) for answer in (old, new))
    return first, second


def similarity(pipeline: Pipeline, old: Values, new: Values) -> tuple[float, float] | None:
    """Return whether both predictions are alike by the rule of the proof.

    Vectors are compared by direction, since their center is unknown here.
    """
    if not np.isfinite(old).all() or not (old.size or pipeline.spec.postprocess is not None):
        return None
    if pipeline.spec.answer_kind != "embedding":
        return 1.0, float(not differing(pipeline.spec, [old], [new], OF_FEWER_BITS)[0])
    whole = old.shape == new.shape and bool(np.isfinite(new).all())
    return 1.0, float(whole and cosine(old, new) >= SAME_DIRECTION)


def _steps(
    pipeline: Pipeline, measure: Measure, given: SampledExamples, reference: Values, old: Values, new: Values
) -> tuple[float, float] | None:
    """Return the shares of right time steps of one sequence."""
    limit = 0.5 if pipeline.spec.scores == "probabilities" else 0.0
    expected, *found = (answer.reshape(len(answer), -1)[:, 0] > limit for answer in (reference, old, new))
    wanted = given.steps if measure == "accuracy" else expected.astype(np.int64)
    if wanted is None:
        return None
    count = min(len(wanted), len(old), len(new))
    counts = wanted[:count] >= 0
    if not counts.any():
        return None
    right = [answer[:count][counts] == wanted[:count][counts].astype(bool) for answer in found]
    return float(right[0].mean()), float(right[1].mean())


def class_of(pipeline: Pipeline, answer: Values) -> int:
    """Return the predicted class of a prediction; −1 if it is not finite or is no class."""
    spec = pipeline.spec
    found = predict([answer], np.asarray([np.isfinite(answer).all()]), spec.answer_kind, spec.scores, stateful=False)
    return -1 if found is None else int(found[0])


def measure_of(pipeline: Pipeline, items: Sequence[SampledExamples], sample_answer: Any) -> Measure:
    """Return what a score measures: accuracy if there are labels, else agreement of classes, else similarity."""
    kind, is_labelled = pipeline.spec.answer_kind, any(given.item.labels for given in items)
    if pipeline.stateful:
        is_labelled = any(given.steps is not None for given in items)
        has_classes = kind == "score"
    else:
        has_classes = kind in ("class", "score") and np.ndim(sample_answer) <= 1
    if not has_classes:
        return "similarity"
    return "accuracy" if is_labelled else "agreement"
