"""Tests of results of other computers on the page Compare."""

import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog
from read_page import press, words
from records import open_page

from app.controllers.app_controller import AppController
from app.services.after.saved_results import RESULT, save_result
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from app.services.records.run_records import MACHINE
from app.signing_key import make_own_key
from widgets.main_window import MainWindow
from widgets.pages.compare.page import ComparePage
from workers.contracts.paths import to_text
from workers.contracts.specs import DeviceFacts

DEVICE = DeviceFacts(processor="AMD EPYC 7B13", cores=2, memory_bytes=8 << 30, features=("avx2",))


@pytest.fixture
def page(app_controller: AppController, space: Workspace, finished_data: Path) -> ComparePage:
    space.repositories.records.put(MACHINE, "r1", DEVICE)
    made = open_page(app_controller, "compare")
    assert isinstance(made, ComparePage)
    return made


@pytest.fixture
def file(space: Workspace, page: ComparePage, tmp_path: Path) -> Path:
    """Return a result of this model that another key signed."""
    other = space.paths.root / "signing-key.pem"
    key = make_own_key(space.paths).rename(tmp_path / "key.pem")
    other.with_suffix(".pub.pem").unlink()
    save_result(space, read_facts(space, "r1"), tmp_path / "theirs.json", key)
    return tmp_path / "theirs.json"


def test_result_is_saved_opened_accepted_and_removed(
    page: ComparePage, file: Path, space: Workspace, window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Given a finished run, when its result is saved and another one opened, then it is shown as a claim; accepting its
    key and removing it are one click each."""
    mine = tmp_path / "mine"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(mine), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    headline = words(page).splitlines()[0]
    press(page, "Save result…")
    assert json.loads(mine.with_suffix(".json").read_text())["format"] == "fettle-result/1"
    press(page, "Open a result…")
    shown = words(page)
    assert "On AMD EPYC 7B13, 2 cores, 8.6 GB: 2 ms, 2.0 times" in shown and "A computer like yours" in shown
    assert "which is not known here" in shown and shown.startswith(headline)
    press(page, "Accept this key")
    assert "which you accepted before" in words(page)
    press(page, "Forget this key")
    assert "which is not known here" in words(page)
    press(page, "Remove")
    assert "AMD EPYC" not in words(page) and not space.repositories.records.items(RESULT, "p1")


@pytest.mark.parametrize("page_id", ["compare", "model", "try", "monitor"])
def test_dropped_result_is_shown_on_compare_from_every_page(
    page: ComparePage, file: Path, app_controller: AppController, window: MainWindow, page_id: str
) -> None:
    """Given any page, when a result is dropped, then Compare shows it; a changed one is refused, adds nothing and leaves
    the page."""
    window.show_page(page_id)
    bad = file.with_name("bad.json")
    bad.write_text(file.read_text().replace('"cores": 2', '"cores": 4'))
    app_controller.take_paths([to_text(bad)])
    assert window.current_page == page_id and "This result was changed" in words(window)
    assert "AMD EPYC" not in words(page)
    app_controller.take_paths([to_text(file)])
    assert window.current_page == "compare" and "AMD EPYC" in words(page)
    assert "This result was changed" not in words(window)


def test_result_without_a_project_or_a_run_is_refused_or_waits(
    page: ComparePage, file: Path, app_controller: AppController, window: MainWindow, space: Workspace
) -> None:
    """Given no run, then a result is stored and waits for the own measurement; without a project it is refused."""
    app_controller.session.set_run(None)
    app_controller.take_paths([to_text(file)])
    assert (
        "waits for your own measurement" in words(window) and len(space.repositories.records.items(RESULT, "p1")) == 1
    )
    app_controller.session.opened = None
    app_controller.take_paths([to_text(file)])
    assert "about another model" in words(window)
