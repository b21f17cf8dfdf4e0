"""The sample's complete workflow on the command line: optimize, compare, export, verify."""

import contextlib
import json
import shutil
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fettle_command import Demo
from PIL import Image
from run_text import run_text

from presets.sample import sample_paths
from workers.export.fresh_environment import make_environment
from workers.export.selftest import run_in

pytestmark = pytest.mark.timeout(600)  # the first test makes the demo
Json = dict[str, Any]

VARIANT_FIELDS = [
    "id", "title", "recipe", "runtime", "precision", "latency_mean_ms", "latency_p50_ms", "latency_p90_ms",
    "latency_p99_ms", "throughput_per_s", "peak_memory_bytes", "size_bytes", "speedup", "size_ratio", "under_load",
    "speedup_low", "speedup_high", "cpu_speedup", "accuracy", "accuracy_low", "accuracy_high", "agreement",
    "changed_share", "changed_high", "similarity", "flips", "negative_flips", "task", "scores", "verdict", "tested",
    "untested", "calibration", "artifact", "notes", "measured",
]  # fmt: skip
DOCUMENT_FIELDS = [
    "run_id",
    "project_id",
    "baseline",
    "variants",
    "recommended",
    "limit",
    "seconds",
    "outcome",
    "findings",
]
VERDICTS = {"safe", "regressed", "not_enough_data", "unmeasured"}
SHARES = ("accuracy", "accuracy_low", "accuracy_high", "agreement", "flips", "negative_flips")


def recommended(demo: Demo) -> Json:
    found: Json = next(v for v in demo.document["variants"] if v["id"] == demo.document["recommended"])
    return found


@pytest.fixture(scope="module")
def unpacked(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "ein Ordner"
    shutil.unpack_archive(demo.bundle, folder)
    return folder


@pytest.fixture(scope="module")
def bare_python(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment in which nothing is importable but what the bundle's requirements declare."""
    lines = (unpacked / "requirements.txt").read_text(encoding="utf-8").split()
    return make_environment(tmp_path_factory.mktemp("environment"), lines)


def test_the_sample_gets_faster_and_stays_safe(demo: Demo) -> None:
    """Given the built-in sample, when the demo runs, then it recommends something faster and safe, with exit code 0."""
    assert demo.done.code == 0, demo.done.err
    best = recommended(demo)
    assert best["speedup"] > 1
    assert best["verdict"] == "safe"
    assert best["accuracy"] > 0.85
    assert demo.done.last_line == f"Done: {demo.bundle} runs on its own and gave the same answers as here."
    assert "Traceback" not in demo.done.err


def test_the_document_is_that_of_the_contract(demo: Demo) -> None:
    """Given its JSON, then every field of docs/command-line.md is there with its type, and what was not measured is null, not 0."""
    document = demo.document
    assert [name for name in document if name != "reason"] == [*DOCUMENT_FIELDS, "bundle"]  # shown where it was busy
    assert document["bundle"] == str(demo.bundle)
    assert document["seconds"] > 0
    assert document["limit"] == 1.0
    for variant in (document["baseline"], *document["variants"]):
        assert list(variant) == VARIANT_FIELDS
        assert variant["verdict"] in VERDICTS
        assert all(variant[name] is None or 0 <= variant[name] <= 1 for name in SHARES)
        for name in VARIANT_FIELDS:
            if name.endswith(("_ms", "_bytes", "_per_s")) or name in ("speedup", "size_ratio"):
                assert variant[name] is None or variant[name] > 0, name
        for step in variant["recipe"]:
            assert list(step) == ["technique", "version", "params"]
    baseline = document["baseline"]
    assert (baseline["speedup"], baseline["agreement"], baseline["verdict"]) == (1.0, 1.0, "safe")
    assert baseline["recipe"] == []


def test_nothing_is_left_behind(demo: Demo) -> None:
    """Given a demo that is over, then no job's folder and no process is left."""
    assert demo.done.code == 0
    assert demo.fettle.leftovers == []
    assert demo.fettle.processes() == []


def test_the_same_figures_everywhere(demo: Demo, unpacked: Path) -> None:
    """Given one run, then compare, the database, the bundle's manifest and its card show the same figures."""
    again = demo.fettle.here("compare", demo.run_id, "--json")
    assert again.code == 0
    document = {name: value for name, value in demo.document.items() if name != "bundle"}
    assert {name: again.document[name] for name in document} == document
    assert {row["variant"] for row in again.document["changed"]} == {
        v["id"] for v in document["variants"] if v["agreement"] is not None
    }
    assert all({"variant", "name", "drop", "kind"} <= set(row) for row in again.document["slices"])
    scores = {row["id"]: row for row in again.document["scores"] if row["variant"] == recommended(demo)["id"]}
    assert set(scores) == {"top1", "top5", "ece"} and scores["top1"]["optimized"] == recommended(demo)["accuracy"]

    best = recommended(demo)
    manifest = json.loads((unpacked / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["measurements"] == {"original": document["baseline"], "this": best}
    card = (unpacked / "README.md").read_text(encoding="utf-8")
    assert f"| {document['baseline']['latency_p50_ms']:.3g} ms | {best['latency_p50_ms']:.3g} ms |" in card
    assert f"value: {best['accuracy']}" in card
    before = f"{100 * scores['top1']['original']:.2f} % before"
    assert f"- Right answers (how often the first answer is right): {before}" in card
    report = "at least" if best["under_load"] else f"{best['speedup']:.2f} times faster"
    assert report in card and "times faster" in card

    names = ("latency_p50_ms", "latency_p99_ms", "throughput_per_s", "peak_memory_bytes", "size_bytes", "speedup")
    with contextlib.closing(sqlite3.connect(demo.fettle.home / "fettle.db")) as database:
        ((body,),) = database.execute("select body_json from variants where id = ?", (best["id"],)).fetchall()
    version = json.loads(body)
    stored = {**version["measurement"], "size_bytes": version["size_bytes"]}
    assert {name: stored[name] for name in names} == {name: best[name] for name in names}


def test_the_bundle_verifies(demo: Demo, unpacked: Path) -> None:
    """Given the zip and its unpacked folder, when each is verified, then both are whole."""
    for bundle in (demo.bundle, unpacked):
        checked = demo.fettle.here("verify", bundle, "--json")
        assert checked.code == 0, checked.err
        assert checked.document["ok"] is True
        assert [finding["level"] for finding in checked.document["findings"]] == ["info"]
        assert checked.last_line == "The bundle is whole and answers alike."


def test_the_archive_is_readable_by_everybody_and_has_no_dates(demo: Demo) -> None:
    """Given the zip, then its members have mode 0644 and the date that means none."""
    with zipfile.ZipFile(demo.bundle) as archive:
        for member in archive.infolist():
            assert (member.external_attr >> 16) & 0o777 == 0o644
            assert member.date_time == (1980, 1, 1, 0, 0, 0)


def test_coreutils_check_the_sums(unpacked: Path) -> None:
    """Given SHA256SUMS, when coreutils read it, then every file is as it was."""
    done = run_text(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=unpacked)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A PNG of the sample's pictures, on a name that is no ASCII, with its label."""
    with np.load(sample_paths().data, allow_pickle=False) as data:
        names = [name for name in data.files if data[name].ndim >= 3]
        pixels, labels = data[names[0]][7], data["label" if "label" in data.files else "y"]
    folder = tmp_path_factory.mktemp("pictures")
    path = folder / "mein Bild ü.png"
    Image.fromarray(np.squeeze(pixels).astype(np.uint8)).save(path)
    return path, str(labels[7])


def test_run_py_names_the_class_of_a_picture(bare_python: Path, unpacked: Path, picture: tuple[Path, str]) -> None:
    """Given a PNG and an environment of the requirements alone, when run.py runs, then it names the class."""
    path, label = picture
    done = run_in(bare_python, unpacked, ["run.py", str(path), "--json"])
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)["answers"][0]
    classes = json.loads((unpacked / "pipeline.json").read_text(encoding="utf-8"))["classes"]
    assert answer["answer"] in classes
    assert classes.index(answer["answer"]) == int(label)
    assert sum(answer["scores"].values()) == pytest.approx(1, abs=0.05)
    words = run_in(bare_python, unpacked, ["run.py", str(path)])
    assert answer["answer"] in words.stdout


def test_run_py_names_unreadable_inputs(bare_python: Path, unpacked: Path, tmp_path: Path) -> None:
    """Given a file that is no picture, when run.py runs, then it reports that with exit code 3 and no traceback."""
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"<html>no picture</html>")
    done = run_in(bare_python, unpacked, ["run.py", str(broken), str(tmp_path / "nothing.png"), "--json"])
    assert done.returncode == 3
    assert all("error" in answer for answer in json.loads(done.stdout)["answers"])
    assert "Traceback" not in done.stderr


CODE = """
import json, sys, numpy as np
sys.path.insert(0, sys.argv[1])
from bundle import load
model = load(threads=1)
spec = json.load(open(sys.argv[1] + "/pipeline.json"))
entry = spec["inputs"][0]
x = np.zeros([size or 1 for size in entry["shape"]], dtype=entry["dtype"])
answers = model.run({entry["name"]: x})
print(json.dumps({name: [list(a.shape), str(a.dtype)] for name, a in answers.items()}))
"""


def test_the_bundle_takes_and_gives_what_the_original_does(bare_python: Path, unpacked: Path) -> None:
    """Given bundle.py, when it is loaded and run, then names, shapes and dtypes are those of the original model."""
    done = run_in(bare_python, unpacked, ["-c", CODE, str(unpacked)])
    assert done.returncode == 0, done.stderr
    outputs = json.loads((unpacked / "pipeline.json").read_text(encoding="utf-8"))["outputs"]
    expected = {o["name"]: [[size or 1 for size in o["shape"]], o["dtype"]] for o in outputs}
    assert json.loads(done.stdout) == expected


def test_only_the_runtime_that_is_needed_is_inside(demo: Demo, unpacked: Path, bare_python: Path) -> None:
    """Given the bundle, then it holds the modules of its version and of its fallback, and its environment knows no other
    runtime."""
    files = (unpacked / "fettle_bundle" / "infer").glob("*.py")
    modules = {path.stem for path in files if "\nRUNTIME = Runtime(" in path.read_text(encoding="utf-8")}
    fallback = json.loads((unpacked / "manifest.json").read_text(encoding="utf-8"))["fallback"]["runtime"]["module"]
    assert modules == {recommended(demo)["runtime"].replace("-", "_"), fallback}
    names = {line.split(">=")[0] for line in (unpacked / "requirements.txt").read_text(encoding="utf-8").split()}
    for name in {"torch", "onnxruntime", "openvino", "PySide6", "pydantic"} - names:
        assert run_in(bare_python, unpacked, ["-c", f"import {name}"]).returncode == 1
