"""What is called faster: simulated sets of processes against what is known of them, and made latencies of a cascade."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from workers.contracts.jobs import SpeedSummary, SummarizeParams
from workers.contracts.measured.sizes import GAIN
from workers.contracts.specs import BlockLoad
from workers.jobs.summarize import run
from workers.measure.speedup import paired, speedups
from workers.runtime.recording import RecordingContext

FINALISTS, SETS, MOST_SETS = 6, 5, 10
Floats = np.ndarray


@dataclass(frozen=True)
class Machine:
    """Processes whose mean time differs from start to start by `noise`, as a share (one standard deviation)."""

    noise: float
    rng: np.random.Generator

    def logs(self, truths: Sequence[float], sets: int) -> list[Floats]:
        """Log ratios by set of each version that is truly so many times as fast; all over the same original."""
        original = self.rng.normal(0, self.noise, sets)
        return [math.log(truth) + original - self.rng.normal(0, self.noise, sets) for truth in truths]

    def called_faster(self, truths: Sequence[float], rounds: Sequence[int] = (SETS, SETS)) -> list[bool]:
        """As a final run does it: a round of all, and another one of those that look like a gain that was not shown."""
        known = self.logs(truths, rounds[0])
        faster = [False] * len(truths)
        for number in range(len(rounds)):
            found = speedups(known, len(truths), number + 1)
            faster = [was or (one.low is not None and one.low > GAIN) for was, one in zip(faster, found, strict=True)]
            if number + 1 < len(rounds):
                more = self.logs(truths, rounds[number + 1])
                for index, one in enumerate(found):
                    if one.value > GAIN and not faster[index]:
                        known[index] = np.concatenate([known[index], more[index]])
        return faster


def any_called_faster(noise: float, truths: Sequence[float], runs: int, rounds: Sequence[int] = (SETS, SETS)) -> float:
    machine = Machine(noise, np.random.default_rng(5))
    return float(np.mean([any(machine.called_faster(truths, rounds)) for _ in range(runs)]))


@pytest.mark.parametrize("noise", [0.01, 0.02])
def test_equal_versions_are_not_called_faster(noise: float) -> None:
    """Given six finalists as fast as the original, When processes differ by 1 or 2 %, Then any of them is called faster
    in at most 5 % of runs."""
    assert any_called_faster(noise, [1.0] * FINALISTS, 300) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.01, 0.02, 0.1])
@pytest.mark.parametrize("truth", [1.0, GAIN])
@pytest.mark.parametrize("rounds", [(5, 5), (3, 5), (2, 3, 5), (2, 2, 2, 2, 2)])
def test_what_is_no_gain_is_called_faster_in_one_run_in_twenty(
    noise: float, truth: float, rounds: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Given six finalists exactly at the least gain, or equal, Then any is called faster in 5 % of runs at most, in whatever
    rounds they are measured."""
    share = any_called_faster(noise, [truth] * FINALISTS, 4000, rounds)
    with capsys.disabled():
        print(f"noise {noise:.0%}, truth {truth}, rounds {rounds}: any of six called faster in {share:.1%}")  # noqa: T201 - told
    assert share <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 4000)


def power(noise: float, truth: float, finalists: int, runs: int) -> float:
    """Share of runs that call one version faster that truly is, beside others that are as fast as the original."""
    machine = Machine(noise, np.random.default_rng(6))
    truths = [truth, *[1.0] * (finalists - 1)]
    return float(np.mean([machine.called_faster(truths)[0] for _ in range(runs)]))


@pytest.mark.parametrize(
    ("noise", "truth", "finalists", "least"),
    [(0.01, 1.05, 1, 0.6), (0.01, 1.10, 6, 0.99), (0.02, 1.10, 1, 0.99), (0.02, 1.10, 6, 0.7), (0.02, 2.0, 6, 1.0)],
)
def test_a_gain_is_called_faster(noise: float, truth: float, finalists: int, least: float) -> None:
    """Given one version that is faster, alone or beside five equal ones, Then it is called so in this share of runs."""
    assert power(noise, truth, finalists, 300) >= least


def test_twice_as_fast_is_shown_by_two_short_sets() -> None:
    """Given little time, When two sets are all there is, Then what is twice as fast is still called so."""
    machine = Machine(0.01, np.random.default_rng(7))
    assert np.mean([machine.called_faster([2.0], (2,))[0] for _ in range(300)]) >= 0.99


def test_one_set_bounds_nothing() -> None:
    """Given a single set, Then there is an estimate and no bound."""
    found = speedups([np.array([0.7])])[0]
    assert (found.value, found.low, found.high) == (pytest.approx(math.exp(0.7)), None, None)


def test_bounds_hold_for_all_versions_together() -> None:
    """Given versions of which some are faster, Then the bounds of all others are below the truth at once in 95 % of cases:
    a "not slower by more than 5 %" is as sure as a "faster"."""
    truths = [2.0, 1.5, 1.03, 1.0, 0.95, 0.9]
    machine = Machine(0.02, np.random.default_rng(8))
    hold = []
    for _ in range(500):
        bounds = [one.low for one in speedups(machine.logs(truths, SETS))]
        hold.append(all(b is not None and (t > GAIN or b <= t) for b, t in zip(bounds, truths, strict=True)))
    assert np.mean(hold) >= 0.95


def test_a_part_of_the_versions_is_held_to_the_level_of_all() -> None:
    """Given one of six versions measured on, Then its bound is that of six, lower than alone."""
    logs = Machine(0.02, np.random.default_rng(9)).logs([1.1], SETS)
    alone, one_of_six = speedups(logs)[0].low, speedups(logs, FINALISTS)[0].low
    assert alone is not None and one_of_six is not None and one_of_six < alone


def test_sets_that_agree_by_chance_of_the_clock() -> None:
    """Given sets without any spread, Then the bound is the value, above the gain and below it."""
    fast, slow = speedups([np.full(3, math.log(2.0)), np.full(3, math.log(0.5))])
    assert fast.low == pytest.approx(2.0) and slow.low == pytest.approx(0.5)


# --- requests


def cascade_ms(rng: np.random.Generator, share_twice: float, requests: int) -> list[float]:
    """A small model of .6 ms, and in so many cases the large one of 1 ms behind it."""
    return [0.6 + (0.9 if rng.random() < share_twice else 0.0) for _ in range(requests)]


def summary_of(original: Sequence[Sequence[float]], version: Sequence[Sequence[float]], folder) -> SpeedSummary:
    params = SummarizeParams(latencies_ms=tuple(tuple(map(tuple, sets)) for sets in (original, version)))
    _, found = run(params, RecordingContext(folder)).rows
    assert found is not None
    return found


def test_a_cascade_is_ranked_by_its_mean(tmp_path) -> None:
    """Given a cascade that asks a second model in 40 % of cases, Then its median says 1.65 times as fast, its mean 1.04, and
    its slow requests take half as long again: p50, p90 and mean are all told, and nothing calls it faster."""
    rng = np.random.default_rng(10)
    original = [[0.99 + 0.01 * rng.random() for _ in range(80)] for _ in range(SETS)]
    found = summary_of(original, [cascade_ms(rng, 0.4, 80) for _ in range(SETS)], tmp_path)
    assert found.latency.p50_ms == pytest.approx(0.6) and found.latency.p90_ms == pytest.approx(1.5)
    assert found.speedup == pytest.approx(1.04, abs=0.06) and found.latency.mean_ms == pytest.approx(0.96, abs=0.06)
    assert found.speedup_low is not None and found.speedup_low < GAIN
    assert found.p90_speedup == pytest.approx(0.66, abs=0.01)


def block(requests: int) -> BlockLoad:
    return BlockLoad(requests=requests, elapsed_s=1.0, cpu_s=1.0, waited_s=0.0)


def test_only_the_same_requests_are_compared() -> None:
    """Given inputs whose time grows with their number, When the slow original gets fewer into each block than the version
    that is twice as fast, Then the same inputs are compared, block by block."""
    first, second = np.arange(1.0, 41), np.arange(41.0, 81)
    original = [[*first[:5], *second[:4]]]
    version = [[*(first / 2), *(second / 2)]]
    loads = ([[block(5), block(4)]], [[block(40), block(40)]])
    assert math.exp(paired(original, version, *loads).logs[0]) == pytest.approx(2.0)
    assert paired(original, version, *loads).p90 == pytest.approx(2.0)


def test_nothing_in_common_is_an_error() -> None:
    with pytest.raises(ValueError):
        paired([[]], [[1.0]])


def test_a_twofold_gain_of_small_blocks_is_faster_among_hiccups(tmp_path) -> None:
    """Given five sets of two short blocks in which a request now and then takes ten times as long, Then what is twice as
    fast is always called faster."""
    rng = np.random.default_rng(11)

    def sets(ms: float) -> list[list[float]]:
        return [
            [ms * (10.0 if rng.random() < 0.005 else rng.lognormal(0, 0.05)) for _ in range(80)] for _ in range(SETS)
        ]

    for _ in range(50):
        low = summary_of(sets(2.0), sets(1.0), tmp_path).speedup_low
        assert low is not None and low > GAIN
