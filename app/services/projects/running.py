"""Start or resume a run from a person's choices, for window and command line alike."""

from dataclasses import dataclass
from pathlib import Path

from app.domain.project import Project
from app.domain.run import Goal, Run, RunState
from app.services.after.watching import then_watched
from app.services.flow.events import Observer
from app.services.flow.steps import Flow, Refused
from app.services.flow.workspace import Workspace
from app.services.hub.model_cache import remember_origin
from app.services.projects.projects import new_run
from app.services.records.facts import stored_run
from app.services.records.run_records import OtherModelRequest, RunPlan, as_begun, saved_plan, with_plan
from app.services.run.build_ahead import build_ahead
from app.services.run.optimize import optimize
from app.services.run.prove_other import prove_other
from app.services.run.recorder import Recorder
from presets.loader import DEFAULT_ID, load_presets
from presets.schema import Preset
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.translation import mark

LANGUAGE_MODEL = "language-model"


@dataclass(frozen=True)
class RunRequest:
    """What a person chose for a run; made by the page or the command.

    `data` without a path means inputs made by Fettle. `fresh` excludes earlier measurements. With `beside` nothing is
    searched: that model is proven against the original. With `build_for` engines are built for other cards (``sm89``).
    """

    project: Project
    model: OpenParams
    data: DataParams
    preset: Preset
    goal: Goal
    fresh: bool = False
    beside: OtherModelRequest | None = None
    build_for: tuple[str, ...] = ()


def start_run(space: Workspace, request: RunRequest, observe: Observer) -> tuple[Recorder, Flow[Run]]:
    """Record a new run as queued and return its flow; drive the flow with the recorder's `watch`."""
    with space.repositories.together():
        remember_origin(space, request.project)
        run = new_run(space.repositories, request.project, request.goal)
        return resume_run(space, run, request, observe)


def plan_of(request: RunRequest) -> RunPlan:
    """Return the plan that a new run of this request stores."""
    return RunPlan(
        recipes=request.preset.recipes,
        by_traits=request.preset.by_traits,
        objective=request.preset.objective,
        fresh=request.fresh,
        model=request.model,
        data=request.data,
        beside=request.beside,
        build_for=request.build_for,
    )


def resume_run(
    space: Workspace, run: Run, request: RunRequest, observe: Observer, more_s: float | None = None
) -> tuple[Recorder, Flow[Run]]:
    """Resume a queued, interrupted, cancelled or failed run; cached work is not repeated.

    The run keeps its original recipes even if the preset has changed since. `more_s` grants seconds from now on, with
    which a completed run can also continue.
    """
    plan = saved_plan(run)
    if plan is None:
        plan = plan_of(request)
        run = with_plan(run, plan)
        space.repositories.runs.update(run)
    recorder = Recorder(space.repositories, request.project, run, observe)
    plan = plan.model_copy(update={"model": request.model, "data": request.data})
    if plan.beside is not None:
        return recorder, prove_other(recorder, plan, plan.beside)
    if plan.build_for:
        return recorder, build_ahead(recorder, plan)
    return recorder, then_watched(space, optimize(recorder, plan, more_s, _goals_for_chats(request.preset)))


def _goals_for_chats(preset: Preset) -> tuple[str, ...]:
    """Return the titles of goals for language models, () if the chosen one is such a goal."""
    if LANGUAGE_MODEL in preset.tasks:
        return ()
    return tuple(one.title for one in load_presets().for_task(LANGUAGE_MODEL) if LANGUAGE_MODEL in one.tasks)


def limits_of(preset: Preset, max_loss_pct: float | None, time_budget_s: float | None) -> tuple[float, float | None]:
    """Return the person's limit and time budget, else the preset's."""
    loss = preset.max_loss_pct if max_loss_pct is None else max_loss_pct
    return loss, preset.time_budget_s if time_budget_s is None else time_budget_s


def data_params(path: Path | None, calibration: Path | None, text: str | None, label: str | None) -> DataParams:
    """Return the data as the person named them."""
    return DataParams(
        model_dir="",
        path=str(path.absolute()) if path else None,
        calibration_path=str(calibration.absolute()) if calibration else None,
        text_column=text,
        label_column=label,
    )


AGAIN = mark("Optimize the model again; what is in the store is not done again.")


def resumed_request(space: Workspace, run_id: str) -> tuple[Run, RunRequest]:
    """Return a stored run and the request that resumes it.

    Raises:
        JobError: (exit code 3) The run is unknown, is at work, or has no stored plan.
    """
    run, project = stored_run(space.repositories, run_id)
    plan = saved_plan(run)
    if run.state is RunState.RUNNING:
        raise Refused("cannot_resume", "This run cannot be resumed", "It is running.", "Wait until it ends.")
    if plan is None or plan.model is None or plan.data is None:
        detail = mark("A version of Fettle began it that did not store how its model and examples were opened.")
        raise Refused("cannot_resume", "This run cannot be resumed", detail, AGAIN)
    catalog = {preset.id: preset for preset in load_presets(space.paths.presets).presets}
    preset = as_begun(run, catalog.get(run.goal.preset_id, catalog[DEFAULT_ID]))
    return run, RunRequest(project, plan.model, plan.data, preset, run.goal, plan.fresh)
