"""The whole optimization of one model for one goal, as one flow.

Answers first, then time: what answers otherwise than the original is dropped before it is measured at length. The
finalists and the original are measured again in turn, in fresh processes, before anything is recommended.
"""

import dataclasses
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.choose import Objective, choose, finalists, may_win
from app.domain.run import Run, RunState
from app.domain.variant import Variant
from app.domain.words import headline, verdict_words, why_not
from app.services import candidates as one
from app.services.candidates import Candidate
from app.services.describing import describe
from app.services.opening import OpenedModel, ReadData, open_model, read_data
from app.services.recorder import Recorder
from app.services.steps import Done, Flow, FlowCancelled, JobError, JobStep, Measured
from app.services.store import ArtifactStore
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import DataParams, OpenParams, PlanParams, PlanResult, SpeedSummary
from workers.contracts.specs import Recipe

QUICK_BLOCKS, FINAL_BLOCKS, FINAL_SETS = 8, 3, 3
"""Blocks of 40 requests: 320 for a first look (a p99 needs 299), 3 sets of 120 in the final run (RUNTIME.md)."""

RESERVE_SHARE = 0.25
"""Part of a time budget that is kept for the final run."""


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
    except JobError as error:
        recorder.end(RunState.FAILED, headline=error.error.title, error=error.error)
        raise
    except FlowCancelled:
        recorder.end(RunState.CANCELLED, headline="Cancelled. What was measured is kept.")
        raise
    except Exception as error:
        recorder.end(RunState.FAILED, headline="Something went wrong inside Fettle", error=internal(error))
        raise
    except GeneratorExit:
        recorder.end(RunState.INTERRUPTED, headline="Interrupted. It can go on from here.")
        raise
    return recorder.run


def internal(error: Exception) -> ErrorInfo:
    """Words for a mistake of the program's own."""
    return ErrorInfo(
        code="internal",
        title="Something went wrong inside Fettle",
        detail=f"{type(error).__name__}: {error}",
        hint="What was measured is kept. Please report it with the log.",
        traceback="".join(traceback.format_exception(error)),
    )


class _Optimization:
    def __init__(self, recorder: Recorder, artifacts: ArtifactStore, ask: OptimizeAsk) -> None:
        self._recorder, self._artifacts, self._ask = recorder, artifacts, ask
        self._goal = recorder.run.goal
        self._candidates: dict[str, Candidate] = {}

    def run(self) -> Flow[None]:
        recorder = self._recorder
        recorder.plan_steps(["Check the model", "Read the examples", "Measure the original"])
        model = yield from self._open()
        data = yield from self._read(model)
        baseline_recipe, recipes = yield from self._plan(model, data)
        original, measured = yield from self._measure_original(model, data, baseline_recipe)
        for index, recipe in enumerate(recipes):
            step = 3 + index
            if self._out_of_time():
                recorder.step(step, state="skipped", detail="no time left within your budget")
                continue
            yield from self._try(step, recipe, model, data, original, measured)
        yield from self._final_run(3 + len(recipes), original, data)
        self._close(original)

    def _open(self) -> Flow[OpenedModel]:
        self._recorder.step(0, state="running")
        model = yield from open_model(self._ask.model, 0)
        self._recorder.note_project(
            model_key=model.key, model_sha256=model.info.sha256, info_json=model.info.model_dump_json()
        )
        self._recorder.step(0, state="done", detail=model.info.task)
        return model

    def _read(self, model: OpenedModel) -> Flow[ReadData]:
        self._recorder.step(1, state="running")
        params = self._ask.data.model_copy(update={"model_dir": str(model.folder)})
        data = yield from read_data(params, 1, self._goal.seed)
        made = data.result.origin == "made"
        detail = "inputs made by Fettle" if made else f"{data.result.n_test:,} to test with"
        self._recorder.step(1, state="done", detail=detail)
        self._recorder.note_project(data_path=params.path, data_key=data.key, data_json=data.result.model_dump_json())
        self._recorder.note(data_key=data.key)
        return data

    def _plan(self, model: OpenedModel, data: ReadData) -> Flow[tuple[Recipe, tuple[Recipe, ...]]]:
        found = yield from describe()
        available = tuple(row.id for row in found.runtimes if row.available)
        wanted = tuple(runtime for runtime in available if self._wants(runtime))
        done: Done[PlanResult] = yield JobStep(
            kind="plan",
            params=PlanParams(
                model_dir=str(model.folder),
                device=found.device,
                preset_steps=self._ask.recipes,
                has_calibration=data.result.n_calibration > 0,
                runtimes=wanted,
            ),
            result=PlanResult,
            title="Choose what to try",
            read_paths=(model.folder,),
        )
        plan = done.result
        self._recorder.note(plan_json=plan.model_dump_json())
        recipes = plan.candidates[: self._ask.max_candidates]
        self._recorder.plan_steps(
            ["Check the model", "Read the examples", "Measure the original"]
            + [recipe.title for recipe in recipes]
            + ["Final run, side by side"]
        )
        return plan.baseline, recipes

    def _wants(self, runtime: str) -> bool:
        return not self._goal.runtimes or runtime in self._goal.runtimes or runtime == "onnxruntime-cpu"

    def _measure_original(self, model: OpenedModel, data: ReadData, recipe: Recipe) -> Flow[tuple[Candidate, Measured]]:
        recorder, step = self._recorder, 2
        recorder.step(step, state="running")
        known = self._known(recipe)
        variant = known or one.new_variant(recorder.run.id, 0, recipe, is_baseline=True)
        original = yield from one.make(variant, model, data, self._goal.seed, step)
        original = yield from one.ask(original, data, self._ask.threads, step)
        original = yield from one.judge(original, original, data, self._goal.max_loss_pct, step)
        recorder.variant(original.variant)
        measured = yield from self._quick([original], data, step)
        if (failure := measured.failures[0]) is not None:
            raise JobError(failure, 1)
        summaries = yield from one.summarize(measured)
        original = self._with_figures(original, measured, 0, summaries[0], interleaved=False)
        recorder.note(baseline_variant_id=original.variant.id)
        recorder.step(step, state="done", figure=_figure(original.variant))
        return original, measured

    def _quick(self, candidates: list[Candidate], data: ReadData, step: int) -> Flow[Measured]:
        title = f"Measure {candidates[0].variant.title}"
        measured = yield from one.measure(
            candidates, data, sets=1, blocks=QUICK_BLOCKS, threads=self._ask.threads, title=title, step=step
        )
        return measured

    def _try(
        self,
        step: int,
        recipe: Recipe,
        model: OpenedModel,
        data: ReadData,
        original: Candidate,
        base: Measured,
    ) -> Flow[None]:
        recorder = self._recorder
        recorder.step(step, state="running")
        variant = self._known(recipe) or one.new_variant(recorder.run.id, step - 2, recipe)
        if variant.state in ("measured", "confirmed") and variant.measurement.n:
            self._candidates[variant.id] = Candidate(variant, self._folder_of(variant, model))
            self._tell(step, variant)
            return
        recorder.variant(variant)
        try:
            candidate = yield from one.make(variant, model, data, self._goal.seed, step)
            recorder.variant(candidate.variant)
            candidate = yield from one.ask(candidate, data, self._ask.threads, step)
            candidate = yield from one.judge(original, candidate, data, self._goal.max_loss_pct, step)
            recorder.variant(candidate.variant)
            measured = yield from self._quick([candidate], data, step)
            if (failure := measured.failures[0]) is not None:
                raise JobError(failure, 1)
            summaries = yield from one.summarize(measured, against=base)
        except JobError as error:
            self._drop(step, variant, error.error)
            return
        candidate = self._with_figures(candidate, measured, 0, summaries[0], interleaved=False)
        self._tell(step, candidate.variant)

    def _drop(self, step: int, variant: Variant, error: ErrorInfo) -> None:
        now = self._recorder.variants.get(variant.id, variant)
        note = f"{error.title}. {error.detail}"
        self._recorder.variant(dataclasses.replace(now, state="dropped", notes=(note, *now.notes)))
        self._recorder.step(step, state="failed", detail=error.title)

    def _tell(self, step: int, variant: Variant) -> None:
        state = "done" if may_win(variant) else "warning"
        self._recorder.step(step, state=state, detail=verdict_words(variant), figure=_figure(variant))

    def _final_run(self, step: int, original: Candidate, data: ReadData) -> Flow[None]:
        recorder = self._recorder
        best = finalists(list(recorder.variants.values()), self._ask.objective)
        if not best:
            recorder.step(step, state="skipped", detail="nothing was faster and within your limit")
            return
        recorder.step(step, state="running")
        field = [original, *(self._candidates[variant.id] for variant in best)]
        measured = yield from one.measure(
            field,
            data,
            sets=FINAL_SETS,
            blocks=FINAL_BLOCKS,
            threads=self._ask.threads,
            title="Final run, side by side",
            step=step,
        )
        if (failure := measured.failures[0]) is not None:
            raise JobError(failure, 1)
        summaries = yield from one.summarize(measured)
        for index, candidate in enumerate(field):
            error = measured.failures[index]
            if error is not None:
                self._drop_finalist(candidate.variant, error)
            else:
                self._with_figures(candidate, measured, index, summaries[index], interleaved=True)
        recorder.step(step, state="done", detail=f"{len(field)} versions in turn")

    def _drop_finalist(self, variant: Variant, error: ErrorInfo) -> None:
        note = f"{error.title}. {error.detail}"
        self._recorder.variant(dataclasses.replace(variant, state="dropped", notes=(note, *variant.notes)))

    def _with_figures(
        self, candidate: Candidate, measured: Measured, index: int, summary: object, *, interleaved: bool
    ) -> Candidate:
        if not isinstance(summary, SpeedSummary):
            raise RuntimeError("a contender that was measured has no summary")
        results = measured.results[index]
        measurement = one.measurement_of(
            summary, results, len(measured.latencies_ms[index]), measured.busy_share, interleaved
        )
        fallbacks = tuple(dict.fromkeys(text for result in results for text in result.fallbacks))
        variant = dataclasses.replace(
            candidate.variant,
            state="confirmed" if interleaved else "measured",
            measurement=measurement,
            notes=tuple(dict.fromkeys((*candidate.variant.notes, *fallbacks))),
        )
        done = dataclasses.replace(candidate, variant=self._recorder.variant(variant))
        self._candidates[variant.id] = done
        return done

    def _close(self, original: Candidate) -> None:
        recorder, limit = self._recorder, self._goal.max_loss_pct
        tried = [variant for variant in recorder.variants.values() if not variant.is_baseline]
        choice = choose(tried, self._ask.objective)
        for variant in tried:
            if choice.variant is None or variant.id != choice.variant.id:
                reason = why_not(variant, limit)
                if reason not in variant.notes and not may_win(variant):
                    recorder.variant(dataclasses.replace(variant, notes=(*variant.notes, reason)))
        recorder.end(
            RunState.FINISHED if choice.variant else RunState.KEPT_ORIGINAL,
            headline=headline(choice.variant, tried, choice.proven, limit),
            recommended_variant_id=choice.variant.id if choice.variant else None,
        )

    def _known(self, recipe: Recipe) -> Variant | None:
        """The same candidate of an interrupted run, so that nothing is done twice."""
        return next((v for v in self._recorder.variants.values() if v.recipe == recipe), None)

    def _folder_of(self, variant: Variant, model: OpenedModel) -> Path:
        if not variant.recipe.steps:
            return model.folder
        return self._artifacts.folder(str(variant.artifact_key)) / "model"

    def _out_of_time(self) -> bool:
        budget = self._goal.time_budget_s
        return budget is not None and self._recorder.elapsed_s > budget * (1 - RESERVE_SHARE)


def _figure(variant: Variant) -> str:
    p50 = variant.measurement.latency_p50_ms
    return f"{p50:.3g} ms" if p50 is not None else ""


def variants_of(recorder: Recorder) -> Sequence[Variant]:
    """All variants of the run, the original first."""
    return sorted(recorder.variants.values(), key=lambda variant: variant.index)
