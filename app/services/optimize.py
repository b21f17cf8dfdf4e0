"""The whole optimization of one model for one goal, as one flow.

Answers first, then time: what answers otherwise than the original is dropped before it is measured at length. The
finalists and the original are measured again in turn, in fresh processes, before anything is recommended.
"""

import contextlib
import dataclasses
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.choose import Objective, answers_hold, choose, could_win, finalists, may_win
from app.domain.run import Run, RunState
from app.domain.variant import Variant
from app.domain.words import busy_words, headline, time_up, verdict_words, why_not
from app.services import candidates as one
from app.services.budget import TimeBudget, within
from app.services.candidates import Candidate
from app.services.describing import describe
from app.services.measuring import TIME_LIMIT
from app.services.opening import OpenedModel, ReadData, open_model, read_data
from app.services.recorder import Recorder
from app.services.steps import Done, Flow, FlowCancelled, JobError, JobStep, Measured
from app.services.store import ArtifactStore
from workers.contracts.errors import ErrorInfo, WorkerError
from workers.contracts.jobs import DataParams, OpenParams, PlanParams, PlanResult, SpeedSummary
from workers.contracts.specs import Finding, Recipe

FIRST_STEPS = ("Check the model", "Read the examples", "Measure the original")
LAST_STEP = "Final run, side by side"

NEAR_SHARE = 0.5
"""Where nothing looked faster, the best that was not slower than this is measured beside the original all the same:
the first looks were taken at different times, and a busy machine may have spoiled one of them."""


MOST_FINALISTS, FINALISTS_OF_LARGE = 6, 3
LARGE_BYTES = 200_000_000
"""Finalists are in memory side by side. As many as may be, so that what is compared was measured in one run."""


@dataclass(frozen=True)
class OptimizeAsk:
    """What to optimize, for what. `recipes` are the preset's, in the order to try them."""

    model: OpenParams
    data: DataParams  # model_dir is filled in when the model is open
    recipes: tuple[Recipe, ...]
    objective: Objective
    threads: int
    max_candidates: int | None = None


def optimize(recorder: Recorder, artifacts: ArtifactStore, ask: OptimizeAsk) -> Flow[Run]:
    """Run it and write it down. However it ends, the run is closed and what was measured is kept."""
    recorder.begin()
    try:
        yield from _Optimization(recorder, artifacts, ask).run()
    except FlowCancelled:
        recorder.end(RunState.CANCELLED, headline="Cancelled. What was measured is kept.")
        raise
    except GeneratorExit:
        recorder.end(RunState.INTERRUPTED, headline="Interrupted. It can go on from here.")
        raise
    except Exception as error:
        info = error_info(error)
        with contextlib.suppress(WorkerError):  # the database itself may be what failed
            recorder.end(RunState.FAILED, headline=info.title, error=info)
        raise
    return recorder.run


def error_info(error: Exception) -> ErrorInfo:
    """Words for whatever ended a run."""
    if isinstance(error, JobError):
        return error.error
    if isinstance(error, WorkerError):
        return error.info()
    return ErrorInfo(
        code="internal",
        title="Something went wrong inside Fettle",
        detail=f"{type(error).__name__}: {error}.",
        hint="What was measured is kept. Please report it with the log.",
        traceback="".join(traceback.format_exception(error)),
    )


class _Optimization:
    def __init__(self, recorder: Recorder, artifacts: ArtifactStore, ask: OptimizeAsk) -> None:
        self._recorder, self._artifacts, self._ask = recorder, artifacts, ask
        self._goal = recorder.run.goal
        self._budget = TimeBudget(self._goal.time_budget_s, lambda: recorder.elapsed_s)
        self._candidates: dict[str, Candidate] = {}
        self._skipped = 0

    def run(self) -> Flow[None]:
        recorder = self._recorder
        recorder.plan_steps(FIRST_STEPS)
        model = yield from self._open()
        data = yield from self._read(model)
        baseline_recipe, recipes = yield from self._plan(model, data)
        found = yield from self._original_in_time(model, data, baseline_recipe)
        if found is None:
            self._skipped = len(recipes)
            self._close(len(recipes))
            return
        original, measured = found
        for index, recipe in enumerate(recipes):
            step = len(FIRST_STEPS) + index
            if not self._needed(recipe):
                recorder.step(step, state="skipped", detail="not needed")
            elif self._budget.worth_trying(self._best_ids()):
                yield from self._try(step, recipe, model, data, original, measured)
            else:
                self._skipped += 1
                recorder.step(step, state="skipped", detail="no time left within your limit")
        yield from self._final_run(len(FIRST_STEPS) + len(recipes), original, data)
        self._close(len(recipes))

    def _needed(self, recipe: Recipe) -> bool:
        """False where one holds that this recipe is only an answer to the failure of, or where it cannot be faster."""
        tried = list(self._recorder.variants.values())
        named = [v for v in tried if v.title in recipe.only_if_faster]
        others = tried if self._ask.objective == "speed" else []
        if not could_win(named, others):
            return False
        return not any(answers_hold(v) for v in tried if v.title in recipe.only_if_failed)

    def _open(self) -> Flow[OpenedModel]:
        self._recorder.step(0, state="running")
        model = yield from open_model(self._ask.model, 0)
        self._recorder.note_project(
            model_key=model.key, model_sha256=model.info.sha256, info_json=model.info.model_dump_json()
        )
        self._recorder.step(0, state="done", detail=model.info.task)
        self._tell_findings(model.info.findings)
        return model

    def _tell_findings(self, findings: tuple[Finding, ...]) -> None:
        for finding in findings:
            if finding.level != "info":
                self._recorder.tell(finding.what)

    def _read(self, model: OpenedModel) -> Flow[ReadData]:
        self._recorder.step(1, state="running")
        params = self._ask.data.model_copy(update={"model_dir": str(model.folder)})
        data = yield from read_data(params, 1, self._goal.seed)
        made = data.result.origin == "made"
        detail = "inputs made by Fettle" if made else f"{data.result.n_test:,} to test with"
        self._recorder.step(1, state="done", detail=detail)
        self._tell_findings(data.result.findings)
        self._recorder.note_project(data_path=params.path, data_key=data.key, data_json=data.result.model_dump_json())
        self._recorder.note(data_key=data.key)
        return data

    def _plan(self, model: OpenedModel, data: ReadData) -> Flow[tuple[Recipe, tuple[Recipe, ...]]]:
        found = yield from describe()
        available = tuple(row.id for row in found.runtimes if row.available)
        done: Done[PlanResult] = yield JobStep(
            kind="plan",
            params=PlanParams(
                model_dir=str(model.folder),
                device=found.device,
                preset_steps=self._ask.recipes,
                has_calibration=data.result.n_calibration > 0,
                runtimes=tuple(r for r in available if not self._goal.runtimes or r in self._goal.runtimes),
                data_dir=str(data.folder),
                time_budget_s=self._goal.time_budget_s,
            ),
            result=PlanResult,
            title="Choose what to try",
            read_paths=(model.folder, data.folder),
            cache=True,
        )
        plan = done.result
        self._recorder.note(plan_json=plan.model_dump_json())
        recipes = plan.candidates[: self._ask.max_candidates]
        self._recorder.plan_steps([*FIRST_STEPS, *(recipe.title for recipe in recipes), LAST_STEP])
        return plan.baseline, recipes

    def _original_in_time(
        self, model: OpenedModel, data: ReadData, recipe: Recipe
    ) -> Flow[tuple[Candidate, Measured] | None]:
        """The original, measured; None where even that took longer than the person allows."""
        flow = self._measure_original(model, data, recipe)
        try:
            found = yield from within(flow, lambda: self._budget.left_s)
        except JobError as error:
            if error.error.code != TIME_LIMIT or self._budget.left_s is None:
                raise
            self._recorder.step(2, state="failed", detail="it takes longer than your time limit")
            return None
        return found

    def _measure_original(self, model: OpenedModel, data: ReadData, recipe: Recipe) -> Flow[tuple[Candidate, Measured]]:
        recorder, step, began_s = self._recorder, 2, self._recorder.elapsed_s
        recorder.step(step, state="running")
        variant = self._known(recipe) or one.new_variant(recorder.run.id, 0, recipe, is_baseline=True)
        original = yield from one.make(variant, model, data, self._goal.seed, step)
        recorder.variant(original.variant)
        recorder.note(baseline_variant_id=variant.id)
        original = yield from one.ask(original, data, self._ask.threads, step, self._budget.answer_s)
        original = yield from one.judge(original, original, data, self._goal.max_loss_pct, step)
        recorder.variant(original.variant)
        for note in original.variant.judgement.notes if original.variant.judgement else ():
            recorder.tell(note)
        measured = yield from self._quick(original, data, step)
        summaries = yield from self._summarize(measured)
        original = self._with_figures(original, measured, 0, summaries[0], interleaved=False)
        self._budget.note_original(recorder.elapsed_s - began_s)
        recorder.step(step, state="done", figure=_figure(original.variant))
        return original, measured

    def _quick(self, candidate: Candidate, data: ReadData, step: int) -> Flow[Measured]:
        """A first look at one version. Raises `JobError` where it could not be measured."""
        title, blocks = f"Measure {candidate.variant.title}", self._budget.quick_blocks
        measured = yield from one.measure(
            [candidate], data, sets=1, blocks=blocks, threads=self._ask.threads, title=title, step=step
        )
        if (failure := measured.failures[0]) is not None:
            raise JobError(failure, 1)
        self._budget.note_measured(candidate.variant.id, measured, 0, blocks)
        return measured

    def _summarize(self, measured: Measured, against: Measured | None = None) -> Flow[tuple[SpeedSummary | None, ...]]:
        began_s = self._recorder.elapsed_s
        summaries = yield from one.summarize(measured, against)
        self._budget.note_tail(self._recorder.elapsed_s - began_s)
        return summaries

    def _try(
        self, step: int, recipe: Recipe, model: OpenedModel, data: ReadData, original: Candidate, base: Measured
    ) -> Flow[None]:
        recorder, began_s = self._recorder, self._recorder.elapsed_s
        recorder.step(step, state="running")
        variant = self._known(recipe) or one.new_variant(recorder.run.id, step - 2, recipe)
        folder = self._folder_of(variant, model)
        if variant.state in ("measured", "confirmed") and variant.measurement.n and folder is not None:
            self._candidates[variant.id] = Candidate(variant, folder)
            self._tell(step, variant)
            return
        recorder.variant(variant)
        flow = self._measure_candidate(step, variant, model, data, original, base)
        try:
            candidate = yield from within(flow, lambda: self._budget.left_to_try_s(self._best_ids()))
        except JobError as error:
            self._drop(step, variant, error.error)
        else:
            self._tell(step, candidate.variant)
        self._budget.note_tried(recorder.elapsed_s - began_s)

    def _measure_candidate(
        self, step: int, variant: Variant, model: OpenedModel, data: ReadData, original: Candidate, base: Measured
    ) -> Flow[Candidate]:
        recorder = self._recorder
        candidate = yield from one.make(variant, model, data, self._goal.seed, step)
        recorder.variant(candidate.variant)
        max_s = None if self._budget.answer_s is None else 1.25 * self._budget.answer_s
        candidate = yield from one.ask(candidate, data, self._ask.threads, step, max_s)
        candidate = yield from one.judge(original, candidate, data, self._goal.max_loss_pct, step)
        recorder.variant(candidate.variant)
        measured = yield from self._quick(candidate, data, step)
        summaries = yield from self._summarize(measured, base)
        return self._with_figures(candidate, measured, 0, summaries[0], interleaved=False)

    def _drop(self, step: int, variant: Variant, error: ErrorInfo) -> None:
        late = error.code == TIME_LIMIT and self._budget.left_s is not None
        note = "It was not ready within your time limit." if late else f"{error.title}. {error.detail}"
        self._put_dropped(self._recorder.variants.get(variant.id, variant), note)
        self._skipped += late
        self._recorder.step(step, state="failed", detail="not ready in time" if late else error.title)

    def _put_dropped(self, variant: Variant, note: str) -> None:
        self._recorder.variant(dataclasses.replace(variant, state="dropped", notes=(note, *variant.notes)))

    def _tell(self, step: int, variant: Variant) -> None:
        state = "done" if may_win(variant) else "warning"
        self._recorder.step(step, state=state, detail=verdict_words(variant), figure=_figure(variant))

    def _best(self) -> list[Variant]:
        """Those to measure beside the original, best first."""
        measured = [v for v in self._recorder.variants.values() if v.id in self._candidates and v.state != "dropped"]
        original = next((v for v in measured if v.is_baseline), None)
        is_small = original is not None and (original.size_bytes or LARGE_BYTES) < LARGE_BYTES
        best = finalists(measured, self._ask.objective, MOST_FINALISTS if is_small else FINALISTS_OF_LARGE)
        if best:
            return best
        near = [v for v in measured if not v.is_baseline and may_win(v) and _speedup(v) > NEAR_SHARE]
        return sorted(near, key=_speedup, reverse=True)[:1]

    def _best_ids(self) -> list[str]:
        return [variant.id for variant in self._best()]

    def _final_run(self, step: int, original: Candidate, data: ReadData) -> Flow[None]:
        recorder, best = self._recorder, self._best()
        if not best:
            recorder.step(step, state="skipped", detail="nothing was faster and within your limit")
            return
        recorder.step(step, state="running")
        plan = self._budget.plan_final([variant.id for variant in best])
        field = [original, *(self._candidates[variant.id] for variant in best[: plan.finalists])]
        flow = one.measure(
            field, data, sets=plan.sets, blocks=plan.blocks, threads=self._ask.threads, title=LAST_STEP, step=step
        )
        measured = yield from within(flow, lambda: self._budget.final_left_s)
        if (failure := measured.failures[0]) is not None:
            if failure.code != TIME_LIMIT or self._budget.left_s is None:
                raise JobError(failure, 1)
            recorder.step(step, state="failed", detail="no time left within your limit")
            self._skipped += 1
            return
        summaries = yield from self._summarize(measured)
        for index, candidate in enumerate(field):
            error = measured.failures[index]
            if error is not None:
                self._put_dropped(candidate.variant, f"{error.title}. {error.detail}")
            else:
                self._with_figures(candidate, measured, index, summaries[index], interleaved=True)
        recorder.step(step, state="done", detail=f"{len(field)} versions in turn")

    def _with_figures(
        self, candidate: Candidate, measured: Measured, index: int, summary: SpeedSummary | None, *, interleaved: bool
    ) -> Candidate:
        if summary is None:
            raise RuntimeError("a contender that was measured has no summary")
        results = measured.results[index]
        sets = len(measured.latencies_ms[index])
        measurement = one.measurement_of(summary, results, sets, measured.busy_share, interleaved)
        if measurement.peak_memory_bytes is None:  # a last set that was cut off tells no memory: keep the first look's
            before = candidate.variant.measurement
            measurement = dataclasses.replace(
                measurement, peak_memory_bytes=before.peak_memory_bytes, load_ms=before.load_ms
            )
        fallbacks = tuple(dict.fromkeys(text for result in results for text in result.fallbacks))
        variant = dataclasses.replace(
            candidate.variant,
            state="confirmed" if interleaved else "measured",
            measurement=measurement,
            notes=_notes(candidate.variant, (*fallbacks, busy_words(measurement))),
        )
        done = dataclasses.replace(candidate, variant=self._recorder.variant(variant))
        self._candidates[variant.id] = done
        return done

    def _close(self, planned: int) -> None:
        recorder, limit = self._recorder, self._goal.max_loss_pct
        tried = [variant for variant in recorder.variants.values() if not variant.is_baseline]
        choice = choose([variant for variant in tried if variant.state == "confirmed"], self._ask.objective)
        for variant in tried:
            if choice.variant is None or variant.id != choice.variant.id:
                reason = why_not(variant, limit)
                if reason not in variant.notes and not may_win(variant):
                    recorder.variant(dataclasses.replace(variant, notes=(*variant.notes, reason)))
        words = headline(choice.variant, tried, choice.proven, limit)
        if choice.variant is None and self._skipped:
            words = time_up(sum(1 for variant in tried if variant.measurement.n), planned)
        recorder.end(
            RunState.FINISHED if choice.variant else RunState.KEPT_ORIGINAL,
            headline=words,
            recommended_variant_id=choice.variant.id if choice.variant else None,
        )

    def _known(self, recipe: Recipe) -> Variant | None:
        """The same candidate of an interrupted run, so that nothing is done twice."""
        return next((v for v in self._recorder.variants.values() if v.recipe == recipe), None)

    def _folder_of(self, variant: Variant, model: OpenedModel) -> Path | None:
        """Where a version's model lies; None where it was not made yet, or is no longer in the store."""
        if not variant.recipe.steps:
            return model.folder
        entry = self._artifacts.get(variant.artifact_key) if variant.artifact_key else None
        return entry.folder / "model" if entry is not None else None


def _speedup(variant: Variant) -> float:
    return variant.measurement.speedup or 0.0


def _notes(variant: Variant, said: Sequence[str]) -> tuple[str, ...]:
    """Its notes with what is said now; what an earlier measurement said of a busy computer no longer holds."""
    old = busy_words(variant.measurement)
    kept = [note for note in variant.notes if note != old]
    return tuple(dict.fromkeys((*kept, *(note for note in said if note))))


def _figure(variant: Variant) -> str:
    p50 = variant.measurement.latency_p50_ms
    return f"{p50:.3g} ms" if p50 is not None else ""
