"""Test that projects are renamed, put into the trash, restored, and deleted for good."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flows import refusal
from records import add_run, make_project, run, variant

from app.domain.job import ExportRecord
from app.domain.run import RunState
from app.persistence import NotFound, Repositories
from app.services.flow.workspace import Workspace
from app.services.projects.projects import (
    contents_of,
    delete_for_good,
    move_to_trash,
    project_for,
    rename_project,
    restore,
    save_recipes,
    saved_recipes,
    shown_projects,
    trashed_projects,
)
from app.services.records.after_run import Proof, read_proof, read_record, save_stress, write_proof
from workers.contracts.specs import Recipe


@pytest.fixture
def repositories(space: Workspace) -> Repositories:
    """Add a project with one result and one export, and a second one that shares its model and data."""
    made = make_project(space)
    add_run(space, run(1), variant(0), variant(1))
    export = ExportRecord("e1", "r1", "r1-v1", "folder", "/b.zip", "ab" * 32, 5, datetime(2026, 3, 4, tzinfo=UTC), "[]")
    space.repositories.exports.add(export)
    save_recipes(space.repositories, made, (Recipe(title="Mine"),))
    write_proof(space.repositories, "r1", Proof(looks={"r1-v1": (20,)}))
    save_stress(space.repositories, "r1-v1", "ab" * 32, 1)
    space.repositories.projects.add(dataclasses.replace(made, id="p2", name="Other", model_path="/models/other.onnx"))
    return space.repositories


def test_rename_project_removes_blanks_and_refuses_an_empty_name(repositories: Repositories) -> None:
    """Given a new name with blanks and too many letters, Then it is shortened; an empty one is refused, and the old
    name stays."""
    assert rename_project(repositories, "p1", "  Shoes\n and  hats ").name == "Shoes and hats"
    assert len(rename_project(repositories, "p1", "x" * 500).name) == 120
    assert refusal(rename_project, repositories, "p1", " \t ").error.code == "empty_name"
    assert repositories.projects.get("p1").name == "x" * 120


def test_restore_returns_the_project_unchanged(repositories: Repositories) -> None:
    """Given a project in the trash, Then it is not shown and nothing is removed; once restored, it is unchanged."""
    before = repositories.projects.get("p1")
    assert contents_of(repositories, "p1") == (1, 1)
    move_to_trash(repositories, "p1")
    assert [project.id for project in shown_projects(repositories)] == ["p2"]
    assert [project.id for project, _ in trashed_projects(repositories)] == ["p1"]
    assert len(repositories.variants.list(run_id="r1")) == 2
    restore(repositories, "p1")
    assert {project.id for project in shown_projects(repositories)} == {"p1", "p2"}
    assert repositories.projects.get("p1") == before and trashed_projects(repositories) == []


def test_model_of_a_trashed_project_gets_a_new_project(repositories: Repositories) -> None:
    """Given a deleted project, When its model is opened again, Then that is a new project, and the old one can still be
    restored."""
    move_to_trash(repositories, "p1")
    again = project_for(repositories, Path("/models/colors.onnx"))
    assert again.id != "p1" and repositories.runs.list(project_id=again.id) == []
    assert [project.id for project, _ in trashed_projects(repositories)] == ["p1"]


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.QUEUED])
def test_move_to_trash_refuses_a_busy_project(space: Workspace, repositories: Repositories, state: RunState) -> None:
    """Given a queued or running run, Then its project is refused with advice; the other one may be deleted."""
    add_run(space, run(2, state))
    refused = refusal(move_to_trash, repositories, "p1")
    assert refused.error.code == "project_at_work" and "Jobs" in refused.error.hint
    assert {project.id for project in shown_projects(repositories)} == {"p1", "p2"}
    move_to_trash(repositories, "p2")


def test_delete_for_good_removes_only_own_records(space: Workspace, repositories: Repositories) -> None:
    """Given a project in the trash whose model another one uses, When it is deleted for good, Then its runs, figures
    and settings are gone, and the shared model and data stay."""
    first = repositories.projects.get("p1")
    assert saved_recipes(repositories, first) and read_record(repositories, "r1-v1")
    assert refusal(delete_for_good, repositories, "p1").error.code == "not_in_trash"
    move_to_trash(repositories, "p1")
    delete_for_good(repositories, "p1")
    with pytest.raises(NotFound):
        repositories.projects.get("p1")
    assert repositories.runs.list() == [] and repositories.variants.list(run_id="r1") == []
    assert saved_recipes(repositories, first) is None and read_proof(repositories, "r1") == Proof()
    assert read_record(repositories, "r1-v1") is None
    other = repositories.projects.get("p2")
    assert space.artifacts.get(other.model_key) is not None and space.artifacts.get(other.data_key) is not None
    assert trashed_projects(repositories) == []
