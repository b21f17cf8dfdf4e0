"""A stranger's bundle with a payload, brought to a result by a real drag and a click; `tests/hostile` has all ways."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from finished_run import finished_folder
from rig import Program, Start, View
from test_bundle_door import REFUSED, Small, stored
from torch_bundles import tamper, write_torch_bundle


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("torch-bundle")
    return write_torch_bundle(Small(root), root)


def is_refused(page: str, state: str) -> Callable[[View], bool]:
    """Return whether this page shows the refusal, and no question is open."""
    return lambda view: (view.page, view.state, view.modal) == (page, state, "") and REFUSED in view.texts


def open_result(program: Program) -> None:
    program.open_compare()


@pytest.mark.timeout(400)
def test_hostile_bundle_dropped_without_walls_is_refused_unrun(start: Start, exported: Path, tmp_path: Path) -> None:
    """Given a kernel without walls and a result, When a hostile bundle is dropped and the button is clicked that has
    it judged next to the original, Then it is refused without a question, nothing of it runs, and the result
    stays."""
    home, marker = tmp_path / "home", tmp_path / "marker"
    finished_folder(home)
    bundle = shutil.copytree(exported, tmp_path / "stranger")
    tamper(bundle, "evaluated_size", marker)
    program = start(project="p1", without="landlock,seccomp")
    open_result(program)
    before = stored(home)
    program.drop(bundle)
    program.press("Compare this file with the original")
    program.until(is_refused("compare", "full"), 90, "the refusal")
    program.press("Close this message")
    program.until(lambda view: REFUSED not in view.texts and "48 of 48" in view.texts, 30, "the result")
    assert not marker.exists()
    assert stored(home) == before
    assert program.errors.read_text(encoding="utf-8") == ""
