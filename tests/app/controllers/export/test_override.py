"""Test of a regressed version in the window, which is not exported before the user gives a reason."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from finished_run import finished_space
from flows import go
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot
from read_page import button, press, words
from records import Drive, shown_page

from app.controllers.app_controller import AppController
from app.logging_setup import open_log
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe
from widgets.main_window import MainWindow

WHY = "It only sorts my own photo album, a person looks at each result."


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    """Open a finished run of the sample on enough pictures to prove that the pruned version regressed."""
    yield from finished_space(tmp_path / "finished", last=420)


@pytest.fixture
def log(space: Workspace) -> Iterator[Path]:
    file = open_log(space.paths)
    yield space.paths.logs / "fettle.log"
    file.close()


@pytest.mark.whole
@pytest.mark.timeout(180)
def test_reason_for_a_regressed_version_is_recorded(
    app_controller: AppController,
    window: MainWindow,
    space: Workspace,
    log: Path,
    tmp_path: Path,
    qtbot: QtBot,
    drive: Drive,
) -> None:
    """Given a version that 420 pictures prove to be worse, when it is exported, then the button is disabled until a
    sentence is typed. That sentence is in the card, the manifest, the history and the log; a safe version needs none.
    """
    pruned = space.repositories.variants.get("v2")
    assert pruned.judgement is not None and pruned.judgement.verdict == "regressed"
    app_controller.session.reopen(space.repositories.projects.get("p1"))
    app_controller.session.set_described(go(space, describe()))
    compare = shown_page(window, "compare")
    compare._table.choose("v2")
    press(compare, "Export this version…")
    page: Any = window.page("export")
    assert window.current_page == "export" and "answers are worse than your limit" in words(page)
    drive(lambda: page._value.card)
    page.path_chosen.emit(str(tmp_path / "worse.zip"))
    anyway = button(page, "Export anyway")
    field = page.findChild(QLineEdit, "reason")
    for typed in ("", "because", "a b c"):
        field.clear()
        qtbot.keyClicks(field, typed)
        assert not anyway.isEnabled(), typed
        qtbot.mouseClick(anyway, Qt.MouseButton.LeftButton)
    assert page.state == "full" and not (tmp_path / "worse.zip").exists()
    field.clear()
    qtbot.keyClicks(field, WHY)
    qtbot.mouseClick(anyway, Qt.MouseButton.LeftButton)
    drive(lambda: page.state in ("done", "error"), 120)
    assert page.state == "done", words(page)
    with zipfile.ZipFile(tmp_path / "worse.zip") as bundle:
        names = bundle.namelist()
        card = bundle.read(next(name for name in names if name.endswith("README.md"))).decode()
        manifest = json.loads(bundle.read(next(name for name in names if name.endswith("manifest.json"))))
    assert f"Exported all the same, for this reason: {WHY}" in card
    assert WHY in json.dumps(manifest, ensure_ascii=False)
    (record,) = space.repositories.exports.list(run_id="r1")
    assert record.override_reason == WHY and record.variant_id == "v2"
    assert WHY in log.read_text(encoding="utf-8") and "“Pruned by 90 %”" in log.read_text(encoding="utf-8")
    window.show_page("compare")
    compare.export_requested.emit("v1")
    assert page.findChild(QLineEdit, "reason") is None and button(page, "Export bundle").isEnabled()
