"""Requests that no program delayed show the quiet speed: two cores are simulated that a version shares with a load."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording import RecordingContext

from workers.contracts.disturbed import CLEAN_SHARE, HALF_SHARE, BlockLoad, clean_slices, is_under_load
from workers.contracts.jobs import SummarizeParams
from workers.jobs.summarize import run
from workers.measure.speedup import speedups
from workers.measure.undisturbed import undisturbed

FASTER, QUANTUM_MS, COLD_MS = 1.1, 4.0, 0.1
SETS, BLOCKS, MOST_BLOCKS, CLEAN, REQUESTS, INPUTS = 5, 2, 14, 16, 40, 64
Active = Callable[[float], float]
"""Milliseconds that a load goes on wanting a core from this moment on; 0 while it sleeps."""


def always(_: float) -> float:
    return 1e9


def never(_: float) -> float:
    return 0.0


def now_and_then(busy_ms: float, every_ms: float) -> Active:
    return lambda at_ms: max(0.0, busy_ms - at_ms % every_ms)


LOADS: dict[str, tuple[Active, Active]] = {
    "30 %": (now_and_then(30, 100), never),
    "one core": (always, never),
    "two cores": (always, always),
    "bursts": (now_and_then(3000, 10_000), now_and_then(3000, 10_000)),
}


class Computer:
    """Two cores, one thread of a version on each; a thread and a load take turns of `QUANTUM_MS` on a core.

    After the load's turn the caches are cold, which costs a thread `COLD_MS`.
    """

    def __init__(self, load: str, rng: np.random.Generator) -> None:
        """Create the cores with each load at a random moment of its cycle."""
        self.load, self.rng, self.now_ms = LOADS[load], rng, rng.uniform(0, 10_000)
        self.turn_ms = [rng.uniform(0, QUANTUM_MS) for _ in self.load]

    def request(self, work_ms: float) -> tuple[float, float]:
        """Return how long a request takes, and how long its threads waited in all, in milliseconds."""
        ends, waited_ms = [], 0.0
        for core, active in enumerate(self.load):
            at_ms, left_ms = self.now_ms, work_ms * self.rng.lognormal(0, 0.03)
            while left_ms > 0:
                if self.turn_ms[core] <= 0:
                    load_ms = min(QUANTUM_MS, active(at_ms))
                    at_ms, waited_ms, left_ms = at_ms + load_ms, waited_ms + load_ms, left_ms + COLD_MS * bool(load_ms)
                    self.turn_ms[core] = QUANTUM_MS
                step_ms = min(left_ms, self.turn_ms[core])
                at_ms, left_ms = at_ms + step_ms, left_ms - step_ms
                self.turn_ms[core] -= step_ms
            ends.append(at_ms)
        took_ms = max(ends) - self.now_ms
        self.now_ms += took_ms
        return took_ms, waited_ms

    def block(self, inputs_ms: Sequence[float], number: int, size: int) -> tuple[list[float], BlockLoad]:
        """Return the times of one block's requests, which begin with input `number`, and its load."""
        works = [inputs_ms[(number + at) % INPUTS] for at in range(REQUESTS)]
        rows = [self.request(work_ms) for work_ms in works]
        waits = tuple(sum(waited for _, waited in rows[at : at + size]) / 1000 for at in range(0, REQUESTS, size))
        took_s = sum(took for took, _ in rows) / 1000
        load = BlockLoad(
            requests=REQUESTS, elapsed_s=took_s, cpu_s=2 * sum(works) / 1000, waited_s=sum(waits), busy_share=0.3,
            slice_requests=size, slice_waits_s=waits, first_request=number, inputs=INPUTS,
        )  # fmt: skip
        return [took for took, _ in rows], load


def measured(load: str, ms: float, ratio: float, rng: np.random.Generator, uneven: float = 0.0) -> Any:
    """Return times and loads of original and version by set; a disturbed set gets more blocks, as in `BlockGroup`.

    Inputs differ by `uneven` (of the log) in their work, and processes by 2 % from start to start.
    """
    computer, size = Computer(load, rng), max(1, round(1.0 / ms))
    works = np.exp(rng.normal(0, uneven, INPUTS))
    sides: list[tuple[list[list[float]], list[list[BlockLoad]]]] = [([], []), ([], [])]
    for number in range(SETS):
        speeds = [factor * ms * rng.lognormal(0, 0.02) for factor in (ratio, 1.0)]
        blocks: list[list[tuple[list[float], BlockLoad]]] = [[], []]
        while len(blocks[0]) < BLOCKS or (
            len(blocks[0]) < MOST_BLOCKS and min(clean(blocks[0], HALF_SHARE), clean(blocks[1])) < CLEAN
        ):
            for side in (0, 1) if (number + len(blocks[0])) % 2 else (1, 0):
                first = (number * BLOCKS + len(blocks[side])) * REQUESTS
                blocks[side].append(computer.block(speeds[side] * works, first, size))
        for (times, loads), found in zip(sides, blocks, strict=True):
            times.append([value for one, _ in found for value in one])
            loads.append([one for _, one in found])
    return sides


def clean(blocks: Sequence[tuple[list[float], BlockLoad]], most_share: float = CLEAN_SHARE) -> int:
    return sum(len(clean_slices(times, load, most_share)) for times, load in blocks)


def share_called_faster(runs: int, load: str, ms: float, ratio: float, uneven: float = 0.0) -> float:
    """Return in which share of the runs the version is called faster."""
    rng, called = np.random.default_rng([runs, round(100 * ms), round(100 * ratio)]), 0
    for _ in range(runs):
        (old, old_loads), (new, loads) = measured(load, ms, ratio, rng, uneven)
        found = undisturbed(old, new, old_loads, loads)
        low = speedups([found[0]])[0].low if found is not None else None
        called += low is not None and low > FASTER
    return called / runs


@pytest.mark.parametrize(
    ("load", "ms", "ratio", "least", "most"),
    [
        ("30 %", 5.0, 1.0, 0, 0), ("one core", 0.5, 1.0, 0, 0), ("one core", 3.0, 1.0, 0, 0),
        ("two cores", 0.5, 1.0, 0, 0), ("bursts", 5.0, 1.0, 0, 0), ("30 %", 20.0, 1.3, 0.9, 1),
        ("30 %", 5.0, 1.3, 0.9, 1), ("one core", 1.5, 1.3, 0.7, 1), ("bursts", 5.0, 1.3, 0.9, 1),
        ("one core", 20.0, 2.0, 0, 0),  # each request meets the load, so nothing is known
    ],
)  # fmt: skip
def test_share_of_runs_that_call_a_version_faster_under_load(
    load: str, ms: float, ratio: float, least: float, most: float
) -> None:
    """Given a load and a version of known speed, then the share of runs that call it faster is within its limits."""
    assert least <= share_called_faster(20, load, ms, ratio) <= most


@pytest.mark.slow
@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("ms", [0.5, 3.0, 5.0, 20.0])
@pytest.mark.parametrize("uneven", [0.0, 0.5])
def test_equal_versions_are_not_called_faster_under_any_load(load: str, ms: float, uneven: float) -> None:
    """Given equal versions, even with inputs of very different length, then none of 300 runs calls one faster."""
    assert share_called_faster(300, load, ms, 1.0, uneven) == 0


def slices(waits_ms: Sequence[float], **more: Any) -> BlockLoad:
    """Return a block of 10 ms per request, in slices of two, with these waits."""
    count = 2 * len(waits_ms)
    known = {"requests": count, "elapsed_s": count / 100, "cpu_s": count / 100, "busy_share": 0.5, "slice_requests": 2}
    return BlockLoad(**{**known, "slice_waits_s": tuple(ms / 1000 for ms in waits_ms), "inputs": 8, **more})


def test_slices_are_chosen_by_waiting_and_stolen_time() -> None:
    """Given slices of 20 ms, then those with at most 1 ms of waiting count, less the block's stolen time; an incomplete
    slice and a system that reports no waiting have none."""
    block = slices([0.0, 0.9, 1.1])
    assert [one.begin for one in clean_slices([10.0] * 6, block)] == [0, 2]
    assert [one.begin for one in clean_slices([10.0] * 5, slices([0, 0, 0]))] == [0, 2]
    stolen = block.model_copy(update={"stolen_s": 0.0018})
    (one,) = clean_slices([10.0] * 6, stolen)
    assert one.begin == 0 and one.waited_ms == pytest.approx(0.6)
    assert clean_slices([10.0] * 6, block.model_copy(update={"slice_waits_s": None})) == []


def test_waiting_of_the_original_never_counts_for_the_version() -> None:
    """Given equal times and waiting in the original's slices alone, then the version reads slower, never faster."""
    times, quiet = [[10.0] * 16] * 3, [[slices([0.0] * 8)]] * 3
    found = undisturbed(times, times, [[slices([0.8] * 8)]] * 3, quiet)
    assert found is not None and np.exp(found[0]) == pytest.approx([0.96] * 3) and found[1] == pytest.approx(0.96)
    assert undisturbed(times[:1], times[:1], quiet[:1], quiet[:1]) is not None
    assert undisturbed(times, times, quiet, [[slices([0, 0, 0, *[5.0] * 5])]] * 3) is None


def test_summary_under_load_takes_undisturbed_requests_where_there_are_enough() -> None:
    """Given a version of half the time whose slices are in part disturbed, then the summary is that of the undisturbed
    ones; where all are disturbed, it is the agreement of three measures; when quiet, all requests count."""

    def summary(waits_ms: Sequence[float], busy: float) -> Any:
        old = [
            slices([waits_ms[(at + number) % 2] for at in range(8)], busy_share=busy, inputs=16) for number in range(4)
        ]
        new = [one.model_copy(update={"elapsed_s": one.elapsed_s / 2, "cpu_s": one.cpu_s / 2}) for one in old]
        params = SummarizeParams(
            latencies_ms=(((10.0,) * 16,) * 4, ((5.0,) * 16,) * 4),
            loads=tuple(tuple((one,) for one in side) for side in (old, new)),
        )
        return run(params, RecordingContext(Path())).rows[1]

    calm = summary([0.0, 9.0], 0.5)
    assert calm is not None and calm.under_load and calm.undisturbed
    assert calm.speedup == calm.agreed_low == pytest.approx(2.0)
    busy = summary([9.0, 9.0], 0.5)
    assert busy is not None and busy.under_load and not busy.undisturbed
    quiet = summary([0.0, 0.0], 0.0)
    assert quiet is not None and quiet.under_load is False and not quiet.undisturbed and quiet.speedup_low == 2.0
    assert is_under_load([[slices([0.0])]]) is True
