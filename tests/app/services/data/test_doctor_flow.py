"""Test the check of the preparation before a run, and the warnings about too few examples."""

from pathlib import Path
from typing import Any

import pytest

from app.services.data.doctor import QUICK_S, check_preparation, misfit_before_run, misfit_error, misfit_finding
from app.services.data.reach import few_items, most_texts, reach_warning
from app.services.flow.steps import JobError, JobStep, StepResult
from app.services.opening.opening import OpenedModel, ReadData
from workers.contracts.data.doctor import DoctorParams, DoctorResult, DoctorVerdict, PreparationTried
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import DataParams, DataResult, OpenResult
from workers.pipeline.spec import ImageSteps

WAY = PreparationTried(words="RGB", spec="channels=rgb", preprocess=ImageSteps(), score=0.9, n=30)


def checked(verdict: DoctorVerdict) -> DoctorResult:
    why = "With it 27 of 30 answers are right."
    return DoctorResult(verdict=verdict, evidence="labels", what="RGB fits far better.", why=why, ways=(WAY,), best=WAY)


@pytest.fixture
def model(tmp_path: Path) -> OpenedModel:
    return OpenedModel(OpenResult.model_construct(), tmp_path / "model", "key")


def data_of(n_test: int, **facts: Any) -> ReadData:
    known = {"origin": "person", "kind": "images", "n_calibration": 3, "labelled": False, "sha256": "ab" * 32}
    return ReadData(DataResult(n_items=n_test, n_test=n_test, **{**known, **facts}), Path("/d"), "data-key")


@pytest.fixture
def read() -> ReadData:
    return data_of(9)


def drive(flow: Any, answer: DoctorResult | JobError) -> tuple[Any, list[JobStep[Any]]]:
    """Return the result of the flow and its steps."""
    steps: list[JobStep[Any]] = []
    try:
        steps.append(next(flow))
        if isinstance(answer, JobError):
            flow.throw(answer)
        else:
            flow.send(StepResult(answer, Path()))
    except StopIteration as stop:
        return stop.value, steps
    raise AssertionError("one step is enough")


def test_misfit_before_run_reports_a_far_better_preparation(model: OpenedModel, read: ReadData, tmp_path: Path) -> None:
    """Given another preparation that fits far better, When a run begins, Then the finding has its figures; the check is
    short and cached by the data."""
    requested = DataParams(model_dir="", path=str(tmp_path), left_out=("a.png",))
    misfit, steps = drive(misfit_before_run(model, requested, read), checked("far_better"))
    finding = misfit_finding(misfit)
    assert (finding.level, finding.code) == ("danger", "prepared_wrongly")
    assert finding.what == (
        "The inputs are probably prepared wrongly. RGB fits far better. With it 27 of 30 answers are right."
    )
    error = misfit_error(misfit)
    assert error.code == "prepared_wrongly" and "--preprocess channels=rgb" in error.hint_by_command
    params = steps[0].params
    assert isinstance(params, DoctorParams)
    assert steps[0].cache and steps[0].identity[str(tmp_path)] == "data:data-key"
    assert (params.quick, params.seconds, params.left_out) == (True, QUICK_S, ("a.png",))


@pytest.mark.parametrize("verdict", ["fits", "better", "unclear"])
def test_misfit_before_run_ignores_small_differences(
    model: OpenedModel, read: ReadData, tmp_path: Path, verdict: DoctorVerdict
) -> None:
    """Given a preparation that is a little better, or nothing to report, Then there is no warning."""
    requested = DataParams(model_dir="", path=str(tmp_path))
    assert drive(misfit_before_run(model, requested, read), checked(verdict))[0] is None


def test_misfit_before_run_ignores_failures(model: OpenedModel, read: ReadData, tmp_path: Path) -> None:
    """Given a check that fails, or examples that are gone or made, Then the run continues without a warning."""
    here, gone = DataParams(model_dir="", path=str(tmp_path)), DataParams(model_dir="", path=str(tmp_path / "gone"))
    failed = JobError(ErrorInfo(code="x", title="No", detail="No.", hint="No."), 3)
    assert drive(misfit_before_run(model, here, read), failed)[0] is None
    assert drive(misfit_before_run(model, here, read, time_budget_s=20), failed) == (None, [])
    assert drive(misfit_before_run(model, gone, read), failed) == (None, [])
    assert drive(misfit_before_run(model, DataParams(model_dir=""), read), failed) == (None, [])
    with pytest.raises(ValueError, match="made inputs"):
        next(check_preparation(model, DataParams(model_dir=""), None))


@pytest.mark.parametrize(
    ("n_test", "limit_pct", "few"),
    [(15, 1.0, True), (15, 20.0, False), (58, 1.0, True), (59, 1.0, False), (15, 0.0, True)],
)
def test_few_items_are_those_that_prove_nothing(n_test: int, limit_pct: float, few: bool) -> None:
    """Given examples, Then they are few if they neither prove the limit nor let rounded numbers be recommended; words
    of language models are never few."""
    data = data_of(n_test)
    assert few_items(data, limit_pct) is few
    assert not few_items(data, limit_pct, by_words=True)


@pytest.mark.parametrize(("n_test", "is_told"), [(30, True), (320, True), (321, False)])
def test_reach_warning_of_texts_names_as_many_as_of_other_examples(n_test: int, is_told: bool) -> None:
    """Given texts for a language model, Then 1 % requires 321 of them, because whole texts may break."""
    report = reach_warning(data_of(n_test, kind="texts"), 1.0, by_words=True)
    assert (report is not None) is is_told and (report is None or "321" in report)


@pytest.mark.parametrize("limit_pct", [1.0, 0.0])
def test_reach_warning_of_one_example_is_singular(limit_pct: float) -> None:
    """Given one example, Then the warning does not speak of several."""
    assert (reach_warning(data_of(1), limit_pct) or "").startswith("1 example for the test proves")


@pytest.mark.parametrize(
    ("n_test", "limit_pct", "most"),
    [(457, 1.0, None), (540, 1.0, 539), (5057, 1.0, 539), (5057, 5.0, 152), (5057, 0.0, None)],
)
def test_most_texts_follow_from_the_limit(n_test: int, limit_pct: float, most: int | None) -> None:
    """Given texts with 57 that Fettle adds, Then 1 % requires 482 of the person's, 5 % requires 95, and no number
    proves 0."""
    assert most_texts(data_of(n_test, kind="texts", n_added=57), limit_pct) == most
