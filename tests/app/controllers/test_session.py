"""Tests of the session: its facts are saved at once, restored, and never mixed between models."""

import shutil
from pathlib import Path

from records import add_run, keep_model, make_project, run, variant

from app.controllers.session import Session
from app.domain.run import RunState
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.workspace import Workspace
from app.services.opening.opening import OpenedModel, reopened_data, reopened_model
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.specs import Recipe


def opened(space: Workspace, key: str) -> OpenedModel:
    made = reopened_model(space.artifacts, make_project(space, id=f"other-{key}", model_path=f"/x/{key}"))
    assert made is not None
    return made


def test_reopened_project_has_all_its_facts(session: Session, space: Workspace) -> None:
    """Given a project with data, columns, recipes and a result, when it is reopened, then all of it is restored."""
    project = make_project(space)
    assert session.reopen(project)
    data = session.data
    session.set_data(DataParams(model_dir="m", path="/data/pictures", text_column="t", label_map={"a": "b"}), data)
    session.set_recipes((Recipe(title="mine"),))
    add_run(space, run(1, data_key=data.key), variant(0))
    session.change(page="compare", purpose="sorting")

    later = Session(space)
    assert later.reopen(space.repositories.projects.get(project.id))
    assert later.data_params == DataParams(model_dir="", path="/data/pictures", text_column="t", label_map={"a": "b"})
    assert later.opened is not None and later.opened.recipes == (Recipe(title="mine"),)
    assert later.project is not None and (later.project.page, later.project.purpose) == ("compare", "sorting")
    assert later.run is not None and later.run.id == "r1"
    later.stop_checking()
    later.deleteLater()


def test_project_without_its_model_is_not_reopened(session: Session, space: Workspace) -> None:
    """Given a project whose model is no longer in the store, then it is not opened."""
    project = make_project(space)
    shutil.rmtree(space.artifacts.folder("model"))
    assert not session.reopen(project)
    assert session.project is None


def test_another_preparation_closes_data_and_result(session: Session, space: Workspace) -> None:
    """Given a project with data and a result, when its model is opened with another preparation, then both are closed."""
    project = make_project(space)
    session.reopen(project)
    add_run(space, run(1), variant(0))
    keep_model(space, "prepared-otherwise")
    again = reopened_model(space.artifacts, project.__class__(**{**vars(project), "model_key": "prepared-otherwise"}))
    assert again is not None
    session.begin(OpenParams(path=project.model_path, preprocess="mean=0"), again)
    assert session.data is None and session.run is None
    assert session.data_params == DataParams(model_dir="", path="/data/pictures")
    assert session.opened is not None and session.opened.opening == OpenParams(
        path=project.model_path, preprocess="mean=0"
    )


def test_runs_with_other_data_do_not_fit(session: Session, space: Workspace) -> None:
    """Given runs with these, other or no data, then only those with the same model and data can continue."""
    session.reopen(make_project(space))
    same = add_run(space, run(1, RunState.INTERRUPTED, data_key="data"), variant(0))
    other = add_run(space, run(2, RunState.INTERRUPTED, data_key="elsewhere"), variant(0))
    fresh = add_run(space, run(3, RunState.INTERRUPTED))
    foreign = add_run(space, run(4, RunState.INTERRUPTED), variant(0, artifact_key="another model"))
    assert [session.fits(one) for one in (same, other, fresh, foreign)] == [True, False, True, False]


def test_damaged_stored_data_are_not_reopened(space: Workspace) -> None:
    """Given stored data without one file, then the next start treats them as missing."""
    project = make_project(space)
    Path(space.artifacts.folder("data") / "data" / "data.json").unlink()
    assert reopened_data(ArtifactStore(space.paths.store), project) is None  # as the next start looks at it


def test_damaged_results_are_not_reopened(session: Session, space: Workspace) -> None:
    """Given a stored model whose result lacks its facts, Then the project is not shown, and the model is opened again."""
    project = make_project(space)
    for key in ("model", "data"):
        (space.artifacts.folder(key) / "result.json").write_text('{"kind": 5}', encoding="utf-8")
    assert reopened_model(space.artifacts, project) is None and reopened_data(space.artifacts, project) is None
    assert not session.reopen(project)


def test_nothing_is_written_without_a_project(session: Session) -> None:
    """Given no open project, when facts change, then nothing happens."""
    session.change(page="goal")
    session.set_recipes(None)
    assert session.project is None
