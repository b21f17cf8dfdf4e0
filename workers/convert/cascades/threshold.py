"""How sure a fast model must be so that an exact one would not answer otherwise. Numpy only.

A pair of classes changes places where the fast model's error in their distance is larger than that distance. Errors are
seen on every input, changed answers on few: so the threshold is worked out from the errors' distribution, and is never
under the margins of the changed answers that were seen.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RIVALS = 4
"""Classes after the best one that are looked at; those further behind do not win by an error of rounding."""

HEADROOM = 1.1
"""Over the largest margin of a changed answer that was seen."""


@dataclass(frozen=True)
class Looks:
    """`margins` (n,) of the fast model; `ahead` (n, rivals) its best class's distances, `errors` of those distances.

    `changed` (n,) tells where the two models answer otherwise. All in logits.
    """

    margins: Floats
    ahead: Floats
    errors: Floats
    changed: NDArray[np.bool_]


def look(fast: NDArray[Any], exact: NDArray[Any], scores: str) -> Looks:
    """Compare the answers (n, classes) of both models."""
    a, b = logits(fast, scores), logits(exact, scores)
    order = np.argsort(-a, axis=1, kind="stable")[:, : RIVALS + 1]
    ranked, same = np.take_along_axis(a, order, 1), np.take_along_axis(b, order, 1)
    ahead = ranked[:, :1] - ranked[:, 1:]
    errors = ahead - (same[:, :1] - same[:, 1:])
    return Looks(ahead[:, 0], ahead, errors, a.argmax(1) != b.argmax(1))


def logits(answer: NDArray[Any], scores: str) -> Floats:
    """Scores as logits; of probabilities their logarithms, as `workers.infer.cascade` does it."""
    from workers.infer.cascade import LEAST

    values = answer.astype(np.float64)
    return np.log(np.maximum(values, LEAST)) if scores == "probabilities" else values


def learn_threshold(looks: Looks, missed_share: float) -> float:
    """The least margin from which on at most `missed_share` of all inputs would be answered otherwise."""
    ahead, errors = looks.ahead, looks.errors
    finite = errors[np.isfinite(errors)]
    spread = float(np.sqrt(np.mean(finite**2))) if finite.size else 0.0
    risk = np.minimum(1.0, _beyond(ahead, finite, spread).sum(axis=1))
    order = np.argsort(looks.margins, kind="stable")
    beyond = np.cumsum(risk[order][::-1])[::-1] / len(order)  # risk of this and of all with a larger margin
    enough = np.flatnonzero(beyond <= missed_share)
    learned = float(looks.margins[order][enough[0]]) if enough.size else float(looks.margins.max()) * HEADROOM
    seen = looks.margins[looks.changed]
    return max(learned, HEADROOM * float(seen.max()) if seen.size else 0.0)


def _beyond(distances: Floats, errors: Floats, spread: float) -> Floats:
    """Probability that an error exceeds a distance: as often as was seen, or as a normal distribution says if more."""
    ranked = np.sort(errors)
    seen = 1.0 - np.searchsorted(ranked, distances, side="left") / max(1, ranked.size)
    if spread <= 0:
        return np.asarray(seen, np.float64)
    tail = np.vectorize(math.erfc)(distances / (spread * math.sqrt(2))) / 2
    return np.asarray(np.maximum(seen, tail), np.float64)
