"""The program as a person starts it, and one demo run that is shared by all tests."""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from fettle_command import Demo, Fettle, Finished
from filelock import FileLock

BUNDLE, FINISHED = "größer und schneller.zip", "finished.json"


@pytest.fixture
def fettle(tmp_path: Path) -> Fettle:
    """Commands on a fresh data folder, in a path with a space and an umlaut."""
    return Fettle(tmp_path / "Däten von mir")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """`fettle demo --json --out FILE.zip`, once for all tests.

    Where tests run side by side the first process makes it, and each has a copy of the data folder: only one
    at a time may hold one.
    """
    base = tmp_path_factory.getbasetemp()
    mine = tmp_path_factory.mktemp("demo")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return _made(mine)
    shared = base.parent / "demo of all"
    with FileLock(f"{shared}.lock"):
        if not (shared / FINISHED).is_file():
            shutil.rmtree(shared, ignore_errors=True)
            shared.mkdir()
            finished = _made(shared).done
            (shared / FINISHED).write_text(json.dumps(asdict(finished)), encoding="utf-8")
        shutil.copytree(shared / "home", mine / "home", symlinks=True)
    kept = json.loads((shared / FINISHED).read_text(encoding="utf-8"))
    return Demo(Fettle(mine / "home"), shared / BUNDLE, Finished(**kept))


def _made(folder: Path) -> Demo:
    fettle = Fettle(folder / "home")
    return Demo(fettle, folder / BUNDLE, fettle("demo", "--json", "--out", folder / BUNDLE))
