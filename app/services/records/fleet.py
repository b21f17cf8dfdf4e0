"""Find the runs of one goal on several computers, and put their versions side by side."""

from typing import Any

from app.domain.fleet import DeviceRun, Fleet, FleetVersion, fleet_of, worst_speedup
from app.domain.run import Run, RunState
from app.domain.variant import Variant
from app.persistence import Repositories
from app.services.records.documents import verdict
from app.services.records.run_records import saved_objective

ENDED = (RunState.FINISHED, RunState.KEPT_ORIGINAL)


def fleet_of_run(repositories: Repositories, run: Run) -> Fleet | None:
    """Return the newest ended runs of the same model, examples and goal on each computer; None for fewer than two.

    The given run stands for its own computer. This computer comes first, then the others by their names.
    """
    wanted, newest = _wanted(repositories, run), dict[str, Run]()
    for other in (run, *repositories.runs.list(project_id=run.project_id)):  # newest first
        is_new = other.state in ENDED and other.goal.computer not in newest
        if is_new and _wanted(repositories, other) == wanted:
            newest[other.goal.computer] = other
    if len(newest) < 2:
        return None
    runs = [
        DeviceRun(name, one.id, tuple(repositories.variants.list(one.id)), one.recommended_variant_id)
        for name, one in sorted(newest.items())
    ]
    return fleet_of(runs, saved_objective(run))


def _wanted(repositories: Repositories, run: Run) -> tuple[object, ...]:
    """Return the goal, the examples and the original model of a run, by their keys in the store."""
    originals = [variant.artifact_key for variant in repositories.variants.list(run.id) if variant.is_baseline]
    return run.goal.preset_id, run.goal.max_loss_pct, run.goal.runtimes, run.data_key, originals


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
