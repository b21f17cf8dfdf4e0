"""Tests of the checks after reading in a real process: leaving items out by a click, and undoing it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QAbstractButton, QApplication
from read_page import words
from records import Drive, make_project, shown_page

from app.controllers.app_controller import AppController
from app.controllers.data.checks import check_rows
from app.controllers.running import Running
from app.services.data.record import read_record
from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe
from app.services.projects.projects import saved_data
from widgets.main_window import MainWindow
from widgets.pages.data.items import ItemsCard
from widgets.pages.data.page import DataPage
from workers.contracts.data.checks import CheckFinding, DataCheckResult
from workers.contracts.data.record import DataRecord


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Return a folder of 40 textures of three colors, each also recompressed, and one file that is no picture."""
    for seed in range(40):
        folder = tmp_path / "album" / ("red", "green", "blue")[seed % 3]
        folder.mkdir(parents=True, exist_ok=True)
        cells = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        picture = Image.fromarray(cells).resize((64, 64), Image.Resampling.BICUBIC)
        picture.save(folder / f"{seed}.png")
        picture.save(folder / f"{seed}-copy.jpg", quality=70)
    (tmp_path / "album" / "red" / "broken.png").write_bytes(b"no picture")
    return tmp_path / "album"


@pytest.fixture
def page(app_controller: AppController, window: MainWindow, space: Workspace) -> DataPage:
    app_controller.session.reopen(make_project(space))
    app_controller.session.opened.data = None
    return shown_page(window, "data")


def shown(page: DataPage) -> str:
    QApplication.processEvents()  # new rows are shown by the next turn of the loop
    return words(page)


def button(page: DataPage, start: str) -> QAbstractButton | None:
    found = (b for b in page.findChildren(QAbstractButton) if b.isVisibleTo(page) and b.text().startswith(start))
    return next(found, None)


@pytest.mark.whole
def test_found_copies_are_left_out_and_restored(
    page: DataPage, app_controller: AppController, album: Path, drive: Drive
) -> None:
    """Given copies across calibration and test set and a broken file, when the set is read, then the page is usable
    before the checks end. When the findings are left out, then nothing is shared, no file is changed and the choice is
    saved. When it is undone, then the first state is back."""
    files = {path: path.read_bytes() for path in album.rglob("*") if path.is_file()}
    page.data_chosen.emit(str(album))
    drive(lambda: page.state == "full")
    assert button(page, "Continue") is not None and button(page, "Leave this one out") is not None  # the broken one
    before = app_controller.session.data
    assert before is not None and before.result.n_items == 81
    drive(lambda: not app_controller.flows.active)
    assert "the same as items of “calibration”" in shown(page)

    button(page, "Leave these").click()
    drive(lambda: page.state == "full" and not app_controller.flows.active)
    requested = app_controller.session.data_params
    assert requested is not None and "red/broken.png" in requested.left_out
    assert "are left out as you wished" in shown(page)
    assert "No test example resembles a calibration example" in shown(page)
    assert button(page, "Leave") is None
    project = app_controller.session.project
    assert project is not None
    kept = saved_data(app_controller.session.workspace.repositories, project)
    assert kept.left_out == requested.left_out

    button(page, "Restore the").click()
    drive(lambda: page.state == "full" and not app_controller.flows.active)
    after, requested = app_controller.session.data, app_controller.session.data_params
    assert after is not None and requested is not None
    assert (after.key, requested.left_out) == (before.key, ())
    assert files == {path: path.read_bytes() for path in album.rglob("*") if path.is_file()}


def checks(app_controller: AppController) -> list[Running]:
    return [flow for flow in app_controller.flows.active if flow.title == "Check the examples"]


@pytest.mark.whole
def test_checks_wait_for_an_optimization(
    page: DataPage, app_controller: AppController, album: Path, drive: Drive
) -> None:
    """Given running checks, when an optimization begins, then they stop and show that they wait, and run after it."""

    def run() -> Flow[None]:
        yield from describe()

    page.data_chosen.emit(str(album))
    drive(lambda: page.state == "full" and checks(app_controller))
    app_controller.flows.start(run(), title="run", on_done=lambda _: None, on_failed=lambda _: None, is_run=True)
    assert "after the measurements" in shown(page)
    drive(lambda: not app_controller.flows.runs)
    drive(lambda: not app_controller.flows.active)
    assert "the same as items of “calibration”" in shown(page)


@pytest.mark.whole
def test_the_same_set_is_not_checked_twice(
    page: DataPage, app_controller: AppController, album: Path, drive: Drive
) -> None:
    """Given a checked set, when it is read again, then the result comes from the store."""
    page.data_chosen.emit(str(album))
    drive(lambda: page.state == "full" and not app_controller.flows.active)
    first = len(app_controller.session.workspace.repositories.jobs.list())
    page.data_chosen.emit(str(album))
    drive(lambda: page.state == "full" and not app_controller.flows.active)
    kinds = [job.kind for job in app_controller.session.workspace.repositories.jobs.list()]
    assert len(kinds) >= first and kinds.count("data_check") <= 1
    assert "the same as items of “calibration”" in shown(page)


@pytest.mark.whole
def test_checks_can_be_stopped_and_repeated(
    page: DataPage, app_controller: AppController, album: Path, drive: Drive
) -> None:
    """Given running checks, when they are stopped in the list of jobs, then the page shows that and stays usable. When
    the set is read again, then it is checked."""
    page.data_chosen.emit(str(album))
    drive(lambda: page.state == "full" and checks(app_controller))
    app_controller.flows.cancel(checks(app_controller)[0])
    drive(lambda: not app_controller.flows.active)
    assert "You stopped the checks" in shown(page) and button(page, "Continue") is not None
    page.data_chosen.emit(str(album))
    drive(lambda: page.state == "full" and not app_controller.flows.active)
    assert "the same as items of “calibration”" in shown(page) and "You stopped" not in shown(page)


def test_check_rows_of_findings() -> None:
    """Given a leak, an unknown count and a clean one, then the leak is bad, the clean one is shown, and findings of the
    reading are not repeated."""
    findings = (
        CheckFinding(check="leakage", level="danger", what="Shared."),
        CheckFinding(check="balance", level="info", what="Told before."),
    )
    counts: dict[str, int | None] = {"leaked": 2, "near_duplicates": 0, "label_errors": None, "private": None}
    rows = check_rows(DataCheckResult(kind="images", findings=findings, counts=counts))
    assert [(row.state, row.what) for row in rows] == [
        ("bad", "Shared."),
        ("ok", "No example appears twice, not even slightly changed"),
    ]


@pytest.mark.whole
def test_edits_are_read_saved_and_undone(
    page: DataPage, app_controller: AppController, album: Path, drive: Drive
) -> None:
    """Given a set that was read, when examples are moved, relabeled and left out, then the list shows that at once, and
    the set is read a little later. The edits are saved and undone step by step, thumbnails come from a worker, and no
    file is changed."""
    files = {path: path.read_bytes() for path in album.rglob("*") if path.is_file()}
    page.data_chosen.emit(str(album))
    drive(lambda: page.state == "full" and not app_controller.flows.active)
    before = app_controller.session.data
    assert before is not None
    (card,) = page.findChildren(ItemsCard)
    drive(lambda: card.view.items.image(0)[0] is not None)

    items = [card.view.items.item(row) for row in range(card.view.items.rowCount())]
    assert len(items) == before.result.n_test + before.result.n_calibration
    test = [item.source for item in items if item.part == "test"]
    page.edited.emit("calibration", (test[0],), "")
    page.edited.emit("relabel", (test[1],), "blue")
    page.edited.emit("leave_out", (test[2],), "")
    marks = {card.view.items.item(row).source: card.view.items.item(row).mark for row in range(len(items))}
    assert (marks[test[0]], marks[test[1]], marks[test[2]]) == ("changed", "changed", "left_out")
    assert page.state == "full" and app_controller.session.data is before  # nothing waits
    drive(lambda: app_controller.session.data is not before and not app_controller.flows.active)
    requested = app_controller.session.data_params
    assert (requested.moved, requested.relabeled, requested.left_out) == (
        {test[0]: "calibration"},
        {test[1]: "blue"},
        (test[2],),
    )
    project = app_controller.session.project
    assert project is not None
    kept = saved_data(app_controller.session.workspace.repositories, project)
    assert (kept.moved, kept.relabeled) == (requested.moved, requested.relabeled)
    (card,) = (found for found in page.findChildren(ItemsCard) if found.isVisibleTo(page))
    rows = {card.view.items.item(row).source: card.view.items.item(row) for row in range(card.view.items.rowCount())}
    assert rows[test[0]].part == "calibration" and rows[test[1]].label == "blue" and test[2] not in rows

    for _ in range(3):
        page.undo_requested.emit()
    drive(lambda: app_controller.session.data_params is not requested and not app_controller.flows.active)
    after = app_controller.session.data
    assert after is not None and after.key == before.key
    assert files == {path: path.read_bytes() for path in album.rglob("*") if path.is_file()}


@pytest.mark.whole
def test_origin_is_saved_for_its_data(page: DataPage, app_controller: AppController, album: Path, drive: Drive) -> None:
    """Given the three questions, when they are answered, then the record is saved for these data and not for others."""
    page.data_chosen.emit(str(album))
    drive(lambda: page.state == "full" and not app_controller.flows.active)
    page.origin_answered.emit(DataRecord(made_by="me", people="agreed"))
    project, repositories = app_controller.session.project, app_controller.session.workspace.repositories
    record = read_record(repositories, project.id, project.data_path)
    assert (record.made_by, record.may_use, record.people, record.data) == ("me", None, "agreed", "album")
    assert record.answered_at and read_record(repositories, project.id, "/others").is_empty
