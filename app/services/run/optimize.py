"""Optimize one model for one goal: plan, measure, screen, measure again in turn, prove, close.

Speed is measured first, in one short set beside the original. Versions that look faster are evaluated on the
calibration set, which decides the order of tests. The fastest ones are measured again in several sets (`final_run`),
and gains are evaluated on the test set (`proof_run`).
"""

import dataclasses
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from app.domain.choose import (
    can_be_measured_on,
    could_be_fastest,
    is_eligible,
    is_probably_safe,
    is_probably_unsafe,
    leader,
    looks_like_gain,
    needs_quiet,
)
from app.domain.outcome import Ending, outcome_of
from app.domain.run import Run
from app.domain.standing import Standing, standing_of
from app.domain.variant import Screening, Variant
from app.domain.words.outcome import headline
from app.domain.words.results import NO_AVX2, other_goals_words, screened_words, verdict_words, why_not
from app.services.data.doctor import misfit_before_run, misfit_error, misfit_finding
from app.services.data.reach import enough_items, few_items, most_texts, reach_warning
from app.services.flow.measuring import MAX_AGE, TIME_LIMIT
from app.services.flow.quiet import FIRST_S
from app.services.flow.steps import Flow, JobError, Reuse
from app.services.machine.gpu_doctor import room_for, room_words, without_card
from app.services.records.run_records import RunPlan
from app.services.run import version_steps
from app.services.run.clock import FIRST_KINDS, SLOW_REQUEST_MS, counting, within
from app.services.run.costs import VERSION, Basis
from app.services.run.figures import answer_speedup, answer_speedup_of, time_words
from app.services.run.final_run import LAST_STEP, FinalRun
from app.services.run.proof_run import PROOF_STEP, ProofRun
from app.services.run.recorder import Recorder
from app.services.run.run_steps import ORIGINAL_STEP, TIME_WAS_UP, recorded
from app.services.run.search import Search
from app.services.run.version_steps import Predictions, Version, prediction_pair
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DataParams, PlanResult
from workers.contracts.measured.power import power_warning
from workers.contracts.runtimes import needs_gpu
from workers.contracts.specs import Finding, Recipe, RecipeStep
from workers.contracts.translation import joined, mark

FIRST_STEPS = (mark("Check the model"), mark("Read the examples"), mark("Measure the original"))
NOT_NEEDED = mark("not needed")

MORE_TIME = 1.5
"""Ratio of the time left to the time that a stopped recipe had, from which on it is tried again."""

SLOW_SHARE = 1.25
"""Ratio to the original's time; for versions above it, 2 blocks are enough of a first measurement."""


def optimize(
    recorder: Recorder, plan: RunPlan, more_s: float | None = None, better_goals: tuple[str, ...] = ()
) -> Flow[Run]:
    """Run the optimization and record it.

    Args:
        recorder: The recorder of the run.
        plan: The recipes in the order to try them, and what counts as better.
        more_s: Seconds granted from now on, whatever the run took before.
        better_goals: Titles of goals for language models, if the chosen goal is not one.
    """
    work = _Optimization(recorder, plan, more_s, better_goals).work()
    return (yield from recorded(recorder, len(plan.recipes), work))


class _Optimization(Search):
    def __init__(self, recorder: Recorder, plan: RunPlan, more_s: float | None, better_goals: tuple[str, ...]) -> None:
        super().__init__(recorder, plan, more_s)
        self._better_goals = better_goals
        self._waiting: deque[tuple[int, Recipe]] = deque()  # recipes that were not tried yet, with their steps
        self._unneeded: list[tuple[int, Recipe]] = []  # skipped, as what they replace did not fail
        self._cut: list[tuple[int, Recipe, float]] = []  # those that were stopped, with the seconds that they had
        self._unmade: list[tuple[RecipeStep, ...]] = []
        self._awaited: set[str] = set()
        self._screened: Predictions | None = None
        self._slow_ms: float | None = None

    def work(self) -> Flow[None]:
        """Run all steps and record the result; cached steps count with their time, so a repeated run decides alike.

        Opening and reading are excluded: the pages Model and Data do both before the run.
        """
        recorder, record_cached = self.recorder, self.clock.record_cached
        recorder.expect(self.clock.basis)
        recorder.plan_steps(FIRST_STEPS)
        yield from counting(self.open_model(), record_cached, recorder.is_of_same_goal)
        yield from counting(self._read(), record_cached, recorder.is_of_same_goal)
        yield from counting(self._run(), record_cached)
        recorder.save_outcome()

    def _run(self) -> Flow[None]:
        baseline, recipes = yield from self._plan()
        is_measured = yield from self._original_in_time(baseline)
        if is_measured:
            self._expect(len(recipes))
            yield from self._search(recipes)
        else:
            self.leave_untried(len(recipes))
        self._close()

    def _search(self, recipes: tuple[Recipe, ...]) -> Flow[None]:
        """Try the recipes, measure the best versions side by side, and prove the gains."""
        first = len(FIRST_STEPS)
        final, proof = FinalRun(self, first + len(recipes)), ProofRun(self, first + len(recipes) + 1)
        self._waiting.extend(enumerate(recipes, first))
        yield from self._try_all(self._promising_ids)
        yield from final.first()
        is_new = True
        while is_new:  # time left after a proof goes to other versions: the fastest one may have failed
            while (yield from final.more()) or (yield from self._try_all(self._leader_ids, most=1)):
                pass  # remaining time goes to undecided versions first, then to untried recipes
            is_new = (yield from proof.run()) or (yield from final.more(doubtful=True))
        for step, recipe in self._waiting:
            is_needed = self._needed(recipe)
            self.leave_untried(is_needed)
            self.recorder.step(step, state="skipped", detail=TIME_WAS_UP if is_needed else NOT_NEEDED)

    # --- examples and plan

    def _read(self) -> Flow[None]:
        params = yield from self.read_data()
        data, limit_pct = self.data, self.goal.max_loss_pct
        yield from self._check_preparation(params)
        self.by_words = self.model.result.info.chat is not None
        if self.by_words:
            self.most_test = most_texts(data, limit_pct)
            if self._better_goals:
                self.recorder.warn(other_goals_words(self._better_goals))
        if few_items(data, limit_pct, by_words=self.by_words):
            self.save(few_items=data.result.n_test, enough_items=enough_items(limit_pct))
        if warning := reach_warning(data, limit_pct, by_words=self.by_words):
            self.recorder.report(Finding(level="warning", what=warning))

    def _check_preparation(self, params: DataParams) -> Flow[None]:
        """Raise `JobError` (exit code 3) if another preparation fits far better; a resumed run is not stopped."""
        misfit = yield from misfit_before_run(self.model, params, self.data, self.goal.time_budget_s)
        if misfit is None:
            return
        is_chosen = self.plan.model is not None and self.plan.model.preprocess is not None
        if not is_chosen and not self.recorder.variants and misfit.evidence == "labels":
            raise JobError(misfit_error(misfit), 3)  # without labels it is only a warning
        self.recorder.report(misfit_finding(misfit))

    def _plan(self) -> Flow[tuple[Recipe, tuple[Recipe, ...]]]:
        recorder, goal = self.recorder, self.goal
        machine = yield from self.described()
        began = recorder.run.created_at
        oldest = began if self.plan.fresh else datetime.now(UTC) - MAX_AGE
        self.reuse = Reuse(machine.device.model_dump_json(), oldest, began)
        recorder.save_machine(machine.device)
        if (warning := power_warning(machine.device.power)) is not None:
            recorder.warn(warning)
        if machine.device.lacks_avx2:
            recorder.warn(NO_AVX2)
        available = (row.id for row in machine.runtimes if row.available)
        plan = yield from self.planned(
            machine,
            mark("Choose what to try"),
            self.plan.recipes,
            runtimes=tuple(runtime for runtime in available if not goal.runtimes or runtime in goal.runtimes),
            time_budget_s=goal.time_budget_s,
            by_traits=self.plan.by_traits,
        )
        if any(needs_gpu(recipe.runtime) for recipe in plan.candidates):
            plan = yield from self._with_room(plan)
        plan = recorder.with_best_elsewhere(self.model.key, plan)
        recorder.save(plan_json=plan.model_dump_json())
        recipes = plan.candidates
        none_fits = plan.dropped[0].reason if plan.dropped and not recipes else None
        self.save(planned=len(recipes), none_fits=none_fits)
        self._awaited = {name for recipe in recipes for name in recipe.only_if_failed}
        titles = [*FIRST_STEPS, *(recipe.title for recipe in recipes), LAST_STEP, PROOF_STEP]
        recorder.plan_steps(titles, (*FIRST_KINDS, *[VERSION] * len(recipes), "final", "proof"))
        return plan.baseline, recipes

    def _with_room(self, plan: PlanResult) -> Flow[PlanResult]:
        """Log the model's need of GPU memory; drop GPU recipes if it cannot fit and nobody requested the card."""
        wanted = (*self.goal.runtimes, *(recipe.runtime for recipe in self.plan.recipes))
        room = yield from room_for(self.model.result.artifact.size_bytes, self.goal.computer)
        if room is None:
            return plan
        is_left_out = room.is_short and not any(map(needs_gpu, wanted))
        (self.recorder.warn if room.is_short else self.recorder.log)(room_words(room, is_left_out=is_left_out))
        return without_card(plan, room) if is_left_out else plan

    # --- the original

    def _original_in_time(self, recipe: Recipe) -> Flow[bool]:
        """Measure the original; return False if that exceeds the time limit."""
        try:
            yield from within(self._measure_original(recipe), lambda: self.clock.left_s)
        except JobError as error:
            if not self.is_late(error):
                raise
            self.recorder.step(ORIGINAL_STEP, state="failed", detail=TIME_WAS_UP)
            return False
        return True

    def _measure_original(self, recipe: Recipe) -> Flow[None]:
        recorder, clock, step, began_s = self.recorder, self.clock, ORIGINAL_STEP, self.clock.spent_s
        original = yield from self.make_original(recipe)
        predicted_s = clock.spent_s
        original = yield from self.predict(original, step, clock.answer_s, self.most_test)
        original = yield from self.judge(original, original, step)
        n_wanted = self.most_test or self.data.result.n_test
        if original.predictions is not None:
            made = original.predictions.result
            other_s = clock.spent_s - predicted_s - made.seconds
            clock.record_predictions(n_wanted, made.n, made.seconds, other_s, made.read_share)
        if self.data.result.n_calibration:
            self._screened = yield from self._calibrated(original, step, clock.answer_s)
        recorder.variant(original.variant)
        if not self.by_words or original.n_evaluated >= n_wanted:  # fewer texts do not justify notes yet
            self.warn_of(original)
        quiet = self.patience.part(FIRST_S, clock.left_s)
        original, measured = yield from self.measure_first(original, step, slow_over_ms=SLOW_REQUEST_MS, quiet=quiet)
        p50_ms = original.variant.measurement.latency_p50_ms
        self._slow_ms = None if p50_ms is None else SLOW_SHARE * p50_ms
        clock.record_step("original", clock.spent_s - began_s)
        recorder.step(step, state="done", detail=self.when(measured), figure=time_words(original.variant))

    def _calibrated(self, version: Version, step: int, max_s: float | None) -> Flow[Predictions]:
        """Return the predictions of a version for the calibration set."""
        folder, most = self.data.folder, self.most_calibration
        return (yield from version_steps.answer(version, folder, self.threads, step, max_s, "calibration", most))

    def _expect(self, planned: int) -> None:
        """Forecast the run anew, now that the original is measured and the rest is planned."""
        original = self.original.variant
        self.recorder.expect(
            Basis(
                size_bytes=original.size_bytes or 0,
                n_test=self.data.result.n_test,
                recipes=len(self.plan.recipes),
                budget_s=self.goal.time_budget_s,
                planned=planned,
                request_ms=original.measurement.latency_p50_ms,
                peak_bytes=original.measurement.peak_memory_bytes,
            )
        )

    # --- the versions

    def _try_all(self, final_ids: Callable[[], list[str]], most: int | None = None) -> Flow[bool]:
        """Try up to `most` waiting recipes while worthwhile, with time reserved for a final run of `final_ids`."""
        self.clock.to_prove = [version.id for version in self.unproven()]
        self._put_back(final_ids)
        tried = 0
        while self._waiting and tried != most:
            step, recipe = self._waiting[0]
            if not self._needed(recipe):
                self.recorder.step(step, state="skipped", detail=NOT_NEEDED)
                self._unneeded.append((step, recipe))
            elif recipe.steps in self._unmade:
                self.recorder.step(step, state="skipped", detail="the same could not be made before")
            elif self.clock.worth_trying(final_ids()):
                yield from self._try(step, recipe, final_ids)
                tried += 1
            else:
                break
            self._waiting.popleft()
        return tried > 0

    def _put_back(self, final_ids: Callable[[], list[str]]) -> None:
        """Queue skipped recipes again that a failed proof made necessary, and stopped ones if `MORE_TIME` is left."""
        needed = [one for one in self._unneeded if self._needed(one[1])]
        self._unneeded = [one for one in self._unneeded if one not in needed]
        self._waiting.extendleft(reversed(needed))
        left_s = self.clock.left_to_try_s(final_ids())
        for one in [one for one in self._cut if left_s is not None and left_s > MORE_TIME * one[2]]:
            self._cut.remove(one)
            self._waiting.append(one[:2])
            self.leave_untried(-1)

    def _promising_ids(self) -> list[str]:
        """Return the versions that look like gains, for which time to measure them side by side is reserved."""
        return [version.id for version in self.best() if looks_like_gain(version, self.plan.objective)]

    def _leader_ids(self) -> list[str]:
        """Return the best gain so far, which another version is measured in turn with."""
        best = leader([version for version in self.variants() if version.is_side_by_side], self.plan.objective)
        return [] if best is None else [best.id]

    def _needed(self, recipe: Recipe) -> bool:
        """Return False if the recipe only replaces a failed one that did not fail, or if it cannot be the fastest.

        Versions that it would replace are no rivals: whether they are safe is not known yet.
        """
        tried, limit_pct = list(self.recorder.variants.values()), self.goal.max_loss_pct
        named = [v for v in tried if v.recipe.id in recipe.only_if_faster]
        replaced = [v for v in tried if v.recipe.id in recipe.only_if_failed]
        others = [v for v in tried if v not in named and v not in replaced]
        rivals = [v for v in others if self.plan.objective == "speed" and not is_probably_unsafe(v, limit_pct)]
        return could_be_fastest(named, rivals) and not any(is_probably_safe(v, limit_pct) for v in replaced)

    def _try(self, step: int, recipe: Recipe, final_ids: Callable[[], list[str]]) -> Flow[None]:
        recorder, clock, began_s = self.recorder, self.clock, self.clock.spent_s
        recorder.step(step, state="running")
        before = self.variant_of(recipe, step - ORIGINAL_STEP)
        variant = recorder.variant(dataclasses.replace(before, judgement=None, screening=None, answers_key=None))
        try:
            yield from within(self._measure(step, variant), lambda: clock.left_to_try_s(final_ids()))
        except JobError as error:
            if error.ends_run:  # the next one would not fit either, and this one remains unknown
                raise
            if standing_of(self._drop(step, variant, error.error)) is Standing.CUT_OFF:
                self.leave_untried()
                self._cut.append((step, recipe, clock.spent_s - began_s))
        clock.record_step("version", clock.spent_s - began_s)
        clock.final_ids = self.best_ids()

    def _measure(self, step: int, variant: Variant) -> Flow[None]:
        """Make a version, measure it with the original, and evaluate it on calibration examples if it looks faster."""
        try:
            version = yield from self.make(variant, step)
        except JobError as error:
            if error.error.code not in (TIME_LIMIT, "killed"):  # the next attempt may succeed after these
                self._unmade.append(variant.recipe.steps)
            raise
        version, measured = yield from self.measure_first(version, step, slow_over_ms=self._slow_ms)
        is_awaited = variant.recipe.id in self._awaited
        if self._screened is not None and (is_awaited or looks_like_gain(version.variant, self.plan.objective)):
            version = yield from self._screen(step, version, self._screened)
        made = version.variant
        detail = joined([screened_words(made), self.when(measured)], ", ")
        state = "done" if is_eligible(made) else "warning"
        self.recorder.step(step, state=state, detail=detail, figure=time_words(made))

    def _screen(self, step: int, version: Version, original: Predictions) -> Flow[Version]:
        """Record what changed on the calibration set; when time is up, return the version without it."""
        max_s = None if self.clock.answer_s is None else 1.25 * self.clock.answer_s
        folder, title, limit_pct = self.data.folder, version.variant.title, self.goal.max_loss_pct
        try:
            done = yield from self._calibrated(version, step, max_s)
            pair = prediction_pair(folder, original.folder, done.folder)
            judgement = yield from version_steps.judge([pair], limit_pct, title, step=step, split="calibration")
        except JobError as error:
            if not self.is_late(error):
                raise
            return version
        screening = Screening(
            n=judgement.n,
            changed=judgement.changed_count,
            regressed=judgement.verdict == "regressed",
            similarity=judgement.similarity or 0.0,
            answer_speedup=answer_speedup(original.result, done.result),
        )
        screened = self.put(version.changed(screening=screening))
        self.clock.record_answer_speedup(screened.variant.id, answer_speedup_of(screened.variant))
        return screened

    def _drop(self, step: int, variant: Variant, error: ErrorInfo) -> Variant:
        dropped = self.put_dropped(self.recorder.variants.get(variant.id, variant), error)
        late = standing_of(dropped) is Standing.CUT_OFF
        self.recorder.step(step, state="failed", detail=verdict_words(dropped) if late else error.title)
        return dropped

    # --- the end

    def _close(self) -> None:
        """Choose the recommended version, give reasons for the others, and record the end of the run."""
        recorder, limit, objective = self.recorder, self.goal.max_loss_pct, self.plan.objective
        variants = list(recorder.variants.values())
        first = outcome_of(variants, objective, self.end)
        open_ids = [version.id for version in first.open if can_be_measured_on(version)]
        open_ids += [version.id for version in (*first.untested, *first.partly) if version.untested in ("", "no_time")]
        spare_s = None if self.clock.left_s is None else max(0.0, self.clock.left_s)
        self.save(more_s=self.clock.more_s(self.end.untried, open_ids), spare_s=spare_s)
        outcome = outcome_of(variants, objective, self.end)
        if outcome.ending is Ending.BUSY:
            self.save(busy_tries=recorder.busy_tries_before + 1, disturbed_by=recorder.disturbed_by)
            outcome = outcome_of(variants, objective, self.end)
        for variant in variants:
            if variant.is_baseline or variant is outcome.best:
                continue
            is_untested = variant.screening is not None and variant.screening.untested != ""
            if needs_quiet(variant, objective) or not is_eligible(variant) or is_untested:
                notes = tuple(dict.fromkeys((*variant.notes, why_not(variant, limit, objective))))
                recorder.variant(dataclasses.replace(variant, notes=notes))
        recorder.finish(outcome, headline(outcome, objective, limit))
