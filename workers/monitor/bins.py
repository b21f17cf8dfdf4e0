"""Histograms of one figure: edges by the evaluation data, so that a look needs counts alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTS = 20
"""The evaluation data fall into so many equal parts; the surest and the least sure 5 % have edges of their own."""

LOGARITHMIC = tuple(sign * 2.0**power for sign in (-1, 1) for power in range(-10, 21))
USUAL_EDGES: dict[str, tuple[float, ...]] = {
    name: tuple(float(edge) for edge in np.linspace(0, 1, 2 * PARTS + 1))
    for name in ("brightness", "contrast", "detail", "color", "unknown", "rare", "silence", "confidence")
}
"""Where there are no evaluation data; all else is told by powers of two."""


def edges_of(values: NDArray[Any]) -> tuple[float, ...]:
    """Edges (2 to 21) of `values` (n,): least, each twentieth, and just above the largest; equal ones once.

    A value x lies in bin ``searchsorted(edges, x, side="right")``: 0 is below all that there was, the last above it.
    """
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    found = np.unique(np.quantile(finite, np.linspace(0, 1, PARTS + 1), method="inverted_cdf"))
    return (*(float(edge) for edge in found), float(np.nextafter(found[-1], math.inf)))


def usual_edges(name: str) -> tuple[float, ...]:
    """Edges of a figure of which nothing is known yet."""
    return USUAL_EDGES.get(name, tuple(sorted(LOGARITHMIC)))


def binned(values: NDArray[Any], edges: tuple[float, ...]) -> NDArray[np.int64]:
    """Counts (len(edges) + 1,) of the finite ones of `values` (n,)."""
    finite = np.asarray(values, np.float64)
    places = np.searchsorted(np.asarray(edges), finite[np.isfinite(finite)], side="right")
    return np.bincount(places, minlength=len(edges) + 1).astype(np.int64)


@dataclass(frozen=True)
class Expected:
    """One figure in the evaluation data: `edges` (k,), `counts` (k + 1,) of its items, their `mean`.

    Without evaluation data all counts are 0, and the beginning of the log takes their place.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float | None

    @property
    def n(self) -> int:
        """Items of the evaluation data."""
        return sum(self.counts)


def expected_of(values: NDArray[Any]) -> Expected | None:
    """Of the figures (n,) of the evaluation data; None where none of them is a number."""
    finite = np.asarray(values, np.float64)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return None
    edges = edges_of(finite)
    return Expected(edges, tuple(int(count) for count in binned(finite, edges)), float(finite.mean()))
