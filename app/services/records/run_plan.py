"""Store a run's inputs: model and data as a person named them, the recipes and the objective."""

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
    """The model to judge in place of an original; `runtime` None means its default.

    `pairs` maps the original's inputs and outputs to the other model's ({original: other}) where names differ.
    """

    opening: OpenParams
    runtime: str | None = None
    pairs: dict[str, str] = {}


class RunPlan(Frozen):
    """A run's inputs, stored in its goal; `model` and `data` are None in runs of older program versions.

    With `beside` nothing is searched: this model is proven against the original. With `build_for` engines are built for
    other cards of these architectures.
    """

    recipes: tuple[Recipe, ...]
    objective: Objective
    fresh: bool = False
    model: OpenParams | None = None
    data: DataParams | None = None
    by_traits: tuple[ByTraits, ...] = ()
    beside: BesideRequest | None = None
    build_for: tuple[str, ...] = ()


def saved_plan(run: Run) -> RunPlan | None:
    """Return the stored plan, None if there is none or if another program version wrote it."""
    try:
        return RunPlan.model_validate_json(run.goal.recipe_json or "")
    except ValidationError:
        return None


def with_plan(run: Run, plan: RunPlan) -> Run:
    """Return the run with the plan in its goal."""
    return dataclasses.replace(run, goal=dataclasses.replace(run.goal, recipe_json=plan.model_dump_json()))


def as_begun(run: Run, preset: Preset) -> Preset:
    """Return the preset with the stored limits and recipes of a run, or unchanged without a plan."""
    plan = saved_plan(run)
    if plan is None:
        return preset
    begun = {"max_loss_pct": run.goal.max_loss_pct, "recipes": plan.recipes, "by_traits": plan.by_traits}
    return preset.model_copy(update=begun)


def saved_objective(run: Run) -> Objective:
    """Return the objective by which a run chooses, "speed" by default."""
    plan = saved_plan(run)
    return plan.objective if plan is not None else "speed"
