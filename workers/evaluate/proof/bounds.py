"""Counts of what changed, and the bounds that a verdict rests on. Levels are one-sided."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.proof.differences import Differences
from workers.evaluate.proof.stats import binomial_upper, drop_lower, drop_upper


@dataclass(frozen=True)
class Counts:
    """Of `n` labelled items `b` were right and are wrong now, `c` the other way round. Of all `everything` items
    `changes` have a result that differs; where places within items are counted, both are divided by the design effect
    and no whole numbers, and `shares` (k,) are those changed of each independent item."""

    b: int
    c: int
    n: int
    changes: float
    everything: float
    shares: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, found: Differences) -> Self:
        """Counted from what a task noticed."""
        if found.units is not None:
            effect = found.units.effect
            return cls(0, 0, 0, found.units.hits / effect, found.units.total / effect, found.units.shares)
        labels = found.labels
        changes, everything = int(found.changed.sum()), len(found.items)
        if labels is None or not labels.decide or not labels.known.any():
            return cls(0, 0, 0, changes, everything)
        lost = labels.right_old & ~labels.right_new & labels.known
        gained = ~labels.right_old & labels.right_new & labels.known
        return cls(int(lost.sum()), int(gained.sum()), int(labels.known.sum()), changes, everything)

    @property
    def share(self) -> float:
        """Share changed, of all items."""
        return self.changes / self.everything

    @property
    def drop(self) -> float:
        """Loss of accuracy on the labelled items."""
        return (self.b - self.c) / self.n if self.n else 0.0

    def changed_upper(self, alpha: float) -> float:
        """Exact upper bound (Clopper-Pearson) of the share changed; of places within items the larger one of two.

        The second one bounds the mean share of an item, whatever its distribution: of shares between 0 and 1 with a
        given mean those that are 0 or 1 scatter most (Hoeffding 1963, JASA 58:13), so that their sum counts as hits.
        Over two-point laws at the limit it erred in at most 3.98 % at a level of 4 %. Without a change it needs as many
        items as any other proof: 321 for 1 %.
        """
        by_place = binomial_upper(self.changes, self.everything, 1 - alpha)
        return by_place if self.shares is None else max(by_place, self._mean_upper(alpha))

    def _mean_upper(self, alpha: float) -> float:
        assert self.shares is not None
        return binomial_upper(float(self.shares.sum()), len(self.shares), 1 - alpha)

    @property
    def independent(self) -> float:
        """How many items, or places that tell as much as one item, could prove anything."""
        return self.everything if self.shares is None else min(self.everything, len(self.shares))

    def needs_items(self, limit: float, alpha: float) -> bool:
        """Whether places within items would prove the limit, and there are too few items."""
        if self.shares is None:
            return False
        return binomial_upper(self.changes, self.everything, 1 - alpha) <= limit < self._mean_upper(alpha)

    def drop_low(self, alpha: float) -> float:
        """Lower bound of the true drop; above 0 only if the exact McNemar test agrees."""
        return drop_lower(self.b, self.c, self.n, alpha)

    def upper(self, alpha: float, margin: float) -> float:
        """Upper bound of the drop. Where only a part has labels, drop and share changed have half of `alpha` each, and
        the share changed proves nothing against a drop above `margin` that the labels show."""
        if self.n >= self.everything:
            return drop_upper(self.b, self.c, self.n, alpha)
        by_labels = drop_upper(self.b, self.c, self.n, alpha / 2)
        return by_labels if self.drop > margin else min(by_labels, self.changed_upper(alpha / 2))


def loss_bound(draws: NDArray[np.float64], low_level: float, high_level: float) -> tuple[float, float]:
    """Bounds (L, U) of a drop from its resampled values; (0, inf) where too few could be worked out."""
    finite = draws[np.isfinite(draws)]
    if len(finite) < max(2, len(draws) // 2):
        return 0.0, float("inf")
    return float(np.quantile(finite, low_level)), float(np.quantile(finite, 1 - high_level))
