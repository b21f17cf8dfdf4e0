"""How alike two models answer, worked out again from the plain arrays: no formula of Fettle's is imported here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
SPREAD_LIMIT = 0.1


@dataclass(frozen=True)
class Figures:
    """Of one output over all items.

    `flips` is the share of items whose largest value lies elsewhere. `cosine` is the mean over items, `alike` the mean
    of what a cosine may at most be: no more than 1 − ε²/2 for a relative error ε. `error_over_spread` is the largest
    mean error of a channel over that channel's spread (standard deviation) over the items.
    """

    n: int
    flips: float
    cosine: float
    alike: float
    error_over_spread: float
    beyond: float

    def __str__(self) -> str:
        return (
            f"n {self.n}, flips {self.flips:.4f}, cosine {self.cosine:.6f}, alike {self.alike:.6f}, "
            f"mean error over spread {self.error_over_spread:.4f}, items with one beyond {SPREAD_LIMIT}: {self.beyond:.3f}"
        )


def figures(old: Sequence[Values], new: Sequence[Values]) -> Figures:
    """`old[i]` and `new[i]` are the answers to item i, of equal shapes."""
    assert len(old) == len(new) > 0
    assert all(a.shape == b.shape and np.isfinite(b).all() for a, b in zip(old, new, strict=True))
    flat = [(a.astype(np.float64).ravel(), b.astype(np.float64).ravel()) for a, b in zip(old, new, strict=True)]
    cosines = [_cosine(a, b) for a, b in flat]
    relative = [float(np.linalg.norm(b - a) / max(np.linalg.norm(a), 1e-30)) for a, b in flat]
    errors, beyond = _over_spread(old, new)
    return Figures(
        n=len(flat),
        flips=float(np.mean([a.argmax() != b.argmax() for a, b in flat])),
        cosine=float(np.mean(cosines)),
        alike=float(np.mean([min(c, max(0.0, 1 - e * e / 2)) for c, e in zip(cosines, relative, strict=True)])),
        error_over_spread=errors,
        beyond=beyond,
    )


def _cosine(a: Values, b: Values) -> float:
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms else float(np.array_equal(a, b))


def _over_spread(old: Sequence[Values], new: Sequence[Values]) -> tuple[float, float]:
    """(the worst channel's mean error, the share of items with a channel beyond the limit); channels lie last."""
    if len({values.shape for values in old}) > 1:  # steps of sequences: each is one value of the one channel
        old, new = [v.reshape(-1, 1) for v in old], [v.reshape(-1, 1) for v in new]
        spread = np.concatenate(old).std(axis=0)
        worst = [np.abs(b - a) / spread for a, b in zip(old, new, strict=True)]
        return float(np.concatenate(worst).mean()), float(np.mean([(part > SPREAD_LIMIT).any() for part in worst]))
    a, b = (np.stack(list(values)).astype(np.float64).reshape(len(values), -1) for values in (old, new))
    spread = a.std(axis=0)
    counts = spread > 1e-12
    errors = np.abs(b - a)[:, counts] / spread[counts]
    return float(errors.mean(axis=0).max(initial=0.0)), float((errors > SPREAD_LIMIT).any(axis=1).mean())


def softmax(values: Values) -> Values:
    shifted = np.exp(values.astype(np.float64) - values.max())
    shares: Values = shifted / shifted.sum()
    return shares
