"""Optimize one model for one goal: plan, measure, screen, measure again in turn, prove.

Speed is measured first. Versions that look faster are evaluated on the calibration set, which decides the order of
tests. The fastest ones are measured again with the original, and gains are evaluated on the test set (`proof_run`).
"""

import contextlib
import dataclasses
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from app.domain.choose import answers_hold, could_win, leader, looks_like_gain, may_win
from app.domain.run import Run, RunState
from app.domain.standing import Standing, standing_of
from app.domain.variant import Variant
from app.domain.words.results import other_goals_words, screened_words, verdict_words
from app.services.data.doctor import misfit_before_run, misfit_error, misfit_finding
from app.services.data.reach import enough_items, few_items, most_texts, reach_warning
from app.services.flow.kept_measurements import MAX_AGE
from app.services.flow.measuring import TIME_LIMIT
from app.services.flow.quiet import FIRST_S
from app.services.flow.steps import Flow, FlowCancelled, JobError, JobStep, Measured, Reuse, StepResult
from app.services.machine.describing import describe
from app.services.machine.gpu_room import room_for, room_words, without_card
from app.services.opening.opening import OpenedModel, ReadData
from app.services.run import version_steps
from app.services.run.bounded_steps import counting, within
from app.services.run.clock import FIRST_KINDS, SLOW_REQUEST_MS
from app.services.run.closing import close
from app.services.run.costs import Basis, StepKind
from app.services.run.figures import answer_speedup_of, time_words
from app.services.run.final_run import LAST_STEP, FinalRun
from app.services.run.first_steps import open_first, read_second
from app.services.run.forecasting import usual_basis
from app.services.run.proof_run import PROOF_STEP, ProofRun
from app.services.run.recorder import Recorder
from app.services.run.search import OptimizeRequest, Search
from app.services.run.version_steps import Asking, Version
from workers.contracts.errors import ErrorInfo, WorkerError, words_for
from workers.contracts.jobs import AnswerResult, DataParams, PlanParams, PlanResult
from workers.contracts.measured.power import power_warning
from workers.contracts.process.disk import DISK_FULL
from workers.contracts.runtimes import needs_gpu
from workers.contracts.specs import Finding, Recipe, RecipeStep

FIRST_STEPS = ("Check the model", "Read the examples", "Measure the original")
TIME_WAS_UP, NOT_NEEDED = "the time was up", "not needed"

Waiting = deque[tuple[int, Recipe]]
"""Recipes that were not tried yet, each with its step number."""

SLOW_SHARE = 1.25
"""Ratio to the original's time; for versions above it, 2 blocks are enough of a first measurement."""


def optimize(recorder: Recorder, ask: OptimizeRequest) -> Flow[Run]:
    """Run the optimization and record it; a resumed run that is stopped gets its earlier result back."""
    return (yield from recorded(recorder, len(ask.recipes), _Optimization(recorder, ask).counted()))


def recorded(recorder: Recorder, recipes: int, work: Flow[None]) -> Flow[Run]:
    """Run `work` and record the run; `work` closes the run on success, this function in all other cases."""
    recorder.clock.basis = usual_basis(Path(recorder.project.model_path), recipes, recorder.run.goal.time_budget_s)
    before = recorder.begin()
    try:
        yield from work
    except FlowCancelled:
        if before is None:
            recorder.end(RunState.CANCELLED, headline="Cancelled. What was measured is kept.")
        else:
            recorder.restore(before)
        raise
    except GeneratorExit:
        if before is None:
            recorder.end(RunState.INTERRUPTED, headline="Fettle was closed while it ran. It can go on from here.")
        else:
            recorder.restore(before)
        raise
    except Exception as error:
        info = error_info(error)
        with contextlib.suppress(WorkerError):  # the database itself may have failed
            if before is None:
                recorder.end(RunState.FAILED, headline=info.title, error=info)
            else:
                recorder.restore(before)
        raise
    return recorder.run


def error_info(error: Exception) -> ErrorInfo:
    """Return an explanation of the error that ended a run."""
    if isinstance(error, JobError):
        return error.error
    return words_for(error, "What was measured is kept. Please report it with the log.")


class _Optimization:
    def __init__(self, recorder: Recorder, ask: OptimizeRequest) -> None:
        self._recorder, self._ask, self._goal = recorder, ask, recorder.run.goal
        self._search = Search(recorder, ask)
        self._clock = self._search.clock
        self._unmade: list[tuple[RecipeStep, ...]] = []
        self._screened: StepResult[AnswerResult] | None = None
        self._awaited: set[str] = set()

    def counted(self) -> Flow[None]:
        """Run all steps and record the result; cached steps count with their time, so a repeated run decides alike.

        Opening and reading are excluded: the pages Model and Data do both before the run.
        """
        recorder, note_saved = self._recorder, self._clock.record_cached
        recorder.expect(recorder.clock.basis)
        recorder.plan_steps(FIRST_STEPS)
        opening = open_first(recorder, self._ask.model)
        model = yield from counting(opening, note_saved, recorder.is_of_same_goal)
        data = yield from counting(self._read(model), note_saved, recorder.is_of_same_goal)
        yield from counting(self._run(model, data), note_saved)
        recorder.save_outcome()

    def _run(self, model: OpenedModel, data: ReadData) -> Flow[None]:
        recorder = self._recorder
        baseline_recipe, recipes = yield from self._plan(model, data)
        found = yield from self._original_in_time(model, data, baseline_recipe)
        if found is None:
            self._search.leave_untried(len(recipes))
            close(self._search)
            return
        original, measured = found
        recorder.expect(self._basis(original.variant, data, len(recipes)))
        last = len(FIRST_STEPS) + len(recipes)
        final, proof = FinalRun(self._search, last, original, data), ProofRun(self._search, last + 1, original, data)
        waiting = deque(enumerate(recipes, len(FIRST_STEPS)))
        yield from self._try_all(waiting, model, data, original, measured, self._search.best_ids)
        yield from final.first()
        is_new = True
        while is_new:  # time left after a proof goes to other versions: the fastest one may have failed
            while (yield from final.more()) or (
                yield from self._try_all(waiting, model, data, original, measured, list, most=1)
            ):
                pass  # remaining time goes to undecided versions first, then to untried recipes
            is_new = yield from proof.run()
        for step, recipe in waiting:
            is_needed = self._needed(recipe)
            self._search.leave_untried(is_needed)
            recorder.step(step, state="skipped", detail=TIME_WAS_UP if is_needed else NOT_NEEDED)
        close(self._search)

    def _try_all(
        self,
        waiting: Waiting,
        model: OpenedModel,
        data: ReadData,
        original: Version,
        base: Measured,
        finalists: Callable[[], list[str]],
        most: int | None = None,
    ) -> Flow[bool]:
        """Try up to `most` waiting recipes while worthwhile, with time reserved for a final run of `finalists`."""
        in_turn = [version for version in self._search.versions() if version.is_side_by_side]
        self._clock.keeps_proof = leader(in_turn, self._ask.objective) is not None
        tried = 0
        while waiting and tried != most:
            step, recipe = waiting[0]
            if not self._needed(recipe):
                self._recorder.step(step, state="skipped", detail=NOT_NEEDED)
            elif recipe.steps in self._unmade:
                self._recorder.step(step, state="skipped", detail="the same could not be made before")
            elif self._clock.worth_trying(finalists()):
                yield from self._try(step, recipe, model, data, original, base, finalists)
                tried += 1
            else:
                break
            waiting.popleft()
        return tried > 0

    def _basis(self, original: Variant, data: ReadData, versions: int) -> Basis:
        return Basis(
            size_bytes=original.size_bytes or 0,
            n_test=data.result.n_test,
            recipes=len(self._ask.recipes),
            budget_s=self._goal.time_budget_s,
            planned=versions,
            request_ms=original.measurement.latency_p50_ms,
            peak_bytes=original.measurement.peak_memory_bytes,
        )

    def _needed(self, recipe: Recipe) -> bool:
        """Return False if the recipe only replaces a failed one that did not fail, or if it cannot be the fastest."""
        tried = list(self._recorder.variants.values())
        named = [v for v in tried if v.recipe.id in recipe.only_if_faster]
        others = tried if self._ask.objective == "speed" else []
        if not could_win(named, others):
            return False
        limit_pct = self._goal.max_loss_pct
        return not any(answers_hold(v, limit_pct) for v in tried if v.recipe.id in recipe.only_if_failed)

    def _read(self, model: OpenedModel) -> Flow[ReadData]:
        params, data = yield from read_second(self._recorder, model, self._ask.data)
        yield from self._check_preparation(model, params, data)
        by_words = model.info.chat is not None
        if by_words and self._ask.better_goals:
            self._recorder.warn(other_goals_words(self._ask.better_goals))
        limit_pct = self._goal.max_loss_pct
        if by_words:
            self._search.by_words, self._search.most_test = True, most_texts(data, limit_pct)
        if few_items(data, limit_pct, by_words=by_words):
            self._search.save(few_items=data.result.n_test, enough_items=enough_items(limit_pct))
        if warning := reach_warning(data, limit_pct, by_words=by_words):
            self._recorder.report(Finding(level="warning", what=warning))
        return data

    def _check_preparation(self, model: OpenedModel, params: DataParams, data: ReadData) -> Flow[None]:
        """Raise `JobError` (exit code 3) if another preparation fits far better; a resumed run is not stopped."""
        misfit = yield from misfit_before_run(model, params, data, self._goal.time_budget_s)
        if misfit is None:
            return
        is_open = self._ask.model.preprocess is None and not self._recorder.variants
        if is_open and misfit.evidence == "labels":  # without labels it is only a warning
            raise JobError(misfit_error(misfit), 3)
        self._recorder.report(misfit_finding(misfit))

    def _with_room(self, plan: PlanResult, model: OpenedModel) -> Flow[PlanResult]:
        """Log the model's need of GPU memory; drop GPU recipes if it cannot fit and nobody requested the card."""
        wanted = (*self._goal.runtimes, *(recipe.runtime for recipe in self._ask.recipes))
        room = yield from room_for(model.result.artifact.size_bytes)
        if room is None:
            return plan
        is_left_out = room.is_short and not any(map(needs_gpu, wanted))
        (self._recorder.warn if room.is_short else self._recorder.log)(room_words(room, is_left_out=is_left_out))
        return without_card(plan, room) if is_left_out else plan

    def _plan(self, model: OpenedModel, data: ReadData) -> Flow[tuple[Recipe, tuple[Recipe, ...]]]:
        found = yield from describe()
        oldest = self._recorder.run.created_at if self._ask.fresh else datetime.now(UTC) - MAX_AGE
        self._search.reuse = Reuse(found.device.model_dump_json(), oldest, self._recorder.run.created_at)
        self._recorder.save_machine(found.device)
        if (warning := power_warning(found.device.power)) is not None:
            self._recorder.warn(warning)
        available = tuple(row.id for row in found.runtimes if row.available)
        done: StepResult[PlanResult] = yield JobStep(
            kind="plan",
            params=PlanParams(
                model_dir=str(model.folder),
                device=found.device,
                preset_steps=self._ask.recipes,
                has_calibration=data.result.n_calibration > 0,
                runtimes=tuple(r for r in available if not self._goal.runtimes or r in self._goal.runtimes),
                data_dir=str(data.folder),
                time_budget_s=self._goal.time_budget_s,
                by_traits=self._ask.by_traits,
                techniques=tuple(f"{row.id} {row.version}" for row in found.techniques if row.available),
            ),
            result=PlanResult,
            title="Choose what to try",
            read_paths=(model.folder, data.folder),
            cache=True,
        )
        plan = done.result
        if any(needs_gpu(recipe.runtime) for recipe in plan.candidates):
            plan = yield from self._with_room(plan, model)
        self._recorder.save(plan_json=plan.model_dump_json())
        recipes = plan.candidates[: self._ask.max_candidates]
        none_fits = plan.dropped[0].reason if plan.dropped and not recipes else None
        self._search.save(planned=len(recipes), none_fits=none_fits)
        self._awaited = {name for recipe in recipes for name in recipe.only_if_failed}
        titles = [*FIRST_STEPS, *(recipe.title for recipe in recipes), LAST_STEP, PROOF_STEP]
        versions: tuple[StepKind, ...] = ("version",) * len(recipes)
        self._recorder.plan_steps(titles, (*FIRST_KINDS, *versions, "final", "proof"))
        return plan.baseline, recipes

    def _original_in_time(
        self, model: OpenedModel, data: ReadData, recipe: Recipe
    ) -> Flow[tuple[Version, Measured] | None]:
        """Measure the original; return None if that exceeds the time limit."""
        flow = self._measure_original(model, data, recipe)
        try:
            found = yield from within(flow, lambda: self._clock.left_s)
        except JobError as error:
            if error.error.code != TIME_LIMIT or self._clock.left_s is None:
                raise
            self._recorder.step(2, state="failed", detail=TIME_WAS_UP)
            return None
        return found

    def _measure_original(self, model: OpenedModel, data: ReadData, recipe: Recipe) -> Flow[tuple[Version, Measured]]:
        recorder, step, began_s = self._recorder, 2, self._clock.spent_s
        recorder.step(step, state="running")
        variant = self._search.known(recipe) or version_steps.new_variant(recorder.run.id, 0, recipe, is_baseline=True)
        original = yield from version_steps.apply(variant, model, data, self._goal.seed, step)
        recorder.variant(original.variant)
        recorder.save(baseline_variant_id=variant.id)
        answered_s = self._clock.spent_s
        most, threads, answer_s = self._search.most_test, self._ask.threads, self._clock.answer_s
        original = yield from version_steps.predict(original, data.folder, threads, step, answer_s, most)
        original = yield from version_steps.judge_beside(original, original, data.folder, self._goal.max_loss_pct, step)
        beside_s = self._clock.spent_s - answered_s - original.asked_s
        n_to_ask, share = most or data.result.n_test, original.asked_share
        self._clock.record_predictions(n_to_ask, original.n_evaluated, original.asked_s, beside_s, share)
        if data.result.n_calibration:
            self._screened = yield from version_steps.answer(
                original, data.folder, threads, step, answer_s, "calibration", self._search.most_calibration
            )
        recorder.variant(original.variant)
        is_cut = self._search.by_words and original.n_evaluated < n_to_ask  # so few texts do not justify notes yet
        for note in original.variant.judgement.notes if original.variant.judgement and not is_cut else ():
            recorder.warn(note)
        quiet = self._search.patience.part(FIRST_S, self._clock.left_s)
        measured = yield from self._search.look(original, data, step, SLOW_REQUEST_MS, quiet)
        summaries = yield from self._search.summarize(measured)
        original = self._search.take_figures(original, measured, 0, summaries[0], interleaved=False)
        self._clock.record_step("original", self._clock.spent_s - began_s)
        recorder.step(step, state="done", detail=self._search.when(measured), figure=time_words(original.variant))
        return original, measured

    def _try(
        self,
        step: int,
        recipe: Recipe,
        model: OpenedModel,
        data: ReadData,
        original: Version,
        base: Measured,
        finalists: Callable[[], list[str]],
    ) -> Flow[None]:
        recorder, began_s = self._recorder, self._clock.spent_s
        recorder.step(step, state="running")
        known = self._search.known(recipe) or version_steps.new_variant(recorder.run.id, step - 2, recipe)
        variant = dataclasses.replace(known, judgement=None, screening=None, answers_key=None)
        recorder.variant(variant)
        flow = self._measure_candidate(step, variant, model, data, original, base)
        try:
            candidate, when = yield from within(flow, lambda: self._clock.left_to_try_s(finalists()))
        except JobError as error:
            if error.error.code == DISK_FULL:  # the next one would not fit either, and this one remains unknown
                raise
            self._drop(step, variant, error.error)
        else:
            self._tell(step, candidate.variant, when)
        self._clock.record_step("version", self._clock.spent_s - began_s)
        self._clock.finalists = self._search.best_ids()

    def _measure_candidate(
        self, step: int, variant: Variant, model: OpenedModel, data: ReadData, original: Version, base: Measured
    ) -> Flow[tuple[Version, str]]:
        candidate = yield from self._made(step, variant, model, data)
        p50_ms = original.variant.measurement.latency_p50_ms
        slow_over_ms = None if p50_ms is None else SLOW_SHARE * p50_ms
        measured = yield from self._search.look(candidate, data, step, slow_over_ms)
        base = yield from self._search.beside(measured, original, data, step)
        summaries = yield from self._search.summarize(measured, base)
        done = self._search.take_figures(candidate, measured, 0, summaries[0], interleaved=False)
        is_awaited = variant.recipe.id in self._awaited
        if self._screened is not None and (is_awaited or looks_like_gain(done.variant, self._ask.objective)):
            done = yield from self._screen(step, done, data)
        return done, self._search.when(measured)

    def _screen(self, step: int, candidate: Version, data: ReadData) -> Flow[Version]:
        """Record what changed on the calibration set; when time is up, return the version without it."""
        assert self._screened is not None
        max_s = None if self._clock.answer_s is None else 1.25 * self._clock.answer_s
        how, limit = Asking(self._ask.threads, step, max_s, self._search.most_calibration), self._goal.max_loss_pct
        try:
            screened = yield from version_steps.screen(self._screened, candidate, data.folder, limit, how)
        except JobError as error:
            if error.error.code != TIME_LIMIT or self._clock.left_s is None:
                raise
            return candidate
        self._search.candidates[candidate.variant.id] = screened
        self._clock.record_answer_speedup(answer_speedup_of(screened.variant))
        self._recorder.variant(screened.variant)
        return screened

    def _made(self, step: int, variant: Variant, model: OpenedModel, data: ReadData) -> Flow[Version]:
        try:
            candidate = yield from version_steps.apply(variant, model, data, self._goal.seed, step)
        except JobError as error:
            if error.error.code not in (TIME_LIMIT, "killed"):  # these say nothing about the next attempt
                self._unmade.append(variant.recipe.steps)
            raise
        self._recorder.variant(candidate.variant)
        return candidate

    def _drop(self, step: int, variant: Variant, error: ErrorInfo) -> None:
        dropped = self._search.put_dropped(self._recorder.variants.get(variant.id, variant), error)
        late = standing_of(dropped) is Standing.CUT_OFF
        if late:
            self._search.leave_untried()
        self._recorder.step(step, state="failed", detail=verdict_words(dropped).lower() if late else error.title)

    def _tell(self, step: int, variant: Variant, when: str) -> None:
        state = "done" if may_win(variant) else "warning"
        detail = ", ".join(part for part in (screened_words(variant), when) if part)
        self._recorder.step(step, state=state, detail=detail, figure=time_words(variant))
