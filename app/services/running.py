"""Start a run from what a person chose: the same for window and command line."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from app.domain.choose import Objective
from app.domain.project import Project
from app.domain.run import Goal, Run
from app.services.events import Observer
from app.services.hub_origin import remember_origin
from app.services.optimize import optimize
from app.services.projects import new_run
from app.services.recorder import Recorder
from app.services.search import OptimizeAsk
from app.services.steps import Flow
from app.services.watching import then_watched
from app.services.workspace import Workspace, usable_cores
from presets.schema import Preset
from workers.contracts.base import Frozen
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.specs import Recipe


@dataclass(frozen=True)
class RunAsk:
    """`data` without a path means: inputs that Fettle makes. With `fresh` nothing measured earlier is used again."""

    project: Project
    model: OpenParams
    data: DataParams
    preset: Preset
    goal: Goal
    fresh: bool = False


def start_run(space: Workspace, ask: RunAsk, observe: Observer) -> tuple[Recorder, Flow[Run]]:
    """A new run, recorded as queued, and the flow that does it. Drive it with the recorder's `watch`."""
    remember_origin(space, ask.project)
    run = new_run(space.repositories, ask.project, ask.goal)
    return resume_run(space, run, ask, observe)


def resume_run(space: Workspace, run: Run, ask: RunAsk, observe: Observer) -> tuple[Recorder, Flow[Run]]:
    """Go on with a queued, interrupted, cancelled or failed run; what is in the store is not done again.

    It tries what it was begun with, also where the preset has changed since.
    """
    plan = _kept_plan(run)
    if plan is None:
        plan = _Plan(recipes=ask.preset.recipes, objective=ask.preset.objective, fresh=ask.fresh)
        run = dataclasses.replace(run, goal=dataclasses.replace(run.goal, recipe_json=plan.model_dump_json()))
        space.repositories.runs.update(run)
    recorder = Recorder(space.repositories, ask.project, run, observe)
    flow = optimize(
        recorder,
        OptimizeAsk(
            model=ask.model,
            data=ask.data,
            recipes=plan.recipes,
            objective=plan.objective,
            threads=run.goal.threads or usable_cores(),
            fresh=plan.fresh,
        ),
    )
    return recorder, then_watched(space, flow)


class _Plan(Frozen):
    """What a run tries, as it is kept with its goal."""

    recipes: tuple[Recipe, ...]
    objective: Objective
    fresh: bool = False


def _kept_plan(run: Run) -> _Plan | None:
    try:
        return _Plan.model_validate_json(run.goal.recipe_json or "")
    except ValidationError:  # none yet, or one of another version
        return None


def as_begun(run: Run, preset: Preset) -> Preset:
    """The preset with what a run was begun with, where that is known."""
    plan = _kept_plan(run)
    changes = {"max_loss_pct": run.goal.max_loss_pct}
    return preset if plan is None else preset.model_copy(update={**changes, "recipes": plan.recipes})


def kept_objective(run: Run) -> Objective:
    """What a run chooses by; speed where nothing was said."""
    plan = _kept_plan(run)
    return plan.objective if plan is not None else "speed"


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
