"""Learn the margin above which a fast model predicts like an exact one. Numpy only.

Two classes change places where the fast model's error in their distance exceeds that distance. Errors occur on every
input, changed predictions on few. So the threshold follows from the distribution of the errors, and is never below the
observed margins of changed predictions.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RIVALS = 4
"""Number of classes after the best one that are considered; lower ones do not win by a rounding error."""

HEADROOM = 1.1
"""Factor over the largest observed margin of a changed prediction."""


@dataclass(frozen=True)
class Looks:
    """Comparison of the two models, in logits.

    `margins` (n,) are those of the fast model. `ahead` (n, rivals) holds the distances of its best class, `errors` the
    errors of these distances. `changed` (n,) marks rows whose best class differs, `real` (n,) original examples; the
    others are changed copies.
    """

    margins: Floats
    ahead: Floats
    errors: Floats
    changed: NDArray[np.bool_]
    real: NDArray[np.bool_]


def look(fast: NDArray[Any], exact: NDArray[Any], scores: str, real: NDArray[np.bool_]) -> Looks:
    """Compare the predictions (n, classes) of both models for original examples (`real`) and changed copies."""
    a, b = logits(fast, scores), logits(exact, scores)
    order = np.argsort(-a, axis=1, kind="stable")[:, : RIVALS + 1]
    ranked, same = np.take_along_axis(a, order, 1), np.take_along_axis(b, order, 1)
    ahead = ranked[:, :1] - ranked[:, 1:]
    errors = ahead - (same[:, :1] - same[:, 1:])
    return Looks(ahead[:, 0], ahead, errors, a.argmax(1) != b.argmax(1), real)


def logits(answer: NDArray[Any], scores: str) -> Floats:
    """Return scores as logits; probabilities become their logarithms, as in `workers.infer.cascade`."""
    from workers.infer.cascade import LEAST

    values = answer.astype(np.float64)
    return np.log(np.maximum(values, LEAST)) if scores == "probabilities" else values


def learn_threshold(looks: Looks, missed_share: float) -> float:
    """Return the smallest margin above which at most `missed_share` of all inputs would be predicted differently."""
    ahead, errors = looks.ahead, looks.errors
    finite = errors[np.isfinite(errors)]
    spread = float(np.sqrt(np.mean(finite**2))) if finite.size else 0.0
    risk = np.minimum(1.0, _beyond(ahead, finite, spread).sum(axis=1))
    order = np.argsort(looks.margins, kind="stable")
    beyond = np.cumsum(risk[order][::-1])[::-1] / len(order)  # risk of this row and of all with a larger margin
    enough = np.flatnonzero(beyond <= missed_share)
    learned = float(looks.margins[order][enough[0]]) if enough.size else float(looks.margins.max()) * HEADROOM
    seen = looks.margins[looks.changed]
    return max(learned, HEADROOM * float(seen.max()) if seen.size else 0.0)


def _beyond(distances: Floats, errors: Floats, spread: float) -> Floats:
    """Return the probability that an error exceeds a distance.

    It is the larger of the observed share and the probability under a normal distribution.
    """
    ranked = np.sort(errors)
    seen = 1.0 - np.searchsorted(ranked, distances, side="left") / max(1, ranked.size)
    if spread <= 0:
        return np.asarray(seen, np.float64)
    tail = np.vectorize(math.erfc)(distances / (spread * math.sqrt(2))) / 2
    return np.asarray(np.maximum(seen, tail), np.float64)
