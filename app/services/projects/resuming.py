"""Request a stored run again with its original inputs, for the command line."""

from app.domain.run import Run, RunState
from app.persistence.repositories import NotFound
from app.services.flow.steps import Refused
from app.services.flow.workspace import Workspace
from app.services.projects.running import RunRequest
from app.services.records.facts import SEE_JOBS
from app.services.records.run_plan import as_begun, saved_plan
from presets.loader import DEFAULT_ID, load_presets

AGAIN = "Optimize the model again; what is in the store is not done again."


def resumed_request(space: Workspace, run_id: str) -> tuple[Run, RunRequest]:
    """Return a stored run and the request that resumes it.

    Raises:
        JobError: (exit code 3) The run is unknown, is at work, or has no stored plan.
    """
    repositories = space.repositories
    try:
        run = repositories.runs.get(run_id)
        project = repositories.projects.get(run.project_id)
    except NotFound as error:
        detail = f"Nothing is stored under {run_id!r}."
        raise Refused("unknown_run", "There is no such run", detail, SEE_JOBS) from error
    plan = saved_plan(run)
    if run.state is RunState.RUNNING:
        raise Refused("cannot_resume", "This run cannot go on", "It is at work.", "Wait until it is over.")
    if plan is None or plan.model is None or plan.data is None:
        detail = "It was begun by a version of Fettle that did not keep how its model and examples were opened."
        raise Refused("cannot_resume", "This run cannot go on", detail, AGAIN)
    catalog = {preset.id: preset for preset in load_presets(space.paths.presets).presets}
    preset = as_begun(run, catalog.get(run.goal.preset_id, catalog[DEFAULT_ID]))
    return run, RunRequest(project, plan.model, plan.data, preset, run.goal, plan.fresh)
