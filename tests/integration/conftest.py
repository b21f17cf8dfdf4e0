"""The program as a person starts it, and one demo run that is shared by all tests."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from fettle_command import Demo, Fettle, Finished
from made_once import made_once
from network_calls import tracer

BUNDLE, FINISHED, CALLS = "größer und schneller.zip", "finished.json", "calls"
DEMO_S = 280.0
"""Time limit in seconds of one of the two runs of a test, also on a busy computer."""
NOTHING_FASTER = 4
"""Exit code of a run that recommends the original."""


@pytest.fixture
def fettle(tmp_path: Path) -> Fettle:
    """Commands on a fresh data folder, in a path with a space and an umlaut."""
    return Fettle(tmp_path / "Däten von mir")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`fettle demo --json --out FILE.zip`, once for all tests, its calls to the network recorded.

    Where tests run side by side each process has a copy of the data folder: only one at a time may hold one.
    """
    shared = made_once("demo", _make)
    mine = tmp_path_factory.mktemp("demo")
    shutil.copytree(shared / "home", mine / "home", symlinks=True)
    kept = json.loads((shared / FINISHED).read_text(encoding="utf-8"))
    return Demo(Fettle(mine / "home"), shared / BUNDLE, Finished(**kept), shared / CALLS)


def _make(folder: Path) -> None:
    """Run the demo, and once more as a person would if other programs left its few rounds without a verdict."""
    for _turn in range(2):
        shutil.rmtree(folder / "home", ignore_errors=True)
        (folder / CALLS).unlink(missing_ok=True)
        more = {"FETTLE_MOST_ROUNDS": "3", "FETTLE_MOST_SETS": "3"}
        fettle = Fettle(folder / "home", more=more, under=tracer(folder / CALLS))
        done = fettle("demo", "--json", "--out", folder / BUNDLE, timeout_s=DEMO_S)
        if done.code != NOTHING_FASTER:
            break
    (folder / FINISHED).write_text(json.dumps(asdict(done)), encoding="utf-8")
