"""Tests of a model file that is dropped on Compare and evaluated as one more version by real workers."""

from pathlib import Path

import foreign_models as foreign
import pytest
from read_page import answer, words
from records import Drive

from app.controllers.app_controller import AppController
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from widgets.main_window import MainWindow
from widgets.pages.compare.page import ComparePage
from widgets.parts.question import QuestionDialog


@pytest.fixture
def space(space: Workspace, finished_data: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Open the finished run of the sample, whose verdict rests on 48 examples; a measurement takes two sets."""
    monkeypatch.setattr("app.services.run.prove_other.FINAL_SETS", 2)
    return space


@pytest.mark.whole
def test_dropped_model_is_evaluated_as_a_version(
    page: ComparePage, app_controller: AppController, window: MainWindow, space: Workspace, tmp_path: Path, drive: Drive
) -> None:
    """Given a result, when a model is dropped to compare it with the original, then it is a selected row whose notes
    name its origin."""
    window.paths_dropped.emit([str(foreign.openvino_ir(tmp_path / "made.xml"))])
    answer(window, "beside")
    assert page.state == "loading" and window.current_page == "compare"
    drive(lambda: page.state == "full", 120)
    made = next(version for version in page._value.versions if version.title == "made (made elsewhere)")
    assert (made.agreement, made.changed, made.runtime) == (1.0, 0, "OpenVINO") and made.latency_ms
    assert page._table is not None and page._table.chosen_id == made.id
    assert "It was made elsewhere, and is judged as it came." in words(page)
    assert app_controller.session.inspected_version_id == made.id, "pages that look closer begin with it"
    assert read_facts(space, "r1").variants[-1].id == made.id


@pytest.mark.whole
def test_result_stays_after_cancelling_or_refusal(
    page: ComparePage, window: MainWindow, space: Workspace, tmp_path: Path, drive: Drive
) -> None:
    """Given Cancel, or a model with another interface, then the result is unchanged and the reason is shown."""
    before = read_facts(space, "r1")
    page.other_model_chosen.emit(str(foreign.openvino_ir(tmp_path / "made.xml")))
    page.cancel_requested.emit()
    drive(lambda: page.state == "full")
    page.other_model_chosen.emit(str(foreign.with_classes(tmp_path / "seven.onnx", 7)))
    drive(lambda: page.state == "full", 60)
    assert "The two models are not of the same interface" in words(window.notice)
    assert "The original tells 10 classes apart, the other model 7." in words(window.notice)
    assert read_facts(space, "r1") == before


def test_program_needs_consent(page: ComparePage, window: MainWindow, tmp_path: Path, drive: Drive) -> None:
    """Given TorchScript, then the user is asked before its code runs, and without consent nothing happens."""
    foreign.torch_program(tmp_path / "p.pt")
    page.other_model_chosen.emit(str(tmp_path / "p.pt"))
    drive(lambda: any(one.isVisible() for one in window.findChildren(QuestionDialog)), 60)
    assert page.state == "full"
    answer(window, "allow")
    assert page.state == "loading"
    page.cancel_requested.emit()
    drive(lambda: page.state == "full")
