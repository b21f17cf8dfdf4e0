"""Score both versions' predictions for one input, as a pair of numbers 0..1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import Measure
from workers.evaluate.proof.predictions import predict
from workers.evaluate.proof.similarity import cosine
from workers.evaluate.stress.samples import SampledExamples
from workers.pipeline.comparing import OF_FEWER_BITS, differing
from workers.pipeline.pipeline import Pipeline

LIKE = 0.99
"""Vectors to search with count as equal from this cosine on."""

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Scorer:
    """Scores predictions by one measure. The stress job owns one instance.

    Attributes:
        pipeline: Pipeline of the original.
        measure: What a score measures: accuracy, agreement or similarity.
    """

    pipeline: Pipeline
    measure: Measure

    def score(self, given: SampledExamples, reference: Values, old: Values, new: Values) -> tuple[float, float] | None:
        """Return the scores of the original and of the optimized version, or None if the item cannot be scored.

        `reference` is the original's prediction for the unchanged input.
        """
        if self.measure == "similarity":
            return self._similarity(old, new)
        if self.pipeline.stateful:
            return self._steps(given, reference, old, new)
        accepted = given.item.labels if self.measure == "accuracy" else (class_of(self.pipeline, reference),)
        if not accepted or accepted == (-1,):
            return None
        first, second = (float(class_of(self.pipeline, answer) in accepted) for answer in (old, new))
        return first, second

    def _similarity(self, old: Values, new: Values) -> tuple[float, float] | None:
        """Return whether both are alike by the rule of the proof.

        Vectors by direction, since no center is known here.
        """
        if not np.isfinite(old).all() or not (old.size or self.pipeline.spec.postprocess is not None):
            return None
        if self.pipeline.spec.answer_kind != "embedding":
            return 1.0, float(not differing(self.pipeline.spec, [old], [new], OF_FEWER_BITS)[0])
        whole = old.shape == new.shape and bool(np.isfinite(new).all())
        return 1.0, float(whole and cosine(old, new) >= LIKE)

    def _steps(self, given: SampledExamples, reference: Values, old: Values, new: Values) -> tuple[float, float] | None:
        """Return the shares of right time steps of one sequence."""
        wanted = given.steps if self.measure == "accuracy" else self._on(reference).astype(np.int64)
        if wanted is None:
            return None
        count = min(len(wanted), len(old), len(new))
        counts = wanted[:count] >= 0
        if not counts.any():
            return None
        right = [self._on(answer)[:count][counts] == wanted[:count][counts].astype(bool) for answer in (old, new)]
        return float(right[0].mean()), float(right[1].mean())

    def _on(self, answer: Values) -> NDArray[np.bool_]:
        limit = 0.5 if self.pipeline.spec.scores == "probabilities" else 0.0
        return np.asarray(answer.reshape(len(answer), -1)[:, 0] > limit, np.bool_)


def class_of(pipeline: Pipeline, answer: Values) -> int:
    """Return the predicted class of a prediction; −1 if it is not finite or is no class."""
    spec = pipeline.spec
    found = predict([answer], np.asarray([np.isfinite(answer).all()]), spec.answer_kind, spec.scores, stateful=False)
    return -1 if found is None else int(found[0])


def scorer_for(pipeline: Pipeline, items: Sequence[SampledExamples], sample_answer: Any) -> Scorer:
    """Return a scorer for accuracy if there are labels, else for agreement of classes, else for similarity."""
    spec = pipeline.spec
    answer = np.asarray(sample_answer, np.float32)
    if pipeline.stateful:
        if spec.answer_kind != "score":
            return Scorer(pipeline, "similarity")
        return Scorer(pipeline, "accuracy" if any(given.steps is not None for given in items) else "agreement")
    if spec.answer_kind not in ("class", "score") or answer.ndim > 1:
        return Scorer(pipeline, "similarity")
    return Scorer(pipeline, "accuracy" if any(given.item.labels for given in items) else "agreement")
