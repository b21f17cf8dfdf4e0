"""Compute how many times as fast as one original each version is, over fresh sets of processes.

Requests of one process are alike and processes differ from start to start, so the sets are the sample, however many
requests each has. The interval is Student's over one log ratio per set (Kalibera and Jones, "Rigorous benchmarking in
reasonable time", ISMM 2013). A bootstrap over three sets held the truth in 79 % of cases instead of 95 %. The mean
counts, not the median: a version that computes twice in 40 % of cases would have the median of one that never does.
Both get the same requests: if one ran fewer requests in a block, only those of the other count.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.contracts.disturbed import Loads
from workers.contracts.measured.sizes import GAIN

LEVELS, LATER_LEVEL = (0.03, 0.017), 0.003
"""One-sided error levels of the first look, of the second look at more sets, and of all further looks together."""

Sets = Sequence[Sequence[float]]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Speedup:
    """Speedup of one version.

    `value` is the original's time over the version's. `low` is its one-sided lower bound and `high` lies as far above;
    both are None for a single set.
    """

    value: float
    low: float | None
    high: float | None


def paired(original: Sets, version: Sets, original_loads: Loads = (), loads: Loads = ()) -> tuple[Floats, float]:
    """Pair the requests of original and version, set by set.

    Args:
        original: milliseconds of the original's requests by set; sets of the same number were measured in turn.
        version: milliseconds of the version's requests by set.
        original_loads: number of requests in each block of the original; without them, a set counts as one block.
        loads: the same for the version.

    Returns:
        For each set the log of the original's mean over the version's (sets,), and the original's 90th percentile over
        the version's, of all sets together.

    Raises:
        ValueError: no set has requests of both.
    """
    logs, olds, news = [], [], []
    for number, (old_set, new_set) in enumerate(zip(original, version, strict=False)):
        pairs = list(zip(_blocks(old_set, original_loads, number), _blocks(new_set, loads, number), strict=False))
        old, new = (
            np.concatenate([pair[side][: min(map(len, pair))] for pair in pairs]) if pairs else np.empty(0)
            for side in (0, 1)
        )
        if old.size:
            logs.append(math.log(float(old.mean()) / float(new.mean())))
            olds.append(old)
            news.append(new)
    if not logs:
        raise ValueError("no latencies to compare")
    tails = [float(np.percentile(np.concatenate(times), 90)) for times in (olds, news)]
    return np.asarray(logs), tails[0] / tails[1]


def _blocks(times: Sequence[float], loads: Loads, number: int) -> list[Floats]:
    values = np.asarray(times, np.float64)
    counts = [load.requests for load in loads[number]] if number < len(loads) else [values.size]
    if sum(counts) != values.size:
        return [values]
    return np.split(values, np.cumsum(counts)[:-1])


def level_of_look(number: int) -> float:
    """Return the one-sided error level of a look, counted from 1.

    The k-th further look after those of `LEVELS` has `LATER_LEVEL`·6/(π²k²). Any number of looks at whether a version
    is faster have at most 5 % together (Bonferroni over a convergent series, as for looks at test examples).
    """
    further = number - len(LEVELS)
    return LEVELS[number - 1] if further <= 0 else LATER_LEVEL * 6 / (math.pi * further) ** 2


def speedups(samples: Sequence[Floats], family: int | None = None, looks: int = 1) -> list[Speedup]:
    """Return a speedup for each version's `logs`, with lower bounds that hold jointly (Holm, Scand. J. Stat. 1979).

    `family` is the number of all compared versions if `samples` are only some of them. `looks` counts this look and
    those before it at fewer sets. The k-th most certain version gets the look's level / (family − k), k from 0, as long
    as those before it are above `GAIN`; from the first that is not, the level stays. So the versions above `GAIN` are
    those that Holm's test calls faster, and the same bounds hold for "not slower".
    """
    if not samples:
        return []
    from scipy.special import stdtr  # this import takes as long as all the rest

    count, level = max(len(samples), family or 0), level_of_look(looks)
    chances = []
    for logs in samples:
        error = _error(logs)
        gap = float(logs.mean()) - math.log(GAIN)
        if error is None:
            chances.append(1.0)
        else:
            chances.append(float(stdtr(logs.size - 1, -gap / error)) if error else float(gap <= 0))
    found: dict[int, Speedup] = {}
    shown = 0
    for index in sorted(range(len(samples)), key=chances.__getitem__):
        one = found[index] = _bounded(samples[index], level / (count - shown))
        shown += one.low is not None and one.low > GAIN and shown < count - 1
    return [found[index] for index in range(len(samples))]


def _error(logs: Floats) -> float | None:
    """Return the standard error of the mean; None for a single set."""
    return float(logs.std(ddof=1)) / math.sqrt(logs.size) if logs.size > 1 else None


def _bounded(logs: Floats, level: float) -> Speedup:
    mean, error = float(logs.mean()), _error(logs)
    if error is None:
        return Speedup(math.exp(mean), None, None)
    from scipy.special import stdtrit

    reach = float(stdtrit(logs.size - 1, 1 - level)) * error
    return Speedup(math.exp(mean), math.exp(mean - reach), finite_exp(mean + reach))


def finite_exp(value: float) -> float:
    """Return the exponential, limited to a float's range because JSON has no infinity."""
    return math.exp(min(value, 700.0))
