"""Divide the time of a run between its steps, so that it ends in time with a result.

Time for the final run is reserved as soon as one version is measured. The reserve follows from how long measuring each
version took so far, never from a fixed share of the limit. Time left after the final run goes to versions whose
measurement is undecided and to recipes that were not tried yet.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from app.jobs.interleaving import Pace
from app.services.flow.steps import Measured
from app.services.run.bounded_steps import MIN_STEP_S
from workers.contracts.process.allowance import usable_cores

FINAL_SETS, FINAL_BLOCKS = 5, 2
"""Blocks of 40 timed requests or more in each of 5 sets of fresh processes; a speedup is sampled over sets."""

QUICK_BLOCKS, FEW_BLOCKS = 8, 3
SLOW_BLOCK_S = 0.3

WARMUP_REQUESTS, TIMED_REQUESTS, WITH_WARMUP, BLOCK_MAX_S = 10, 40, 1.25, 2.0
"""Each block warms up with 10 of its 50 requests; blocks of slow models end after 2 seconds."""

LEAST_BLOCK_S = 0.08
"""Least seconds of a block of the fastest version in a side-by-side measurement; its requests are set to fill them."""

IN_TURN = Pace(WARMUP_REQUESTS, TIMED_REQUESTS, BLOCK_MAX_S, FINAL_BLOCKS, LEAST_BLOCK_S)

PROCESS_S = 0.4
"""Seconds to start Python and import our code before a model loads: a low value of the 0.42 to 0.56 s of slow cores."""

SLOW_REQUEST_MS = 40.0
"""From this request time (ms) on, a block lasts its full 2 seconds, and 2 blocks are enough to measure the original."""

SAFETY = 1.3
"""Factor on estimated times, so that the run ends in time on a machine that gets busier meanwhile."""

ANSWER_SHARE = 0.07
MIN_ANSWER_S = 2.0

MIN_TAIL_S = 1.0
WORTH_SHARE, TRY_ANYWAY_SHARE = 0.6, 0.3
"""Share of its expected time that must be left to begin a version; it is stopped if the estimate was too low."""


@dataclass(frozen=True)
class Cost:
    """Expected seconds of measuring one version; owned by the `TimeBudget`.

    `start_s` starts its process, `load_s` covers all other work outside the blocks (mainly loading the model), and
    `block_s` is one block of 40 requests.
    """

    start_s: float
    load_s: float
    block_s: float

    def turns_s(self, blocks: int, longer: float = 1.0) -> float:
        """Return the seconds of one started process for `blocks` blocks with `longer` times 40 requests each."""
        return self.load_s + blocks * min(BLOCK_MAX_S, longer * self.block_s)


def set_s(costs: Sequence[Cost], blocks: int) -> float:
    """Return the seconds of one set: processes start in parallel, one per core at most, and then take turns."""
    longer = times_longer(costs)
    at_once = max(1, min(len(costs), usable_cores()))
    return sum(cost.start_s for cost in costs) / at_once + sum(cost.turns_s(blocks, longer) for cost in costs)


def cost_in_turn(load_ms: float | None, request_ms: float | None) -> Cost:
    """Return the cost of a version by the figures that are kept of it; milliseconds, None where it was not measured."""
    return Cost(PROCESS_S, (load_ms or 0.0) / 1000, WITH_WARMUP * TIMED_REQUESTS * (request_ms or 0.0) / 1000)


def in_turn_s(costs: Sequence[Cost]) -> float:
    """Return the seconds of measuring versions in turn with the original, which is the first of `costs`."""
    return FINAL_SETS * set_s(costs, FINAL_BLOCKS)


def times_longer(costs: Sequence[Cost]) -> float:
    """Return the factor on 40 requests per block when versions of these costs are measured side by side."""
    fastest_s = min((cost.block_s for cost in costs), default=0.0) / (WITH_WARMUP * TIMED_REQUESTS)
    _, timed = IN_TURN.wanted(1000 * fastest_s)
    return timed / TIMED_REQUESTS


@dataclass(frozen=True)
class FinalPlan:
    """Number of versions measured side by side with the original, of sets of processes, and of blocks."""

    finalists: int
    sets: int
    blocks: int = FINAL_BLOCKS


CHOICES = (
    FinalPlan(6, 5),
    FinalPlan(3, 5),
    FinalPlan(2, 5),
    FinalPlan(1, 5),
    FinalPlan(1, 3),
    FinalPlan(1, 2),
    FinalPlan(1, 2, 1),
)
"""Plans from the most thorough to the cheapest one.

The cheapest plan also begins where it may not fit, and is then stopped. Two sets can show a speedup of two; one set
gives no bound.
"""

PROOF_SHARE = 0.35
"""Largest share of the time limit that is reserved for evaluating gains on the test set."""

SOME_ITEMS = 59
"""Least items of a proof: 59 predictions without a change show that fewer than 5 % of all predictions change."""

MIN_SPEEDUP = 0.1

USEFUL_SHARE = 0.6
"""Share of its expected time that must be left to begin a further round when nothing else can be done."""

LEAST_MORE_S = 5.0


class TimeBudget:
    """Time limit of one run and the costs it has observed; owned by the run's `Search`.

    Time saved by the cache counts as if it had been spent (`record_cached`). A resumed or repeated run therefore makes
    the
    same decisions as the first one. Opening the model and reading the examples count only if the run itself does them.
    """

    def __init__(
        self,
        total_s: float | None,
        elapsed: Callable[[], float],
        *,
        begun_s: float | None = None,
        from_now_s: float | None = None,
    ) -> None:
        """Create a budget of `total_s` seconds; None means no limit.

        Args:
            total_s: The limit in seconds, with any time that was added later.
            elapsed: Returns the seconds since the run began or was resumed.
            begun_s: The limit that the run began with; None means `total_s`.
            from_now_s: Seconds granted from now on, whatever was spent before; None means that `total_s` counts.
        """
        self._total_s, self._elapsed = total_s, elapsed
        self._begun_s = total_s if begun_s is None else begun_s
        self._from_now_s = from_now_s
        self._costs: dict[str, Cost] = {}
        self._first: str | None = None
        self._tried_s: list[float] = []
        self._original_s = 0.0
        self._tail_s = self._saved_s = 0.0
        self._items = self._left_out = 0
        self.keeps_proof = False  # whether a gain exists that needs a proof
        self.item_s = self._beside_s = 0.0
        self._answer_speedup = 1.0

    @property
    def left_s(self) -> float | None:
        """Return the seconds until the run must end, None without a limit."""
        if self._from_now_s is not None:
            return self._from_now_s - self._elapsed()
        return None if self._total_s is None else self._total_s - self.spent_s

    @property
    def spent_s(self) -> float:
        """Return the elapsed seconds plus the seconds that the cache saved."""
        return self._elapsed() + self._saved_s

    @property
    def saved_s(self) -> float:
        """Return the seconds that the cache saved."""
        return self._saved_s

    def record_cached(self, seconds: float) -> None:
        """Count the seconds that a step took when its cached result was made."""
        self._saved_s += seconds

    @property
    def answer_s(self) -> float | None:
        """Return the seconds for the original's predictions.

        They depend on the initial limit alone, because they are part of a cache key.
        """
        return None if self._begun_s is None else max(MIN_ANSWER_S, self._begun_s * ANSWER_SHARE)

    def record_measured(self, variant_id: str, measured: Measured, index: int) -> None:
        """Record the cost of a version's first measurement; the first recorded version is the original."""
        times_ms = [value for one_set in measured.latencies_ms[index] for value in one_set]
        timed_s = WITH_WARMUP * sum(times_ms) / 1000
        self._first = self._first or variant_id
        block_s = min(BLOCK_MAX_S, TIMED_REQUESTS * timed_s / max(1, len(times_ms)))
        beside_s = max(0.0, measured.seconds - timed_s)
        start_s = min(PROCESS_S, beside_s)
        self._costs[variant_id] = Cost(start_s, beside_s - start_s, block_s)

    def record_original(self, seconds: float) -> None:
        """Record the total seconds of the original's step."""
        self._original_s = seconds

    def record_tried(self, seconds: float) -> None:
        """Record the seconds that one version took from its start to its figures."""
        self._tried_s.append(seconds)

    def record_closing(self, seconds: float) -> None:
        """Record the seconds of computing the figures, which happens once more at the end."""
        self._tail_s = max(self._tail_s, seconds)

    def record_predictions(
        self, items: int, asked: int, seconds: float, beside_s: float, share: float | None = None
    ) -> None:
        """Record how long the original took to predict.

        Args:
            items: Number of items to predict in all.
            asked: Number of items predicted so far.
            seconds: Seconds of these predictions.
            beside_s: Seconds to start one process that predicts and one that judges.
            share: Share of the whole work that the predicted items make up, where items differ much in size.
        """
        share = asked / max(1, items) if share is None else share
        self._items, self.item_s, self._beside_s = items, seconds / max(1e-9, share * items), max(0.0, beside_s)
        self._left_out = items - asked

    def record_answer_speedup(self, speedup: float) -> None:
        """Record how many times faster than the original a version predicts; slower ones need a longer proof."""
        self._answer_speedup = min(self._answer_speedup, speedup or 1.0)

    def answers_s(self, speedup: float, items: int | None = None) -> float:
        """Return the expected seconds to predict `items` (None: all) with a version of this speedup and to judge it."""
        n = self._items if items is None else items
        return self._beside_s + n * self.item_s / max(speedup, MIN_SPEEDUP)

    def items_in_time(self, speedup: float) -> int:
        """Return how many items the original and a version of this speedup can both predict in the remaining time."""
        spare_s = (self.proof_left_s or 0.0) / SAFETY - self.answers_s(1.0, 0) - self.answers_s(speedup, 0)
        return max(0, min(self._items, int(spare_s / (self.item_s * (1 + 1 / max(speedup, MIN_SPEEDUP)) or 1.0))))

    @property
    def proof_s(self) -> float:
        """Return the seconds reserved for the proof.

        They cover all items for two versions and the items that the original has yet to predict. If that exceeds
        `PROOF_SHARE` of the limit, they cover one version, or else `SOME_ITEMS` items. The rest is offered after the
        run.
        """
        total_s = self._from_now_s if self._from_now_s is not None else self._total_s
        if total_s is None or not self._items:
            return 0.0
        rest_s = self._beside_s + (self.answers_s(1.0) if self._left_out else 0.0)  # fingerprints come first
        one_s, some = self.answers_s(self._answer_speedup), min(SOME_ITEMS, self._items)
        some_s = self.answers_s(1.0, some) + self.answers_s(self._answer_speedup, some)
        ways = (SAFETY * seconds for seconds in (rest_s + 2 * one_s, rest_s + one_s, some_s))
        return next((seconds for seconds in ways if seconds <= PROOF_SHARE * total_s), 0.0)

    @property
    def proof_left_s(self) -> float | None:
        """Return the most seconds that the proof may take."""
        return None if self.left_s is None else self.left_s - MIN_TAIL_S

    def final_s(self, finalists: Sequence[str], plan: FinalPlan) -> float:
        """Return the expected seconds of a final run of the original and the versions of `plan`, and of the proof."""
        return SAFETY * (plan.sets * self._set_s(finalists, plan) + self._tail_s) + self.proof_s

    def end_s(self, finalists: Sequence[str]) -> tuple[float, float]:
        """Return the current estimate in seconds of the final run and of the proof of one version."""
        ids = finalists or [self._first or ""]
        plan = self.plan_final(ids)
        return plan.sets * self._set_s(ids, plan) + self._tail_s, self.answers_s(self._answer_speedup) + self._tail_s

    def _set_s(self, finalists: Sequence[str], plan: FinalPlan) -> float:
        return set_s([self._cost(i) for i in (self._first, *finalists[: plan.finalists])], plan.blocks)

    def _cost(self, variant_id: str | None) -> Cost:
        """Return the cost of a version; one that this process has yet to measure costs as much as the original."""
        known = self._costs.get(variant_id or "") or self._costs.get(self._first or "")
        return known or Cost(0.0, 0.0, 0.0)

    def left_to_try_s(self, finalists: Sequence[str]) -> float | None:
        """Return the seconds that the next version may take.

        The final run of `finalists` stays reserved, a short one where time is short. Without finalists, time for one is
        reserved only if the next version still has enough.
        """
        left_s = self.left_s
        if left_s is None:
            return None
        ids = finalists or [self._first or ""]
        plans = [plan for plan in CHOICES if plan.finalists <= min(2, len(ids))] if finalists else [CHOICES[-1]]
        spare_s = [left_s - self.final_s(ids, plan) for plan in plans]
        rest_s = spare_s[-1] if finalists else left_s - (self._end_s if self.keeps_proof else self._after_s)
        return next((seconds for seconds in spare_s if seconds >= self.expected_s), rest_s)

    @property
    def expected_s(self) -> float:
        """Return the expected seconds of the next version: the mean of earlier ones."""
        return fmean(self._tried_s) if self._tried_s else self._original_s

    @property
    def _end_s(self) -> float:
        """Return the seconds for everything after the last measurement, with the proof."""
        return self._after_s + self.proof_s

    @property
    def _after_s(self) -> float:
        """Return the seconds for everything after the last measurement, without the proof."""
        return max(MIN_TAIL_S, SAFETY * self._tail_s)

    def worth_trying(self, finalists: Sequence[str]) -> bool:
        """Return whether a next version is likely done in time; a low chance is enough if nothing else remains."""
        left_s = self.left_to_try_s(finalists)
        share = WORTH_SHARE if finalists else TRY_ANYWAY_SHARE
        return left_s is None or left_s > max(MIN_STEP_S, share * self.expected_s)

    @property
    def quick_blocks(self) -> int:
        """Return the blocks of a first measurement; slow models get a p99 (299 requests) in the final run only."""
        original = self._costs.get(self._first or "")
        return QUICK_BLOCKS if original is None or original.block_s < SLOW_BLOCK_S else FEW_BLOCKS

    def plan_final(self, finalists: Sequence[str]) -> FinalPlan:
        """Return the most thorough final run that fits into the remaining time, else the cheapest one."""
        left_s = self.left_s
        fitting = (plan for plan in CHOICES if left_s is None or self.final_s(finalists, plan) <= left_s)
        return next(fitting, CHOICES[-1])

    def plan_more(self, open_ids: Sequence[str], beside: Sequence[str]) -> FinalPlan | None:
        """Return the best next round of the first `open_ids` side by side with all of `beside`, None if none fits."""
        left_s = self.left_s
        if left_s is None:
            return FinalPlan(min(len(open_ids), CHOICES[0].finalists), FINAL_SETS)
        plans = [dataclasses.replace(plan, finalists=min(plan.finalists, len(open_ids))) for plan in CHOICES]
        fitting = next((plan for plan in plans if self._more_s(open_ids, beside, plan) <= left_s), None)
        if fitting is not None:
            return fitting
        cheapest = plans[-1]
        likely_s = self._more_s(open_ids, beside, cheapest) / SAFETY
        return cheapest if left_s - self._end_s > max(MIN_STEP_S, USEFUL_SHARE * likely_s) else None

    def _more_s(self, open_ids: Sequence[str], beside: Sequence[str], plan: FinalPlan) -> float:
        ids = [*open_ids[: plan.finalists], *beside]
        return self.final_s(ids, dataclasses.replace(plan, finalists=len(ids)))

    def more_s(self, untried: int, open_ids: Sequence[str]) -> float | None:
        """Return the seconds to try all recipes left and to settle open versions, None if nothing is left."""
        if not untried and not open_ids:
            return None
        if self._first is None:  # even the original was not measured
            return max(LEAST_MORE_S, self._total_s or 0.0)
        ids = [*open_ids, *[""] * min(untried, 1)]
        final_s = self.final_s(ids, FinalPlan(len(ids), FINAL_SETS)) + SAFETY * 2 * self.answers_s(self._answer_speedup)
        return max(LEAST_MORE_S, SAFETY * untried * self.expected_s + final_s)

    @property
    def final_left_s(self) -> float | None:
        """Return the most seconds that the final run may take."""
        return None if self.left_s is None else self.left_s - self._end_s
