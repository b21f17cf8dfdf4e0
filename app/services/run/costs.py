"""Estimate what the steps of a run cost in seconds and bytes: from a model's size, or from what was measured.

A run opens and reads. Each version is made, evaluated and timed. The best ones are then timed again side by side, each
in its own process. Before a run, request times follow from the model's size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.jobs.interleaving import Pace
from app.services.flow.steps import Measured
from workers.contracts.process.allowance import usable_cores

StepKind = Literal["open", "read", "original", "version", "final", "proof"]

VERSION: StepKind = "version"

FINAL_SETS, FINAL_BLOCKS = 5, 2
"""Blocks of 40 timed requests or more in each of 5 sets of fresh processes; a speedup is sampled over sets."""

SWITCH_S = 0.04
"""Seconds from the end of a turn to the first request of the next one."""

QUICK_BLOCKS, FEW_BLOCKS, SLOW_BLOCK_S = 8, 3, 0.3
"""Blocks of the original's first measurement, fewer if its blocks last longer than `SLOW_BLOCK_S` seconds.

A version and the original share about as many in its first measurement, each with half of the requests.
"""

WARMUP_REQUESTS, TIMED_REQUESTS, BLOCK_MAX_S = 10, 40, 2.0
"""Each block warms up with 10 of its 50 requests; blocks of slow models end after 2 seconds."""

WITH_WARMUP = (WARMUP_REQUESTS + TIMED_REQUESTS) / TIMED_REQUESTS

LEAST_BLOCK_S = 0.08
"""Least seconds of a block of the fastest version in a side-by-side measurement; its requests are set to fill them."""

IN_TURN = Pace(WARMUP_REQUESTS, TIMED_REQUESTS, BLOCK_MAX_S, FINAL_BLOCKS, LEAST_BLOCK_S)


def first_pace(versions: int, blocks: int) -> Pace:
    """Return the pace of a first measurement of so many versions, which share the requests of a block."""
    least_s = LEAST_BLOCK_S if versions > 1 else 0.0
    return Pace(WARMUP_REQUESTS // versions, TIMED_REQUESTS // versions, BLOCK_MAX_S, blocks, least_s)


START_S, LOAD_S, LOAD_S_PER_MB = 0.4, 0.2, 0.004
"""Seconds to start Python and import our code (a low value of the 0.42 to 0.56 s of slow cores), and to load a model.

Together they are the median of runs of small models on two cores, as are the following seconds outside of requests.
"""

OPEN_S, OPEN_S_PER_MB = 4.0, 0.02
MAKE_S, MAKE_S_PER_MB = 2.4, 0.03

MEAN_BLOCKS, MEAN_BLOCKS_OF_SLOW = 8.0, 2.5
BESIDE_BLOCKS, BESIDE_BLOCKS_OF_SLOW = 1.7, 1.0
"""Mean blocks of 40 requests of the original alone, and of each of both beside a version; hopeless ones have fewer."""

KEPT_SHARE, FINAL_SHARE = 0.75, 0.65
"""Share of a preset's recipes that fit a model and a machine until planning gives their number, and of these versions
the share that is fast and alike enough for the final run if time permits."""

MOST_SCREENED, PROVEN = 200, 2.0
"""Most calibration examples per version, and the number of versions evaluated on the whole test set."""

VERSION_TIME = 0.7
"""Mean ratio of a version's request time to the original's."""

REQUEST_MS, REQUEST_MS_PER_MB = 0.5, 0.2
"""Expected request time of small convolutional networks and encoders on two cores."""

MEGABYTE = 1_000_000

PROCESS_MB, PROCESS_SIZES = 105.0, 4.0
MAKING_MB, MAKING_SIZES = 190.0, 7.8
"""Memory of a process that runs or makes a version: a constant and a multiple of the model's size."""

IDLE_MB, VERSION_PEAKS = 65.0, 1.5
"""Memory after the original is measured: an idle process, and a version's peak in peaks of its original."""


@dataclass(frozen=True)
class Cost:
    """Expected seconds of measuring one version; owned by the `RunClock`.

    `start_s` starts its process, `load_s` covers all other work outside of turns (mainly loading the model), and
    `request_s` is one request.
    """

    start_s: float
    load_s: float
    request_s: float

    @property
    def block_s(self) -> float:
        """Return the seconds of a block of a first measurement."""
        return min(BLOCK_MAX_S, WITH_WARMUP * TIMED_REQUESTS * self.request_s)

    def turns_s(self, turns: int, fastest_s: float) -> float:
        """Return the seconds of one started process for so many turns beside a version of `fastest_s` a request."""
        requests = sum(IN_TURN.block(1000 * self.request_s, 1000 * fastest_s))
        turns = min(turns, IN_TURN.blocks_of(1000 * self.request_s))
        return self.load_s + turns * (SWITCH_S + requests * self.request_s)


def cost_in_turn(load_ms: float | None, request_ms: float | None) -> Cost:
    """Return the cost of a version by the figures that are kept of it; milliseconds, None where it was not measured."""
    return Cost(START_S, (load_ms or 0.0) / 1000, (request_ms or 0.0) / 1000)


def first_cost(measured: Measured, original: Cost | None) -> Cost:
    """Return the cost of the last version of a measurement of one set, in which the `original` is the other one if any.

    Both processes start at the same time.
    """
    sums_s = [sum(sum(one_set) for one_set in sets) / 1000 for sets in measured.latencies_ms]
    requests = sum(map(len, measured.latencies_ms[-1]))
    other_s = measured.seconds - WITH_WARMUP * sum(sums_s)
    if original is not None and len(sums_s) > 1:
        other_s -= original.load_s
    start_s = min(START_S, max(0.0, other_s))
    return Cost(start_s, max(0.0, other_s - start_s), sums_s[-1] / max(1, requests))


def set_s(costs: Sequence[Cost], turns: int) -> float:
    """Return the seconds of one set: processes start in parallel, one per core at most, and then take turns."""
    fastest_s = min((cost.request_s for cost in costs), default=0.0)
    at_once = max(1, min(len(costs), usable_cores()))
    return sum(cost.start_s for cost in costs) / at_once + sum(cost.turns_s(turns, fastest_s) for cost in costs)


def in_turn_s(costs: Sequence[Cost]) -> float:
    """Return the seconds of measuring versions in turn with the original, which is the first of `costs`."""
    return FINAL_SETS * set_s(costs, FINAL_BLOCKS)


@dataclass(frozen=True)
class FinalPlan:
    """Number of versions measured side by side with the original, of sets of processes, and of blocks.

    `proof_s` are the seconds that the round leaves for the proof.
    """

    versions: int
    sets: int
    blocks: int = FINAL_BLOCKS
    proof_s: float = field(default=0.0, compare=False)


CHOICES = (*(FinalPlan(n, 5) for n in (6, 3, 2, 1)), FinalPlan(1, 3), FinalPlan(1, 2), FinalPlan(1, 2, 1))
"""Plans from the most thorough to the cheapest one.

The cheapest plan also begins where it may not fit, and is then stopped. Two sets can show a speedup of two; one set
gives no bound.
"""


@dataclass(frozen=True)
class Basis:
    """Known facts about a run, before it or once the original is measured and the rest is planned.

    `request_ms` and `peak_bytes` are the original's; the peak excludes the memory of an idle process.
    """

    size_bytes: int
    n_test: int
    recipes: int
    budget_s: float | None = None
    planned: int | None = None
    request_ms: float | None = None
    peak_bytes: int | None = None

    @property
    def versions(self) -> float:
        """Return the number of planned versions, or the number that probably fits."""
        return KEPT_SHARE * self.recipes if self.planned is None else float(self.planned)

    @property
    def final_versions(self) -> float:
        """Return the expected number of versions in the final run for which the time budget suffices."""
        expected, counts = FINAL_SHARE * self.versions, [float(plan.versions) for plan in CHOICES[:4]]
        left_s = None if self.budget_s is None else self.budget_s - self._tried_s
        fitting = (min(count, expected) for count in counts if left_s is None or self._final_s(count) <= left_s)
        return next(fitting, 1.0)

    @property
    def steps_s(self) -> dict[StepKind, float]:
        """Return the expected seconds of each kind of step; those of a version are for one version."""
        return {**self._tried, "final": self._final_s(self.final_versions)}

    @property
    def seconds(self) -> float:
        """Return the expected seconds of the whole run, at most its time budget."""
        total_s = self._tried_s + self._final_s(self.final_versions)
        return total_s if self.budget_s is None else min(total_s, self.budget_s)

    @property
    def memory_bytes(self) -> int:
        """Return the expected peak in bytes: the larger of making a version and of the final run."""
        megabytes, count = self.size_bytes / MEGABYTE, self.final_versions
        final_mb = (1 + count) * (PROCESS_MB + PROCESS_SIZES * megabytes)
        if self.peak_bytes is not None:
            final_mb = (1 + count) * IDLE_MB + (1 + VERSION_PEAKS * count) * self.peak_bytes / MEGABYTE
        return round(max(MAKING_MB + MAKING_SIZES * megabytes, final_mb) * MEGABYTE)

    @property
    def _request_s(self) -> float:
        usual_ms = REQUEST_MS + REQUEST_MS_PER_MB * self.size_bytes / MEGABYTE
        return (usual_ms if self.request_ms is None else self.request_ms) / 1000

    @property
    def _tried(self) -> dict[StepKind, float]:
        megabytes, request_s = self.size_bytes / MEGABYTE, self._request_s
        block_s = min(BLOCK_MAX_S, WITH_WARMUP * TIMED_REQUESTS * request_s)
        is_slow = block_s > SLOW_BLOCK_S
        alone_s = (MEAN_BLOCKS_OF_SLOW if is_slow else MEAN_BLOCKS) * block_s
        beside_s = (BESIDE_BLOCKS_OF_SLOW if is_slow else BESIDE_BLOCKS) * (1 + VERSION_TIME) * block_s
        load_s = LOAD_S + LOAD_S_PER_MB * megabytes
        screened_s = min(MOST_SCREENED, self.n_test / 4) * request_s
        return {
            "open": (OPEN_S + OPEN_S_PER_MB * megabytes) / 2,
            "read": (OPEN_S + OPEN_S_PER_MB * megabytes) / 2,
            "original": MAKE_S + self.n_test * request_s + alone_s,
            "version": MAKE_S_PER_MB * megabytes + MAKE_S + VERSION_TIME * screened_s + beside_s + load_s,
            "proof": PROVEN * (MAKE_S + VERSION_TIME * self.n_test * request_s),
        }

    @property
    def _tried_s(self) -> float:
        tried = self._tried
        return sum(tried.values()) + (self.versions - 1) * tried["version"]

    def _final_s(self, versions: float) -> float:
        one = Cost(START_S, LOAD_S + LOAD_S_PER_MB * self.size_bytes / MEGABYTE, VERSION_TIME * self._request_s)
        return FINAL_SETS * (1 + versions) * (one.start_s + one.turns_s(FINAL_BLOCKS, one.request_s))
