"""Create, find and reopen projects and runs."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from app.domain.project import Project
from app.domain.run import Goal, Run, RunState
from app.persistence import NotFound, Repositories
from app.services.projects.trash import shown_projects
from app.services.records.decisions import planned_decision, record_decision
from workers.contracts.measured.beside import folder_of_weights
from workers.contracts.paths import to_text


def project_for(
    repositories: Repositories, model: Path, *, name: str | None = None, is_sample: bool = False
) -> Project:
    """Return the project of this model file; create it if there is none."""
    path = to_text(model.absolute())
    known = next((p for p in shown_projects(repositories) if p.model_path == path and p.is_sample == is_sample), None)
    if known is not None:
        return known
    now = datetime.now(UTC)
    project = Project(
        id=uuid.uuid4().hex[:12],
        name=name or _name_of(model.absolute()),
        model_path=path,
        model_sha256="",
        created_at=now,
        updated_at=now,
        is_sample=is_sample,
    )
    repositories.projects.add(project)
    return project


def _name_of(model: Path) -> str:
    """Return the first name of a project: the folder's if a file of a model folder was chosen, else the model's."""
    folder = model if model.is_dir() else folder_of_weights(model)
    return _readable(model.stem if folder is None else folder.name)


def _readable(name: str) -> str:
    """Return a file's name as valid text, since the database refuses bytes that are not text."""
    return name.encode(errors="surrogateescape").decode(errors="replace")


def find_project(repositories: Repositories, project_id: str) -> Project | None:
    """Return the project of this id, None if it is gone."""
    try:
        return repositories.projects.get(project_id)
    except NotFound:
        return None


def project_of_run(repositories: Repositories, run_id: str) -> Project | None:
    """Return the project of this run, None if it is unknown or in the trash."""
    try:
        run = repositories.runs.get(run_id)
    except NotFound:
        return None
    return next((known for known in shown_projects(repositories) if known.id == run.project_id), None)


def new_run(repositories: Repositories, project: Project, goal: Goal) -> Run:
    """Create a queued run of this project; a limit above that of the previous run is recorded as a decision."""
    before = latest_run(repositories, project)
    run = Run(
        id=uuid.uuid4().hex[:12], project_id=project.id, goal=goal, state=RunState.QUEUED, created_at=datetime.now(UTC)
    )
    with repositories.together():
        repositories.runs.add(run)
        if before is not None and goal.max_loss_pct > before.goal.max_loss_pct:
            limits = {"from_pct": before.goal.max_loss_pct, "to_pct": goal.max_loss_pct}
            raised = planned_decision(repositories, project.id, "limit_raised", limits, run_id=run.id)
            record_decision(repositories, project.id, raised)
    return run


def latest_run(repositories: Repositories, project: Project, wanted: Callable[[Run], bool] = bool) -> Run | None:
    """Return the newest run of a project that `wanted` accepts."""
    runs = [run for run in repositories.runs.list(project_id=project.id) if wanted(run)]
    return max(runs, key=lambda run: run.created_at, default=None)
