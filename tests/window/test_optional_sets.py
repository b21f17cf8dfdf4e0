"""Optional sets of an installed program are installed and removed by a real mouse."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback_index import Index, lay_out_sets, serving
from rig import PROBE, ROOT, Program, Start
from stand_in_driver import stand_in

from workers.contracts.optional_sets import LOCK_COPY

RTX = "NVIDIA FAKE RTX 4090: Packages for the card"
OTHERS = ("Other NVIDIA cards", "Language models elsewhere", "Signatures", "Several computers")


@pytest.fixture
def index() -> Iterator[Index]:
    with serving() as made:
        yield made


@pytest.fixture
def installed(tmp_path: Path, index: Index) -> dict[str, str]:
    """An installed program with small sets; returns the variables that its launcher sets."""
    tree = tmp_path / "Prögramme root" / "versions" / "1" / "fettle"
    for name in ("app", "widgets", "workers", "presets"):
        shutil.copytree(ROOT / name, tree / name)
    lay_out_sets(tree, index)
    path = os.pathsep.join((str(PROBE), str(tree)))
    return {"FETTLE_ROOT": str(tree.parents[2]), "PYTHONPATH": path, **index.environment}


def sources(installed: dict[str, str]) -> set[Path]:
    return {path for path in Path(installed["FETTLE_ROOT"]).rglob("*") if path.is_file() and path.suffix != ".pyc"}


def scroll_to(program: Program, text: str) -> bool:
    """Scroll down to a button by the wheel, beside the cards; return whether there is one."""
    program.to_top()
    for _ in range(20):
        if program.see().button(text):
            return True
        program.screen.do("mousemove", 1262, 500, "click", "--repeat", 3, 5)
        time.sleep(0.1)
    return False


def press(program: Program, text: str) -> None:
    """Scroll down to a button and press it; other work ends first."""
    if text != "Stop":
        program.until_text("No job running", limit_s=60)
    scroll_to(program, text)
    program.press(text)


def cut(program: Program, index: Index, title: str) -> None:
    """Try to install a set while the index cuts its files."""
    index.requests, index.cut_at = [], 100_000
    press(program, f"Install what “{title}” needs")
    program.until_text("What arrived is kept")
    index.cut_at = None


def stop(program: Program, index: Index, title: str) -> None:
    """Stop the installation of a set in the middle of a file."""
    index.held_at = 200_000
    press(program, f"Install what “{title}” needs")
    program.until(lambda view: re.search(r"Downloading: [1-9]", view.texts), 30, "a part of the download")
    press(program, "Stop")
    program.until_text("The installation was stopped")
    index.held_at = None
    index.go.set()


def install(program: Program, index: Index, folder: Path, title: str, *, after: Callable[..., None]) -> None:
    """Install a set after a cut or a stop; it goes on where it was."""
    after(program, index, title)
    assert not folder.exists()
    press(program, f"Install what “{title}” needs")
    program.wait((folder / LOCK_COPY).exists, 60, title)
    first = [first for path, first in index.requests if path == index.requests[0][0]]
    assert first[0] == 0 < first[-1]


def remove(program: Program, folder: Path, title: str) -> None:
    """Remove an installed set on Settings; it is offered again."""
    press(program, f"Remove “{title}”")
    program.wait(lambda: not folder.exists(), 60, f"the end of {title}")
    program.until(lambda view: view.button("Install ("), 60, f"the offer of {title}")


@pytest.mark.timeout(600)
def test_sets_are_installed_after_a_cut_or_a_stop_and_removed(
    start: Start,
    tmp_path: Path,
    index: Index,
    installed: dict[str, str],
    driver_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given an installed program and two cards, a GeForce RTX and another, When the set of one is installed on the page of
    the GPU doctor, without a command and after a stop, Then it goes on where it was and the doctor finds it; When a set is
    installed on Settings after a cut, which is explained, Then it goes on as well, into the data folder alone; When both
    are removed, Then both are offered again."""
    stand_in(driver_dir, tmp_path, monkeypatch)
    before = sources(installed)
    program = start(**installed)
    program.until_ready()
    program.click(lambda view: view.find("Device: ", "_ChipButton"), "the chip of the device")
    program.until(lambda view: view.button("Install (302 kB)"), 60, "the offers of the doctor")
    assert "installer/" not in program.see().texts and "--gpu" not in program.see().texts
    rtx, web = (
        tmp_path / "home" / "data" / "sets" / f"{name}-{sys.implementation.cache_tag}" for name in ("rtx", "web")
    )
    install(program, index, rtx, RTX, after=stop)
    program.until_text("No job running", limit_s=120)
    program.until_text("onnxruntime-ep-nv-tensorrt-rtx-cu13 9.0")
    assert scroll_to(program, "Install what “NVIDIA FAKE H100: Packages for the card” needs")

    program.press("Settings")
    program.until_page("settings", "full")
    for title in OTHERS:
        assert scroll_to(program, f"Install what “{title}” needs"), title
    install(program, index, web, "Web pages", after=cut)
    remove(program, rtx, "NVIDIA GeForce RTX cards")
    remove(program, web, "Web pages")
    program.click(lambda view: view.find("Device: ", "_ChipButton"), "the chip of the device")
    program.press("Check again")
    program.until(lambda view: view.button(f"Install what “{RTX}” needs"), 60, "the offer of the doctor")
    assert sources(installed) == before
    program.check_clean()
    command = [sys.executable, "-m", "app", "--web"]
    environment = {**program.environment, "PYTHONPATH": installed["PYTHONPATH"]}
    done = subprocess.run(command, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 0 and web.is_dir() and not rtx.exists()
