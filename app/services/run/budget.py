"""How the time of a run is spent, so that it ends in time and the best so far counts.

A part is kept for the final run as soon as there is something to measure in it. How much that needs is worked out from
what measuring each version took so far; it is never guessed from a share of the whole. What is left after it goes to
what is not settled, and to ways that were not tried yet.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from app.jobs.interleaving import Pace
from app.services.flow.measuring import NO_TIME
from app.services.flow.steps import AnyStep, DiskStep, Done, Flow, JobError, Measured, MeasureStep, T
from workers.contracts.process.allowance import usable_cores

FINAL_SETS, FINAL_BLOCKS = 5, 2
"""Blocks of 40 timed requests or more in each of 5 fresh sets of processes: sets are the sample of a speedup."""

QUICK_BLOCKS, FEW_BLOCKS = 8, 3
SLOW_BLOCK_S = 0.3

WARMUP_REQUESTS, TIMED_REQUESTS, WITH_WARMUP, BLOCK_MAX_S = 10, 40, 1.25, 2.0
"""A block: ten requests in fifty warm up, and slow models end theirs after two seconds."""

LEAST_BLOCK_S = 0.08
"""Where versions are compared in turn, the fastest one's blocks last so long, of as many requests as that takes."""

IN_TURN = Pace(WARMUP_REQUESTS, TIMED_REQUESTS, BLOCK_MAX_S, FINAL_BLOCKS, LEAST_BLOCK_S)

PROCESS_S = 0.4
"""An interpreter and our code, before a model is loaded: .42 to .56 s on slow cores, told as less than it may be."""

SLOW_REQUEST_MS = 40.0
"""From here on a block takes its two seconds, and two of them are enough of a first look at the original."""

SAFETY = 1.3
"""A machine that gets busier meanwhile must not push the end over the limit."""

ANSWER_SHARE = 0.07
MIN_ANSWER_S = 2.0
MIN_STEP_S = 0.3
"""No process does anything useful in less, so that nothing is begun."""

MIN_TAIL_S = 1.0
WORTH_SHARE, TRY_ANYWAY_SHARE = 0.6, 0.3
"""A version is begun when at least this part of its likely time is left; it is cut off where that was wrong."""


@dataclass(frozen=True)
class Cost:
    """Seconds of measuring one version: until its process is up, what that needs beside its blocks, above all to load,
    and for each block of 40 requests."""

    start_s: float
    load_s: float
    block_s: float

    def turns_s(self, blocks: int, longer: float = 1.0) -> float:
        """What one fresh process takes alone, once it is up, with so many blocks of so many times as many requests."""
        return self.load_s + blocks * min(BLOCK_MAX_S, longer * self.block_s)


def set_s(costs: Sequence[Cost], blocks: int) -> float:
    """One set of processes: they start side by side, as many at once as there are cores, and then take turns."""
    longer = times_longer(costs)
    at_once = max(1, min(len(costs), usable_cores()))
    return sum(cost.start_s for cost in costs) / at_once + sum(cost.turns_s(blocks, longer) for cost in costs)


def times_longer(costs: Sequence[Cost]) -> float:
    """How many times as many requests as 40 the blocks have in which these are measured in turn."""
    fastest_s = min((cost.block_s for cost in costs), default=0.0) / (WITH_WARMUP * TIMED_REQUESTS)
    _, timed = IN_TURN.wanted(1000 * fastest_s)
    return timed / TIMED_REQUESTS


@dataclass(frozen=True)
class FinalPlan:
    """How many finalists are measured beside the original, in how many sets of processes."""

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
"""From the best to the cheapest; the cheapest is also done where it may not fit, and is then cut off. Two sets
show what is twice as fast; one alone bounds nothing."""

PROOF_SHARE = 0.35
"""At most this part of the limit is kept for answers of the versions that are gains."""

SOME_ITEMS = 59
"""So many answers say of a version without a change that fewer than 5 % change."""

MIN_SPEEDUP = 0.1

USEFUL_SHARE = 0.6
"""What has at least this part of its likely time is begun where nothing else is left to do with it."""

LEAST_MORE_S = 5.0


class TimeBudget:
    """`total_s` None: no limit. `elapsed` gives the seconds since the run's start, or since it goes on.

    `begun_s` is the limit that it was begun with, where more was given since; with `from_now_s` it has so many seconds
    of its own, whatever was spent before.

    What the store answers counts with the seconds that it took once (`note_saved`): a run that goes on, or that comes
    again, decides as it did the first time, and so finds the same. Opening the model and reading the examples count
    only where the run does it itself.
    """

    def __init__(
        self,
        total_s: float | None,
        elapsed: Callable[[], float],
        *,
        begun_s: float | None = None,
        from_now_s: float | None = None,
    ) -> None:
        self._total_s, self._elapsed = total_s, elapsed
        self._begun_s = total_s if begun_s is None else begun_s
        self._from_now_s = from_now_s
        self._costs: dict[str, Cost] = {}
        self._first: str | None = None
        self._tried_s: list[float] = []
        self._original_s = 0.0
        self._tail_s = self._saved_s = 0.0
        self._items = self._left_out = 0
        self.keeps_proof = False  # whether there is a gain by now that is to be proven
        self.item_s = self._beside_s = 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds until the run must be over, None without a limit."""
        if self._from_now_s is not None:
            return self._from_now_s - self._elapsed()
        return None if self._total_s is None else self._total_s - self.spent_s

    @property
    def spent_s(self) -> float:
        """Seconds that went by, with those that the store saved."""
        return self._elapsed() + self._saved_s

    @property
    def saved_s(self) -> float:
        """Seconds that the store saved."""
        return self._saved_s

    def note_saved(self, seconds: float) -> None:
        """A step was answered from the store; it took so long once."""
        self._saved_s += seconds

    @property
    def answer_s(self) -> float | None:
        """Seconds for the original's answers; the same for the same limit, since it is part of a store's key."""
        return None if self._begun_s is None else max(MIN_ANSWER_S, self._begun_s * ANSWER_SHARE)

    def note_measured(self, variant_id: str, measured: Measured, index: int) -> None:
        """What a first measurement of one version took; the first one noted is the original's."""
        times_ms = [value for one_set in measured.latencies_ms[index] for value in one_set]
        timed_s = WITH_WARMUP * sum(times_ms) / 1000
        self._first = self._first or variant_id
        block_s = min(BLOCK_MAX_S, TIMED_REQUESTS * timed_s / max(1, len(times_ms)))
        beside_s = max(0.0, measured.seconds - timed_s)
        start_s = min(PROCESS_S, beside_s)
        self._costs[variant_id] = Cost(start_s, beside_s - start_s, block_s)

    def note_original(self, seconds: float) -> None:
        """How long the original's step took as a whole."""
        self._original_s = seconds

    def note_tried(self, seconds: float) -> None:
        """How long one version took from its start to its figures."""
        self._tried_s.append(seconds)

    def note_tail(self, seconds: float) -> None:
        """How long working out the figures took: it comes once more at the end."""
        self._tail_s = max(self._tail_s, seconds)

    def note_answers(self, items: int, asked: int, seconds: float, beside_s: float, share: float | None = None) -> None:
        """The original answered `asked` of the `items` that are to be asked, and took `beside_s` for the rest: to start
        one process that answers and one that judges. `share` is how much of the work the answered ones are, where
        items differ much."""
        share = asked / max(1, items) if share is None else share
        self._items, self.item_s, self._beside_s = items, seconds / max(1e-9, share * items), max(0.0, beside_s)
        self._left_out = items - asked

    def answers_s(self, speedup: float, items: int | None = None) -> float:
        """Likely seconds until a version of this speedup has answered the test items (all of them) and is judged."""
        n = self._items if items is None else items
        return self._beside_s + n * self.item_s / max(speedup, MIN_SPEEDUP)

    def items_in_time(self, speedup: float) -> int:
        """How many items both the original and a version of this speedup can answer in what is left."""
        spare_s = (self.proof_left_s or 0.0) / SAFETY - self.answers_s(1.0, 0) - self.answers_s(speedup, 0)
        return max(0, min(self._items, int(spare_s / (self.item_s * (1 + 1 / max(speedup, MIN_SPEEDUP)) or 1.0))))

    @property
    def proof_s(self) -> float:
        """Seconds that are kept for the proof: two versions answer all items, and the original those that it was not
        asked yet. Where that is more than a part of the limit, the winner alone, and else as many items as say anything
        of a version; the rest is offered afterwards."""
        total_s = self._from_now_s if self._from_now_s is not None else self._total_s
        if total_s is None or not self._items:
            return 0.0
        rest_s = self._beside_s + (self.answers_s(1.0) if self._left_out else 0.0)  # the examples are known again first
        one_s, some_s = self.answers_s(1.0), 2 * self.answers_s(1.0, min(SOME_ITEMS, self._items))
        ways = (SAFETY * seconds for seconds in (rest_s + 2 * one_s, rest_s + one_s, some_s))
        return next((seconds for seconds in ways if seconds <= PROOF_SHARE * total_s), 0.0)

    @property
    def proof_left_s(self) -> float | None:
        """Seconds that the proof may take at most."""
        return None if self.left_s is None else self.left_s - MIN_TAIL_S

    def final_s(self, finalists: Sequence[str], plan: FinalPlan) -> float:
        """Likely seconds of a final run of the original and the first finalists of `plan`, with the proof after it."""
        return SAFETY * (plan.sets * self._set_s(finalists, plan) + self._tail_s) + self.proof_s

    def end_s(self, finalists: Sequence[str]) -> tuple[float, float]:
        """Likely seconds of the final run and of the proof of one version, as they look now."""
        ids = finalists or [self._first or ""]
        plan = self.plan_final(ids)
        return plan.sets * self._set_s(ids, plan) + self._tail_s, self.answers_s(1.0) + self._tail_s

    def _set_s(self, finalists: Sequence[str], plan: FinalPlan) -> float:
        return set_s([self._cost(i) for i in (self._first, *finalists[: plan.finalists])], plan.blocks)

    def _cost(self, variant_id: str | None) -> Cost:
        """A version that was not measured in this process is taken to cost what the original does."""
        known = self._costs.get(variant_id or "") or self._costs.get(self._first or "")
        return known or Cost(0.0, 0.0, 0.0)

    def left_to_try_s(self, finalists: Sequence[str]) -> float | None:
        """Seconds that the next version may take. What the final run of `finalists` needs is kept, a short one where
        time is short. Where there are none yet, time for one is kept only if the next version then has enough."""
        left_s = self.left_s
        if left_s is None:
            return None
        ids = finalists or [self._first or ""]
        plans = [plan for plan in CHOICES if plan.finalists <= min(2, len(ids))] if finalists else [CHOICES[-1]]
        spare_s = [left_s - self.final_s(ids, plan) for plan in plans]
        rest_s = spare_s[-1] if finalists else left_s - (self._end_s if self.keeps_proof else self._after_s)
        return next((seconds for seconds in spare_s if seconds >= self.likely_s), rest_s)

    @property
    def likely_s(self) -> float:
        """How long the next version will take, by those before it."""
        return fmean(self._tried_s) if self._tried_s else self._original_s

    @property
    def _end_s(self) -> float:
        """Seconds for what follows the last measurement."""
        return self._after_s + self.proof_s

    @property
    def _after_s(self) -> float:
        """The same where there is nothing to prove."""
        return max(MIN_TAIL_S, SAFETY * self._tail_s)

    def worth_trying(self, finalists: Sequence[str]) -> bool:
        """Whether the next version has a fair chance to be done in time; a small one where nothing else can be done."""
        left_s = self.left_to_try_s(finalists)
        share = WORTH_SHARE if finalists else TRY_ANYWAY_SHARE
        return left_s is None or left_s > max(MIN_STEP_S, share * self.likely_s)

    @property
    def quick_blocks(self) -> int:
        """Blocks of a first look: a p99 needs 299 requests, which slow models get in the final run alone."""
        original = self._costs.get(self._first or "")
        return QUICK_BLOCKS if original is None or original.block_s < SLOW_BLOCK_S else FEW_BLOCKS

    def plan_final(self, finalists: Sequence[str]) -> FinalPlan:
        """The best final run that fits into what is left."""
        left_s = self.left_s
        fitting = (plan for plan in CHOICES if left_s is None or self.final_s(finalists, plan) <= left_s)
        return next(fitting, CHOICES[-1])

    def plan_more(self, open_ids: Sequence[str], beside: Sequence[str]) -> FinalPlan | None:
        """The best further round of the first of `open_ids` and of all `beside` them; None where none has a chance."""
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
        """About how many seconds more it takes to try the rest and to settle what is open; None for nothing."""
        if not untried and not open_ids:
            return None
        if self._first is None:  # not even the original was measured
            return max(LEAST_MORE_S, self._total_s or 0.0)
        ids = [*open_ids, *[""] * min(untried, 1)]
        final_s = self.final_s(ids, FinalPlan(len(ids), FINAL_SETS)) + SAFETY * 2 * self.answers_s(1.0)
        return max(LEAST_MORE_S, SAFETY * untried * self.likely_s + final_s)

    @property
    def final_left_s(self) -> float | None:
        """Seconds that the final run may take at most."""
        return None if self.left_s is None else self.left_s - self._end_s


def within(flow: Flow[T], left_s: Callable[[], float | None]) -> Flow[T]:
    """`flow` with every step of it bounded by the seconds that are left when it begins."""
    return each(flow, lambda step: bounded(step, left_s()), lambda answer: None)


def counting(flow: Flow[T], note_saved: Callable[[float], None]) -> Flow[T]:
    """`flow`; `note_saved` gets the seconds that each step took once which the store answers now."""

    def note(answer: Any) -> None:
        if isinstance(answer, Done) and answer.cached:
            note_saved(answer.made_s)
        elif isinstance(answer, Measured) and answer.measured_at is not None:
            note_saved(answer.seconds)

    return each(flow, lambda step: step, note)


def each(flow: Flow[T], ask: Callable[[AnyStep], AnyStep], answered: Callable[[Any], None]) -> Flow[T]:
    """`flow` with every step changed by `ask`; `answered` sees what comes back."""
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = flow.send(answer) if error is None else flow.throw(error)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        answer = error = None
        try:
            answer = yield ask(step)
        except GeneratorExit:
            flow.close()
            raise
        except Exception as thrown:
            error = thrown
        else:
            answered(answer)


def bounded(step: AnyStep, left_s: float | None) -> AnyStep:
    """The same step with an end. Raises `JobError` where there is no time to begin it."""
    if left_s is None or isinstance(step, DiskStep):
        return step
    if left_s < MIN_STEP_S:
        raise JobError(NO_TIME, 1)
    if isinstance(step, MeasureStep):
        return dataclasses.replace(step, until_s=time.monotonic() + left_s)
    return dataclasses.replace(step, limits=step.limits.model_copy(update={"wall_s": left_s}))
