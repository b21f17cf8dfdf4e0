"""Tests of the page "Try it" with both versions of the sample loaded."""

from pathlib import Path
from typing import Any

import psutil
import pytest
from finished_run import pids_of, write_picture
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from read_page import press, question, words
from records import Drive, open_page, shown_page, start_run

from app.controllers.app_controller import AppController
from app.controllers.try_it.controller import TryController
from app.controllers.try_it.presenter import TriedSoFar
from app.services.after.trying.trying import TryInput, TryOutcome, TryPair
from app.services.flow.workspace import Workspace
from widgets.main_window import MainWindow
from widgets.pages.try_it.page import TryPage
from workers.contracts.after.trying import ShownPicture, TryAnswer

pytestmark = pytest.mark.usefixtures("finished_data")


@pytest.fixture
def page(app_controller: AppController, drive: Drive) -> TryPage:
    """Return the page with both versions loaded and examples to select."""
    made = open_page(app_controller, "try")
    assert made.state == "full"
    drive(lambda: pair(app_controller) is not None and pair(app_controller).is_loaded)
    drive(lambda: layout(made).strip.rows.values)
    return made


def controller(app_controller: AppController) -> TryController:
    made = app_controller._controllers["try"]
    assert isinstance(made, TryController)
    return made


def pair(app_controller: AppController) -> TryPair | None:
    return controller(app_controller)._pair


def layout(page: TryPage) -> Any:
    assert page._parts is not None
    return page._parts


def test_dropped_selected_and_pasted_pictures_are_tried(
    page: TryPage, window: MainWindow, tmp_path: Path, drive: Drive
) -> None:
    """Given the page, when pictures are dropped, selected and pasted, then each has both answers, times and a line."""
    path = write_picture(tmp_path / "boot ünï.png", 3, side=100)
    window.paths_dropped.emit([str(path)])
    drive(lambda: len(layout(page).tried.rows.values) == 1)
    shown = words(page)
    assert "Same answer, " in shown and "boot ünï.png, as 28 × 28 pixels" in shown
    assert "Confidence" in shown and "Median of 9 calls each" in shown
    (line,) = layout(page).tried.rows.values
    assert line.same is True and line.before == line.after and line.before_ms > 0 and line.picture.data
    assert window.current_page == "try", "it is no data set here"

    strip = layout(page).strip.rows.values
    assert len(strip) == 13 and strip[5].picture.is_picture
    page.example_chosen.emit(strip[5].item)
    drive(lambda: len(layout(page).tried.rows.values) == 2)
    assert f"test example {strip[5].item + 1}" in words(page)

    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    window.picture_dropped.emit(image)
    drive(lambda: len(layout(page).tried.rows.values) == 3)
    assert "Pasted picture" in words(page) and "3 pictures" in words(page)


def test_several_files_are_tried_in_turn(
    page: TryPage, window: MainWindow, tmp_path: Path, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given three dropped pictures, one of them damaged, then all are tried in turn, and the damaged one is reported."""
    paths = [write_picture(tmp_path / f"{number}.png", number) for number in range(3)]
    paths[1].write_bytes(b"no picture")
    shown: list[str] = []
    show_problem = page.show_problem

    def note(value: Any, given: Any) -> None:
        shown.append(value.happened)
        show_problem(value, given)

    monkeypatch.setattr(page, "show_problem", note)
    window.paths_dropped.emit([str(path) for path in paths])
    drive(lambda: len(layout(page).tried.rows.values) == 2)
    assert [line.name for line in layout(page).tried.rows.values] == ["2.png", "0.png"]
    assert shown == ["1.png is not a picture that can be read."]


@pytest.mark.whole
def test_another_version_gets_the_same_input(
    page: TryPage, app_controller: AppController, window: MainWindow, tmp_path: Path, drive: Drive
) -> None:
    """Given an answer, when another version is chosen, then it gets the same input, and a changed example can be shown."""
    window.paths_dropped.emit([str(write_picture(tmp_path / "a.png", 1))])
    drive(lambda: len(layout(page).tried.rows.values) == 1)
    box = layout(page).versions
    assert [box.itemText(at) for at in range(box.count())] == ["Faster engine", "Pruned by 90 %"]
    box.setCurrentIndex(1)
    drive(lambda: len(layout(page).tried.rows.values) == 2)
    assert pair(app_controller)._other.variant.title == "Pruned by 90 %"
    drive(lambda: any(value.changed for value in layout(page).strip.rows.values))
    assert layout(page).changed.isVisible()
    layout(page).changed.click()
    drive(lambda: len(layout(page).tried.rows.values) == 3)
    assert layout(page).tried.rows.values[0].same is False
    assert "Another answer" in words(page)


@pytest.mark.whole
def test_dropped_folder_is_asked_about_and_read_as_data(
    page: TryPage, app_controller: AppController, window: MainWindow, tmp_path: Path
) -> None:
    """Given a folder of pictures that is dropped on the page, then the user is asked. When it is used, it is read as
    data, and both processes end."""
    folder = tmp_path / "more"
    folder.mkdir()
    write_picture(folder / "a.png", 1)
    pids = pids_of(pair(app_controller))
    window.paths_dropped.emit([str(folder)])
    assert window.current_page == "try"
    press(question(window), "Use these instead")
    assert window.current_page == "data"
    assert pair(app_controller) is None and not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.whole
def test_leaving_ends_both_processes_and_keeps_the_answers(
    page: TryPage, app_controller: AppController, window: MainWindow, space: Workspace, tmp_path: Path, drive: Drive
) -> None:
    """Given an answer, when another page is shown and then this one, then answer and lines are shown and both versions
    are loaded again."""
    window.paths_dropped.emit([str(write_picture(tmp_path / "a.png", 1))])
    drive(lambda: len(layout(page).tried.rows.values) == 1)
    answer = layout(page).before._answer.text()
    window.show_page("compare")
    assert pair(app_controller) is None
    window.show_page("try")
    drive(lambda: pair(app_controller).is_loaded)
    assert layout(page).before._answer.text() == answer and len(layout(page).tried.rows.values) == 1
    app_controller.stop_watching()
    assert pair(app_controller) is None
    assert [folder for folder in space.jobs.iterdir() if folder.name.startswith("try")] == []


@pytest.mark.whole
def test_killed_process_is_reported_and_loaded_again(
    page: TryPage, app_controller: AppController, window: MainWindow, tmp_path: Path, drive: Drive
) -> None:
    """Given a killed process, then the page reports that, and Load again restores it."""
    psutil.Process(pids_of(pair(app_controller))[1]).kill()
    drive(lambda: page.state == "error")
    assert "“Faster engine” cannot be tried now" in words(page) and "What to do now" in words(page)
    page.reload_requested.emit()
    drive(lambda: page.state == "full" and pair(app_controller).is_loaded)
    window.paths_dropped.emit([str(write_picture(tmp_path / "a.png", 1))])
    drive(lambda: len(layout(page).tried.rows.values) == 1)


@pytest.mark.whole
def test_nothing_is_tried_while_versions_are_measured(
    page: TryPage, app_controller: AppController, drive: Drive
) -> None:
    """Given an optimization that begins, then both processes end and the page shows the reason until it is over."""
    flows = app_controller.flows
    start_run(flows)
    assert page.state == "measuring" and pair(app_controller) is None
    assert "would distort their figures" in words(page)
    drive(lambda: not flows.runs)
    drive(lambda: page.state == "full" and pair(app_controller) is not None)


def test_cancel_loads_both_versions_again(page: TryPage, app_controller: AppController, drive: Drive) -> None:
    """Given Cancel, then the old processes end and new ones start."""
    before = pids_of(pair(app_controller))
    page.cancel_requested.emit()
    assert not any(psutil.pid_exists(pid) for pid in before)
    drive(lambda: pair(app_controller).is_loaded)


def test_page_without_a_run_is_empty(app_controller: AppController, window: MainWindow) -> None:
    """Given no run, then the page explains what it will show, and a pasted picture has a message."""
    window.picture_dropped.emit(QImage(4, 4, QImage.Format.Format_RGB32))
    assert "can be tried later" in words(window.notice)
    page = shown_page(window, "try")
    assert page.state == "empty"
    assert "Nothing to try yet" in words(page)


def test_tried_inputs_stay_small() -> None:
    """Given texts that are being typed and large pasted pictures, then a text is one line, and older pictures keep only
    their drawing."""
    seen = ShownPicture(kind="image", height_px=28, width_px=28)
    answer = TryAnswer(kind="class", rows=(("Bag", 1.0),), latency_ms=1.0, n_calls=9, seen=seen)
    kept = TriedSoFar()
    for text in ("a", "a good", "a good film", "another"):
        kept.add(TryOutcome(TryInput(text=text), answer, answer), None)
    assert [line.name for line in kept.lines] == ["another", "a good film"]
    kept.add(TryOutcome(TryInput(png=b"x" * (2 << 20)), answer, answer, picture=b"small"), None)
    newest = kept.lines[0].id
    requested = kept.input_of(newest)
    assert requested is not None and len(requested.png) == 2 << 20
    for number in range(60):
        kept.add(TryOutcome(TryInput(item=number), answer, answer), None)
    assert (
        len(kept.lines) == 50 and kept.input_of(newest) is None and kept.input_of(kept.lines[9].id) == TryInput(item=50)
    )
    kept.add(TryOutcome(TryInput(png=b"x" * (2 << 20)), answer, answer, picture=b"small"), None)
    pasted = kept.lines[0].id
    kept.add(TryOutcome(TryInput(item=0), answer, answer), None)
    requested = kept.input_of(pasted)
    assert requested is not None and requested.png == b"small"
