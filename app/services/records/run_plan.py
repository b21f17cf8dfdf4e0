"""What a run was begun with: the model and the data as a person named them, the recipes and what decides."""

import dataclasses

from pydantic import ValidationError

from app.domain.choose import Objective
from app.domain.run import Run
from presets.schema import Preset
from workers.contracts.base import Frozen
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.planning import ByTraits
from workers.contracts.specs import Recipe


class BesideRequest(Frozen):
    """The model to judge in the place of an original. `runtime` None: its usual one. `pairs` names the inputs and
    outputs ({original: other}) that stand for each other, where names do not.
    """

    opening: OpenParams
    runtime: str | None = None
    pairs: dict[str, str] = {}


class RunPlan(Frozen):
    """As it is kept with the run's goal. `model` and `data` are None in runs of older versions of the program.

    `beside`: nothing is searched, this model is proven beside the original. `build_for`: engines are built for cards
    elsewhere, of these architectures.
    """

    recipes: tuple[Recipe, ...]
    objective: Objective
    fresh: bool = False
    model: OpenParams | None = None
    data: DataParams | None = None
    by_traits: tuple[ByTraits, ...] = ()
    beside: BesideRequest | None = None
    build_for: tuple[str, ...] = ()


def kept_plan(run: Run) -> RunPlan | None:
    """None where none was kept yet, or one of another version of the program."""
    try:
        return RunPlan.model_validate_json(run.goal.recipe_json or "")
    except ValidationError:
        return None


def with_plan(run: Run, plan: RunPlan) -> Run:
    """The run with the plan in its goal."""
    return dataclasses.replace(run, goal=dataclasses.replace(run.goal, recipe_json=plan.model_dump_json()))


def as_begun(run: Run, preset: Preset) -> Preset:
    """The preset with what a run was begun with, where that is known."""
    plan = kept_plan(run)
    if plan is None:
        return preset
    begun = {"max_loss_pct": run.goal.max_loss_pct, "recipes": plan.recipes, "by_traits": plan.by_traits}
    return preset.model_copy(update=begun)


def kept_objective(run: Run) -> Objective:
    """What a run chooses by; speed where nothing was said."""
    plan = kept_plan(run)
    return plan.objective if plan is not None else "speed"
