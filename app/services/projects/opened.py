"""Store how a project is open in the window: its facts, the opening of model and data, and own recipes."""

import dataclasses
from datetime import UTC, datetime

from app.domain.project import Project
from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from app.services.records.decisions import record_label_changes
from workers.contracts.base import Frozen
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.specs import Recipe


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


def save_data(repositories: Repositories, project: Project, asked: DataParams) -> Project:
    """Store a project whose data were read, and how."""
    with repositories.together():
        record_label_changes(repositories, project.id, saved_data(repositories, project), asked)
        repositories.records.put(ASKED_DATA, project.id, asked.model_copy(update={"model_dir": ""}))
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
