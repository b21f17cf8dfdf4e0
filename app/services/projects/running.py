"""Start a run from what a person chose: the same for window and command line."""

from dataclasses import dataclass
from pathlib import Path

from app.domain.project import Project
from app.domain.run import Goal, Run
from app.services.after.watching import then_watched
from app.services.flow.events import Observer
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.hub.origin import remember_origin
from app.services.projects.projects import new_run
from app.services.records.run_plan import BesideRequest, RunPlan, kept_plan, with_plan
from app.services.run.build_ahead import BuildRequest, build_ahead, of_tensorrt
from app.services.run.optimize import optimize
from app.services.run.prove_beside import ProveRequest, prove_beside
from app.services.run.recorder import Recorder
from app.services.run.search import OptimizeRequest
from presets.loader import load_presets
from presets.schema import Preset
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.process.allowance import usable_cores

LANGUAGE_MODEL = "language-model"


@dataclass(frozen=True)
class RunRequest:
    """`data` without a path means: inputs that Fettle makes. With `fresh` nothing measured earlier is used again.

    With `beside` nothing is searched: that model is proven beside the original. With `build_for` engines are built for
    cards elsewhere (``sm89``).
    """

    project: Project
    model: OpenParams
    data: DataParams
    preset: Preset
    goal: Goal
    fresh: bool = False
    beside: BesideRequest | None = None
    build_for: tuple[str, ...] = ()


def start_run(space: Workspace, ask: RunRequest, observe: Observer) -> tuple[Recorder, Flow[Run]]:
    """A new run, recorded as queued, and the flow that does it. Drive it with the recorder's `watch`."""
    with space.repositories.together():
        remember_origin(space, ask.project)
        run = new_run(space.repositories, ask.project, ask.goal)
        return resume_run(space, run, ask, observe)


def resume_run(
    space: Workspace, run: Run, ask: RunRequest, observe: Observer, more_s: float | None = None
) -> tuple[Recorder, Flow[Run]]:
    """Go on with a queued, interrupted, cancelled or failed run; what is in the store is not done again.

    It tries what it was begun with, also where the preset has changed since. With `more_s` it has so many seconds from
    now on; so a run that is over, too, goes on with what its time did not reach.
    """
    plan = kept_plan(run)
    if plan is None:
        plan = RunPlan(
            recipes=ask.preset.recipes,
            by_traits=ask.preset.by_traits,
            objective=ask.preset.objective,
            fresh=ask.fresh,
            model=ask.model,
            data=ask.data,
            beside=ask.beside,
            build_for=ask.build_for,
        )
        run = with_plan(run, plan)
        space.repositories.runs.update(run)
    recorder = Recorder(space.repositories, ask.project, run, observe)
    threads = run.goal.threads or usable_cores()
    if plan.beside is not None:
        return recorder, prove_beside(recorder, ProveRequest(ask.model, ask.data, plan.beside, threads))
    if plan.build_for:
        building = BuildRequest(ask.model, ask.data, plan.build_for, of_tensorrt(plan.recipes), threads)
        return recorder, build_ahead(recorder, building)
    flow = optimize(
        recorder,
        OptimizeRequest(
            model=ask.model,
            data=ask.data,
            recipes=plan.recipes,
            objective=plan.objective,
            threads=threads,
            fresh=plan.fresh,
            more_s=more_s,
            by_traits=plan.by_traits,
            better_goals=_goals_for_chats(ask.preset),
        ),
    )
    return recorder, then_watched(space, flow)


def _goals_for_chats(preset: Preset) -> tuple[str, ...]:
    """Titles of the goals for language models, none where the chosen one is one of them."""
    if LANGUAGE_MODEL in preset.tasks:
        return ()
    return tuple(one.title for one in load_presets().for_task(LANGUAGE_MODEL) if LANGUAGE_MODEL in one.tasks)


def limits_of(preset: Preset, max_loss_pct: float | None, time_budget_s: float | None) -> tuple[float, float | None]:
    """The person's limit and time, else the preset's."""
    loss = preset.max_loss_pct if max_loss_pct is None else max_loss_pct
    return loss, preset.time_budget_s if time_budget_s is None else time_budget_s


def data_params(path: Path | None, calibration: Path | None, text: str | None, label: str | None) -> DataParams:
    """Data as the person named them."""
    return DataParams(
        model_dir="",
        path=str(path.absolute()) if path else None,
        calibration_path=str(calibration.absolute()) if calibration else None,
        text_column=text,
        label_column=label,
    )
