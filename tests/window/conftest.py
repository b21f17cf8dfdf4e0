"""A screen for all tests of the window, programs that end with their test, a witness of the network."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig import Program, Screen, Start


@pytest.fixture(scope="session")
def screen() -> Iterator[Screen]:
    """Large enough for the usual window with its frame."""
    made = Screen("1440x960")
    yield made
    made.close()


@pytest.fixture
def start(screen: Screen, tmp_path: Path) -> Iterator[Start]:
    """`start()` opens the program, with `project` if it is given; all of one test share a home."""
    made: list[Program] = []

    def begin(*files: str, project: str = "", without: str = "", **extra: str) -> Program:
        if project:
            settings = tmp_path / "home" / "data" / "settings.json"
            settings.write_text(json.dumps({"last_project_id": project}), encoding="utf-8")
        program = Program(screen, tmp_path / "home", files=files, extra=extra, without=without)
        made.append(program)
        return program

    yield begin
    for program in made:
        program.end()


@pytest.fixture(scope="session")
def netwatch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The witness, built."""
    out = tmp_path_factory.mktemp("netwatch") / "netwatch.so"
    source = Path(__file__).with_name("netwatch.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(out), str(source), "-ldl"], check=True)
    return out
