"""Tests of "Prove it" on Compare: more examples are evaluated by real workers, and the page shows the new verdict."""

import dataclasses
from pathlib import Path

import pytest
from finished_run import write_part
from read_page import answer, words
from records import Drive, start_run

from app.controllers.app_controller import AppController
from app.controllers.compare.idle import IdleWait
from app.domain.variant import Screening
from app.services.flow import quiet
from app.services.flow.quiet import OtherPrograms
from widgets.main_window import MainWindow
from widgets.pages.compare.page import ComparePage

pytestmark = pytest.mark.usefixtures("finished_data")


@pytest.mark.whole
def test_dropped_examples_prove_the_result(
    page: ComparePage, app_controller: AppController, window: MainWindow, tmp_path: Path, drive: Drive
) -> None:
    """Given an unproven result, when more examples are dropped, then the page shows the progress and the new verdict
    with the number of added examples. Both versions have figures of the same number of examples."""
    assert "Looks alike, not proven: add about" in words(page) and "48 of about" in words(page)
    window.paths_dropped.emit([str(write_part(tmp_path / "more.npz", 50, 420))])
    assert page.state == "loading" and window.current_page == "compare"
    seen: set[str] = set()
    drive(lambda: seen.add(words(page)) or page.state == "full", 60)
    assert any("predicts the examples" in text for text in seen)
    shown = words(page)
    assert "2.0 times faster, same answers" in shown and "How to prove it" not in shown
    assert "360 of the examples were added later; 10 more were already there and left out." in shown
    assert page._value is not None and page._value.n_test == 408
    original, best = page._value.versions[:2]
    assert original.right == best.right and best.verdict == "safe" and best.changed == 0
    assert app_controller.session.run is not None and app_controller.session.run.headline.endswith("same answers")


@pytest.mark.whole
def test_one_version_is_proven_alone(page: ComparePage, app_controller: AppController, drive: Drive) -> None:
    """Given a version that was not tested because an earlier one was not safe, when it is proven alone, then it has its
    own verdict."""
    repositories = app_controller.session.workspace.repositories
    run = app_controller.session.run
    version = next(v for v in repositories.variants.list(run_id=run.id) if not v.is_baseline and v.artifact_key)
    behind = Screening(n=20, untested="behind")
    repositories.variants.update(dataclasses.replace(version, judgement=None, screening=behind))
    page.alone_requested.emit(version.id)
    assert page.state == "loading"
    drive(lambda: page.state == "full", 60)
    now = repositories.variants.get(version.id)
    assert now.judgement is not None and now.judgement.n == 48 and now.untested == ""


def test_an_idle_computer_is_waited_for(page: ComparePage, monkeypatch: pytest.MonkeyPatch, drive: Drive) -> None:
    """Given a busy computer, when the user waits until it is idle, then the signal comes only once it is idle; a
    stopped wait emits nothing."""
    shares = [0.9]
    monkeypatch.setattr(quiet, "LOOK_S", 0.0)
    monkeypatch.setattr(OtherPrograms, "share", lambda self: shares[0])
    wait, signals = IdleWait(page), list[bool]()
    wait._timer.setInterval(1)
    wait.became_idle.connect(lambda: signals.append(True))
    wait.start()
    drive(lambda: wait._waiting is not None and wait._waiting.busy_share == 0.9)
    assert wait._waiting is not None and not signals
    shares[0] = 0.01
    drive(lambda: wait._waiting is None)
    assert signals == [True]
    wait.start()
    wait.stop()
    assert wait._waiting is None


def test_result_stays_after_cancelling_or_known_examples(
    page: ComparePage, window: MainWindow, tmp_path: Path, drive: Drive
) -> None:
    """Given Cancel, or examples that were known already, then the result is unchanged and the reason is shown."""
    page.proof_data_chosen.emit(str(write_part(tmp_path / "more.npz", 60, 160)))
    page.cancel_requested.emit()
    drive(lambda: page.state == "full")
    assert "48 of about" in words(page)
    page.proof_data_chosen.emit(str(write_part(tmp_path / "known.npz", 0, 60)))
    drive(lambda: page.state == "full")
    assert "None of these examples is new" in words(window.notice)
    assert "48 of about" in words(page)


def test_nothing_is_added_while_versions_are_measured(
    page: ComparePage, app_controller: AppController, window: MainWindow, tmp_path: Path, drive: Drive
) -> None:
    """Given an active run, then the examples are refused until it is over, and the banner shows that."""
    start_run(app_controller.flows)
    page.proof_data_chosen.emit(str(write_part(tmp_path / "more.npz", 60, 160)))
    assert "Versions are being measured now" in words(window.notice) and page.state == "full"
    drive(lambda: not app_controller.flows.runs)


def test_dropped_model_can_be_opened_instead(page: ComparePage, window: MainWindow, tmp_path: Path) -> None:
    """Given a dropped model, then the user is asked what to do with it. It can be opened as a new model, and Escape
    changes nothing."""
    (tmp_path / "other.onnx").write_bytes(b"no model")
    for chosen, shown in (("", "compare"), ("new", "model")):
        window.paths_dropped.emit([str(tmp_path / "other.onnx")])
        answer(window, chosen)
        assert window.current_page == shown
