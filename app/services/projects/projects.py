"""Create, find, reopen, rename and delete projects, and store how each is open in the window.

Deleted projects first go to a trash and can be restored as a whole.
"""

import dataclasses
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from app.domain.project import Project
from app.domain.record import Moment, Owner, RecordKind
from app.domain.run import UNDER_WAY, Goal, Run, RunState
from app.persistence import NotFound, Repositories
from app.services.flow.steps import WrongRequest
from app.services.records.decisions import planned_decision, record_decision, record_label_changes
from workers.contracts.base import Frozen
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.measured.companions import folder_of_weights
from workers.contracts.paths import to_text
from workers.contracts.specs import Recipe

MAX_NAME = 120


class Trashed(Frozen):
    """The time at which a project was put into the trash."""

    at: Moment


TRASHED = RecordKind("trashed", Owner.PROJECT, Trashed)


def rename_project(repositories: Repositories, project_id: str, name: str) -> Project:
    """Rename a project after removing surplus blanks; raise `JobError` if the name is empty."""
    short = " ".join(name.split())[:MAX_NAME]
    if not short:
        raise WrongRequest(
            "empty_name", "A project needs a name", "Nothing was typed.", "Type a name of one letter or more."
        )
    renamed = dataclasses.replace(repositories.projects.get(project_id), name=short)
    repositories.projects.update(renamed)
    return renamed


def shown_projects(repositories: Repositories) -> list[Project]:
    """Return the projects outside of the trash, last used first."""
    away = repositories.records.by_owner(TRASHED)
    return [project for project in repositories.projects.list() if project.id not in away]


def trashed_projects(repositories: Repositories) -> list[tuple[Project, datetime]]:
    """Return the projects in the trash with the time of their deletion, newest first."""
    away = repositories.records.by_owner(TRASHED)
    trashed = [(project, away[project.id].at) for project in repositories.projects.list() if project.id in away]
    return sorted(trashed, key=lambda pair: pair[1], reverse=True)


def contents_of(repositories: Repositories, project_id: str) -> tuple[int, int]:
    """Return how many runs, and bundles exported from them, would be deleted with the project."""
    runs = repositories.runs.list(project_id=project_id)
    return len(runs), sum(len(repositories.exports.list(run.id)) for run in runs)


def move_to_trash(repositories: Repositories, project_id: str) -> None:
    """Put a project into the trash without removing anything; raise `JobError` while a run is queued or running."""
    _refuse_busy(repositories, project_id)
    repositories.records.put(TRASHED, project_id, Trashed(at=datetime.now(UTC)))


def restore(repositories: Repositories, project_id: str) -> None:
    """Take a project out of the trash unchanged."""
    repositories.records.delete(TRASHED, project_id)


def delete_for_good(repositories: Repositories, project_id: str) -> None:
    """Remove the records of a project in the trash for good: runs, figures and documents.

    Models and predictions in the artifact store stay until space is freed (`storage.py`): other projects may need them.
    The person's own files and exported bundles are never touched.

    Raises:
        JobError: The project is not in the trash, or a run is queued or running.
    """
    if repositories.records.get(TRASHED, project_id) is None:
        raise WrongRequest(
            "not_in_trash", "It is not in the trash", "Only what is there is deleted for good.", "Delete it."
        )
    _refuse_busy(repositories, project_id)
    runs = [run.id for run in repositories.runs.list(project_id=project_id)]
    versions = [variant_id for run_id in runs for variant_id in repositories.variants.ids(run_id)]
    with repositories.together():
        repositories.records.forget_aside([project_id, *runs, *versions])
        repositories.projects.delete(project_id)


def _refuse_busy(repositories: Repositories, project_id: str) -> None:
    if any(run.state in UNDER_WAY for run in repositories.runs.list(project_id=project_id)):
        raise WrongRequest(
            "project_at_work",
            "This project is in use",
            "One of its runs is in progress or waits for its turn.",
            "Cancel the run on the page Jobs, or wait for its end; then delete the project.",
        )


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


class OwnRecipes(Frozen):
    """Recipes as the person edited them, in place of the preset's."""

    recipes: tuple[Recipe, ...]


OPENING = RecordKind("opening", Owner.PROJECT, OpenParams)
ASKED_DATA = RecordKind("data", Owner.PROJECT, DataParams)
"""How a project's data were read; `model_dir` is empty."""
RECIPES = RecordKind("recipes", Owner.PROJECT, OwnRecipes)


def save_project(repositories: Repositories, project: Project) -> Project:
    """Store the project with the present time."""
    saved = dataclasses.replace(project, updated_at=datetime.now(UTC))
    repositories.projects.update(saved)
    return saved


def save_opening(repositories: Repositories, project: Project, opening: OpenParams) -> Project:
    """Store a project whose model was opened, and how."""
    with repositories.together():
        repositories.records.put(OPENING, project.id, opening)
        return save_project(repositories, project)


def save_data(repositories: Repositories, project: Project, params: DataParams) -> Project:
    """Store a project whose data were read, and how."""
    with repositories.together():
        record_label_changes(repositories, project.id, saved_data(repositories, project), params)
        repositories.records.put(ASKED_DATA, project.id, params.model_copy(update={"model_dir": ""}))
        return save_project(repositories, project)


def save_recipes(repositories: Repositories, project: Project, recipes: tuple[Recipe, ...] | None) -> None:
    """Store a project's own recipes; None restores those of the preset."""
    if recipes is None:
        repositories.records.delete(RECIPES, project.id)
    else:
        repositories.records.put(RECIPES, project.id, OwnRecipes(recipes=recipes))


def saved_opening(repositories: Repositories, project: Project) -> OpenParams:
    """Return how the model was opened: the person's consent, shapes and preprocessing."""
    return repositories.records.get(OPENING, project.id) or OpenParams(path=project.model_path)


def saved_data(repositories: Repositories, project: Project) -> DataParams:
    """Return how the data were read: the person's columns and matched names."""
    kept = repositories.records.get(ASKED_DATA, project.id)
    same = kept is not None and kept.path == project.data_path
    return kept if kept is not None and same else DataParams(model_dir="", path=project.data_path)


def saved_recipes(repositories: Repositories, project: Project) -> tuple[Recipe, ...] | None:
    """Return the project's own recipes, None for those of the preset."""
    kept = repositories.records.get(RECIPES, project.id)
    return kept.recipes if kept is not None else None
