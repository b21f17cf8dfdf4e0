"""How long a run will take and how much memory it needs, said before it starts and compared with what came.

The model is small and plain: a run opens and reads, then each version is made, answers the test inputs, is judged and
timed, then the finalists are timed again in turn, each in a process of its own. A request's time is guessed from the
model's size until the original was measured. What earlier runs on this machine took moves the whole by their median.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MEGABYTE = 1_000_000

OPENING_S, OPENING_S_PER_MB = 4.0, 0.02
VERSION_S, VERSION_S_PER_MB = 2.4, 0.03
PROCESS_S, PROCESS_S_PER_MB = 0.6, 0.004
"""Medians of runs over small models on two cores: everything in a version or a process that is no request."""

BLOCK_REQUESTS, BLOCK_MAX_S = 50, 2.0
LOOK_BLOCKS, SLOW_LOOK_BLOCKS, SLOW_BLOCK_S = 5.0, 2.5, 0.3
"""Blocks of a first look: some versions have eight (slow models three), what cannot win only two."""

FINAL_BLOCKS, FINAL_SETS = 2, 5
FINALISTS = (6, 3, 2, 1)
FINALIST_SHARE = 0.65
"""Of the versions that are tried, so many are fast and alike enough for the final run, if there is time for them."""

KEPT_SHARE = 0.75
"""Of a preset's ways, so many fit a model and a machine; after the plan was made their number is known."""

MOST_SCREENED, PROVEN = 200, 2.0
"""Calibration examples that each version is asked, and how many versions answer all that test."""

GAIN = 0.7
"""A version's request takes this part of the original's, over all versions."""

REQUEST_MS, REQUEST_MS_PER_MB = 0.5, 0.2
"""A request's likely time, from small convolutional networks and encoders on two cores."""

PROCESS_MB, PROCESS_SIZES = 105.0, 4.0
MAKING_MB, MAKING_SIZES = 190.0, 7.8
"""Memory of a process that runs, or that makes, a version: an engine's own, and so many times the model's size."""

IDLE_MB, VERSION_PEAKS = 65.0, 1.5
"""Once the original was measured: a process before it loads; a version's peak above that in peaks of its original."""

MOST_CORRECTION = 3.0
SPREAD = 1.5
LEARNED_FROM = 10


@dataclass(frozen=True)
class Basis:
    """What is known before the run, or since the original was measured and the rest planned.

    `request_ms` and `peak_bytes` (above the level of a process that has loaded nothing) are the original's.
    """

    size_bytes: int
    n_test: int
    ways: int
    budget_s: float | None = None
    versions: int | None = None
    request_ms: float | None = None
    peak_bytes: int | None = None


@dataclass(frozen=True)
class Forecast:
    """Seconds of the whole run with their likely bounds, and the most memory that its processes hold at once, bytes."""

    seconds: float
    low_s: float
    high_s: float
    memory_bytes: int


@dataclass(frozen=True)
class Past:
    """An earlier run on this machine: what was forecast without any correction, and what came."""

    plain_s: float
    plain_bytes: int
    seconds: float
    memory_bytes: int | None


def forecast(basis: Basis, past: Sequence[Past] = ()) -> Forecast:
    """What to expect of a run like this one."""
    seconds = plain_s(basis) * correction([one.seconds / one.plain_s for one in past if one.plain_s > 0])
    memory = plain_bytes(basis) * correction(
        [one.memory_bytes / one.plain_bytes for one in past if one.memory_bytes and one.plain_bytes > 0]
    )
    top = seconds if basis.budget_s is None else min(seconds, basis.budget_s)
    high = seconds * SPREAD if basis.budget_s is None else min(seconds * SPREAD, basis.budget_s)
    return Forecast(seconds=top, low_s=top / SPREAD, high_s=max(high, top), memory_bytes=round(memory))


def plain_s(basis: Basis) -> float:
    """Seconds by the model alone, not more than the budget."""
    total = _tried_s(basis) + _final_s(basis, _finalists(basis))
    return total if basis.budget_s is None else min(total, basis.budget_s)


def plain_bytes(basis: Basis) -> int:
    """Bytes by the model alone: making the largest version, or all finalists in memory side by side."""
    making = MAKING_MB + MAKING_SIZES * basis.size_bytes / MEGABYTE
    return round(max(making, _final_mb(basis)) * MEGABYTE)


def _final_mb(basis: Basis) -> float:
    finalists = _finalists(basis)
    if basis.peak_bytes is None:
        return (1 + finalists) * (PROCESS_MB + PROCESS_SIZES * basis.size_bytes / MEGABYTE)
    return (1 + finalists) * IDLE_MB + (1 + VERSION_PEAKS * finalists) * basis.peak_bytes / MEGABYTE


def _tried_s(basis: Basis) -> float:
    """Opening, the original, and every version: made, looked at, asked a few examples; and the proof of some."""
    size_mb, request_s = basis.size_bytes / MEGABYTE, _request_ms(basis) / 1000
    block_s = min(BLOCK_MAX_S, BLOCK_REQUESTS * request_s)
    look_s = (SLOW_LOOK_BLOCKS if block_s > SLOW_BLOCK_S else LOOK_BLOCKS) * block_s
    one_s = VERSION_S + basis.n_test * request_s + look_s
    screened_s = min(MOST_SCREENED, basis.n_test / 4) * request_s
    versions_s = _versions(basis) * (VERSION_S_PER_MB * size_mb + VERSION_S + GAIN * (screened_s + look_s))
    versions_s += PROVEN * (VERSION_S + GAIN * basis.n_test * request_s)
    return OPENING_S + OPENING_S_PER_MB * size_mb + one_s + versions_s


def _final_s(basis: Basis, finalists: float) -> float:
    block_s = min(BLOCK_MAX_S, BLOCK_REQUESTS * GAIN * _request_ms(basis) / 1000)
    process_s = PROCESS_S + PROCESS_S_PER_MB * basis.size_bytes / MEGABYTE + FINAL_BLOCKS * block_s
    return FINAL_SETS * (1 + finalists) * process_s


def off_by(expected: float, came: float) -> float:
    """How many times too high (above 1) or too low (below 1) a forecast was."""
    return expected / came


def _versions(basis: Basis) -> float:
    return float(basis.versions) if basis.versions is not None else basis.ways * KEPT_SHARE


def _finalists(basis: Basis) -> float:
    """As many as are likely good enough, as far as the budget has time for them."""
    likely = FINALIST_SHARE * _versions(basis)
    if basis.budget_s is None:
        return min(float(FINALISTS[0]), likely)
    left_s = basis.budget_s - _tried_s(basis)
    return next((min(float(count), likely) for count in FINALISTS if _final_s(basis, count) <= left_s), 1.0)


def _request_ms(basis: Basis) -> float:
    if basis.request_ms is not None:
        return basis.request_ms
    return REQUEST_MS + REQUEST_MS_PER_MB * basis.size_bytes / MEGABYTE


def correction(ratios: Sequence[float]) -> float:
    """The median of the last runs, trusted more the more there are, and never more than a factor of three."""
    last = ratios[-LEARNED_FROM:]
    if not last:
        return 1.0
    trust = len(last) / (len(last) + 1.0)
    return float(min(MOST_CORRECTION, max(1 / MOST_CORRECTION, median(last))) ** trust)
