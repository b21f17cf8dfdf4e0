"""Each optional set of an installed program is installed and removed on Settings by a real mouse."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_index import Index, lay_out_sets, serving
from rig import PROBE, ROOT, Program, Start
from stand_in_driver import stand_in

from workers.contracts.optional_sets import LOCK_COPY

CARDS = (
    ("rtx", "NVIDIA FAKE RTX 4090", "onnxruntime-ep-nv-tensorrt-rtx-cu13"),
    ("cuda", "NVIDIA FAKE H100", "onnxruntime-gpu"),
)
SETS = {
    "web": "Web pages",
    "language": "Language models elsewhere",
    "sign": "Signatures",
    "cluster": "Several computers",
}


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
    for _ in range(30):
        if program.see().button(text):
            return True
        program.screen.do("mousemove", 1262, 500, "click", 5)
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
    program.until_text("Downloading: 1")
    press(program, "Stop")
    program.until_text("The installation was stopped")
    index.held_at = None
    index.go.set()


def install(program: Program, index: Index, folder: Path, title: str, *, stops: bool) -> None:
    """Install a set after a cut, and after a stop if it `stops`; each time it goes on where it was."""
    cut(program, index, title)
    if stops:
        stop(program, index, title)
    assert not folder.exists()
    press(program, f"Install what “{title}” needs")
    program.wait((folder / LOCK_COPY).exists, 60, title)
    first = [first for path, first in index.requests if path == index.requests[0][0]]
    assert first[0] == 0 and 0 < first[1] <= first[-1] and (not stops or first[1] < first[-1])


def remove(program: Program, sets: Path, *titles: str) -> None:
    """Remove all installed sets on Settings; each is offered again."""
    for left, title in reversed([*enumerate(reversed(titles))]):
        press(program, f"Remove “{title}”")
        program.wait(lambda left=left: len(list(sets.glob("*-*"))) == left, 60, f"the end of {title}")
        program.until(lambda view: view.button("Install ("), 60, f"the offer of {title}")


@pytest.mark.timeout(900)
def test_sets_for_cards_are_installed_where_the_doctor_misses_them(
    start: Start,
    tmp_path: Path,
    index: Index,
    installed: dict[str, str],
    driver_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given an installed program and two cards, a GeForce RTX and another, When each card's set is installed on the page
    of the GPU doctor, without a command and after a cut, Then the doctor finds it; Settings removes both, and the doctor
    offers them again."""
    stand_in(driver_dir, tmp_path, monkeypatch)
    before = sources(installed)
    program = start(**installed)
    program.until_ready()
    program.click(lambda view: view.find("Device: ", "_ChipButton"), "the chip of the device")
    program.until(lambda view: view.button("Install (302 kB)"), 60, "the offers of the doctor")
    assert "installer/" not in program.see().texts and "--gpu" not in program.see().texts
    sets = tmp_path / "home" / "data" / "sets"
    for name, card, package in CARDS:
        folder = sets / f"{name}-{sys.implementation.cache_tag}"
        install(program, index, folder, f"{card}: Packages for the card", stops=name == "rtx")
        program.until_text("No job running", limit_s=120)
        program.until_text(f"{package} 9.0")
    program.press("Settings")
    program.until_page("settings", "full")
    remove(program, sets, "NVIDIA GeForce RTX cards", "Other NVIDIA cards")
    program.click(lambda view: view.find("Device: ", "_ChipButton"), "the chip of the device")
    program.press("Check again")
    program.until(lambda view: view.button("Install (302 kB)"), 60, "the offers of the doctor")
    assert sources(installed) == before
    program.check_clean()


@pytest.mark.timeout(400)
def test_sets_are_installed_after_a_cut_and_a_stop_and_removed(
    start: Start, tmp_path: Path, index: Index, installed: dict[str, str]
) -> None:
    """Given an installed program and an index that cuts downloads, When each set is installed on Settings, Then the cut
    is explained; When it is installed again, or after a stop, Then it goes on where it was, into the data folder alone;
    When it is removed, Then its folder is gone and it is offered again."""
    before = sources(installed)
    program = start(**installed)
    program.until_ready()
    program.press("Settings")
    program.until_page("settings", "full")
    program.until(lambda _view: scroll_to(program, "Install (300 kB)"), 60, "the sizes of the sets")
    assert "Other NVIDIA cards" not in program.see().texts, "sets for cards are offered where a card is"
    sets = tmp_path / "home" / "data" / "sets"
    for name, title in SETS.items():
        install(program, index, sets / f"{name}-{sys.implementation.cache_tag}", title, stops=name == "web")
    remove(program, sets, *SETS.values())
    assert sources(installed) == before
    program.check_clean()
    command = [sys.executable, "-m", "app", "--web"]
    done = subprocess.run(
        command, env={**program.environment, "PYTHONPATH": installed["PYTHONPATH"]}, cwd=tmp_path, check=False
    )
    assert done.returncode == 0 and [path.name for path in sets.glob("*-*")] == [f"web-{sys.implementation.cache_tag}"]
