"""Convert a part of a log to arrays and choose the lines at which looks take place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .bins import Expected, usual_edges
from .reading import LogPart
from .reference import Reference

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

EACH = 50
"""Minimum number of requests between two looks; lines are combined until there are so many."""
WINDOW = 200
"""Number of latest requests in each look: enough to detect a new kind that is a fifth of them."""
HORIZON = 20_000
MOST_CELLS = 16 << 20
"""Maximum number of table cells of one bundle, 8 bytes each; lines are combined to stay below it."""
ALPHA = 0.04
"""Probability of a false alarm in `HORIZON` requests."""


@dataclass(frozen=True)
class Series:
    """Lines of one part as arrays.

    Attributes:
        times: (lines,) start times; `n`, `errors` and `not_finite` have the same shape.
        histograms: (lines, bins) counts of each figure.
        sums: (lines,) sums of each figure.
        classes: (lines, class_numbers) counts of the classes that occur.
        class_numbers: Numbers of these classes.
        latencies: (lines, bins) counts, from bin `latency_first` on.
    """

    times: Floats
    n: Ints
    errors: Ints
    not_finite: Ints
    histograms: Mapping[str, Ints]
    sums: Mapping[str, Floats]
    classes: Ints
    class_numbers: tuple[int, ...]
    latencies: Ints
    latency_first: int


def series_of(part: LogPart) -> Series:
    """Return all lines of a part as tables of at most `MOST_CELLS` numbers; a row is one line or several combined."""
    records, reference = part.records, part.reference
    numbers = sorted({*reference.classes, *(number for record in records for number in record.classes)})
    bins = sorted({number for record in records for number in record.latency}) or [0]
    latencies = list(range(bins[0], bins[-1] + 1))
    sizes = dict(sorted((name, len(one[1])) for record in records for name, one in record.figures.items()))
    columns = sum(sizes.values()) + len(numbers) + len(latencies)
    each = -(-len(records) // max(1, MOST_CELLS // columns))  # lines in a row, rounded up
    firsts = np.arange(0, len(records), each)
    counted = np.asarray([(one.n, one.errors, one.not_finite) for one in records], np.int64)
    n, errors, not_finite = np.add.reduceat(counted, firsts, axis=0).T
    sums = {name: np.asarray([one.figures.get(name, (0.0, ()))[0] for one in records]) for name in sizes}
    histograms = {name: np.zeros((len(firsts), size), np.int64) for name, size in sizes.items()}
    for at, record in enumerate(records):
        for name, (_total, counts) in record.figures.items():
            histograms[name][at // each] += np.asarray(counts, np.int64)
    return Series(
        times=np.asarray([record.t for record in records[::each]]), n=n, errors=errors, not_finite=not_finite,
        histograms=histograms, sums={name: np.add.reduceat(one, firsts) for name, one in sums.items()},
        classes=_table([record.classes for record in records], numbers, each), class_numbers=tuple(numbers),
        latencies=_table([record.latency for record in records], latencies, each), latency_first=bins[0],
    )  # fmt: skip


def _table(rows: Sequence[Mapping[int, int]], numbers: list[int], each: int) -> Ints:
    found = np.zeros((-(-len(rows) // each), len(numbers)), np.int64)
    places = {number: at for at, number in enumerate(numbers)}
    for at, counts in enumerate(rows):
        for number, count in counts.items():
            found[at // each, places[number]] += count
    return found


def ends_of(n: Ints, first: int = 0, each: int = EACH) -> Ints:
    """Return the line ends at which looks take place (looks,) int64, at least `each` requests apart.

    The first `first` lines are left out.
    """
    ends, waiting = [], 0
    for line in range(first, len(n)):
        waiting += int(n[line])
        if waiting >= each:
            ends.append(line + 1)
            waiting = 0
    return np.asarray(ends, np.int64)


def starts_of(n: Ints, ends: Ints, first: int = 0, size: int = WINDOW) -> Ints:
    """Return the first lines of windows of at least `size` requests before `ends`; −1 if there are too few."""
    before = np.concatenate([[0], np.cumsum(n)])
    starts = np.searchsorted(before, before[ends] - size, side="right") - 1
    return np.where((before[ends] - before[first] >= size) & (starts >= first), starts, -1)


def blocks_to(ends: Ints) -> Ints:
    """Return the first lines (looks,) of blocks that follow each other and end at `ends`."""
    return np.concatenate([[0], ends[:-1]]).astype(np.int64)


def level_of(tests: int) -> float:
    """Return the level of one test at one look: `ALPHA` over all tests and looks at `HORIZON` requests (Bonferroni)."""
    return ALPHA / (HORIZON / EACH) / tests


def summed(values: NDArray[np.float64] | Ints, starts: Ints, ends: Ints) -> Floats:
    """Return sums (looks, …) float64 of `values` (lines, …) over each window; an empty window if `starts` is −1."""
    zero = np.zeros((1, *values.shape[1:]))
    before = np.concatenate([zero, np.cumsum(values, axis=0, dtype=np.float64)])
    return np.asarray(before[ends] - before[np.where(starts < 0, ends, starts)], np.float64)


def learned(series: Series, reference: Reference, first: int) -> Reference:
    """Return the reference, or if it has no items one made from the first `first` lines of the log."""
    if any(one.n for one in reference.statistics.values()):
        return reference
    found = {}
    for name, counts in series.histograms.items():
        total = int(counts[:first].sum())
        mean = float(series.sums[name][:first].sum()) / total if total else None
        found[name] = Expected(usual_edges(name), tuple(int(count) for count in counts[:first].sum(axis=0)), mean)
    classes = dict(zip(series.class_numbers, series.classes[:first].sum(axis=0).tolist(), strict=True))
    return replace(reference, statistics=found, classes={number: count for number, count in classes.items() if count})
