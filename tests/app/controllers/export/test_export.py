"""Tests of the page Export: unwritable folders, cancelling, refusals, targets and saved answers."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QLineEdit
from read_page import press, words
from records import Drive, add_run, described, endless, judgement, open_finished, run, shown_page, variant

from app.controllers.app_controller import AppController
from app.controllers.export import controller as module
from app.controllers.export.controller import ExportController
from app.controllers.export.presenter import default_path
from app.domain.job import ExportRecord
from app.services.after.exporting import Exported
from app.services.flow.events import StepProgress
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from widgets.main_window import MainWindow
from widgets.pages.export.page import ExportPage
from widgets.pages.export.value import ExportValue
from workers.contracts.bundles import ExportResult
from workers.contracts.specs import DescribedTarget, Question, Stage


@pytest.fixture
def page(app_controller: AppController, window: MainWindow) -> ExportPage:
    """Return the page for a finished run with a safe and a regressed version."""
    open_finished(app_controller.session, variant(2, speedup=3.0, judgement=judgement(verdict="regressed")))
    return shown_page(window, "export")


def form(path: Path, reason: str = "") -> ExportValue:
    return ExportValue((), "python", str(path), "", purpose="sorting", not_for="people", contact="me", reason=reason)


def test_unwritable_folder_shows_an_error(page: ExportPage, tmp_path: Path) -> None:
    """Given a path below a file, when the version is exported there, then the page shows an error and leads back to the
    form."""
    (tmp_path / "file").touch()
    page.export_requested.emit(form(tmp_path / "file" / "x.zip"))
    assert page.state == "error" and "cannot be written there" in words(page)
    page.again_requested.emit()
    assert page.state == "full"


def test_cancelled_export_leaves_no_file(
    page: ExportPage, app_controller: AppController, drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a running export, when it is cancelled, then the form is shown and no file exists."""
    monkeypatch.setattr(module, "export", endless)
    page.export_requested.emit(form(tmp_path / "out" / "x.zip"))
    assert "Writing the bundle" in words(page)
    drive(lambda: app_controller.flows.pids)
    page.cancel_requested.emit()
    drive(lambda: not app_controller.flows.active)
    assert page.state == "full" and "Take it with you" in words(page)
    assert not (tmp_path / "out" / "x.zip").exists()


def test_the_card_can_be_read_when_it_is_done(
    page: ExportPage, app_controller: AppController, space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a written bundle, when "Read the card" is pressed, then its page is opened as a file."""
    opened: list[str] = []
    monkeypatch.setattr(module.QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    result = ExportResult(sha256="0", size_bytes=1, files=1, selftest=(), card_text="# Card", card_page="<h1>Card</h1>")
    record = ExportRecord(
        id="e", run_id="r1", variant_id="r1-v1", target="python", path="x.zip", sha256="0", size_bytes=1,
        created_at=datetime.now(UTC), selftest_json="{}", override_reason=None,
    )  # fmt: skip
    done = Exported(tmp_path / "x.zip", result, record, TARGETS[1])
    app_controller.controller("export", ExportController)._on_done(done)
    press(page, "Read the card")
    assert Path(opened[0]).read_text() == "<h1>Card</h1>"
    assert Path(opened[0]).is_relative_to(space.paths.jobs), "what a killed program leaves there goes at the next start"
    app_controller.controller("export", ExportController).stop()
    assert not any(space.paths.root.rglob("card.html"))


def test_regression_needs_a_reason(
    page: ExportPage, app_controller: AppController, drive: Drive, tmp_path: Path
) -> None:
    """Given the regressed version, then the page requires a reason, the button is disabled, and the service refuses a
    word."""
    controller = app_controller.controller("export", ExportController)
    controller.choose("r1-v2")
    assert "worse than your limit" in words(page)
    assert not page._export.isEnabled()
    page.export_requested.emit(form(tmp_path / "x.zip", "because"))
    drive(lambda: page.state == "error")
    assert "answers worse than your limit allows" in words(page)


def test_answers_are_saved_with_the_project(page: ExportPage, space: Workspace) -> None:
    """Given typed answers, then the next export of this project has them."""
    page.answers_changed.emit("sorting clothes", "people", "shop@example.org")
    project = space.repositories.projects.get("p1")
    assert (project.purpose, project.not_for, project.contact) == ("sorting clothes", "people", "shop@example.org")


def test_default_path_counts_on(tmp_path: Path) -> None:
    """Given existing bundles, then the next one has the next number; special characters become hyphens."""
    (tmp_path / "colors-1.zip").touch()
    assert default_path("Colors", tmp_path) == tmp_path / "colors-2.zip"
    assert default_path("Größe / 模型: x", tmp_path).name == "größe---模型--x-1.zip"
    assert default_path("///", tmp_path).name == "model-1.zip"


STAGES = (Stage(id="fold", title="Fold it"), Stage(id="look", title="Look at it"))
TARGETS = (
    DescribedTarget(id="absent", title="Absent", available=False, hint="pip install absent"),
    DescribedTarget(id="python", title="Python folder", available=True),
    DescribedTarget(
        id="kit", title="Kit", available=True, suffix=".kit", stages=STAGES, questions=(Question(id="shop", title="Whose?"),)
    ),
)  # fmt: skip


def test_the_chosen_target_is_what_is_written(
    page: ExportPage, app_controller: AppController, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given targets that are described later, then the first available one is chosen. Another target brings its suffix,
    stages and questions, the typed reason stays, and progress follows the ids of its stages."""
    wanted: list[Any] = []

    def card(_facts: Any, _card: Any, target: str) -> Flow[str]:
        yield from ()
        return f"A card for {target}"

    def write(_space: Any, _facts: Any, request: Any) -> Flow[Any]:
        wanted.append(request)
        return endless()

    monkeypatch.setattr(module, "card_preview", card)
    monkeypatch.setattr(module, "export", write)
    controller = app_controller.controller("export", ExportController)
    controller.choose("r1-v2")
    app_controller.session.set_described(described(*TARGETS))
    assert page._value is not None and page._value.target == "python" and page._value.path.endswith(".zip")
    reason = page.findChild(QLineEdit, "reason")
    reason.setText("It is for me alone")
    page.answers_changed.emit("sorting", "", "me")
    page._on_target("kit")
    assert page._value.target == "kit" and page._value.path.endswith("colors-1.kit")
    assert page.findChild(QLineEdit, "reason").text() == "It is for me alone" and page._export.isEnabled()
    assert (page._value.purpose, page._value.contact) == ("sorting", "me")
    assert "Whose?" in words(page) and "Look at it" in words(page) and page._value.checks_on_export == 2
    page.path_chosen.emit(str(tmp_path / "mine"))
    assert page._value.path == str(tmp_path / "mine.kit")
    page._on_export()
    assert (wanted[0].target, wanted[0].out, wanted[0].answers) == ("kit", tmp_path / "mine.kit", {"shop": ""})
    states: list[list[str]] = []
    monkeypatch.setattr(page, "show_running", lambda *given: states.append([check.state for check in given[3]][-2:]))
    for stage_id in ("fold", "", "look", "unknown"):
        controller._progress.take(StepProgress(None, "Fold it", 0, 1, "", None, stage_id=stage_id))
    assert states == [["running", "waiting"], ["ok", "running"]]


def test_target_that_takes_another_version_is_noted(
    page: ExportPage, app_controller: AppController, space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a recommended version in OpenVINO, when a target that needs ONNX is chosen, then the page names the version
    that it takes instead, and so does its card. A target that takes no version cannot be chosen."""
    cards: list[Any] = []

    def card(_facts: Any, facts: Any, _target: str) -> Flow[str]:
        cards.append(facts)
        yield from ()
        return "A card"

    monkeypatch.setattr(module, "card_preview", card)
    versions = (variant(0, run_id="r2"), variant(1, run_id="r2", speedup=2.0, runtime="openvino"))
    app_controller.session.set_run(add_run(space, run(2, data_key="data", recommended_variant_id="r2-v1"), *versions))
    targets = (
        DescribedTarget(id="python", title="Python folder", available=True),
        DescribedTarget(id="onnx", title="Only ONNX", available=True, runtimes=("onnxruntime-cpu",)),
        DescribedTarget(id="none", title="Of another kind", available=True, runtimes=("nobody",)),
    )
    app_controller.session.set_described(described(*targets))
    assert page._value is not None and [target.available for target, _ in page._value.targets] == [True, True, False]
    assert "This run has no version for this target" in words(page)
    assert "it needs ONNX" not in words(page) and cards[-1].instead_of is None
    page._on_target("onnx")
    assert f"Uses “{versions[0].title}”, because it needs ONNX" in words(page)
    assert cards[-1].instead_of.id == "r2-v1"
    page._on_target("python")
    assert "it needs ONNX" not in words(page)
