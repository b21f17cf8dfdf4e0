"""Build TensorRT engines for NVIDIA cards that this computer lacks: make versions, judge what is possible, build.

The versions' ONNX files run in ONNX Runtime on the processor instead. That can reveal a regression but proves nothing
about the card. Speed is not measured, so no version is ever recommended.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from app.domain.choose import is_regressed
from app.domain.outcome import SearchEnd, outcome_of
from app.domain.run import Run, RunState
from app.domain.sizes import bytes_words
from app.domain.variant import Variant
from app.domain.words.outcome import headline
from app.domain.words.results import same_words
from app.services.flow.steps import Flow, JobError, JobStep, StepResult
from app.services.machine.describing import describe
from app.services.opening.opening import OpenedModel, ReadData
from app.services.run import version_steps
from app.services.run.clock import FIRST_KINDS
from app.services.run.costs import StepKind
from app.services.run.first_steps import open_first, read_second
from app.services.run.optimize import TIME_WAS_UP, recorded
from app.services.run.recorder import Recorder
from app.services.run.version_steps import Version
from workers.contracts.architectures import shown
from workers.contracts.folder import read_model
from workers.contracts.jobs import ApplyParams, ApplyResult, DataParams, OpenParams
from workers.contracts.planning import NO_RUNTIME, PlanParams, PlanResult
from workers.contracts.process.disk import DISK_FULL
from workers.contracts.specs import Judgement, Recipe, RecipeStep

RUNTIME, STAND_IN, ENGINE = "tensorrt", "onnxruntime-cpu", "tensorrt_engine"
ENGINES_FILE = "tensorrt.json"
STEPS = ("Check the model", "Read the examples", "Ask the original")
ANSWER_S = 20.0
"""Most seconds for the predictions of each version."""

USUAL_S = 90.0
"""Seconds of a usual run; without a time budget, recipes that would take longer are not tried."""

JUDGED_ELSEWHERE = (
    "Its answers come from the same model file in ONNX Runtime on this processor; on the card they may be rounded "
    "otherwise. Its speed was not measured: no such card is here."
)

NOT_JUDGED = "Nothing on this computer computes with such numbers, so its answers were not compared; nor was its speed."


@dataclass(frozen=True)
class BuildRequest:
    """What to build, and for which GPU architectures (``sm89``).

    `recipes` are chosen by a person; an empty tuple means the default recipes.
    """

    model: OpenParams
    data: DataParams  # model_dir is filled in when the model is open
    build_for: tuple[str, ...]
    recipes: tuple[Recipe, ...]
    threads: int


def build_ahead(recorder: Recorder, request: BuildRequest) -> Flow[Run]:
    """Make, judge and build versions and record the run; whatever ends it, the run is closed and engines are kept."""
    return (yield from recorded(recorder, max(len(request.recipes), 4), _Building(recorder, request).run()))


class _Building:
    def __init__(self, recorder: Recorder, request: BuildRequest) -> None:
        self._recorder, self._request, self._goal = recorder, request, recorder.run.goal

    def run(self) -> Flow[None]:
        recorder = self._recorder
        recorder.plan_steps(STEPS)
        model = yield from open_first(recorder, self._request.model)
        _, data = yield from read_second(recorder, model, self._request.data)
        recipes = yield from self._plan(model, data)
        original = yield from self._ask_original(model, data)
        untried = 0
        for step, recipe in enumerate(recipes, len(STEPS)):
            if self._time_is_up():
                recorder.step(step, state="skipped", detail=TIME_WAS_UP)
                untried += 1
            else:
                began_s = recorder.elapsed_s
                yield from self._try(step, recipe, model, data, original)
                recorder.clock.record_step("version", recorder.elapsed_s - began_s)
        self._close(len(recipes), untried)

    def _time_is_up(self) -> bool:
        limit_s = self._goal.time_budget_s
        return limit_s is not None and self._recorder.elapsed_s > limit_s

    def _plan(self, model: OpenedModel, data: ReadData) -> Flow[tuple[Recipe, ...]]:
        found = yield from describe()
        self._recorder.save_machine(found.device)
        done: StepResult[PlanResult] = yield JobStep(
            kind="plan",
            params=PlanParams(
                model_dir=str(model.folder),
                device=found.device,
                preset_steps=self._request.recipes,
                has_calibration=data.result.n_calibration > 0,
                runtimes=(RUNTIME,),
                data_dir=str(data.folder),
                time_budget_s=self._goal.time_budget_s or USUAL_S,
                techniques=tuple(f"{row.id} {row.version}" for row in found.techniques if row.available),
                build_for=self._request.build_for,
            ),
            result=PlanResult,
            title="Choose what to build",
            read_paths=(model.folder, data.folder),
            cache=True,
        )
        dropped = tuple(one for one in done.result.dropped if one.reason.code != NO_RUNTIME)  # on other runtimes
        self._recorder.save(plan_json=done.result.model_copy(update={"dropped": dropped}).model_dump_json())
        recipes = tuple(self._with_engine(recipe) for recipe in done.result.candidates)
        titles = [*STEPS, *(recipe.title for recipe in recipes)]
        versions: tuple[StepKind, ...] = ("version",) * len(recipes)
        self._recorder.plan_steps(titles, (*FIRST_KINDS, *versions))
        return recipes

    def _with_engine(self, recipe: Recipe) -> Recipe:
        """Return the recipe with its engine as the last step, for the requested architectures."""
        engine = next((step for step in recipe.steps if step.technique == ENGINE), None)
        params = {**(engine.params if engine else {}), "build_for": [*self._request.build_for]}
        others = tuple(step for step in recipe.steps if step.technique != ENGINE)
        last = RecipeStep.model_validate({"technique": ENGINE, "params": params})
        return recipe.model_copy(update={"steps": (*others, last), "runtime": RUNTIME})

    def _ask_original(self, model: OpenedModel, data: ReadData) -> Flow[Version]:
        recorder, step = self._recorder, 2
        recorder.step(step, state="running")
        recipe = Recipe(id="original", title="Original", runtime=STAND_IN)
        known = next((v for v in recorder.variants.values() if v.is_baseline), None)
        variant = known or version_steps.new_variant(recorder.run.id, 0, recipe, is_baseline=True)
        original = yield from version_steps.apply(variant, model, data, self._goal.seed, step)
        recorder.variant(original.variant)
        recorder.save(baseline_variant_id=variant.id)
        original = yield from version_steps.predict(original, data.folder, self._request.threads, step, ANSWER_S)
        original = yield from version_steps.judge_beside(original, original, data.folder, self._goal.max_loss_pct, step)
        recorder.variant(original.variant)
        recorder.step(step, state="done", detail="its speed on a card is not known here")
        return original

    def _try(self, step: int, recipe: Recipe, model: OpenedModel, data: ReadData, original: Version) -> Flow[None]:
        recorder = self._recorder
        recorder.step(step, state="running")
        known = next((v for v in recorder.variants.values() if v.recipe == recipe), None)
        variant = known or version_steps.new_variant(recorder.run.id, step - 2, recipe)
        recorder.variant(variant)
        try:
            made = yield from self._made(variant, model, data, step)
            built, was_known = yield from self._built(variant, made, model, data, step)
            built = yield from self._judged(built, made, original, data, step)
        except JobError as error:
            if error.error.code == DISK_FULL:  # the next version would not fit either
                raise
            said = f"{error.error.title}. {error.error.detail} {error.error.hint}".strip()
            recorder.variant(dataclasses.replace(variant, state="dropped", notes=(said,)))
            recorder.step(step, state="failed", detail=error.error.title)
            if error.error.hint:
                recorder.warn(f"{recipe.title}: {error.error.hint}")
        else:
            recorder.variant(built)
            size = bytes_words(built.size_bytes or 0)
            how = "built before and taken from the store" if was_known else "built"
            state, said = ("warning", "silent regression") if is_regressed(built) else ("done", same_words(built))
            recorder.step(step, state=state, detail=f"{how}, {said}", figure=size)

    def _made(self, variant: Variant, model: OpenedModel, data: ReadData, step: int) -> Flow[Version]:
        """Make the version without its engine, which ONNX Runtime can judge; it is the same for all architectures."""
        plain = variant.recipe.model_copy(update={"steps": variant.recipe.steps[:-1]})
        without = dataclasses.replace(variant, recipe=plain, runtime=STAND_IN)
        return (yield from version_steps.apply(without, model, data, self._goal.seed, step))

    def _built(
        self, variant: Variant, made: Version, model: OpenedModel, data: ReadData, step: int
    ) -> Flow[tuple[Variant, bool]]:
        """Build the version's engine; return the version and whether the engine came from the cache."""
        params = ApplyParams(model_dir=str(made.model_dir), steps=variant.recipe.steps[-1:], data_dir=str(data.folder))
        done: StepResult[ApplyResult] = yield JobStep(
            kind="apply",
            params=params,
            result=ApplyResult,
            title=variant.title,
            read_paths=(made.model_dir, data.folder),
            cache=True,
            seed=self._goal.seed,
            step_index=step,
        )
        folder = done.folder / done.result.model_dir
        artifact = read_model(folder).artifact
        self._tell_left_out(variant.title, folder / ENGINES_FILE)
        built = dataclasses.replace(
            variant,
            state="applied",
            artifact_key=str(done.key),
            precision=artifact.precision,
            weights_kept=artifact.weights_kept,
            size_bytes=artifact.size_bytes,
            size_ratio=model.result.artifact.size_bytes / artifact.size_bytes,
            notes=artifact.notes,
        )
        return built, done.cached

    def _judged(self, built: Variant, made: Version, original: Version, data: ReadData, step: int) -> Flow[Variant]:
        """Judge the predictions of the same model file in ONNX Runtime."""
        allowed = read_model(made.model_dir).artifact.runtimes
        if allowed is not None and STAND_IN not in allowed:
            return dataclasses.replace(built, state="answered", notes=(*built.notes, NOT_JUDGED))
        made = yield from version_steps.predict(made, data.folder, self._request.threads, step, ANSWER_S)
        limit_pct = self._goal.max_loss_pct
        made = yield from version_steps.judge_beside(original, made, data.folder, limit_pct, step)
        judgement = unmeasured(made.variant.judgement)
        return dataclasses.replace(
            built,
            state="answered",
            answers_key=made.variant.answers_key,
            judgement=judgement,
            notes=(*built.notes, JUDGED_ELSEWHERE),
        )

    def _tell_left_out(self, title: str, file: Path) -> None:
        """Report requested architectures without an engine, because their cards lack the version's number format."""
        rows = json.loads(file.read_text(encoding="utf-8"))["engines"]
        built = {name for row in rows for name in row["architectures"]}
        left_out = [name for name in self._request.build_for if name not in built]
        if left_out:
            self._recorder.warn(
                f"{title}: no engine for {shown(left_out)}, whose cards cannot compute with such numbers."
            )

    def _close(self, planned: int, untried: int) -> None:
        recorder = self._recorder
        end = SearchEnd(planned=planned, untried=untried, final="done", built_for=self._request.build_for)
        recorder.save_search(end)
        outcome = outcome_of(list(recorder.variants.values()), "speed", end)
        recorder.end(RunState.KEPT_ORIGINAL, headline=headline(outcome, "speed", self._goal.max_loss_pct))


def unmeasured(judgement: Judgement | None) -> Judgement | None:
    """Return the judgement with its verdict changed to "unmeasured", except for a regression.

    A regression in another runtime is also one here; any other verdict proves nothing for this engine.
    """
    if judgement is None or judgement.verdict == "regressed":
        return judgement
    return judgement.model_copy(update={"verdict": "unmeasured"})


def of_tensorrt(recipes: tuple[Recipe, ...]) -> tuple[Recipe, ...]:
    """Return the recipes of a person that target TensorRT; presets have none."""
    return tuple(recipe for recipe in recipes if recipe.runtime == RUNTIME)
