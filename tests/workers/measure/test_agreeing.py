"""Speedup under load counts only if three measures agree: simulated times of two versions on a busy computer."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from workers.contracts.disturbed import BlockLoad, is_under_load
from workers.measure.agreeing import agreement
from workers.measure.speedup import Speedup

FASTER = 1.05
SETS, BLOCKS, REQUESTS = 5, 2, 40
IDLE = (0.98, 1.0)
RNG = np.random.default_rng(7)
Sets = list[list[BlockLoad]]


def block(cpu_ms: float, ran_share: float, *, threads: float = 1.0, noise: float = 0.02) -> BlockLoad:
    """Simulate requests of so much processor time, by threads that run for `ran_share` of their ready time."""
    cpu_s = cpu_ms * REQUESTS / 1000 * RNG.lognormal(0.0, noise)
    ready_s = cpu_s / ran_share
    return BlockLoad(
        requests=REQUESTS, elapsed_s=ready_s / threads, cpu_s=cpu_s, waited_s=ready_s - cpu_s,
        busy_share=1 - ran_share,
    )  # fmt: skip


def times(
    cpu_ms: float, ran: Sequence[float] = (0.4, 0.6), *, threads: float = 1.0, noise: float = 0.1, sets: int = SETS,
    blocks: int = BLOCKS,
) -> Sets:  # fmt: skip
    """Simulate sets of blocks, each block with its own share of running time from the range `ran`."""
    return [
        [block(cpu_ms, RNG.uniform(*ran), threads=threads, noise=noise) for _ in range(blocks)] for _ in range(sets)
    ]


def growing() -> Sets:
    """Simulate a load that grows from block to block."""
    return [[block(2.0, 0.9 - 0.2 * b - 0.1 * s) for b in range(BLOCKS)] for s in range(SETS)]


def changed(sets: Sets, **fields: float | None) -> Sets:
    """Return the blocks with other values of some fields."""
    return [[one.model_copy(update=fields) for one in one_set] for one_set in sets]


def in_turns(share: float, coarse: float) -> Sets:
    """Simulate other programs that take a share of the cores, read with an error of `coarse`."""
    sets = times(2.0, IDLE, blocks=2 * BLOCKS)
    return [changed([[one]], busy_share=share + RNG.choice([-coarse, coarse]))[0] for s in sets for one in s]


@pytest.mark.parametrize(
    ("original", "version", "runs", "least", "most"),
    [
        pytest.param(lambda: times(2.0), lambda: times(2.0), 800, 0, 0.025, id="equal"),
        pytest.param(lambda: times(2.04), lambda: times(2.0), 400, 0, 0.05, id="1.02 times as fast"),
        pytest.param(lambda: times(2.1), lambda: times(2.0), 400, 0, 0.05, id="1.05 times as fast"),
        pytest.param(lambda: times(4.0), lambda: times(2.0), 200, 0.9, 1, id="twice as fast"),
        pytest.param(lambda: times(2.0), lambda: times(2.0, IDLE), 200, 0, 0.025, id="load on the original alone"),
        # two threads that spin: 2 ms when idle, but twice the processor time; the version takes 3 ms when idle
        pytest.param(
            lambda: times(4.0, (0.3, 0.4), threads=2.0),
            lambda: times(3.0, (0.6, 0.7)),
            200,
            0,
            0,
            id="spinning threads",
        ),
        pytest.param(growing, growing, 200, 0, 0.025, id="growing load"),
        pytest.param(
            lambda: times(2.0, sets=1, blocks=3),
            lambda: times(2.0, sets=1, blocks=3),
            800,
            0,
            0.03,
            id="one set, equal",
        ),
        pytest.param(
            lambda: times(4.0, sets=1, blocks=3), lambda: times(2.0, sets=1, blocks=3), 200, 0.7, 1, id="one set, twice"
        ),
    ],
)
def test_version_is_called_faster_in_the_expected_share_of_runs(
    original: Callable[[], Sets], version: Callable[[], Sets], runs: int, least: float, most: float
) -> None:
    """Given two versions under load, then the share of runs that call the version faster is within its limits."""
    found = [agreement(original(), version()) for _ in range(runs)]
    wins = sum(one is not None and one[0].low is not None and one[0].low > FASTER for one in found)
    assert least <= wins / runs <= most


def test_load_is_detected_by_waiting_threads_or_busy_cores() -> None:
    """Given threads that waited, or cores that others used in the turns of one version only, then there is load; given
    the same use in both turns, or a clock that is coarse around 0, then there is none."""
    idle = times(2.0, IDLE)
    assert is_under_load(idle, times(1.0, IDLE)) is False
    assert is_under_load(idle, []) is None
    assert is_under_load([], times(2.0, (0.5, 0.6))) is True
    assert is_under_load(times(2.0), idle) is True
    assert is_under_load(in_turns(0.1, 0.02), in_turns(0.0, 0.02)) is True
    assert is_under_load(in_turns(0.0, 0.02), in_turns(0.1, 0.02)) is True
    assert is_under_load(in_turns(0.1, 0.02), in_turns(0.1, 0.02)) is False
    assert sum(is_under_load(in_turns(0.03, 0.2), in_turns(0.03, 0.2)) is True for _ in range(200)) <= 6
    quiet = [one for one_set in idle for one in [*one_set, one_set[0]]]
    coarse = [one.model_copy(update={"busy_share": 0.3 if at % 2 else -0.3}) for at, one in enumerate(quiet)]
    assert is_under_load([coarse]) is False
    assert is_under_load(changed([quiet], busy_share=0.3)) is True


def test_agreement_without_waiting_times_or_with_few_blocks_has_no_bound() -> None:
    """Given a system that does not report waiting threads, or two pairs of blocks, then there is no bound; given no pair,
    then no comparison."""
    unreported = changed(times(2.0, noise=0.0), waited_s=None)
    assert agreement(unreported, unreported) == (Speedup(1.0, None, None), 1.0)
    assert is_under_load(unreported) is True
    found = agreement([times(2.0)[0][:2]], [times(1.0)[0][:2]])
    assert found is not None and found[0].low is None and found[1] > 1.5
    assert agreement([], times(1.0)) is None


def covering(sets: int, runs: int, between: float = 0.05, within: float = 0.02, blocks: int = 3) -> float:
    """Return the share of runs in which the interval holds the true speedup of 2.

    Processes differ by `between` from start to start and blocks of one process by `within` (both of the log).
    """
    rng, held = np.random.default_rng([sets, runs]), 0
    for _ in range(runs):
        start = rng.normal(np.log(2.0), between, (sets, 1)) + rng.normal(0, within, (sets, blocks))
        original = [[_exact(2.0 * ratio) for ratio in row] for row in np.exp(start)]
        found = agreement(original, [[_exact(2.0)] * blocks] * sets)
        assert found is not None and found[0].low is not None and found[0].high is not None
        held += found[0].low <= 2.0 <= found[0].high
    return held / runs


def _exact(cpu_ms: float) -> BlockLoad:
    """Return a block whose threads ran half of the time, so that all three measures are equal."""
    seconds = cpu_ms * REQUESTS / 1000
    return BlockLoad(requests=REQUESTS, elapsed_s=2 * seconds, cpu_s=seconds, waited_s=seconds, busy_share=0.5)


@pytest.mark.parametrize("sets", [2, 3, 5])
@pytest.mark.parametrize("between", [0.0, 0.05])
def test_agreement_interval_covers_the_true_speedup_in_95_percent(sets: int, between: float) -> None:
    """Given few sets of processes that differ from start to start or not, then 95 % of the intervals hold the truth
    (three standard errors of 800 runs allowed)."""
    assert covering(sets, 800, between) >= 0.95 - 3 * (0.95 * 0.05 / 800) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("sets", [2, 3, 5, 10])
def test_agreement_interval_covers_the_true_speedup_in_full(sets: int) -> None:
    """Given 20,000 runs, then 95 % of the intervals hold the truth within half a point."""
    assert covering(sets, 20_000) >= 0.945
