"""An update never disturbs a measurement: the download pauses for it, and the installation waits."""

from pathlib import Path

import pytest
from read_page import words
from records import Drive, endless
from run_text import run_text
from update_server import NEW, OLD, served_update

from app.controllers.app_controller import AppController
from widgets.main_window import MainWindow
from widgets.pages.settings.page import SettingsPage


@pytest.mark.whole
def test_update_waits_for_measurements_and_jobs(
    app_controller: AppController, window: MainWindow, drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a download, when a run begins, then it pauses and goes on after the run; when another job runs at its end,
    then the installation waits for that job."""
    flows = app_controller.flows
    with served_update(tmp_path, monkeypatch) as server:
        window.show_page("settings")
        page = window.page("settings")
        assert isinstance(page, SettingsPage)
        page.program_requested.emit("look")
        drive(lambda: f"Version {NEW} can be installed" in words(page))
        server.hub.block_delay_s = 0.2
        page.program_requested.emit("install")
        drive(lambda: server.hub.sent.get(server.delta, 0) > 200_000)
        run = flows.start(endless(), title="A run", is_run=True, on_done=print, on_failed=print)
        drive(lambda: "The download goes on after the measurement." in words(page))
        assert flows.active == (run,) and run_text([server.launcher, "--version"]).stdout.split()[-1] == OLD
        server.hub.block_delay_s = 0.0
        job = flows.start(endless(), title="A job", on_done=print, on_failed=print)
        flows.cancel(run)
        drive(lambda: "The installation waits until other work is done." in words(page))
        assert run_text([server.launcher, "--version"]).stdout.split()[-1] == OLD
        flows.cancel(job)
        drive(lambda: f"Version {NEW} runs from the next start on." in words(page))
        assert run_text([server.launcher, "--version"]).stdout.split()[-1] == NEW
