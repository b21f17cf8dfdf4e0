"""Histograms of one figure with bin edges from the evaluation data, so that a look needs only counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTS = 20
"""Number of equally filled bins of the evaluation data; the highest and lowest 5 % have their own edges."""

LOGARITHMIC = tuple(sign * 2.0**power for sign in (-1, 1) for power in range(-10, 21))
USUAL_EDGES: dict[str, tuple[float, ...]] = {
    name: tuple(float(edge) for edge in np.linspace(0, 1, 2 * PARTS + 1))
    for name in ("brightness", "contrast", "detail", "color", "unknown", "rare", "silence", "confidence")
}
"""Bin edges for figures without evaluation data; all other figures use powers of two."""


def edges_of(values: NDArray[Any]) -> tuple[float, ...]:
    """Return 2 to 22 bin edges of `values` (n,): the minimum, each twentieth, and just above the maximum.

    Equal edges are merged. A value x is in bin ``searchsorted(edges, x, side="right")``: bin 0 is below all values, the
    last bin above them.
    """
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, PARTS + 1), method="inverted_cdf"))
    return (*(float(edge) for edge in edges), float(np.nextafter(edges[-1], math.inf)))


def usual_edges(name: str) -> tuple[float, ...]:
    """Return the bin edges of a figure without evaluation data."""
    return USUAL_EDGES.get(name, tuple(sorted(LOGARITHMIC)))


def binned(values: NDArray[Any], edges: tuple[float, ...]) -> NDArray[np.int64]:
    """Return counts (len(edges) + 1,) int64 of the finite `values` (n,)."""
    finite = np.asarray(values, np.float64)
    places = np.searchsorted(np.asarray(edges), finite[np.isfinite(finite)], side="right")
    return np.bincount(places, minlength=len(edges) + 1).astype(np.int64)


@dataclass(frozen=True)
class Expected:
    """Distribution of one figure in the evaluation data.

    Without evaluation data all counts are 0, and the beginning of the log replaces them.

    Attributes:
        edges: (k,) bin edges.
        counts: (k + 1,) number of items per bin.
        mean: Mean of the figure.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float | None

    @property
    def n(self) -> int:
        """Return the number of items of the evaluation data."""
        return sum(self.counts)


def expected_of(values: NDArray[Any]) -> Expected | None:
    """Return the distribution of figures (n,) of the evaluation data; None if none of them is finite."""
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return None
    edges = edges_of(finite)
    return Expected(edges, tuple(int(count) for count in binned(finite, edges)), float(finite.mean()))
