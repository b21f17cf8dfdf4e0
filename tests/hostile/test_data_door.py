"""The hostile pictures and tables as examples for the sample model: refused or left out in words, and nothing loaded."""

import shutil
from pathlib import Path

import pytest
from doors import REFUSED, drive, is_sentence, leftovers
from stopwatch import busyness

from app.services.flow.steps import Flow
from app.services.flow.workspace import Workspace
from app.services.opening.opening import OpenedModel, ReadData, open_model, read_data
from presets.sample import sample_paths
from workers.contracts.jobs import DataParams, OpenParams

PICTURES = ("img_png_bomb.png", "img_svg_xxe.svg", "img_truncated.jpg")
TABLES = ("npy_object_array.npy", "csv_formula.csv", "labels_not_utf8.txt")


def examples(path: Path) -> Flow[ReadData]:
    """The sample model, then `path` as its examples."""
    model: OpenedModel = yield from open_model(OpenParams(path=str(sample_paths().model)))
    return (yield from read_data(DataParams(model_dir=str(model.folder), path=str(path))))


@pytest.mark.parametrize("name", [*PICTURES, *TABLES])
def test_examples_that_are_none(
    space: Workspace, files: dict[str, Path], canary: Path, tmp_path: Path, name: str
) -> None:
    """Given a picture that claims billions of points, one that reads other files, a table of formulas, Then words."""
    path = files[name]
    if name in PICTURES:
        folder = tmp_path / "pictures"
        folder.mkdir()
        shutil.copyfile(path, folder / name)
        path = folder
    verdict = drive(space, name, examples(path))

    assert verdict.exit_code == REFUSED
    assert verdict.error is not None
    assert is_sentence(verdict.error.detail) and is_sentence(verdict.error.hint)
    assert verdict.seconds < 10 * busyness()
    assert leftovers(space) == []
    assert list(canary.iterdir()) == []
