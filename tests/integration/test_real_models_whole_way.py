"""Real models through the whole way: optimized, exported, verified, and run through bundle.py in a bare environment.

They lie in FETTLE_MODELS_DIR (P/ and DATA/) and are no part of the project.
"""

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from fettle_command import Fettle, Finished

from workers.export.fresh_environment import make_environment
from workers.export.selftest import run_in

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(os.environ.get("FETTLE_MODELS_DIR", "/nowhere"))
MOBILENET = "P/P01_mobilenetv2_imagenet"
STAMPS = "DATA/imagenet_stamps"


@dataclass(frozen=True)
class Case:
    """A model, its data, and what its original must reach there (None: no labels that it could be right about)."""

    name: str
    model: str
    data: str
    accuracy: float | None
    options: tuple[str, ...] = ()


CASES = [
    Case("onnx", f"{MOBILENET}/derived_mobilenet_v2_op17.onnx", STAMPS, 0.6),
    Case("onnx with external data", f"{MOBILENET}/derived_external/mobilenet_v2_ext.onnx", STAMPS, 0.6),
    Case("torchscript", f"{MOBILENET}/derived_mobilenet_v2_torchscript.pt", STAMPS, 0.6, ("--allow-code",)),
    Case("state dict", f"{MOBILENET}/mobilenet_v2-b0353104.pth", STAMPS, 0.6),
    Case("transformers folder", "P/P03_all_minilm_l6_safetensors", "DATA/sentiment_vader.csv", None),
    Case("stateful", "P/P05_silero_vad/silero_vad_16k_op15.onnx", "DATA/vad_frames.npz", 0.9),
    Case("integer inputs", "P/P08_magika_filetype/model.onnx", "DATA/filetypes_magika.npz", 0.9),
]

CODE = """
import json, sys, numpy as np
sys.path.insert(0, sys.argv[1])
from bundle import load
from fettle_bundle.pipeline.prepared import Prepared
model = load()
feeds = {name: np.array(a) for name, a in Prepared(__import__("pathlib").Path(sys.argv[1]) / "golden" / "inputs")[0].items()}
spec = json.load(open(sys.argv[1] + "/pipeline.json"))
batched = {i["name"] for i in spec["inputs"] if i.get("batched", True) and i["source"] not in ("constant", "state")}
if spec.get("links"):
    feeds = {name: a[:1] if name in batched else a for name, a in feeds.items()}
    for entry in spec["inputs"]:
        if entry["source"] == "state":
            feeds[entry["name"]] = np.zeros([size or 1 for size in entry["shape"]], entry["dtype"])
answers = model.run(feeds)
print(json.dumps({name: [list(a.shape), str(a.dtype)] for name, a in answers.items()}))
"""


@pytest.fixture(scope="module", params=CASES, ids=[case.name for case in CASES])
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    assert (ROOT / found.model).exists(), f"{found.model} is not in FETTLE_MODELS_DIR"
    return found


@pytest.fixture(scope="module")
def fettle(tmp_path_factory: pytest.TempPathFactory) -> Fettle:
    return Fettle(tmp_path_factory.mktemp("real") / "home")


@pytest.fixture(scope="module")
def done(case: Case, fettle: Fettle) -> Finished:
    """The optimization of this model."""
    return fettle("optimize", ROOT / case.model, "--data", ROOT / case.data, "--json", *case.options, timeout_s=600)


@pytest.fixture(scope="module")
def bundle(done: Finished, fettle: Fettle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle."""
    out = tmp_path_factory.mktemp("bundle") / "b.zip"
    exported = fettle("export", done.document["run_id"], "--target", "python", "--out", out, timeout_s=600)
    assert exported.code == 0, exported.err
    return out


def test_it_is_optimized_in_its_time(case: Case, done: Finished) -> None:
    """Given the model with its data, then the original is as right as it should be, and nothing regressed is recommended."""
    assert done.code in (0, 4), done.err
    document = done.document
    assert document["seconds"] <= 95
    accuracy = document["baseline"]["accuracy"]
    assert accuracy is None if case.accuracy is None else accuracy > case.accuracy
    best = next((v for v in document["variants"] if v["id"] == document["recommended"]), None)
    if best is not None:
        assert best["speedup"] > 1
        assert best["verdict"] in ("safe", "not_enough_data")
        assert best["agreement"] >= 0.99


def test_its_bundle_verifies(bundle: Path, fettle: Fettle) -> None:
    """Given its bundle, then hashes and answers hold."""
    checked = fettle("verify", bundle, "--json", timeout_s=300)
    assert checked.code == 0, checked.err + checked.out


def test_its_bundle_runs_where_only_its_requirements_are(bundle: Path, tmp_path: Path) -> None:
    """Given a bare environment, then bundle.py answers under the original's names, and verify.py is content."""
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    lines = (folder / "requirements.txt").read_text(encoding="utf-8").split()
    python = make_environment(tmp_path / "environment", lines)
    done = run_in(python, folder, ["-c", CODE, str(folder)])
    assert done.returncode == 0, done.stderr
    outputs = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))["outputs"]
    answers = json.loads(done.stdout.splitlines()[-1])
    assert list(answers) == [output["name"] for output in outputs]
    for output in outputs:
        shape, dtype = answers[output["name"]]
        assert dtype == output["dtype"]
        assert all(wanted in (None, size) for wanted, size in zip(output["shape"], shape, strict=False))
    checked = run_in(python, folder, ["verify.py"])
    assert checked.returncode == 0, checked.stdout
