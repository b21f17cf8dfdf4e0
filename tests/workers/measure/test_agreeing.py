"""Under load only what all ways to compare agree on counts: simulated times of two versions on a busy computer."""

from collections.abc import Sequence

import numpy as np
import pytest

from workers.contracts.disturbed import is_under_load
from workers.contracts.specs import BlockLoad
from workers.measure.agreeing import agreement
from workers.measure.speedup import Speedup

FASTER = 1.05
SETS, BLOCKS, REQUESTS = 5, 2, 40
RNG = np.random.default_rng(7)
Sets = list[list[BlockLoad]]


def block(cpu_ms: float, ran_share: float, *, threads: float = 1.0, noise: float = 0.02) -> BlockLoad:
    """Requests of so many milliseconds of processor time, by threads that get `ran_share` of their ready time."""
    cpu_s = cpu_ms * REQUESTS / 1000 * RNG.lognormal(0.0, noise)
    ready_s = cpu_s / ran_share
    return BlockLoad(
        requests=REQUESTS, elapsed_s=ready_s / threads, cpu_s=cpu_s, waited_s=ready_s - cpu_s,
        busy_share=1 - ran_share,
    )  # fmt: skip


def times(
    cpu_ms: float,
    ran: Sequence[float] = (0.4, 0.6),
    *,
    threads: float = 1.0,
    noise: float = 0.1,
    plan: tuple[int, int] = (SETS, BLOCKS),
) -> Sets:
    """Sets of blocks as a final run has them, each block with a share of its own from the range `ran`."""
    sets, blocks = plan
    return [
        [block(cpu_ms, RNG.uniform(*ran), threads=threads, noise=noise) for _ in range(blocks)] for _ in range(sets)
    ]


def faster(original: Sets, variant: Sets) -> bool:
    found = agreement(original, variant)
    assert found is not None
    return found[0].low is not None and found[0].low > FASTER


def share(wins: Sequence[bool]) -> float:
    return sum(wins) / len(wins)


def test_one_set_of_processes_proves_no_more_than_it_can() -> None:
    """Given a single set of three blocks, Then equal versions are hardly ever called faster; twice as fast mostly is."""
    assert share([faster(times(2.0, plan=(1, 3)), times(2.0, plan=(1, 3))) for _ in range(800)]) <= 0.03
    assert share([faster(times(4.0, plan=(1, 3)), times(2.0, plan=(1, 3))) for _ in range(200)]) >= 0.7


def test_a_version_of_the_same_speed_is_hardly_ever_called_faster_under_load() -> None:
    """Given both loaded alike, Then one in forty at most of equal versions is called faster."""
    assert share([faster(times(2.0), times(2.0)) for _ in range(800)]) <= 0.025


@pytest.mark.parametrize("gain", [1.02, 1.05])
def test_a_small_gain_is_hardly_ever_called_faster_under_load(gain: float) -> None:
    """Given a gain that a quiet computer might not show, Then load does not make it a recommendation."""
    assert share([faster(times(2.0 * gain), times(2.0)) for _ in range(400)]) <= 0.05


def test_twice_as_fast_stays_faster_under_load() -> None:
    """Given a version of half the time, Then at least nine in ten loaded measurements call it faster."""
    assert share([faster(times(4.0), times(2.0)) for _ in range(200)]) >= 0.9


def test_load_on_the_original_alone_makes_nothing_faster() -> None:
    """Given other programs that took half of the time only while the original had its turn, Then nothing is proven,
    though its wall time was twice as long; and the measurement counts as loaded."""
    wins = []
    for _ in range(200):
        original, variant = times(2.0, (0.4, 0.6)), times(2.0, (0.97, 1.0))
        wins.append(faster(original, variant))
        assert is_under_load(original, variant) is True
    assert share(wins) <= 0.025


def test_spinning_threads_make_no_version_faster() -> None:
    """Given an original with two threads, twice as fast when quiet, that pay twice the processor time and wait longer
    beside other programs, Then the version with one thread is not called faster, though wall and processor time say so.
    """
    wins = []
    for _ in range(200):
        original = times(4.0, (0.3, 0.4), threads=2.0)  # 2 ms when quiet
        variant = times(3.0, (0.6, 0.7))  # 3 ms when quiet
        wins.append(faster(original, variant))
    assert share(wins) == 0.0


def test_a_drift_of_the_load_hits_both_alike() -> None:
    """Given a load that grows from block to block, Then pairs of blocks see it alike: no false gain."""

    def drifting() -> Sets:
        return [[block(2.0, 0.9 - 0.2 * b - 0.1 * s) for b in range(BLOCKS)] for s in range(SETS)]

    assert share([faster(drifting(), drifting()) for _ in range(200)]) <= 0.025


def test_a_quiet_computer_is_no_load() -> None:
    """Given threads that hardly waited, Then there is no load; given nothing known, Then it is not known."""
    assert is_under_load(times(2.0, (0.97, 1.0)), times(1.0, (0.97, 1.0))) is False
    assert is_under_load(times(2.0, (0.97, 1.0)), []) is None
    assert is_under_load([], times(2.0, (0.5, 0.6))) is True


def test_load_in_the_turns_of_one_alone_is_a_load() -> None:
    """Given other programs that took 10 % of the cores in the original's turns and nothing in the version's, Then that is a
    load, though either alone would be none, nor would 10 % in the turns of both; a coarse clock makes none."""

    def turns(share: float, coarse: float = 0.0) -> Sets:
        return [
            [
                one.model_copy(update={"busy_share": share + RNG.choice([-coarse, coarse])})
                for one in (*one_set, *one_set)
            ]
            for one_set in times(2.0, (0.98, 1.0))
        ]

    assert is_under_load(turns(0.1, 0.02), turns(0.0, 0.02)) is True
    assert is_under_load(turns(0.0, 0.02), turns(0.1, 0.02)) is True
    assert is_under_load(turns(0.1, 0.02), turns(0.1, 0.02)) is False
    assert sum(is_under_load(turns(0.03, 0.2), turns(0.03, 0.2)) is True for _ in range(200)) <= 6


def test_a_coarse_clock_is_no_load() -> None:
    """Given short blocks in which the system counted others as −.3 and .3 of the cores, Then that is no load in the mean."""
    quiet = [
        one.model_copy(update={"busy_share": 0.3 if index % 2 else -0.3})
        for one_set in times(2.0, (0.98, 1.0))
        for index, one in enumerate([*one_set, one_set[0]])
    ]
    assert is_under_load([quiet]) is False
    assert is_under_load([[one.model_copy(update={"busy_share": 0.3}) for one in quiet]]) is True


def test_without_a_word_on_waiting_nothing_is_proven() -> None:
    """Given a system that does not tell how long threads waited, Then processor time is compared, and no bound given."""
    untold = [[one.model_copy(update={"waited_s": None}) for one in one_set] for one_set in times(2.0, noise=0.0)]
    found = agreement(untold, untold)
    assert found == (Speedup(1.0, None, None), 1.0)
    assert is_under_load(untold) is True


def test_few_blocks_prove_nothing() -> None:
    """Given two pairs of blocks, Then there is no bound; given none, Then no comparison."""
    found = agreement([times(2.0)[0][:2]], [times(1.0)[0][:2]])
    assert found is not None and found[0].low is None and found[1] > 1.5
    assert agreement([], times(1.0)) is None


def covering(sets: int, runs: int, between: float = 0.05, within: float = 0.02, blocks: int = 3) -> float:
    """Share of runs in which the interval holds the true speedup of 2, where processes differ by `between` from start
    to start and blocks of one process by `within` (both of the log)."""
    rng, held = np.random.default_rng([sets, runs]), 0
    for _ in range(runs):
        start = rng.normal(np.log(2.0), between, (sets, 1)) + rng.normal(0, within, (sets, blocks))
        original = [[_exact(2.0 * ratio) for ratio in row] for row in np.exp(start)]
        found = agreement(original, [[_exact(2.0)] * blocks] * sets)
        assert found is not None and found[0].low is not None and found[0].high is not None
        held += found[0].low <= 2.0 <= found[0].high
    return held / runs


def _exact(cpu_ms: float) -> BlockLoad:
    """A block whose threads ran half of the time, so that all three ways to compare say the same."""
    seconds = cpu_ms * REQUESTS / 1000
    return BlockLoad(requests=REQUESTS, elapsed_s=2 * seconds, cpu_s=seconds, waited_s=seconds, busy_share=0.5)


@pytest.mark.parametrize("sets", [2, 3, 5])
@pytest.mark.parametrize("between", [0.0, 0.05])
def test_agreement_interval_covers_the_true_speedup_in_95_percent(sets: int, between: float) -> None:
    """Given few sets of processes that differ from start to start or not, Then 95 % of the intervals hold the truth
    (three standard errors of 800 runs allowed)."""
    assert covering(sets, 800, between) >= 0.95 - 3 * (0.95 * 0.05 / 800) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("sets", [2, 3, 5, 10])
def test_agreement_interval_covers_the_true_speedup_in_full(sets: int) -> None:
    """Given 20,000 runs, Then the same within half a point."""
    assert covering(sets, 20_000) >= 0.945
