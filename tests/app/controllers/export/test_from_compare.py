"""Tests of the export from Compare by one click, and of the cases in which the form is shown first."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from finished_run import FASTER, finished_run, write_part
from PySide6.QtWidgets import QCheckBox, QPushButton
from read_page import press, words
from records import Drive, described, endless, open_finished, shown_page

from app.controllers.app_controller import AppController
from app.controllers.export import controller as module
from app.controllers.export import presenter
from app.domain.variant import Screening, Variant
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.run.figures import with_figures
from widgets.main_window import MainWindow
from workers.contracts.specs import DescribedTarget, Question, Recipe, RecipeStep, Stage

PYTHON = DescribedTarget(id="python", title="Python folder", available=True, stages=(Stage(id="w", title="Write"),))
KIT = DescribedTarget(id="kit", title="Kit", available=True, stages=(Stage(id="w", title="Write"),))
ASKING = DescribedTarget(id="ask", title="Asks", available=True, questions=(Question(id="a", title="A?", needed=True),))
ONNX = Recipe(title="Graph", runtime="onnxruntime-cpu", steps=(RecipeStep(technique="graph_optimize"),))
ABSENT = DescribedTarget(id="none", title="Absent", available=False)


def buttons(page: Any) -> dict[str, QPushButton]:
    return {one.text(): one for one in page.findChildren(QPushButton) if one.isVisibleTo(page)}


@pytest.fixture
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "documents"
    monkeypatch.setattr(presenter, "documents_folder", lambda: folder)
    return folder


@pytest.fixture
def requests(app_controller: AppController, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the requests of all exports, which never end, of a finished run with a safe version."""
    wanted: list[Any] = []

    def card(*_given: Any) -> Flow[str]:
        yield from ()
        return "# A card"

    monkeypatch.setattr(module, "card_preview", card)
    monkeypatch.setattr(module, "export", lambda _space, _facts, request: wanted.append(request) or endless())
    open_finished(app_controller.session)
    return wanted


def test_one_click_writes_the_last_choice(
    app_controller: AppController, window: MainWindow, requests: list[Any], documents: Path
) -> None:
    """Given the second button, then it only opens the form. The target and signature that are chosen there are what the
    first button then writes, and during an export that button shows the running one."""
    app_controller.session.set_described(described(PYTHON, KIT))
    compare = shown_page(window, "compare")
    press(compare, "Choose what to write…")
    page: Any = window.page("export")
    assert window.current_page == "export" and page.state == "full" and requests == []
    page._on_target("kit")
    sign = next(box for box in page.findChildren(QCheckBox) if box.text() == "Sign it")
    can_sign = sign.isEnabled()
    sign.setChecked(can_sign)
    window.show_page("compare")
    assert "“Kit”" in buttons(compare)["Export bundle"].toolTip()
    press(compare, "Export bundle")
    (request,) = requests
    assert (request.target, request.variant_id, request.out.parent) == ("kit", "r1-v1", documents)
    assert (request.sign_key is not None) == can_sign
    late_card: Any = app_controller.controller("export", module.ExportController)._on_card
    late_card("# A late card")
    assert "A late card" in page._card.view.toPlainText(), "a card that is ready during the export is shown"
    for text in ("Export bundle", "Choose what to write…"):
        window.show_page("compare")
        press(compare, text)
        assert window.current_page == "export" and "Writing the bundle" in words(page)
        assert "Cancel" in buttons(page) and "Export bundle" not in buttons(page)
    assert len(requests) == 1


@pytest.mark.parametrize("last", [ASKING, ABSENT], ids=["with question", "absent"])
def test_target_with_question_or_missing_target_shows_the_form(
    app_controller: AppController, window: MainWindow, requests: list[Any], documents: Path, last: DescribedTarget
) -> None:
    """Given a target with a question, or one that is no longer available, when Compare's button is clicked, then its
    label ends with dots, and the form opens without writing anything."""
    app_controller._settings.save(export_target=last.id)
    app_controller.session.set_described(described(PYTHON, last))
    compare = shown_page(window, "compare")
    assert "Export bundle" not in buttons(compare)
    press(compare, "Export…")
    assert window.current_page == "export" and requests == []
    page: Any = window.page("export")
    assert page.state == "full" and "Take it with you" in words(page)
    # the same command from another page opens the form as well
    app_controller.commands.do(module.WRITE_VERSION, "r1-v1")
    assert requests == []


def take_from_it(version: Variant, *, first_look: bool) -> Variant:
    """Return the version without a verdict; with `first_look` it looked faster when it was measured once."""
    if not first_look:
        return dataclasses.replace(version, judgement=None, screening=Screening(n=20, untested="dominated"))
    look = dataclasses.replace(version.measurement, speedup=1.6, speedup_low=None, speedup_high=None, sets=1)
    return dataclasses.replace(version, judgement=None, screening=Screening(n=20), state="measured", measurement=look)


@pytest.fixture
def export_page(
    app_controller: AppController, window: MainWindow, space: Workspace, tmp_path: Path
) -> Callable[[bool], tuple[Any, Variant]]:
    """Return a function that opens the page Export for a target that needs ONNX, after a run that recommends a version
    in OpenVINO and did not prove the one in ONNX Runtime; it returns the page with the latter."""

    def make(first_look: bool) -> tuple[Any, Variant]:
        finished_run(space, write_part(tmp_path / "some.npz", 0, 420), FASTER, ONNX)
        repositories = space.repositories
        recommended, plain = (one for one in repositories.variants.list(run_id="r1") if not one.is_baseline)
        assert recommended.runtime == "openvino" and plain.runtime == "onnxruntime-cpu"
        plain = take_from_it(plain, first_look=first_look)
        repositories.variants.update(plain)
        target = DescribedTarget(
            id="hub", title="Hub folder", available=True, runtimes=("onnxruntime-cpu",),
            settings=("num_threads", "graph_optimization", "constants"), stages=(Stage(id="w", title="Write"),),
        )  # fmt: skip
        app_controller.session.reopen(repositories.projects.get("p1"))
        app_controller.session.set_described(described(target))
        window.show_page("export")
        return window.page("export"), plain

    return make


def prove_it(page: Any, drive: Drive, is_done: Callable[[], bool]) -> None:
    """Click the button that proves the version and wait for the end."""
    (text,) = [name for name in buttons(page) if name.startswith("Prove it")]
    press(page, text)
    drive(is_done, 90)
    drive(lambda: not [name for name in buttons(page) if name.startswith(("Prove it", "Asking", "Measuring"))])


@pytest.mark.whole
def test_the_version_that_a_target_could_take_is_proven_on_the_page(
    export_page: Callable[[bool], tuple[Any, Variant]], space: Workspace, drive: Drive
) -> None:
    """Given a recommended version in OpenVINO and a target that needs ONNX, when the faster version in ONNX Runtime is
    proven by its button, then it has a verdict, and the button disappears."""
    page, plain = export_page(False)
    variants = space.repositories.variants
    prove_it(page, drive, lambda: variants.get(plain.id).judgement is not None)
    assert variants.get(plain.id).judgement.n == 336


@pytest.mark.whole
@pytest.mark.parametrize("times", [1.5, 1.01])
def test_version_measured_once_is_measured_in_turn_and_proven(
    export_page: Callable[[bool], tuple[Any, Variant]], space: Workspace, window: MainWindow,
    drive: Drive, monkeypatch: pytest.MonkeyPatch, times: float,
) -> None:  # fmt: skip
    """Given a version in ONNX Runtime that was measured once, when its button is clicked, then it is measured in turn
    with the original. If it is faster, it is tested and the target takes it; if not, the page shows that, and the
    target keeps the original."""
    monkeypatch.setenv("FETTLE_WAIT_FOR_QUIET_S", "0")
    monkeypatch.setattr("app.services.run.prove_other.FINAL_SETS", 1)

    def made_up(*given: Any, **more: Any) -> Any:
        """Return the figures of a real measurement with another speed."""
        one = with_figures(*given, **more)
        found = dataclasses.replace(
            one.measurement, speedup=times, speedup_low=times - 0.005, under_load=False, p90_speedup=times
        )
        return dataclasses.replace(one, measurement=found)

    monkeypatch.setattr("app.services.run.prove_other.with_figures", made_up)
    page, plain = export_page(True)
    variants = space.repositories.variants
    assert "looked faster at first" in words(page) and "Uses “Original”" in words(page)
    prove_it(page, drive, lambda: variants.get(plain.id).is_side_by_side)
    proven, is_faster = variants.get(plain.id), times > 1.1
    assert proven.measurement.n > plain.measurement.sets and proven.measurement.sets == 1
    assert (proven.judgement is not None) is is_faster
    assert ("Uses “Graph”" in words(page)) is is_faster and ("Uses “Original”" in words(page)) is not is_faster
    assert ("“Graph” is not used" in words(window)) is not is_faster
