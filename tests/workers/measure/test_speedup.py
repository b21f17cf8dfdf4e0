"""Speedups of simulated sets of processes whose truth is known, and of constructed latencies of a cascade."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from recording import RecordingContext

from workers.contracts.disturbed import BlockLoad
from workers.contracts.jobs import SpeedSummary, SummarizeParams
from workers.contracts.measured.sizes import GAIN
from workers.jobs.summarize import run
from workers.measure.speedup import level_of_look, paired, speedups

VERSIONS, SETS = 6, 5


def logs(rng: np.random.Generator, noise: float, truths: Sequence[float], sets: int = SETS) -> list[np.ndarray]:
    """Simulate the log ratio of each set for versions that are truly so many times as fast as one original.

    The mean time of a process differs from start to start by `noise`, as a share (one standard deviation).
    """
    original = rng.normal(0, noise, sets)
    return [math.log(truth) + original - rng.normal(0, noise, sets) for truth in truths]


def called_faster(
    rng: np.random.Generator, noise: float, truths: Sequence[float], rounds: Sequence[int] = (SETS, SETS)
) -> list[bool]:
    """Measure as a final run does: one round of all versions, and further rounds of possible gains that are unproven."""
    measured = logs(rng, noise, truths, rounds[0])
    faster = [False] * len(truths)
    for number in range(len(rounds)):
        found = speedups(measured, len(truths), number + 1)
        faster = [was or (one.low is not None and one.low > GAIN) for was, one in zip(faster, found, strict=True)]
        if number + 1 < len(rounds):
            more = logs(rng, noise, truths, rounds[number + 1])
            for index, one in enumerate(found):
                if one.value > GAIN and not faster[index]:
                    measured[index] = np.concatenate([measured[index], more[index]])
    return faster


def share_of_false_alarms(noise: float, truth: float, runs: int, rounds: Sequence[int] = (SETS, SETS)) -> float:
    """Return the share of runs in which any of six equal versions is called faster."""
    rng = np.random.default_rng(5)
    return float(np.mean([any(called_faster(rng, noise, [truth] * VERSIONS, rounds)) for _ in range(runs)]))


@pytest.mark.parametrize("noise", [0.01, 0.02])
def test_equal_versions_are_not_called_faster(noise: float) -> None:
    """Given six versions as fast as the original, then any of them is called faster in at most 5 % of runs."""
    assert share_of_false_alarms(noise, 1.0, 300) <= 0.05


def test_levels_of_all_looks_stay_within_five_percent() -> None:
    """Given more looks than any run takes, Then their error levels add up to 5 % at most, and no level is 0."""
    levels = [level_of_look(number) for number in range(1, 1000)]
    assert sum(levels) <= 0.05 and min(levels) > 0


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.01, 0.02, 0.1])
@pytest.mark.parametrize("truth", [1.0, GAIN])
@pytest.mark.parametrize("rounds", [(5, 5), (3, 5), (2, 3, 5), (2,) * 5, (5,) * 6, (2,) * 15])
def test_false_alarms_are_rare_in_any_rounds(noise: float, truth: float, rounds: tuple[int, ...]) -> None:
    """Given six versions that are equal or exactly at the least gain, then any is called faster in 5 % of runs at most,
    however the sets are divided into rounds."""
    assert share_of_false_alarms(noise, truth, 4000, rounds) <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 4000)


@pytest.mark.parametrize(
    ("noise", "truth", "versions", "rounds", "least"),
    [
        (0.01, 1.05, 1, (5, 5), 0.6), (0.01, 1.10, 6, (5, 5), 0.99), (0.02, 1.10, 1, (5, 5), 0.99),
        (0.02, 1.10, 6, (5, 5), 0.7), (0.02, 2.0, 6, (5, 5), 1.0), (0.01, 2.0, 1, (2,), 0.99),
    ],
)  # fmt: skip
def test_faster_version_is_called_faster(
    noise: float, truth: float, versions: int, rounds: tuple[int, ...], least: float
) -> None:
    """Given one faster version, alone or with five equal ones, then at least this share of runs calls it faster."""
    rng, truths = np.random.default_rng(6), [truth, *[1.0] * (versions - 1)]
    assert np.mean([called_faster(rng, noise, truths, rounds)[0] for _ in range(300)]) >= least


def test_bounds_hold_for_all_versions_together() -> None:
    """Given versions of several speeds, then all bounds below the least gain are below the truth at once in 95 % of runs:
    "not slower by more than 5 %" is as certain as "faster"."""
    truths, rng, hold = [2.0, 1.5, 1.03, 1.0, 0.95, 0.9], np.random.default_rng(8), []
    for _ in range(500):
        bounds = [one.low for one in speedups(logs(rng, 0.02, truths))]
        hold.append(all(b is not None and (t > GAIN or b <= t) for b, t in zip(bounds, truths, strict=True)))
    assert np.mean(hold) >= 0.95


def test_bounds_of_few_or_equal_sets() -> None:
    """Given a single set, then there is no bound; given sets without spread, then the bound is the value; given one of six
    versions, then its bound is lower than alone; given no common requests, then an error."""
    (single,) = speedups([np.array([0.7])])
    assert (single.value, single.low, single.high) == (pytest.approx(math.exp(0.7)), None, None)
    fast, slow = speedups([np.full(3, math.log(2.0)), np.full(3, math.log(0.5))])
    assert fast.low == pytest.approx(2.0) and slow.low == pytest.approx(0.5)
    measured = logs(np.random.default_rng(9), 0.02, [1.1])
    alone, one_of_six = speedups(measured)[0].low, speedups(measured, VERSIONS)[0].low
    assert alone is not None and one_of_six is not None and one_of_six < alone
    with pytest.raises(ValueError):
        paired([[]], [[1.0]])


def summary_of(original: Sequence[Sequence[float]], version: Sequence[Sequence[float]], folder: Path) -> SpeedSummary:
    params = SummarizeParams(latencies_ms=tuple(tuple(map(tuple, sets)) for sets in (original, version)))
    _, found = run(params, RecordingContext(folder)).rows
    assert found is not None
    return found


def test_cascade_is_compared_by_its_mean(tmp_path: Path) -> None:
    """Given a cascade that runs a second model in 40 % of cases, then its median is .6 ms, but by its mean it is only 1.04
    times as fast, and nothing calls it faster."""
    rng = np.random.default_rng(10)
    original = [[0.99 + 0.01 * rng.random() for _ in range(80)] for _ in range(SETS)]
    cascade = [[0.6 + (0.9 if rng.random() < 0.4 else 0.0) for _ in range(80)] for _ in range(SETS)]
    found = summary_of(original, cascade, tmp_path)
    assert found.latency.p50_ms == pytest.approx(0.6) and found.latency.p90_ms == pytest.approx(1.5)
    assert found.speedup == pytest.approx(1.04, abs=0.06) and found.latency.mean_ms == pytest.approx(0.96, abs=0.06)
    assert found.speedup_low is not None and found.speedup_low < GAIN
    assert found.p90_speedup == pytest.approx(0.66, abs=0.01)


def test_only_the_same_requests_of_blocks_are_compared() -> None:
    """Given inputs whose time grows with their number, when the slow original runs fewer of them in each block, then the
    same inputs are compared, block by block."""
    first, second = np.arange(1.0, 41), np.arange(41.0, 81)
    loads = [
        [[BlockLoad(requests=n, elapsed_s=1.0, cpu_s=1.0, waited_s=0.0) for n in counts]]
        for counts in ((5, 4), (40, 40))
    ]
    values, p90 = paired([[*first[:5], *second[:4]]], [[*(first / 2), *(second / 2)]], *loads)
    assert (math.exp(values[0]), p90) == pytest.approx((2.0, 2.0))


def test_twofold_gain_is_called_faster_in_spite_of_slow_requests(tmp_path: Path) -> None:
    """Given five sets in which one request of 200 takes ten times as long, then a twofold gain is called faster."""
    rng = np.random.default_rng(11)

    def sets(ms: float) -> np.ndarray:
        usual = rng.lognormal(0, 0.05, (SETS, 80))
        return ms * np.where(rng.random((SETS, 80)) < 0.005, 10.0, usual)

    for _ in range(50):
        low = summary_of(sets(2.0).tolist(), sets(1.0).tolist(), tmp_path).speedup_low
        assert low is not None and low > GAIN
