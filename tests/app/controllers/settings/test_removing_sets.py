"""Tests of optional sets on the page Settings: removed unless they are in use."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from read_page import button, press, words
from records import Drive, endless
from stand_in_installer import WELL, lay_out

from app.controllers.flows import FlowRunner
from app.controllers.page_controller import ControllerContext
from app.controllers.settings.controller import SettingsController
from app.services.machine.optional_sets import Installer
from widgets.main_window import MainWindow
from widgets.pages.settings.page import SettingsPage
from widgets.parts.installing.row import InstallRow
from workers.contracts.optional_sets import CARD_SETS, FOLDER_SETS

REMOVE = "Remove “Signatures”"
COST = 'print(\'{"packages": 0, "download_bytes": 0, "installed_bytes": 0, "used_bytes": 20500000}\')\n'
Shown = tuple[SettingsPage, Path]


def row_of(page: SettingsPage) -> InstallRow:
    return next(row for row in page.findChildren(InstallRow) if row.name == "sign")


@pytest.fixture
def shown(tmp_path: Path, window: MainWindow, context: ControllerContext, drive: Drive) -> Shown:
    """The page with an installed set, and the set's folder."""
    clone = lay_out(tmp_path / "clone", WELL, COST)
    installer = Installer(clone.root, tmp_path / "sets")
    folder = installer.sets / f"sign-{sys.implementation.cache_tag}"
    folder.mkdir(parents=True)
    (installer.sets / "downloads" / "sign").mkdir(parents=True)
    page = window.page("settings")
    assert isinstance(page, SettingsPage)
    controller = SettingsController(context, page, installer)
    window.show_page("settings")
    controller.shown()
    drive(lambda: "Installed, 20.5 MB on the disk." in words(row_of(page)))
    return page, folder


def test_sets_for_cards_are_not_offered_without_a_card(shown: Shown) -> None:
    """Given a computer without an NVIDIA card, Then the page offers all sets but those for cards."""
    page, _ = shown
    assert {row.name for row in page.findChildren(InstallRow)} == set(FOLDER_SETS) - set(CARD_SETS)


def test_set_is_removed_with_its_download(shown: Shown, drive: Drive, flows: FlowRunner) -> None:
    """Given an installed set, When “Remove” is pressed, Then its folder and what arrived of a download are gone."""
    page, folder = shown
    press(page, REMOVE)
    drive(lambda: not flows.everything, 60)
    assert [path.name for path in folder.parent.iterdir()] == ["downloads"]
    assert not (folder.parent / "downloads" / "sign").exists()


def test_set_is_not_removed_while_a_job_runs(shown: Shown, flows: FlowRunner, window: MainWindow) -> None:
    """Given a running job, When “Remove” is pressed, Then nothing is removed, with a reason."""
    page, folder = shown
    running = flows.start(endless(), title="Optimize Colors", on_done=lambda _: None, on_failed=lambda _: None)
    press(page, REMOVE)
    assert folder.is_dir() and "Try again when that is done" in words(window.notice)
    flows.cancel(running)


def test_set_that_the_system_holds_stays(
    shown: Shown, drive: Drive, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a folder that another program holds open, as Windows does, When “Remove” is pressed, Then the set stays
    usable and the person reads what to close."""
    page, folder = shown
    replace: Callable[[Path, Path], Path] = Path.replace

    def held(path: Path, target: Path) -> Path:
        if path == folder:
            raise PermissionError(13, "in use")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", held)
    press(page, REMOVE)
    drive(lambda: "Close other windows and services of Fettle" in words(window.notice))
    assert folder.is_dir() and button(page, REMOVE).isEnabled()
