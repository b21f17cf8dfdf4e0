"""Measure the fastest versions and the original side by side, in fresh processes and as many rounds as needed.

The first round measures the best versions. Another round follows while time is left and a version that looks better is
undecided. Such a version has only a first measurement, or its bound is still too low. Figures of a version cover all
rounds that it took part in, compared with the original in the same rounds.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from app.domain.choose import (
    EXACT,
    FAR_AHEAD,
    can_be_measured_on,
    exactness,
    expected_speedup,
    is_eligible,
    is_probably_unsafe,
    leader,
    with_portable,
)
from app.domain.outcome import Round, open_versions
from app.services.flow.quiet import MOST_S
from app.services.flow.steps import Flow, JobError, Measured
from app.services.run import version_steps
from app.services.run.clock import within
from app.services.run.costs import IN_TURN, FinalPlan
from app.services.run.figures import original_times
from app.services.run.search import Search
from workers.contracts.translation import _, joined, mark

LAST_STEP = mark("Final run, side by side")
NOTHING_LEFT, NOTHING_TRIED = mark("nothing was faster and within your limit"), mark("nothing was tried")


def bound(name: str, environment: Mapping[str, str] = os.environ) -> int | None:
    """Read FETTLE_MOST_ROUNDS or FETTLE_MOST_SETS, which bound a final run on test servers; None means no bound.

    Raises:
        ValueError: The value is not a whole number from 1.
    """
    text = environment.get(name, "").strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{name} is {text!r}, and has to be a whole number from 1.")
    return int(text)


class FinalRun:
    """Final run of one optimization, owned by it: call `first()`, then `more()` until it returns False."""

    def __init__(self, search: Search, step: int) -> None:
        """Create the final run, reported as step number `step` of the run."""
        self._search, self._step = search, step
        self._rounds: list[tuple[Round, Measured]] = []
        self._is_over = self._was_far_ahead = False
        self._most, self._begun = bound("FETTLE_MOST_ROUNDS"), 0
        self._most_sets = bound("FETTLE_MOST_SETS")

    def first(self) -> Flow[None]:
        """Repeat the rounds of an earlier part of this run, or measure as many versions as time allows."""
        search = self._search
        for earlier in search.rounds_before:
            if all(search.is_in(variant_id) for variant_id in earlier.variant_ids):
                plan = FinalPlan(len(earlier.variant_ids), earlier.sets, earlier.blocks)
                yield from self._measure(earlier.variant_ids, plan)
        if self._rounds:
            return
        best = search.best()
        if not best:
            why = NOTHING_LEFT if search.end.planned else NOTHING_TRIED
            search.recorder.step(self._step, state="skipped", detail=why)
            return
        plan = search.clock.plan_final([variant.id for variant in best])
        self._was_far_ahead = any(expected_speedup(variant) >= FAR_AHEAD for variant in best)
        self._begun += 1
        field = with_portable(best, plan.versions, search.plan.objective)
        yield from self._measure([variant.id for variant in field], plan)

    def more(self, *, doubtful: bool = False) -> Flow[bool]:
        """Measure one more round of undecided versions; return False if none is open or no time is left.

        Versions that will hardly be safe wait until the gains were proven, and are measured if `doubtful` is true.
        Where all gains failed their proof, `Search.near` with the original's numbers come before them.
        """
        search, objective, self._is_over = self._search, self._search.plan.objective, False
        if self._most is not None and self._begun >= self._most:
            return False
        search.clock.to_prove = [version.id for version in search.unproven()]
        versions = [version for version in search.variants() if not version.is_baseline]
        best = leader([version for version in versions if version.is_side_by_side], objective)
        if best is not None and best.judgement is None and is_probably_unsafe(best, search.goal.max_loss_pct):
            best = None  # if the first version fails its proof, the second one must be measured already
        undecided = [v for v in open_versions(versions, best, objective) if can_be_measured_on(v)]
        if not doubtful:
            undecided = [v for v in undecided if not is_probably_unsafe(v, search.goal.max_loss_pct)]
        left = [version.id for version in (sorted(undecided, key=exactness) if search.few_items else undecided)]
        if best is None and not left and self._was_far_ahead:
            left = search.next_ids()
        if best is None and doubtful and any(v.judgement and not is_eligible(v) for v in versions):
            near = [v.id for v in search.near() if not v.is_side_by_side and exactness(v) == EXACT]
            left = list(dict.fromkeys([*near, *left]))
        if not left:
            return False
        best_ids = [best.id] if best is not None else []
        plan = search.clock.plan_more(left, best_ids)
        if plan is None:
            return False
        self._begun += 1
        yield from self._measure([*left[: plan.versions], *best_ids], plan)
        return not self._is_over

    def _measure(self, ids: Sequence[str], plan: FinalPlan) -> Flow[None]:
        search, step = self._search, self._step
        plan = replace(plan, sets=min(plan.sets, self._most_sets or plan.sets))
        search.recorder.step(step, state="running")
        field = [search.original, *(search.versions_by_id[variant_id] for variant_id in ids)]
        quiet = search.patience.part(MOST_S, search.clock.left_s)
        pace = replace(IN_TURN, blocks=plan.blocks)
        how = {"sets": plan.sets, "pace": pace, "reuse": search.reuse, "quiet": quiet}
        measuring = search.measure_step(field, LAST_STEP, step, number=len(self._rounds), **how)
        try:
            measured = yield from within(version_steps.measure(measuring), lambda: search.clock.round_left_s(plan))
        except JobError as error:
            self._cut_off(error)
            return
        if (failure := measured.failures[0]) is not None:
            self._cut_off(JobError(failure, 1))
            return
        self._is_over = not measured.complete
        done = Round(number=len(self._rounds), variant_ids=tuple(ids), sets=plan.sets, blocks=plan.blocks)
        self._rounds.append((done, measured))
        rounds = tuple(one_round for one_round, _ in self._rounds)
        search.save(rounds=(*rounds, *search.rounds_before[len(rounds) :]), final="done")
        for index, version in enumerate(field):
            if (why := measured.failures[index]) is not None:
                search.put_dropped(version.variant, why)
            else:
                search.resume_from(version.variant.id, measured, index)
        yield from self._compute_figures()

    def _cut_off(self, error: JobError) -> None:
        """End the final run and keep the figures of earlier rounds; raise errors other than a time limit."""
        search = self._search
        if not search.is_late(error):
            raise error
        self._is_over = True
        if self._rounds:
            self._report()
            return
        search.save(final="cut_off")
        search.recorder.step(self._step, state="failed", detail="the time was up before all had their turn")

    def _compute_figures(self) -> Flow[None]:
        """Compute figures of every version over all its rounds, and of the original over all rounds."""
        search = self._search
        every = tuple(range(len(self._rounds)))
        groups: dict[tuple[int, ...], list[str]] = {every: []}
        everyone = dict.fromkeys(i for one_round, _ in self._rounds for i in one_round.variant_ids)
        for variant_id in everyone:
            if search.is_in(variant_id):
                numbers = tuple(n for n in every if variant_id in self._rounds[n][0].variant_ids)
                groups.setdefault(numbers, []).append(variant_id)
        for numbers, ids in groups.items():
            merged = self._merged(numbers, ids)
            summaries = yield from search.summarize(merged, family=len(everyone), looks=len(numbers))
            if numbers == every:
                search.take_figures(search.original, merged, 0, summaries[0], interleaved=True)
            original_ms = original_times(summaries[0], search.original.variant)
            for index, variant_id in enumerate(ids, 1):
                version = search.versions_by_id[variant_id]
                search.take_figures(version, merged, index, summaries[index], interleaved=True, original_ms=original_ms)
        self._report()

    def _merged(self, numbers: Sequence[int], ids: Sequence[str]) -> Measured:
        """Return these rounds as one measurement of the original and these versions; sets stay paired."""
        rounds = [self._rounds[number] for number in numbers]
        where = [[0, *(1 + one_round.variant_ids.index(i) for i in ids)] for one_round, _ in rounds]
        both = list(zip(where, (measured for _, measured in rounds), strict=True))
        busy = [measured.busy_share for _, measured in rounds if measured.busy_share is not None]
        dates = [measured.measured_at for _, measured in rounds if measured.measured_at is not None]
        has_loads = all(measured.loads for _, measured in both)
        count = range(len(ids) + 1)
        return Measured(
            latencies_ms=tuple(tuple(one for at, m in both for one in m.latencies_ms[at[k]]) for k in count),
            results=tuple(tuple(one for at, m in both for one in m.results[at[k]]) for k in count),
            loads=tuple(tuple(one for at, m in both for one in m.loads[at[k]]) for k in count) if has_loads else (),
            failures=(None,) * len(count),
            busy_share=fmean(busy) if busy else None,
            measured_at=max(dates) if len(dates) == len(rounds) else None,
        )

    def _report(self) -> None:
        search = self._search
        versions = {i for one_round, _ in self._rounds for i in one_round.variant_ids}
        when = search.when(self._merged(range(len(self._rounds)), []))
        detail = joined([_("{0} versions in turn").format(1 + len(versions)), when], ", ")
        search.recorder.step(self._step, state="done", detail=detail)
