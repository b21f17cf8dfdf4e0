"""Rename and delete projects; deleted ones first go to a trash and can be restored as a whole."""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.project import Project
from app.domain.record import Owner, RecordKind
from app.domain.run import RunState
from app.persistence import Repositories
from app.services.flow.steps import WrongRequest
from workers.contracts.base import Frozen

MAX_NAME = 120
BUSY = (RunState.QUEUED, RunState.RUNNING)


class Trashed(Frozen):
    """The time at which a project was put into the trash."""

    at: datetime


TRASHED = RecordKind("trashed", Owner.PROJECT, Trashed)


@dataclass(frozen=True)
class Contents:
    """Numbers of a project's runs and of the bundles exported from them."""

    n_runs: int
    n_exports: int


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
    found = [(project, away[project.id].at) for project in repositories.projects.list() if project.id in away]
    return sorted(found, key=lambda pair: pair[1], reverse=True)


def contents_of(repositories: Repositories, project_id: str) -> Contents:
    """Return what would be deleted with the project."""
    runs = repositories.runs.list(project_id=project_id)
    return Contents(len(runs), sum(len(repositories.exports.list(run.id)) for run in runs))


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
    if any(run.state in BUSY for run in repositories.runs.list(project_id=project_id)):
        raise WrongRequest(
            "project_at_work",
            "This project is in use",
            "A run of it goes on or waits for its turn.",
            "Cancel the run on the page Jobs, or wait for its end; then delete the project.",
        )
