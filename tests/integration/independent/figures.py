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
    mean error of a channel over that channel's spread (standard deviation), `beyond` the share of items with a channel
    whose error is more than a tenth of it.
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
            f"error over spread {self.error_over_spread:.4f}, items beyond {SPREAD_LIMIT}: {self.beyond:.3f}"
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
    """(the worst channel's mean error, the share of items with a mean error beyond the limit in some channel)."""
    a, b = [_channels(values) for values in old], [_channels(values) for values in new]
    spread = np.concatenate(a).std(axis=0)
    counts = spread > 1e-12
    errors = [np.abs(y - x).mean(axis=0)[counts] / spread[counts] for x, y in zip(a, b, strict=True)]
    every = np.stack(errors)
    return float(every.mean(axis=0).max(initial=0.0)), float((every > SPREAD_LIMIT).any(axis=1).mean())


def _channels(values: Values) -> Values:
    """(positions, channels): a map's channels lie first, those of anything else last."""
    wide = values.astype(np.float64)
    return wide.reshape(len(wide), -1).T if wide.ndim == 3 else np.atleast_2d(wide)


def softmax(values: Values) -> Values:
    shifted = np.exp(values.astype(np.float64) - values.max())
    shares: Values = shifted / shifted.sum()
    return shares
