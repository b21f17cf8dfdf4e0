"""Manual changes of a data set: items left out, relabeled or moved; the files stay the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workers.contracts.data.checks import DataCheckParams
from workers.contracts.jobs import DataParams
from workers.evaluate.data.dataset import read_dataset
from workers.pipeline.prepared import Prepared


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twenty pictures, ten of cats and ten of dogs, all different."""
    folder = tmp_path / "pictures"
    for number in range(20):
        place = folder / ("cat" if number < 10 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(number).integers(0, 256, (9, 9, 3), np.uint8)
        Image.fromarray(values).save(place / f"{number:02d}.png")
    return folder


def test_edited_items_are_moved_and_relabeled(
    pictures: Path, model_dir: Callable[[str], Path], job: Callable[..., Any]
) -> None:
    """Given a set, When one item is moved to each part and one is relabeled, Then the parts, labels
    and prepared stores follow, and the files stay the same."""
    before = {path: path.read_bytes() for path in pictures.rglob("*.png")}
    model = model_dir("pictures")
    _, plain = job("data", DataParams(model_dir=str(model), path=str(pictures)))
    first = read_dataset(plain / "data")
    to_test, to_calibration = first.calibration[0].source, first.test[0].source
    changed = first.test[1].source
    params = DataParams(
        model_dir=str(model),
        path=str(pictures),
        moved={to_test: "test", to_calibration: "calibration"},
        relabeled={changed: "bird"},
    )
    result, work = job("data", params)
    data = read_dataset(work / "data")
    assert to_test in {item.source for item in data.test}
    assert to_calibration in {item.source for item in data.calibration}
    assert next(item for item in (*data.test, *data.calibration) if item.source == changed).labels == (2,)
    assert len(Prepared(work / "data" / "test")) == len(data.test) == result.n_test
    assert len(Prepared(work / "data" / "calibration")) == len(data.calibration)
    report = " ".join(finding.what for finding in result.findings)
    assert "2 items are in the part that you chose." in report and "1 item has another label as you wished." in report
    assert {path: path.read_bytes() for path in pictures.rglob("*.png")} == before


def test_suspects_disappear_when_relabeled(tmp_path: Path, job: Callable[..., Any]) -> None:
    """Given bright and dark pictures of which one is in the wrong folder, Then it is a suspect with its picture and
    the likely label; relabeled, it is none any more."""
    rng = np.random.default_rng(1)
    for number in range(80):
        bright = number % 2 == 0
        values = rng.integers(150, 255, (16, 16)) if bright else rng.integers(0, 100, (16, 16))
        place = tmp_path / "set" / ("bright" if bright and number else "dark")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values.astype(np.uint8)).save(place / f"{number:02d}.png")
    found, work = job("data_check", DataCheckParams(path=str(tmp_path / "set")))
    (suspect,) = found.suspects
    assert (suspect.source, suspect.given, suspect.likely) == ("dark/00.png", "dark", "bright")
    with Image.open(work / suspect.picture) as picture:
        assert max(picture.size) <= 160
    found, _ = job("data_check", DataCheckParams(path=str(tmp_path / "set"), relabeled={"dark/00.png": "bright"}))
    assert found.suspects == ()
