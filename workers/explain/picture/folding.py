"""Fold sequences of operators that repeat, such as the layers of a transformer."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

MAX_PERIOD = 2_000
"""Longest block, in operators, whose repetition is looked for."""
MAX_PASSES, MAX_DEPTH = 3, 8
LEAST_FOLDED, LEAST_REPEATS = 4, 3


@dataclass(frozen=True)
class Segment:
    """Places `start` to `stop` of the order of execution; `repeats` equal blocks in a row are folded into it."""

    start: int
    stop: int
    repeats: int = 1

    def instances(self) -> list["Segment"]:
        """Return each of its blocks."""
        step = (self.stop - self.start) // self.repeats
        return [Segment(at, at + step) for at in range(self.start, self.stop, step)]


def folded(labels: Sequence[Hashable], live: NDArray[np.int64]) -> list[Segment]:
    """Return the whole sequence in segments, with equal neighboring blocks folded.

    Args:
        labels: What makes operators equal, in their order.
        live: Number of connections over the start of each place, shape (n,), int64. Blocks start where few cross.
    """
    segments = [Segment(at, at + 1) for at in range(len(labels))]
    names: list[Hashable] = list(labels)
    for _pass in range(MAX_PASSES):
        numbers = {name: at for at, name in enumerate(dict.fromkeys(names))}
        symbols = np.array([numbers[name] for name in names], np.int64)
        runs = _runs(symbols, live[[segment.start for segment in segments]])
        if not runs:
            break
        made, made_names, at = [], [], 0
        for start, period, repeats in runs:
            made += segments[at:start]
            made_names += names[at:start]
            at = start + period * repeats
            made.append(Segment(segments[start].start, segments[at - 1].stop, repeats))
            made_names.append((tuple(names[start : start + period]), repeats))
        segments, names = made + segments[at:], made_names + names[at:]
    return segments


def _runs(symbols: NDArray[np.int64], live: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return start, period and count of repetitions that do not overlap, in their order.

    Many repetitions of a long block are preferred: those with the largest (count − 1)·√period.
    """
    found: list[tuple[float, int, int, int]] = []
    for period in range(1, min(len(symbols) // 2, MAX_PERIOD) + 1):
        breaks = np.flatnonzero(np.concatenate(([True], symbols[:-period] != symbols[period:], [True])))
        starts, lengths = breaks[:-1], np.diff(breaks) - 1
        for start, length in zip(starts[lengths >= period].tolist(), lengths[lengths >= period].tolist(), strict=True):
            repeats = length // period + 1
            if repeats >= LEAST_REPEATS or period >= LEAST_FOLDED:
                slack = min(length + period - repeats * period, period - 1)
                shift = int(np.argmin(live[start : start + slack + 1]))
                found.append((-(repeats - 1) * period**0.5, start + shift, period, repeats))
    taken = np.zeros(len(symbols), bool)
    chosen = []
    for _score, start, period, repeats in sorted(found):
        stop = start + period * repeats
        if not taken[start:stop].any():
            taken[start:stop] = True
            chosen.append((start, period, repeats))
    return sorted(chosen)


def grouped(segments: Sequence[Segment], names: Sequence[str], most: int) -> list[Segment]:
    """Return at most `most` segments: neighbors from one module by their names are joined, else as many as needed.

    Args:
        segments: The segments of the whole sequence.
        names: The name of each operator, with "/" between modules.
        most: The largest number of segments.
    """
    if len(segments) <= most:
        return list(segments)
    scopes = [tuple(names[one.start].strip("/").split("/")[:-1]) for one in segments]
    for depth in range(MAX_DEPTH, 0, -1):
        cut = [scope[:depth] for scope in scopes]
        starts = [at for at, scope in enumerate(cut) if not at or scope != cut[at - 1]]
        if most / 4 <= len(starts) <= most:
            return [_joined(segments[a:b]) for a, b in pairwise([*starts, len(segments)])]
    size = -(-len(segments) // most)
    return [_joined(segments[at : at + size]) for at in range(0, len(segments), size)]


def _joined(part: Sequence[Segment]) -> Segment:
    return part[0] if len(part) == 1 else Segment(part[0].start, part[-1].stop)
