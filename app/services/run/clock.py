"""Keep the time of one run: its limit, what its steps took, and what the rest of it is expected to take.

The limit is divided so that the run ends in time with a result. Time for the final run is reserved as soon as one
version is measured. The reserve follows from how long measuring each version took so far, never from a fixed share of
the limit. Time left after the final run goes to versions whose measurement is undecided and to recipes that were not
tried yet.
"""

import dataclasses
import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from app.services.flow.measuring import NO_TIME
from app.services.flow.steps import AnyStep, DiskStep, Flow, JobError, Measured, MeasureStep, StepResult, T
from app.services.run.costs import (
    CHOICES,
    FEW_BLOCKS,
    FINAL_SETS,
    QUICK_BLOCKS,
    SLOW_BLOCK_S,
    Basis,
    Cost,
    FinalPlan,
    StepKind,
    first_cost,
    set_s,
)

MIN_STEP_S = 0.3
"""Shortest useful time of a step in seconds; no step begins with less."""


def within(flow: Flow[T], left_s: Callable[[], float | None]) -> Flow[T]:
    """Run `flow` and bound each of its steps by the seconds that are left when the step begins."""
    return each(flow, lambda step: bounded(step, left_s()), lambda result: None)


def counting(
    flow: Flow[T], record_cached: Callable[[float], None], counts: Callable[[StepResult[Any]], bool] = lambda done: True
) -> Flow[T]:
    """Run `flow` and pass `record_cached` the original duration of each step whose result comes from the cache.

    A step for which `counts` returns False is passed on with 0 seconds.
    """

    def observe(result: Any) -> None:
        if isinstance(result, StepResult) and result.cached:
            record_cached(result.made_s if counts(result) else 0.0)
        elif isinstance(result, Measured) and result.measured_at is not None:
            record_cached(result.seconds)

    return each(flow, lambda step: step, observe)


def each(flow: Flow[T], change: Callable[[AnyStep], AnyStep], observe: Callable[[Any], None]) -> Flow[T]:
    """Run `flow` with every step changed by `change`, and pass each result to `observe`."""
    result: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = flow.send(result) if error is None else flow.throw(error)
        except StopIteration as stop:
            value: T = stop.value
            return value
        result = error = None
        try:
            result = yield change(step)
        except GeneratorExit:
            flow.close()
            raise
        except Exception as thrown:
            error = thrown
        else:
            observe(result)


def bounded(step: AnyStep, left_s: float | None) -> AnyStep:
    """Return the step with a time limit; raise `JobError` if no time is left to begin it."""
    if left_s is None or isinstance(step, DiskStep):
        return step
    if left_s < MIN_STEP_S:
        raise JobError(NO_TIME, 1)
    if isinstance(step, MeasureStep):
        return dataclasses.replace(step, until_s=time.monotonic() + left_s)
    return dataclasses.replace(step, limits=step.limits.model_copy(update={"wall_s": left_s}))


SLOW_REQUEST_MS = 40.0
"""From this request time (ms) on, a block lasts its full 2 seconds, and 2 blocks are enough to measure the original."""

SAFETY = 1.3
"""Factor on estimated times, so that the run ends in time on a machine that gets busier meanwhile."""

ANSWER_SHARE, MIN_ANSWER_S = 0.07, 2.0
"""Share of the time limit for the original's predictions, and their least seconds."""

MIN_TAIL_S = 1.0
WORTH_SHARE, TRY_ANYWAY_SHARE, USEFUL_SHARE = 0.6, 0.3, 0.6
"""Share of its expected time that must be left to begin a version, one without which nothing can be recommended, or
a further round when nothing else can be done; what was estimated too low is stopped."""

PROOF_SHARE = 0.35
"""Largest share of the time limit that is reserved for evaluating gains on the test set."""

SOME_ITEMS = 59
"""Least items of a proof: 59 predictions without a change show that fewer than 5 % of all predictions change."""

MIN_SPEEDUP = 0.1

FIRST_KINDS: tuple[StepKind, ...] = ("open", "read", "original")
"""The steps that every run begins with; the others are planned after them."""

LEAST_MORE_S = 5.0

Ids = Sequence[str]


class RunClock:
    """The clock of one run; owned by its `Recorder`.

    Time saved by the cache counts as if it had been spent (`record_cached`). A resumed or repeated run therefore makes
    the same decisions as the first one. Opening the model and reading the examples count only if the run itself does
    them. The cost of a kind of step comes from `basis` until the run has measured more.
    """

    def __init__(self, elapsed: Callable[[], float]) -> None:
        """Create a clock without a limit; `elapsed` returns the seconds since the run began or was resumed."""
        self.elapsed = elapsed
        self._total_s: float | None = None
        self._begun_s: float | None = None
        self._proof_most_s = 0.0
        self.from_now_s: float | None = None
        self.basis = Basis(0, 0, 0)
        self.kinds: Sequence[StepKind] = FIRST_KINDS
        self.final_ids: Ids = ()
        self.saved_s = 0.0
        self._costs: dict[str, Cost] = {}
        self._first = ""
        self._took: dict[StepKind, list[float]] = defaultdict(list)
        self._tail_s = self.item_s = self._other_s = 0.0
        self.rest_s = 0.0  # until the original has predicted all items
        self._items = self._evaluated = 0
        self.least_items = SOME_ITEMS  # the fewest that can prove the limit
        self._answer_speedups: dict[str, float] = {}
        self.to_prove: Ids = ()  # gains without a verdict, the best first

    def set_limit(
        self, total_s: float | None, *, begun_s: float | None = None, from_now_s: float | None = None
    ) -> None:
        """Limit the run to `total_s` seconds, with any time that was added later; None means no limit.

        Args:
            total_s: The limit in seconds.
            begun_s: The limit that the run began with; None means `total_s`.
            from_now_s: Seconds granted from now on, whatever was spent before; None means that `total_s` counts.
        """
        self._total_s, self.from_now_s = total_s, from_now_s
        self._begun_s = total_s if begun_s is None else begun_s
        self._proof_most_s = PROOF_SHARE * ((total_s if from_now_s is None else from_now_s) or 0.0)

    @property
    def left_s(self) -> float | None:
        """Return the seconds until the run must end, None without a limit."""
        if self.from_now_s is not None:
            return self.from_now_s - self.elapsed()
        return None if self._total_s is None else self._total_s - self.spent_s

    @property
    def spent_s(self) -> float:
        """Return the elapsed seconds plus the seconds that the cache saved."""
        return self.elapsed() + self.saved_s

    @property
    def answer_s(self) -> float | None:
        """Return the seconds for the original's predictions.

        They depend on the initial limit alone, because they are part of a cache key.
        """
        return None if self._begun_s is None else max(MIN_ANSWER_S, self._begun_s * ANSWER_SHARE)

    @property
    def proof_left_s(self) -> float | None:
        """Return the most seconds that the proof may take."""
        return None if self.left_s is None else self.left_s - MIN_TAIL_S

    def round_left_s(self, plan: FinalPlan) -> float | None:
        """Return the most seconds that a round of this plan may take."""
        return None if self.left_s is None else self.left_s - self._after_s - plan.proof_s

    def record_cached(self, seconds: float) -> None:
        """Count the seconds that a step took when its cached result was made."""
        self.saved_s += seconds

    def record_step(self, kind: StepKind, seconds: float) -> None:
        """Record how long one step of this kind took."""
        self._took[kind].append(seconds)

    def record_measured(self, variant_id: str, measured: Measured) -> None:
        """Record the cost of a version by its first measurement; the first recorded version is the original."""
        self._costs[variant_id] = first_cost(measured, self._costs.get(self._first))
        self._first = self._first or variant_id

    def record_closing(self, seconds: float) -> None:
        """Record the seconds of computing the figures, which happens once more at the end."""
        self._tail_s = max(self._tail_s, seconds)

    def record_predictions(
        self, items: int, evaluated: int, seconds: float, other_s: float | None = None, share: float | None = None
    ) -> None:
        """Record how long the original took to predict, again if it predicted more items later.

        Args:
            items: Number of items to predict in all.
            evaluated: Number of items predicted so far.
            seconds: Seconds of these predictions.
            other_s: Seconds to start one process that predicts and one that judges; None if recorded before.
            share: Share of the whole work that the predicted items make up, where items differ much in size.
        """
        share = evaluated / max(1, items) if share is None else share
        self._items, self._evaluated, self.item_s = items, evaluated, seconds / max(1e-9, share * items)
        self._other_s = self._other_s if other_s is None else max(0.0, other_s)
        self.rest_s = self._other_s + (1 - share) * items * self.item_s if evaluated < items else 0.0

    def record_answer_speedup(self, variant_id: str, speedup: float) -> None:
        """Record how many times faster than the original this version predicts, 0 if unknown."""
        self._answer_speedups[variant_id] = speedup or 1.0

    @property
    def is_measured(self) -> bool:
        """Return whether the expected times follow from what this run measured."""
        return bool(self._first or self._took["version"])

    @property
    def steps_s(self) -> tuple[float, ...]:
        """Return the expected seconds of each planned step, with a final run of `final_ids`."""
        expected = self._expected_s
        return tuple(expected[kind] for kind in self.kinds)

    @property
    def unplanned_s(self) -> float:
        """Return the expected seconds of the steps that follow the planned ones, 0 once all are planned."""
        if self.kinds != FIRST_KINDS:
            return 0.0
        expected = self._expected_s
        return self.basis.versions * expected["version"] + expected["final"] + expected["proof"]

    @property
    def _expected_s(self) -> dict[StepKind, float]:
        expected = self.basis.steps_s
        expected["version"] = self.version_s or expected["version"]
        if self._first:
            ids = self.final_ids or [self._first]
            plan = self.plan_final(ids)
            expected["final"] = plan.sets * self._set_s(ids[: plan.versions], plan.blocks) + self._tail_s
            expected["proof"] = self._version_proof_s(ids[0]) + self._tail_s
        return expected

    @property
    def version_s(self) -> float:
        """Return the expected seconds of the next version: the mean of earlier ones, else those of the original."""
        took = self._took["version"] or self._took["original"]
        return fmean(took) if took else 0.0

    def at_most(self, predict_s: float) -> float:
        """Return `predict_s`, or what the time left allows for predictions besides loading and judging, in seconds."""
        left_s = self.proof_left_s
        return predict_s if left_s is None else max(1.0, min(predict_s, (left_s - self._other_s) / SAFETY))

    def answers_s(self, speedup: float, items: int | None = None) -> float:
        """Return the expected seconds to predict `items` (None: all) with a version of this speedup and to judge it."""
        n = self._items if items is None else items
        return self._other_s + n * self.item_s / max(speedup, MIN_SPEEDUP)

    def items_in_time(self, speedup: float, known: int = 0) -> int:
        """Return how many items the original and a version of this speedup, which predicted `known`, can predict."""
        spare_s = (self.proof_left_s or 0.0) / SAFETY - self.answers_s(1.0, 0) - self.answers_s(speedup, 0)
        spare_s += self._evaluated * self.item_s + known * self.item_s / max(speedup, MIN_SPEEDUP)
        return max(0, min(self._items, int(spare_s / (self.item_s * (1 + 1 / max(speedup, MIN_SPEEDUP)) or 1.0))))

    def _version_proof_s(self, variant_id: str, items: int | None = None) -> float:
        return self.answers_s(self._answer_speedups.get(variant_id, 1.0), items)

    def proof_s(self, ids: Ids) -> float:
        """Return the seconds reserved for the proof of these versions and of those `to_prove`.

        They cover all items for the first two of them and the items that the original has yet to predict. If that
        exceeds `PROOF_SHARE` of the limit, they cover the first version, or else as many items as that share permits.
        The rest is offered after the run.
        """
        ids = list(dict.fromkeys((*self.to_prove, *ids)))
        if not self._proof_most_s or not self._items or not ids:
            return 0.0
        needed_s = [self.rest_s + self._other_s + self._version_proof_s(ids[0])]  # fingerprints come first
        if len(ids) > 1:
            needed_s.insert(0, needed_s[0] + self._version_proof_s(ids[1]))
        fallback_s = self._proof_most_s if self._least_proof_s(ids) else 0.0
        return next((SAFETY * seconds for seconds in needed_s if SAFETY * seconds <= self._proof_most_s), fallback_s)

    def _least_proof_s(self, ids: Ids, items: int = SOME_ITEMS) -> float:
        """Return the seconds for so many items of the first of these versions, 0 if they exceed `PROOF_SHARE`."""
        if not self._items:
            return 0.0
        some = min(items, self._items)
        original_s = self.answers_s(1.0, some - self._evaluated) if some > self._evaluated else 0.0
        needed_s = SAFETY * (original_s + self._version_proof_s([*self.to_prove, *ids][0], some))
        return needed_s if needed_s <= self._proof_most_s else 0.0

    def final_s(self, final_ids: Ids, plan: FinalPlan) -> float:
        """Return the most seconds of a final run of the original and the versions of `plan`, and of the proof."""
        return self._round_s(plan, final_ids) + self.proof_s(final_ids[: plan.versions])

    def _round_s(self, plan: FinalPlan, ids: Ids, best_ids: Ids = ()) -> float:
        return SAFETY * (plan.sets * self._set_s([*ids[: plan.versions], *best_ids], plan.blocks) + self._tail_s)

    def _set_s(self, ids: Ids, blocks: int) -> float:
        """Return the seconds of one set; a version that was not measured costs as much as the original."""
        unknown = self._costs.get(self._first, Cost(0.0, 0.0, 0.0))
        return set_s([self._costs.get(i, unknown) for i in (self._first, *ids)], blocks)

    @property
    def _after_s(self) -> float:
        """Return the seconds for everything after the last measurement, without the proof."""
        return max(MIN_TAIL_S, SAFETY * self._tail_s)

    def more_s(self, untried: int, open_ids: Ids) -> float | None:
        """Return the seconds to try all recipes left and to settle open versions, None if nothing is left."""
        if not untried and not open_ids:
            return None
        if not self._first:  # even the original was not measured
            return max(LEAST_MORE_S, self._total_s or 0.0)
        ids = [*open_ids, *[""] * min(untried, 1)]
        final_s = self.final_s(ids, FinalPlan(len(ids), FINAL_SETS)) + SAFETY * 2 * self._version_proof_s(ids[0])
        return max(LEAST_MORE_S, SAFETY * untried * self.version_s + final_s)

    def left_to_try_s(self, final_ids: Ids) -> float | None:
        """Return the seconds that the next version may take.

        The final run of `final_ids` stays reserved, a short one where time is short. Without final_ids, time for one is
        reserved only if the next version still has enough.
        """
        if (left_s := self.left_s) is None:
            return None
        ids = final_ids or [self._first]
        plans = [plan for plan in CHOICES if plan.versions <= min(2, len(ids))] if final_ids else [CHOICES[-1]]
        spare_s = [left_s - self.final_s(ids, plan) for plan in plans]
        rest_s = spare_s[-1] if final_ids else left_s - self._after_s - self.proof_s([])
        return next((seconds for seconds in spare_s if seconds >= self.version_s), rest_s)

    def worth_trying(self, final_ids: Ids) -> bool:
        """Return whether a next version is probably done in time; a low chance is enough if nothing else remains."""
        left_s = self.left_to_try_s(final_ids)
        share = WORTH_SHARE if final_ids else TRY_ANYWAY_SHARE
        return left_s is None or left_s > max(MIN_STEP_S, share * self.version_s)

    def first_blocks(self, versions: int) -> int:
        """Return the blocks of each of so many versions in a first measurement.

        A p99 (299 requests) is left to the final run, except that of an original which is not slow.
        """
        original = self._costs.get(self._first)
        blocks = QUICK_BLOCKS if original is None or original.block_s < SLOW_BLOCK_S else FEW_BLOCKS
        return math.ceil(blocks / versions)

    def plan_final(self, final_ids: Ids) -> FinalPlan:
        """Return the most thorough final run that fits into the remaining time, else the cheapest one."""
        least_s = self._least_proof_s(final_ids)
        return self._fitting(CHOICES, final_ids) or dataclasses.replace(CHOICES[-1], proof_s=least_s)

    def plan_more(self, open_ids: Ids, best_ids: Ids) -> FinalPlan | None:
        """Return the best next round of the first `open_ids` side by side with all `best_ids`, None if none fits.

        A round that may not fit begins only where it takes no time from the proof of a gain.
        """
        plans = [dataclasses.replace(plan, versions=min(plan.versions, len(open_ids))) for plan in CHOICES]
        fitting = self._fitting(plans, open_ids, best_ids)
        if fitting is not None or self.to_prove:
            return fitting
        cheapest = dataclasses.replace(plans[-1], proof_s=self._least_proof_s(open_ids))
        useful_s = USEFUL_SHARE * self._round_s(cheapest, open_ids, best_ids) / SAFETY
        return cheapest if (self.round_left_s(cheapest) or 0.0) > max(MIN_STEP_S, useful_s) else None

    def _fitting(self, plans: Sequence[FinalPlan], ids: Ids, best_ids: Ids = ()) -> FinalPlan | None:
        """Return the first plan that leaves time for its proof, else for one on `least_items`, None if none does."""
        for is_whole in (True, False):
            for plan in plans:
                some = ids[: plan.versions]
                proof_s = self.proof_s(some) if is_whole else self._least_proof_s(some, self.least_items)
                fits = self.left_s is None or self._round_s(plan, ids, best_ids) + proof_s <= self.left_s
                if fits and (is_whole or proof_s):
                    return dataclasses.replace(plan, proof_s=proof_s)
        return None
