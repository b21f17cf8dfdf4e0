"""A newer version is found, installed and left again on the page Settings by a real mouse."""

import json
import time
from pathlib import Path

import pytest
from rig import Start
from run_text import run_text
from update_server import NEW, OLD, days, served_update


@pytest.mark.timeout(300)
def test_update_by_mouse_runs_at_the_next_start_and_goes_back(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a newer version, When it is looked for, stopped in the middle, installed and left again, Then the launcher
    starts it and afterwards the old one; When the weekly look is on, Then a start says that it is there."""
    settings = tmp_path / "home" / "data" / "settings.json"
    with served_update(tmp_path, monkeypatch) as server:

        def starts() -> str:
            return run_text([server.launcher, "--version"]).stdout.split()[-1]

        program = start()
        program.until_ready()
        program.press("Settings")
        program.until_text("All of it is needed.")
        while program.see().button("Look for a newer version") is None:
            program.screen.do("mousemove", 819, 500, "click", 5)
            time.sleep(0.1)
        program.screen.do("click", "--repeat", 3, 5)
        program.until_text("This program", str(server.root))
        program.press("Look for a newer version")
        program.until_text(f"Version {NEW} can be installed", "Everything is faster.")
        server.hub.block_delay_s = 0.3
        program.press(f"Install version {NEW}")
        program.until(lambda view: server.hub.sent.get(server.delta, 0) > 400_000, 60, "a part of the download")
        program.press("Stop")
        program.until_text("The download was stopped.")
        server.hub.block_delay_s, server.hub.drops[server.delta] = 0.0, [1_500_000]
        program.press(f"Install version {NEW}")
        program.until_text(f"Version {NEW} runs from the next start on.", limit_s=60)
        assert starts() == NEW
        program.press(f"Go back to version {OLD}")
        program.until_text("It is tested first")
        program.press(f"Use version {OLD}")
        program.until_text(f"Use version {NEW} again", limit_s=60)
        assert starts() == OLD
        program.click(lambda view: view.find("Look for a newer version once a week"))
        program.until(lambda _view: json.loads(settings.read_text())["weekly_updates"], 10, "the setting")
        program.close_window()
        settings.write_text(json.dumps(json.loads(settings.read_text()) | {"updates_looked_at": days(-8)}))
        program = start()
        program.until_text(f"Version {NEW} can be installed", limit_s=60)
