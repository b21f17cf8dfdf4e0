"""What is open: kept at once, found again, never mixed."""

import shutil
from pathlib import Path

from desk import add_run, keep_model, make_project, run, variant

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


def test_a_project_opens_as_it_was_left(session: Session, space: Workspace) -> None:
    """Given a project with data, columns, recipes and a result, When it is reopened, Then all of it is back."""
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


def test_a_model_that_is_gone_is_not_forced(session: Session, space: Workspace) -> None:
    """Given a project whose model is no longer in the store, Then it is not opened."""
    project = make_project(space)
    shutil.rmtree(space.artifacts.folder("model"))
    assert not session.reopen(project)
    assert session.project is None


def test_another_preparation_lets_go_of_data_and_result(session: Session, space: Workspace) -> None:
    """Given a project with data and a result, When its model is opened otherwise, Then both wait to be made anew."""
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
    """Given runs begun with these, other or no data, Then only those with the same model and data may go on."""
    session.reopen(make_project(space))
    same = add_run(space, run(1, RunState.INTERRUPTED, data_key="data"), variant(0))
    other = add_run(space, run(2, RunState.INTERRUPTED, data_key="elsewhere"), variant(0))
    fresh = add_run(space, run(3, RunState.INTERRUPTED))
    foreign = add_run(space, run(4, RunState.INTERRUPTED), variant(0, artifact_key="another model"))
    assert [session.fits(one) for one in (same, other, fresh, foreign)] == [True, False, True, False]


def test_stored_data_that_are_damaged_are_read_anew(space: Workspace) -> None:
    """Given data whose folder lost a file, Then the next start counts them as not there."""
    project = make_project(space)
    Path(space.artifacts.folder("data") / "data" / "data.json").unlink()
    assert reopened_data(ArtifactStore(space.paths.store), project) is None  # as the next start looks at it


def test_nothing_is_written_without_a_project(session: Session) -> None:
    """Given nothing is open, When facts change, Then nothing happens."""
    session.change(page="goal")
    session.set_recipes(None)
    assert session.project is None
