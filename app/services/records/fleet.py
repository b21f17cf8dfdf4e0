"""Find the runs of one goal on several computers, and put their versions side by side."""

from typing import Any

from app.domain.fleet import AS_FOR, WORK, DeviceRun, Fleet, FleetVersion, fleet_of, made_for, worst_speedup
from app.domain.run import WITH_RESULT, Run
from app.domain.variant import Variant
from app.persistence import Repositories
from app.services.records.documents import verdict
from app.services.records.run_records import saved_objective
from workers.contracts.jobs import PlanResult


def fleet_of_run(repositories: Repositories, run: Run) -> Fleet | None:
    """Return the newest ended runs of the same model, examples and goal on each computer; None for fewer than two.

    The given run stands for its own computer. This computer comes first, then the others by their names.
    """
    original = next((v for v in repositories.variants.list(run.id) if v.is_baseline), None)
    newest = _newest(repositories, run, original.artifact_key if original is not None else None)
    if len(newest) < 2:
        return None
    runs = [
        DeviceRun(name, one.id, tuple(repositories.variants.list(one.id)), one.recommended_variant_id)
        for name, one in sorted(newest.items())
    ]
    return fleet_of(runs, saved_objective(run))


def _newest(repositories: Repositories, run: Run, model_key: str | None) -> dict[str, Run]:
    """Return the newest ended run on each computer with the same goal, examples and original model as `run`."""
    newest = dict[str, Run]()
    for other in (run, *repositories.runs.list(project_id=run.project_id)):  # newest first
        is_new = other.state in WITH_RESULT and other.goal.computer not in newest
        if is_new and _wanted(other) == _wanted(run):
            originals = [variant for variant in repositories.variants.list(other.id) if variant.is_baseline]
            if [variant.artifact_key for variant in originals] == [model_key]:
                newest[other.goal.computer] = other
    return newest


def _wanted(run: Run) -> tuple[object, ...]:
    return run.goal.preset_id, run.goal.max_loss_pct, run.goal.runtimes, run.data_key


def with_best_elsewhere(repositories: Repositories, run: Run, model_key: str, plan: PlanResult) -> PlanResult:
    """Return the plan with the versions that are recommended on other computers, titled by their computer.

    A run tries them too, because one version for all must have been measured on each.
    """
    recipes, known = list(plan.candidates), {recipe.model_dump_json(include=WORK) for recipe in plan.candidates}
    for computer, other in sorted(_newest(repositories, run, model_key).items()):
        best = next((v for v in repositories.variants.list(other.id) if v.id == other.recommended_variant_id), None)
        if computer == run.goal.computer or best is None or best.recipe.model_dump_json(include=WORK) in known:
            continue
        known.add(best.recipe.model_dump_json(include=WORK))
        title = best.title if best.recipe.id.startswith(AS_FOR) else made_for(best.title, computer)
        named = {"title": title, "id": f"{AS_FOR}{computer}", "only_if_failed": (), "only_if_faster": ()}
        recipes.append(best.recipe.model_copy(update=named))
    return plan.model_copy(update={"candidates": tuple(recipes)})


def fleet_document(fleet: Fleet) -> dict[str, Any]:
    """Return the table of devices and versions that `fettle optimize --on NAME,NAME` prints."""
    return {
        "computers": [run.computer for run in fleet.runs],
        "runs": [run.run_id for run in fleet.runs],
        "versions": [_version(version, fleet) for version in fleet.versions],
        "for_all": None if fleet.for_all is None else _version(fleet.for_all, fleet),
    }


def _version(version: FleetVersion, fleet: Fleet) -> dict[str, Any]:
    worst = None if version.is_baseline else worst_speedup(version)
    on = {run.computer: _cell(one, run) for run, one in zip(fleet.runs, version.variants, strict=True) if one}
    return {"title": version.title, "is_original": version.is_baseline, "worst_speedup": worst, "on": on}


def _cell(variant: Variant, run: DeviceRun) -> dict[str, Any]:
    return {
        "id": variant.id,
        "latency_mean_ms": variant.measurement.typical_ms,
        "speedup": None if variant.is_baseline else variant.measurement.shown_speedup,
        "verdict": verdict(variant),
        "recommended": variant.id == run.recommended_id,
    }
