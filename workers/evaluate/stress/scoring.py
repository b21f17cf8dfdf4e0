"""How well both versions answered one input, as two figures 0..1 that belong together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.after.stress import Measure
from workers.evaluate.proof.predictions import predict
from workers.evaluate.proof.similarity import cosine
from workers.evaluate.stress.samples import Given
from workers.pipeline.comparing import OF_FEWER_BITS, differing
from workers.pipeline.pipeline import Pipeline

LIKE = 0.99
"""Vectors to search with count as alike from this cosine on."""

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Scorer:
    """`labelled`: whether any item has labels that the model's answers can be compared with."""

    pipeline: Pipeline
    measure: Measure

    def score(self, given: Given, reference: Values, old: Values, new: Values) -> tuple[float, float] | None:
        """(original, optimized); None where this item cannot be scored. `reference` is the original's clean answer."""
        if self.measure == "similarity":
            return self._similarity(old, new)
        if self.pipeline.stateful:
            return self._steps(given, reference, old, new)
        accepted = given.item.labels if self.measure == "accuracy" else (self._class(reference),)
        if not accepted or accepted == (-1,):
            return None
        return float(self._class(old) in accepted), float(self._class(new) in accepted)

    def _similarity(self, old: Values, new: Values) -> tuple[float, float] | None:
        """Whether both are alike by the proof's rule; vectors by their direction, since no center is known here."""
        if not np.isfinite(old).all() or not (old.size or self.pipeline.spec.postprocess is not None):
            return None
        if self.pipeline.spec.answer_kind != "embedding":
            return 1.0, float(not differing(self.pipeline.spec, [old], [new], OF_FEWER_BITS)[0])
        whole = old.shape == new.shape and bool(np.isfinite(new).all())
        return 1.0, float(whole and cosine(old, new) >= LIKE)

    def _steps(self, given: Given, reference: Values, old: Values, new: Values) -> tuple[float, float] | None:
        """Shares of the time steps; the sequence is one cluster."""
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

    def _class(self, answer: Values) -> int:
        finite = np.asarray([bool(np.isfinite(answer).all())])
        spec = self.pipeline.spec
        found = predict([answer], finite, spec.answer_kind, spec.scores, False)
        return -1 if found is None else int(found[0])


def scorer_for(pipeline: Pipeline, items: list[Given], sample_answer: Any) -> Scorer:
    """Accuracy where there are labels, agreement where there are classes without, else similarity."""
    spec = pipeline.spec
    answer = np.asarray(sample_answer, np.float32)
    if pipeline.stateful:
        if spec.answer_kind != "score":
            return Scorer(pipeline, "similarity")
        return Scorer(pipeline, "accuracy" if any(given.steps is not None for given in items) else "agreement")
    if spec.answer_kind not in ("class", "score") or answer.ndim > 1:
        return Scorer(pipeline, "similarity")
    return Scorer(pipeline, "accuracy" if any(given.item.labels for given in items) else "agreement")
