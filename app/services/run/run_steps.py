"""Define what every run consists of: a recorded begin and end, the model, the examples, the plan and the original."""

import contextlib
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.domain.run import Run, RunState
from app.domain.variant import Variant
from app.services.flow.steps import Flow, FlowCancelled, JobError, JobStep
from app.services.machine.devices import describe, fast_formats
from app.services.opening.opening import OpenedModel, ReadData, open_model, other_inputs, read_data
from app.services.records.run_records import RunPlan
from app.services.run import version_steps
from app.services.run.forecasting import usual_basis
from app.services.run.recorder import Recorder
from app.services.run.version_steps import Version
from workers.contracts.errors import WorkerError, words_for
from workers.contracts.jobs import DataParams, DescribeResult, PlanParams, PlanResult
from workers.contracts.process.allowance import usable_cores
from workers.contracts.specs import Finding, Recipe
from workers.contracts.translation import _, mark

ORIGINAL_STEP = 2
TIME_WAS_UP = mark("the time was up")


def recorded(recorder: Recorder, recipes: int, work: Flow[None]) -> Flow[Run]:
    """Run `work`, which tries at most `recipes` recipes, and record the run.

    `work` closes the run on success, this function in all other cases.
    """
    recorder.clock.basis = usual_basis(Path(recorder.project.model_path), recipes, recorder.run.goal.time_budget_s)
    recorder.begin()
    try:
        yield from work
    except FlowCancelled:
        recorder.break_off(RunState.CANCELLED, mark("Cancelled. What was measured is kept."))
        raise
    except GeneratorExit:
        recorder.break_off(RunState.INTERRUPTED, mark("Fettle was closed during the run. You can continue it."))
        raise
    except Exception as error:
        kept = mark("What was measured is kept. Please report it with the log.")
        info = error.error if isinstance(error, JobError) else words_for(error, kept)
        with contextlib.suppress(WorkerError):  # the database itself may have failed
            recorder.break_off(RunState.FAILED, info.title, info)
        raise
    return recorder.run


class RunSteps:
    """The steps that all kinds of runs share; owned by the run's flow. `model` and `data` are set by the first two."""

    model: OpenedModel
    data: ReadData

    def __init__(self, recorder: Recorder, plan: RunPlan) -> None:
        """Create the steps of a run by its plan."""
        self.recorder, self.plan, self.goal, self.clock = recorder, plan, recorder.run.goal, recorder.clock
        self.threads, self.target = self.goal.threads or usable_cores(), version_steps.Target(self.goal.computer)

    def open_model(self, **changed: Any) -> Flow[None]:
        """Open the model with these parameters changed, and record it.

        Raises:
            JobError: (exit code 3) A resumed run would get another model.
        """
        recorder = self.recorder
        recorder.step(0, state="running")
        assert self.plan.model is not None  # `resume_run` sets both
        self.model = model = yield from open_model(self.plan.model.model_copy(update=changed), 0)
        original = next((v for v in recorder.variants.values() if v.is_baseline and v.artifact_key), None)
        if original is not None and original.artifact_key != model.key:
            raise JobError(other_inputs(), 3)
        info = model.result.info
        recorder.save_project(model_key=model.key, model_sha256=info.sha256, info_json=info.model_dump_json())
        recorder.step(0, state="done", detail=info.task)
        self._report(info.findings)

    def read_data(self, unreported: Iterable[str] = (), **changed: Any) -> Flow[DataParams]:
        """Read the examples with these parameters changed, and record them; return the parameters.

        Findings with a code in `unreported` are not reported.

        Raises:
            JobError: (exit code 3) A resumed run would get other examples.
        """
        recorder = self.recorder
        recorder.step(1, state="running")
        assert self.plan.data is not None
        params = self.plan.data.model_copy(update={**changed, "model_dir": str(self.model.folder)})
        self.data = data = yield from read_data(params, 1, self.goal.seed)
        if recorder.run.data_key not in (None, data.key):
            raise JobError(other_inputs(), 3)
        made = data.result.origin == "made"
        detail = mark("inputs made by Fettle") if made else _("{0:,} to test with").format(data.result.n_test)
        recorder.step(1, state="done", detail=detail)
        self._report(finding for finding in data.result.findings if finding.code not in set(unreported))
        recorder.save_project(data_path=params.path, data_key=data.key, data_json=data.result.model_dump_json())
        recorder.save(data_key=data.key)
        return params

    def _report(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.recorder.report(finding)

    def described(self) -> Flow[DescribeResult]:
        """Return the description of the computer that measures, and choose its cores and what versions depend on."""
        computer = self.goal.computer
        machine = yield from describe(computer)
        if computer:
            here = yield from describe()
            there = fast_formats(machine)
            depends = frozenset(row.id for row in machine.techniques if "int8" in row.traits)
            self.target = version_steps.Target(computer, None if there == fast_formats(here) else there, depends)
            self.threads = min(self.goal.threads or machine.device.cores, machine.device.cores)
        return machine

    def planned(self, machine: DescribeResult, title: str, recipes: tuple[Recipe, ...], **how: Any) -> Flow[PlanResult]:
        """Return which of these recipes fit the model and the machine; `how` are further fields of `PlanParams`."""
        model, data = self.model, self.data
        params = PlanParams(
            model_dir=str(model.folder),
            device=machine.device.model_copy(update={"cores": self.threads}),
            preset_steps=recipes,
            has_calibration=data.result.n_calibration > 0,
            data_dir=str(data.folder),
            techniques=tuple(f"{row.id} {row.version}" for row in machine.techniques if row.available),
            **how,
        )
        read_paths = (model.folder, data.folder)
        computer = self.target.computer
        where: dict[str, Any] = {"computer": computer, "threads": self.threads} if computer else {}
        done = yield from JobStep("plan", params, PlanResult, title, read_paths, cache=True, **where).run()
        return done.result

    def variant_of(self, recipe: Recipe, index: int) -> Variant:
        """Return the variant of this recipe: a new one, or that of an earlier part of the run, so no work is repeated.

        Recipes are compared by their work, because the title may have changed. The original has index 0.
        """
        earlier = next((v for v in self.recorder.variants.values() if _work(v.recipe) == _work(recipe)), None)
        if earlier is None:
            return version_steps.new_variant(self.recorder.run.id, index, recipe, is_baseline=index == 0)
        return dataclasses.replace(earlier, recipe=recipe, title=recipe.title)

    def make(self, variant: Variant, step: int) -> Flow[Version]:
        """Apply a variant's techniques and record it."""
        version = yield from version_steps.apply(variant, self.model, self.data, self.goal.seed, step, self.target)
        self.recorder.variant(version.variant)
        return version

    def make_original(self, recipe: Recipe) -> Flow[Version]:
        """Begin the step of the original and record it as a version."""
        self.recorder.step(ORIGINAL_STEP, state="running")
        original = yield from self.make(self.variant_of(recipe, 0), ORIGINAL_STEP)
        self.recorder.save(baseline_variant_id=original.variant.id)
        return original

    def evaluate_original(self, recipe: Recipe, max_s: float | None = None, detail: str = "") -> Flow[Version]:
        """Make, predict and judge the original without measuring it, and record it."""
        original = yield from self.make_original(recipe)
        original = yield from self.predict(original, ORIGINAL_STEP, max_s)
        original = yield from self.judge(original, original, ORIGINAL_STEP)
        self.recorder.variant(original.variant)
        self.recorder.step(ORIGINAL_STEP, state="done", detail=detail)
        return original

    def predict(
        self, version: Version, step: int, max_s: float | None = None, most: int | None = None
    ) -> Flow[Version]:
        """Return a version with its predictions for the test examples (see `version_steps.predict`)."""
        return (yield from version_steps.predict(version, self.data.folder, self.threads, step, max_s, most))

    def judge(self, original: Version, version: Version, step: int, earlier: int = 0) -> Flow[Version]:
        """Return a version with the verdict on its predictions."""
        folder, limit_pct = self.data.folder, self.goal.max_loss_pct
        return (yield from version_steps.judge_version(original, version, folder, limit_pct, step, earlier))

    def warn_of(self, version: Version) -> None:
        """Report the notes of a version's verdict."""
        for note in version.variant.judgement.notes if version.variant.judgement else ():
            self.recorder.warn(note)


def _work(recipe: Recipe) -> tuple[Any, ...]:
    return recipe.runtime, recipe.steps, recipe.settings, recipe.elsewhere
