"""Build TensorRT engines for NVIDIA cards that this computer lacks: make versions, judge them where possible, build.

The versions' ONNX files run in ONNX Runtime on the processor instead. That can reveal a regression but proves nothing
about the card. Speed is not measured, so no version is ever recommended.
"""

import dataclasses
import json
from pathlib import Path

from app.domain.choose import is_regressed
from app.domain.outcome import SearchEnd, outcome_of
from app.domain.run import Run
from app.domain.variant import Variant
from app.domain.words.outcome import headline
from app.domain.words.results import same_words
from app.services.flow.steps import Flow, JobError, JobStep
from app.services.machine.devices import describe
from app.services.records.run_records import RunPlan
from app.services.run import version_steps
from app.services.run.clock import FIRST_KINDS
from app.services.run.costs import VERSION
from app.services.run.recorder import Recorder
from app.services.run.run_steps import ORIGINAL_STEP, TIME_WAS_UP, RunSteps, recorded
from app.services.run.version_steps import Version, as_made
from workers.contracts.architectures import shown
from workers.contracts.folder import read_model
from workers.contracts.jobs import ApplyParams, ApplyResult
from workers.contracts.measured.sizes import bytes_words
from workers.contracts.planning import NO_RUNTIME
from workers.contracts.specs import Judgement, Recipe, RecipeStep
from workers.contracts.translation import _, joined, mark

RUNTIME, STAND_IN, ENGINE = "tensorrt", "onnxruntime-cpu", "tensorrt_engine"
ENGINES_FILE = "tensorrt.json"
STEPS = ("Check the model", "Read the examples", mark("Ask the original"))
ANSWER_S = 20.0
"""Most seconds for the predictions of each version."""

USUAL_S = 90.0
"""Seconds of a usual run; without a time budget, recipes that would take longer are not tried."""

JUDGED_ELSEWHERE = mark(
    "Its answers come from the same model file in ONNX Runtime on this processor; on the card they may be rounded "
    "otherwise. Its speed was not measured: no such card is here."
)

NOT_JUDGED = mark(
    "Nothing on this computer computes with such numbers, so its answers were not compared; nor was its speed."
)


def build_ahead(recorder: Recorder, plan: RunPlan) -> Flow[Run]:
    """Make, judge and build versions and record the run; whatever ends it, the run is closed and engines are kept.

    `plan.build_for` names the architectures (``sm89``). Recipes of a preset have another runtime; without recipes of a
    person for this one, the default ones are taken.
    """
    return (yield from recorded(recorder, max(len(of_tensorrt(plan.recipes)), 4), _Building(recorder, plan).work()))


class _Building(RunSteps):
    def work(self) -> Flow[None]:
        recorder = self.recorder
        recorder.plan_steps(STEPS)
        yield from self.open_model()
        yield from self.read_data()
        recipes = yield from self._plan()
        original = yield from self.evaluate_original(
            Recipe(id="original", title="Original", runtime=STAND_IN),
            ANSWER_S,
            mark("its speed on a card is not known here"),
        )
        untried, limit_s = 0, self.goal.time_budget_s
        for step, recipe in enumerate(recipes, len(STEPS)):
            began_s = recorder.elapsed_s
            if limit_s is not None and began_s > limit_s:
                recorder.step(step, state="skipped", detail=TIME_WAS_UP)
                untried += 1
            else:
                yield from self._try(step, recipe, original)
                self.clock.record_step("version", recorder.elapsed_s - began_s)
        self._close(len(recipes), untried)

    def _plan(self) -> Flow[tuple[Recipe, ...]]:
        recorder, budget_s = self.recorder, self.goal.time_budget_s or USUAL_S
        machine = yield from describe()
        recorder.save_machine(machine.device)
        how = {"runtimes": (RUNTIME,), "time_budget_s": budget_s, "build_for": self.plan.build_for}
        plan = yield from self.planned(machine, mark("Choose what to build"), of_tensorrt(self.plan.recipes), **how)
        dropped = tuple(one for one in plan.dropped if one.reason.code != NO_RUNTIME)  # on other runtimes
        recorder.save(plan_json=plan.model_copy(update={"dropped": dropped}).model_dump_json())
        recipes = tuple(self._with_engine(recipe) for recipe in plan.candidates)
        recorder.plan_steps([*STEPS, *(recipe.title for recipe in recipes)], (*FIRST_KINDS, *[VERSION] * len(recipes)))
        return recipes

    def _with_engine(self, recipe: Recipe) -> Recipe:
        """Return the recipe with its engine as the last step, for the requested architectures."""
        engine = next((step for step in recipe.steps if step.technique == ENGINE), None)
        params = {**(engine.params if engine else {}), "build_for": [*self.plan.build_for]}
        others = tuple(step for step in recipe.steps if step.technique != ENGINE)
        last = RecipeStep.model_validate({"technique": ENGINE, "params": params})
        return recipe.model_copy(update={"steps": (*others, last), "runtime": RUNTIME})

    def _try(self, step: int, recipe: Recipe, original: Version) -> Flow[None]:
        recorder = self.recorder
        recorder.step(step, state="running")
        variant = recorder.variant(self.variant_of(recipe, step - ORIGINAL_STEP))
        try:
            made = yield from self._made(variant, step)
            built, is_cached = yield from self._built(variant, made, step)
            built = yield from self._judged(built, made, original, step)
        except JobError as error:
            if error.ends_run:  # the next version would not fit either
                raise
            why = error.error
            note = joined([_("{0}.").format(_(why.title)), _(why.detail), _(why.hint)])
            recorder.variant(dataclasses.replace(variant, state="dropped", notes=(note,)))
            recorder.step(step, state="failed", detail=why.title)
            if why.hint:
                recorder.warn(joined([_(recipe.title), _(why.hint)], ": "))
        else:
            recorder.variant(built)
            how = _("built before and taken from the store") if is_cached else _("built")
            bad = is_regressed(built)
            state, result = ("warning", _("silent regression")) if bad else ("done", same_words(built))
            figure = bytes_words(built.size_bytes or 0)
            recorder.step(step, state=state, detail=joined([how, result], ", "), figure=figure)

    def _made(self, variant: Variant, step: int) -> Flow[Version]:
        """Make the version without its engine, which ONNX Runtime can judge; it is the same for all architectures."""
        plain = variant.recipe.model_copy(update={"steps": variant.recipe.steps[:-1]})
        without = dataclasses.replace(variant, recipe=plain, runtime=STAND_IN)
        return (yield from version_steps.apply(without, self.model, self.data, self.goal.seed, step))

    def _built(self, variant: Variant, made: Version, step: int) -> Flow[tuple[Variant, bool]]:
        """Build the version's engine; return the version and whether the engine came from the cache."""
        folder = self.data.folder
        done = yield from JobStep(
            "apply",
            ApplyParams(model_dir=str(made.model_dir), steps=variant.recipe.steps[-1:], data_dir=str(folder)),
            ApplyResult,
            variant.title,
            (made.model_dir, folder),
            cache=True,
            seed=self.goal.seed,
            step_index=step,
        ).run()
        model_dir = done.folder / done.result.model_dir
        self._warn_left_out(variant.title, model_dir / ENGINES_FILE)
        original_bytes = self.model.result.artifact.size_bytes
        return as_made(variant, done.key, read_model(model_dir).artifact, original_bytes), done.cached

    def _judged(self, built: Variant, made: Version, original: Version, step: int) -> Flow[Variant]:
        """Judge the predictions of the same model file in ONNX Runtime."""
        allowed = read_model(made.model_dir).artifact.runtimes
        if allowed is not None and STAND_IN not in allowed:
            return dataclasses.replace(built, state="answered", notes=(*built.notes, NOT_JUDGED))
        made = yield from self.predict(made, step, ANSWER_S)
        made = yield from self.judge(original, made, step)
        return dataclasses.replace(
            built,
            state="answered",
            answers_key=made.variant.answers_key,
            judgement=unmeasured(made.variant.judgement),
            notes=(*built.notes, JUDGED_ELSEWHERE),
        )

    def _warn_left_out(self, title: str, file: Path) -> None:
        """Report requested architectures without an engine, because their cards lack the version's number format."""
        rows = json.loads(file.read_text(encoding="utf-8"))["engines"]
        built = {name for row in rows for name in row["architectures"]}
        left_out = [name for name in self.plan.build_for if name not in built]
        if left_out:
            self.recorder.warn(
                _("{0}: no engine for {1}, whose cards cannot compute with such numbers.").format(
                    _(title), shown(left_out)
                )
            )

    def _close(self, planned: int, untried: int) -> None:
        recorder = self.recorder
        end = SearchEnd(planned=planned, untried=untried, final="done", built_for=self.plan.build_for)
        recorder.save_search(end)
        outcome = outcome_of(list(recorder.variants.values()), "speed", end)
        recorder.finish(outcome, headline(outcome, "speed", self.goal.max_loss_pct))


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
