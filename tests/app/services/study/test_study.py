"""Studies with places that are lost, models that are refused, and a cancel."""

from pathlib import Path

import pytest

from app.computers.problems import OF_COMPUTER
from app.jobs.cluster.remote import LOST
from app.services.flow.events import ignore
from app.services.flow.steps import Flow, FlowCancelled, JobError, Refused
from app.services.flow.workspace import Workspace
from app.services.projects.running import RunRequest
from app.services.study import places
from app.services.study.models import models_in
from app.services.study.places import Place, checked_address
from app.services.study.study import Study, StudyRow
from workers.contracts.error_info import ErrorInfo

GONE = ErrorInfo(code=LOST, title="Gone", detail="It is gone.", hint="Wait.")


def asked(place: Place, model: Path) -> Flow[RunRequest]:
    """Lose each place called "bad…", and refuse the model elsewhere."""
    yield from ()
    if place.computer.startswith("bad"):
        raise JobError(GONE, 6)
    raise Refused("refused", "Refused", model.name, "Take another one.")


def rows_of(space: Workspace, names: list[str], places: list[str]) -> tuple[list[StudyRow], list[StudyRow]]:
    reported: list[StudyRow] = []
    study = Study([Path(name) for name in names], [Place(one, space) for one in places], asked, ignore, reported.append)
    return study.run(), reported


def test_model_of_a_lost_place_goes_to_another_one(space: Workspace) -> None:
    """Given two places of which one is lost, When three models are studied, Then each has its row from the other one."""
    rows, reported = rows_of(space, ["a", "b", "c"], ["bad", "good"])
    assert [(row.model, row.computer, row.error and row.error.code) for row in rows] == [
        (name, "good", "refused") for name in ("a", "b", "c")
    ]
    assert sorted(row.model for row in reported) == ["a", "b", "c"]


def test_model_that_loses_two_places_gets_no_third(space: Workspace) -> None:
    """Given places that are all lost, When models are studied, Then one model loses two places at most, and models
    without a place are rows that say so."""
    rows, reported = rows_of(space, ["a", "b", "c"], ["bad 1", "bad 2"])
    assert [row.model for row in rows] == ["a", "b", "c"]
    assert {row.error and row.error.code for row in rows} == {LOST}
    assert len(reported) < 3
    rows, _reported = rows_of(space, ["a", "b"], ["bad 1", "bad 2", "good"])
    assert {row.error and row.error.code for row in rows} <= {LOST, "refused"}


def test_model_whose_job_was_killed_begins_once_more(space: Workspace) -> None:
    """Given a job that is killed once, and one that is always killed, Then the first model has its result from the same
    place, and the second one says so."""
    tried: list[str] = []

    def killed(place: Place, model: Path) -> Flow[RunRequest]:
        tried.append(model.name)
        if model.name == "always" or tried.count(model.name) == 1:
            raise JobError(GONE.model_copy(update={"code": "killed"}), 1)
        return (yield from asked(place, model))

    study = Study([Path("once"), Path("always")], [Place("good", space)], killed, ignore, lambda row: None)
    assert [row.error and row.error.code for row in study.run()] == ["refused", "killed"]
    assert tried == ["once", "once", "always", "always"]


@pytest.mark.parametrize("code", sorted(OF_COMPUTER))
def test_ten_places_of_which_three_fail_lose_no_model(space: Workspace, code: str) -> None:
    """Given ten places of which three fail with their first model, When thirty models are studied, Then each has
    its row from one of the others, and a place that failed gets no second model."""
    names = [f"bad {number}" for number in range(3)] + [f"good {number}" for number in range(7)]
    tried: list[str] = []

    def failing(place: Place, model: Path) -> Flow[RunRequest]:
        tried.append(place.computer)
        if place.computer.startswith("bad"):
            raise JobError(GONE.model_copy(update={"code": code}), 6)
        return (yield from asked(place, model))

    models = [Path(f"m{number:02}") for number in range(30)]
    rows = Study(models, [Place(one, space) for one in names], failing, ignore, lambda row: None).run()
    assert [row.model for row in rows] == [model.name for model in models]
    assert {row.error and row.error.code for row in rows} == {"refused"}
    assert [tried.count(name) for name in names[:3]] == [1, 1, 1]


@pytest.mark.parametrize("code", sorted(OF_COMPUTER - {LOST}))
def test_model_is_no_reason_why_several_places_are_not_prepared(space: Workspace, code: str) -> None:
    """Given three places that are not prepared and a good one, When one model is studied, Then the good one does it;
    given none that is prepared, Then each model has a row with the reason."""

    def failing(place: Place, model: Path) -> Flow[RunRequest]:
        if place.computer.startswith("bad"):
            raise JobError(GONE.model_copy(update={"code": code}), 6)
        return (yield from asked(place, model))

    bad = [Place(f"bad {number}", space) for number in range(3)]
    rows = Study([Path("a")], [*bad, Place("good", space)], failing, ignore, lambda row: None).run()
    assert [(row.computer, row.error and row.error.code) for row in rows] == [("good", "refused")]
    rows = Study([Path("a"), Path("b")], bad[:1], failing, ignore, lambda row: None).run()
    assert [(row.model, row.error and row.error.code) for row in rows] == [("a", code), ("b", code)]


def test_cancelled_study_has_no_table(space: Workspace) -> None:
    """Given a study, When it is cancelled, Then it ends as cancelled."""
    study = Study([Path("a")], [Place("good", space)], asked, ignore, lambda row: None)
    study.cancel()
    with pytest.raises(FlowCancelled):
        study.run()


def test_models_are_files_and_folders_with_models(tmp_path: Path) -> None:
    """Given a folder with models and other things, Then its models are found by name, in order."""
    for name in ("b.onnx", "a.safetensors", "notes.txt", ".hidden.onnx", "photos/1.png", "net/config.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for path in models_in(tmp_path)] == ["a.safetensors", "b.onnx", "net"]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("tls://a.example:8786", ""),
        ("tcp://127.0.0.1:8786", ""),
        ("tcp://[::1]:8786", ""),
        ("local:2", ""),
        ("tcp://10.0.0.1:8786", "cluster_open"),
        ("tcp://localhost.example:8786", "cluster_open"),
        ("tls://a.example", "usage"),
        ("inproc://x:1", "usage"),
        ("local:0", "usage"),
        ("local:1000", "usage"),
    ],
)
def test_address_is_encrypted_or_here(address: str, code: str) -> None:
    """Given an address, Then one that others could read along is refused, and what is none is wrong usage."""
    if not code:
        assert checked_address(address) == address
        return
    with pytest.raises(JobError) as refused:
        checked_address(address)
    assert refused.value.error.code == code


@pytest.mark.whole
def test_cluster_of_another_version_is_refused(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a cluster whose workers run another version of Fettle, When a study begins, Then it is refused; the version
    of Dask is a part of the version."""
    distributed = pytest.importorskip("distributed", reason="the optional set “cluster” is not installed")
    assert distributed.__version__ in places._version()
    monkeypatch.setattr(places, "VERSION", "0.0.1")
    with pytest.raises(JobError) as refused, places.places_of(space, (), "local:1", frozenset()):
        pass
    assert (refused.value.error.code, refused.value.exit_code) == ("cluster_differs", 6)
