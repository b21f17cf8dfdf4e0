"""Families of models beyond classifiers, whole ways: opened, given data, optimized with a small preset, a bundle verified.

They lie in FETTLE_MODELS_DIR (P/ and DATA/) and are no part of the project.
"""

import json
import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from fettle_command import Fettle, Finished
from one_engine import write_preset

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(os.environ.get("FETTLE_MODELS_DIR", "/nowhere"))


@dataclass(frozen=True)
class Family:
    """A model, its data (None: made by the program), and what its pipeline must say."""

    name: str
    model: str
    data: str | None
    says: dict[str, object]


FAMILIES = [
    Family("text detector", "P/P06_ppocr_v6/PP-OCRv6_det_small.onnx", "DATA/photos", {"answer_kind": "tensor"}),
    Family("text recognizer", "P/P06_ppocr_v6/PP-OCRv6_rec_small.onnx", "DATA/photos", {"answer_kind": "tensor"}),
    Family(
        "diffusion",
        "P/P07_terrain_consistency_unet/terrain_consistency_unet_difficulty100.onnx",
        None,
        {"sampling": {"sample": "noisy", "level": "sigma", "levels": [80.0, 0.821], "lowest": 0.002}},
    ),
]


@pytest.fixture(scope="module", params=FAMILIES, ids=[family.name for family in FAMILIES])
def family(request: pytest.FixtureRequest) -> Family:
    found: Family = request.param
    assert (ROOT / found.model).exists(), f"{found.model} is not in FETTLE_MODELS_DIR"
    return found


@pytest.fixture(scope="module")
def fettle(tmp_path_factory: pytest.TempPathFactory) -> Fettle:
    return Fettle(tmp_path_factory.mktemp("family") / "home")


@pytest.fixture(scope="module")
def done(family: Family, fettle: Fettle, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    recipe = write_preset(tmp_path_factory.mktemp("recipe"))
    data = [] if family.data is None else ["--data", ROOT / family.data]
    return fettle("optimize", ROOT / family.model, *data, "--recipe", recipe, "--json", timeout_s=600)


def test_it_is_judged_and_nothing_regressed_wins(family: Family, done: Finished) -> None:
    """Given the model, then the other engine is judged on its answers (of whole runs), and alike to .999 or not chosen."""
    assert done.code in (0, 4), done.err
    other = next(variant for variant in done.document["variants"] if variant["title"] == "Faster engine")
    told = f"{family.name}: {other['speedup']} times as fast, alike {other['agreement']}, {other['verdict']}"
    sys.stdout.write(f"{told}, {done.seconds:.0f} s\n")
    assert other["verdict"] in ("safe", "not_enough_data"), told
    assert other["agreement"] >= 0.999


def test_its_bundle_verifies(family: Family, done: Finished, fettle: Fettle, tmp_path: Path) -> None:
    """Given its bundle, then hashes and answers hold, and its pipeline is what it was judged with."""
    out = tmp_path / "b.zip"
    exported = fettle("export", done.document["run_id"], "--target", "python", "--out", out, timeout_s=600)
    assert exported.code == 0, exported.err
    checked = fettle("verify", out, "--json", timeout_s=300)
    assert checked.code == 0, checked.err + checked.out
    with zipfile.ZipFile(out) as archive:
        spec = json.loads(archive.read("pipeline.json"))
    assert {name: spec[name] for name in family.says} == family.says
