"""Tests of targets and signatures whose packages are installed from the page Export."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from read_page import button, press, words
from records import Drive, described, open_finished
from stand_in_installer import COST, FAILS, WELL, lay_out

from app.controllers.export import presenter
from app.controllers.export.controller import ExportController
from app.controllers.page_controller import ControllerContext
from app.controllers.session import Session
from widgets.main_window import MainWindow
from widgets.pages.export.page import ExportPage
from widgets.parts.format import size_bytes
from workers.contracts.specs import DescribedTarget, Stage

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script of the shell")

INSTALL = "Install what “Web page” needs"

PYTHON = DescribedTarget(id="python", title="Python folder", available=True, stages=(Stage(id="w", title="Write"),))
WEB = DescribedTarget(
    id="web", title="Web page", available=False, hint="installer/fettle --web", installs="web", summary="In a browser"
)
Shown = Callable[[str], ExportPage]


@pytest.fixture
def shown(
    tmp_path: Path, window: MainWindow, session: Session, context: ControllerContext, monkeypatch: pytest.MonkeyPatch
) -> Shown:
    """Return a function that shows the page Export with a missing web target; its argument is the stand-in's program."""

    owners: list[ExportController] = []

    def show(program: str) -> ExportPage:
        monkeypatch.setattr(presenter, "documents_folder", lambda: tmp_path)
        page = window.page("export")
        assert isinstance(page, ExportPage)
        session.set_described(described(PYTHON, WEB))
        made = ExportController(context, page, lay_out(tmp_path / "clone", program, COST))
        open_finished(session)
        window.show_page("export")
        owners.append(made)
        return page

    return show


@pytest.mark.whole
def test_missing_target_is_installed_with_one_click(
    shown: Shown, drive: Drive, tmp_path: Path, session: Session
) -> None:
    # Given a target whose set is missing, with its size
    page = shown(WELL)
    drive(lambda: button(page, INSTALL).text() == f"Install ({size_bytes(242_000_000)})")
    assert "installer/fettle" not in words(page)
    # When its button is clicked
    press(page, INSTALL)
    # Then the installer is at work, without a further question, and can be stopped
    drive(lambda: "Downloading: 2 of 3" in words(page))
    assert (tmp_path / "clone" / "said").read_text(encoding="utf-8").split() == ["add", "web"]
    assert button(page, "Stop installing “Web page”").text() == "Stop"
    # And when it has finished, what can be written is looked up again
    (tmp_path / "clone" / "go").touch()
    drive(lambda: session.described is not None and len(session.described.targets) > 2, 60)


def test_failed_installation_is_shown_and_can_be_tried_again(shown: Shown, drive: Drive, window: MainWindow) -> None:
    page = shown(FAILS)
    drive(lambda: size_bytes(242_000_000) in button(page, INSTALL).text())
    press(page, INSTALL)
    drive(lambda: "Make room." in words(window.notice))
    assert button(page, INSTALL).text().startswith("Install") and button(page, INSTALL).isEnabled()
