"""The window is there nearly as soon as the least window of Qt, and its parts as soon as one that shows a graph."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest
from rig import PROBE, ROOT, Screen

ROUNDS = 9
LIMIT = 1.5


def seconds_to(command: list[str], environment: dict[str, str], painted: Path, *more: Path) -> list[float]:
    """From spawn to the first paint, and until `more` files are written."""
    files = (painted, *more)
    for file in files:
        file.unlink(missing_ok=True)
    began_s = time.monotonic()
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        while not all(file.exists() and file.read_text(encoding="utf-8") for file in files):
            assert process.poll() is None and time.monotonic() - began_s < 60
            time.sleep(0.002)
        return [float(file.read_text(encoding="utf-8")) - began_s for file in files]
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("state", ["first run", "a project was open"])
def test_the_window_is_visible_soon(state: str, tmp_path: Path) -> None:
    """Given warm files, When all start in turn, Then the window needs at most 1.5 times as long as a bare one of Qt, and
    its parts at most 1.5 times as long as one with a graph."""
    screen = Screen("1440x960")
    data = tmp_path / "data"
    data.mkdir()
    if state != "first run":
        (data / "settings.json").write_text('{"last_project_id": "p1", "last_page": "compare"}', encoding="utf-8")
    report, parts = tmp_path / "painted", tmp_path / "painted.parts"
    bare = [sys.executable, str(Path(__file__).with_name("bare_window.py")), str(report)]
    alone = [*bare, "alone"]
    ours = [sys.executable, "-m", "app"]
    own = {"FETTLE_HOME": str(data), "FETTLE_TEST_PAINTED": str(report), "FETTLE_TEST_PROBE": str(tmp_path / "eyes")}
    environment = {**screen.environment, **own, "PYTHONPATH": os.pathsep.join([str(PROBE), str(ROOT)])}
    environment["PYTHONDONTWRITEBYTECODE"] = ""  # an installed program is not compiled at each start
    times: dict[str, list[float]] = {"alone": [], "bare": [], "ours": [], "parts": []}
    try:
        for number in range(ROUNDS + 1):
            alone_s, bare_s = (seconds_to(command, environment, report)[0] for command in (alone, bare))
            ours_s, parts_s = seconds_to(ours, environment, report, parts)
            if number:  # the first round warms the files up
                for name, seconds in zip(times, (alone_s, bare_s, ours_s, parts_s), strict=True):
                    times[name].append(seconds)
    finally:
        screen.close()
    alone_s, bare_s, ours_s, parts_s = (median(seconds) for seconds in times.values())
    print(  # noqa: T201 - the figures are the point
        f"{state}: Qt alone {alone_s:.2f} s, Fettle {ours_s:.2f} s, ratio {ours_s / alone_s:.2f};"
        f" Qt with pyqtgraph {bare_s:.2f} s, Fettle's parts {parts_s:.2f} s, ratio {parts_s / bare_s:.2f};"
        f" load {os.getloadavg()[0]:.1f}"
    )
    assert ours_s <= LIMIT * alone_s and parts_s <= LIMIT * bare_s
