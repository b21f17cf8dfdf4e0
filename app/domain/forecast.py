"""Forecast time and memory of a run before it starts, for comparison with the outcome.

The model is simple. A run opens and reads. Each version is made, evaluated on the test set, judged and timed. The
finalists are then timed again side by side, each in its own process. Request times follow from the model's size until
the original is measured. The median ratio of earlier runs on this machine corrects the total.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MEGABYTE = 1_000_000

OPENING_S, OPENING_S_PER_MB = 4.0, 0.02
VERSION_S, VERSION_S_PER_MB = 2.4, 0.03
PROCESS_S, PROCESS_S_PER_MB = 0.6, 0.004
"""Medians over runs of small models on two cores: seconds of a version or process outside of requests."""

BLOCK_REQUESTS, BLOCK_MAX_S = 50, 2.0
LOOK_BLOCKS, SLOW_LOOK_BLOCKS, SLOW_BLOCK_S = 5.0, 2.5, 0.3
"""Mean blocks of a first measurement: some versions have eight (slow models three), hopeless ones two."""

FINAL_BLOCKS, FINAL_SETS = 2, 5
FINALISTS = (6, 3, 2, 1)
FINALIST_SHARE = 0.65
"""Share of tried versions that are fast and alike enough for the final run if time permits."""

KEPT_SHARE = 0.75
"""Share of a preset's recipes that fit a model and a machine, until planning gives their number."""

MOST_SCREENED, PROVEN = 200, 2.0
"""Most calibration examples per version, and the number of versions evaluated on the whole test set."""

GAIN = 0.7
"""Mean ratio of a version's request time to the original's."""

REQUEST_MS, REQUEST_MS_PER_MB = 0.5, 0.2
"""Expected request time of small convolutional networks and encoders on two cores."""

PROCESS_MB, PROCESS_SIZES = 105.0, 4.0
MAKING_MB, MAKING_SIZES = 190.0, 7.8
"""Memory of a process that runs or makes a version: a constant and a multiple of the model's size."""

IDLE_MB, VERSION_PEAKS = 65.0, 1.5
"""Memory after the original is measured: an idle process, and a version's peak in peaks of its original."""

MOST_CORRECTION = 3.0
SPREAD = 1.5
LEARNED_FROM = 10


@dataclass(frozen=True)
class Basis:
    """Known facts about a run, before it or once the original is measured and the rest is planned.

    `request_ms` and `peak_bytes` are the original's; the peak excludes the memory of an idle process.
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
    """Expected seconds of the whole run with likely bounds, and the peak memory of its processes in bytes."""

    seconds: float
    low_s: float
    high_s: float
    memory_bytes: int


@dataclass(frozen=True)
class Past:
    """An earlier run on this machine: its uncorrected forecast and its outcome."""

    plain_s: float
    plain_bytes: int
    seconds: float
    memory_bytes: int | None


def forecast(basis: Basis, past: Sequence[Past] = ()) -> Forecast:
    """Return the forecast of a run with this basis, corrected by earlier runs."""
    seconds = plain_s(basis) * correction([one.seconds / one.plain_s for one in past if one.plain_s > 0])
    memory = plain_bytes(basis) * correction(
        [one.memory_bytes / one.plain_bytes for one in past if one.memory_bytes and one.plain_bytes > 0]
    )
    top = seconds if basis.budget_s is None else min(seconds, basis.budget_s)
    high = seconds * SPREAD if basis.budget_s is None else min(seconds * SPREAD, basis.budget_s)
    return Forecast(seconds=top, low_s=top / SPREAD, high_s=max(high, top), memory_bytes=round(memory))


def plain_s(basis: Basis) -> float:
    """Return the uncorrected seconds, at most the time budget."""
    total = _tried_s(basis) + _final_s(basis, _finalists(basis))
    return total if basis.budget_s is None else min(total, basis.budget_s)


def plain_bytes(basis: Basis) -> int:
    """Return the uncorrected bytes: the larger of making a version and running all finalists side by side."""
    making = MAKING_MB + MAKING_SIZES * basis.size_bytes / MEGABYTE
    return round(max(making, _final_mb(basis)) * MEGABYTE)


def _final_mb(basis: Basis) -> float:
    finalists = _finalists(basis)
    if basis.peak_bytes is None:
        return (1 + finalists) * (PROCESS_MB + PROCESS_SIZES * basis.size_bytes / MEGABYTE)
    return (1 + finalists) * IDLE_MB + (1 + VERSION_PEAKS * finalists) * basis.peak_bytes / MEGABYTE


def _tried_s(basis: Basis) -> float:
    """Return the seconds of opening, of the original, and of making, measuring and proving versions."""
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
    """Return the ratio of forecast to outcome: above 1 for a forecast that was too high."""
    return expected / came


def _versions(basis: Basis) -> float:
    return float(basis.versions) if basis.versions is not None else basis.ways * KEPT_SHARE


def _finalists(basis: Basis) -> float:
    """Return the expected number of finalists for which the time budget suffices."""
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
    """Return the median of the latest ratios, trusted more the more there are, within a factor of three."""
    last = ratios[-LEARNED_FROM:]
    if not last:
        return 1.0
    trust = len(last) / (len(last) + 1.0)
    return float(min(MOST_CORRECTION, max(1 / MOST_CORRECTION, median(last))) ** trust)
