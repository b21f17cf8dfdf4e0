"""Variants that are more than one model or one setting are exported whole, and fit themselves to another computer."""

import json
from pathlib import Path

import numpy as np
import pytest
from bundle_facts import export_of, filled, run_python, verified
from PIL import Image
from recording import RecordingContext
from technique_cases import params_here

from workers import registry
from workers.contracts.specs import DeviceFacts
from workers.contracts.techniques import TechniqueParams
from workers.infer import openvino_program, processor
from workers.infer.batch_mates import depends_on_mates
from workers.measure.opening import open_session
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared

TECHNIQUES = registry.techniques()
ASK = """
import json, sys
import numpy as np
from bundle import load
model = load(**json.loads(sys.argv[1]))
feeds = dict(np.load(sys.argv[2]))
answers = {name: values.tolist() for name, values in model.run(feeds).items()}
print(json.dumps({"answers": answers, "notes": model.notes}))
"""


@pytest.fixture
def export(make_small, tmp_path: Path):
    """`export(kind, technique, settings)` → (the bundle's folder, the small model)."""

    def make(kind: str, technique: str, params: TechniqueParams | None = None, **settings: object):
        small = make_small(kind)
        spec = TECHNIQUES[technique]
        work = tmp_path / "work"
        work.mkdir()
        artifact = spec.apply(small.model, params or params_here(spec), RecordingContext(work, data_dir=small.data))
        features = ("avx512_bf16", "avx512_vnni")
        device = DeviceFacts(processor="Another", cores=64, memory_bytes=1 << 30, features=features)
        more = {"model_dir": str(work / "model"), "settings": {**artifact.settings, **settings}}
        return filled(export_of(small, runtime="openvino", device=device, **more), tmp_path), small

    return make


def ask(folder: Path, feeds: dict, environment: dict | None = None, **options: object) -> dict:
    """What the bundle answers in its own process, where nothing of Fettle can be imported."""
    np.savez(folder.parent / "feeds.npz", **feeds)
    code, path = f"import sys; sys.path.insert(0, '.')\n{ASK}", str(folder.parent / "feeds.npz")
    done = run_python(folder, "-c", code, json.dumps(options), path, **(environment or {}))
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def alike(found: dict, wanted: dict) -> None:
    for name, values in wanted.items():
        np.testing.assert_allclose(np.array(found[name]), values, atol=0.05 * np.abs(values).max())


@pytest.mark.parametrize(
    ("kind", "technique"),
    [("cnn", "cascade"), ("transformer", "precision_by_operator"), ("texts", "length_buckets"), ("nhwc", "layout_rewrite"),
     ("pictures", "pixels_in")],
)  # fmt: skip
def test_bundle_answers_under_the_original_interface(kind: str, technique: str, export) -> None:
    """Given a variant of several files or settings, then its bundle alone gives the original's names and shapes."""
    folder, small = export(kind, technique)
    wanted = open_session(small.folder, "onnxruntime-cpu", {}, 1).run(small.feeds())
    alike(ask(folder, small.feeds(), threads=1)["answers"], wanted)


@pytest.mark.parametrize("technique", ["cascade", "bf16", "precision_by_operator"])
def test_bundle_made_with_bf16_starts_without_it(technique: str, export, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a processor without BF16 (simulated), then the bundle answers exactly, reports it, and emulates nothing."""
    with monkeypatch.context() as elsewhere:  # it was made where there is BF16, whatever this processor has
        elsewhere.setattr(openvino_program, "has_bf16", lambda _core: True)
        folder, small = export("cnn", technique, TECHNIQUES[technique].params())
    wanted = open_session(small.folder, "onnxruntime-cpu", {}, 1).run(small.feeds())["logits"]
    found = ask(folder, small.feeds(), {processor.LIMIT: "AVX512_CORE_VNNI"}, threads=1)
    assert any("no such arithmetic" in note for note in found["notes"])
    np.testing.assert_allclose(np.array(found["answers"]["logits"]), wanted, atol=1e-4)


def test_bundle_accepts_fitting_inputs_and_names_others(export) -> None:
    """Given settings of a computer with 64 cores, then those of this one are used, and both are reported."""
    folder, small = export("cnn", "fixed_shape", num_threads=64, tbb_partitioner="auto")
    notes = ask(folder, small.feeds())["notes"]
    assert any("64 cores" in note for note in notes) and any("tbb_partitioner" in note for note in notes)


def test_one_core_stays_one_where_more_may_be_used(export) -> None:
    """Given a version for one core, when it is opened with two, then it uses one: two were slower where it was measured."""
    folder, _ = export("cnn", "fixed_shape", num_threads=1)
    code = (
        "import bundle\n"
        "seen = {}\n"
        "engine = bundle.importlib.import_module('fettle_bundle.infer.openvino')\n"
        "load = engine.load\n"
        "engine.load = lambda path, settings, threads: seen.update(settings) or load(path, settings, threads)\n"
        "bundle.load(threads=2)\n"
        "print(seen['num_threads'])"
    )
    done = run_python(folder, "-c", code, options=("-B",))
    assert done.stdout.strip() == "1", done.stderr[-2000:]


def script(folder: Path, name: str, *arguments: str) -> dict:
    """What a script of the bundle prints as JSON."""
    done = run_python(folder, name, *arguments, "--json")
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    return json.loads(done.stdout)


def check_whole(folder: Path) -> None:
    """The bundle's own check and Fettle's find nothing, and all of its answers are alike."""
    found = script(folder, "verify.py")
    assert found["ok"] and found["alike"] == 20
    assert verified(folder).ok


def test_bundle_that_prepares_pictures_itself_answers_a_photo(export, tmp_path: Path) -> None:
    """Given a photo, then run.py prints the original's answer to it; its golden inputs are the original's."""
    folder, small = export("pictures", "pixels_in")
    y, x = np.mgrid[:40, :50]
    picture = np.stack([5 * x, 6 * y, (x * y) % 256], axis=-1).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "photo.png")
    before = load_pipeline(small.folder)
    session = open_session(small.folder, "onnxruntime-cpu", {}, 1)
    wanted = before.describe(before.answer(session, before.feeds_from(tmp_path / "photo.png")))
    (found,) = script(folder, "run.py", str(tmp_path / "photo.png"))["answers"]
    assert found["answer"] == wanted[0][0]
    for label, share in wanted:
        assert found["scores"][label] == pytest.approx(share, abs=1e-4)
    assert Prepared(folder / "golden" / "inputs")[0]["image"].dtype == np.float32
    check_whole(folder)


def test_samples_of_one_file_are_not_mixed_into_one_answer(export, tmp_path: Path) -> None:
    """Given a file of three samples, then run.py refuses it and answers the next one, instead of naming their mean."""
    folder, small = export("cnn", "fixed_shape")
    feeds = small.feeds()
    one = {name: values[:1] for name, values in feeds.items()}
    np.savez(tmp_path / "three.npz", **{name: np.concatenate([values] * 3) for name, values in one.items()})
    np.savez(tmp_path / "one.npz", **one)
    files = [str(tmp_path / name) for name in ("three.npz", "one.npz")]
    done = run_python(folder, "run.py", *files, "--json")
    assert done.returncode == 3, done.stderr[-2000:]
    refused, answered = json.loads(done.stdout)["answers"]
    assert set(refused) == {"input", "error"} and "3 samples" in refused["error"]
    assert "scores" in answered


def test_bundle_without_unused_outputs_is_whole(export) -> None:
    """Given a variant whose second output was cut, then its bundle gives the answer alone and checks itself."""
    folder, small = export("two_heads", "cut_outputs")
    wanted = open_session(small.folder, "onnxruntime-cpu", {}, 1).run(small.feeds())
    answers = ask(folder, small.feeds(), threads=1)["answers"]
    assert list(answers) == ["logits"]
    alike(answers, {"logits": wanted["logits"]})
    check_whole(folder)


def test_bundle_keeps_compiled_files_in_its_cache_folder(export, tmp_path: Path) -> None:
    """Given a folder for it, then the compiled model lies there, and the bundle itself stays as it was written."""
    folder, small = export("cnn", "fixed_shape")
    before = sorted(path.name for path in folder.rglob("*"))
    ask(folder, small.feeds(), threads=1, cache_dir=str(tmp_path / "cache"))
    assert list((tmp_path / "cache").iterdir())
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_batch_of_a_version_that_rounds_over_it_is_computed_item_by_item(make_small, tmp_path: Path) -> None:
    """Given a version of dynamic INT8 and an item 1,000 times as large in a batch, then the other item's answer is the
    one that was proven, which it is not if the whole batch is rounded together."""
    small = make_small("cnn")
    work = tmp_path / "work"
    work.mkdir()
    spec = TECHNIQUES["int8_dynamic"]
    spec.apply(small.model, params_here(spec), RecordingContext(work, data_dir=small.data))
    assert depends_on_mates(work / "model")
    folder = filled(export_of(small, model_dir=str(work / "model")), tmp_path)
    ((name, values),) = small.feeds().items()
    item = values[:1]
    both = {name: np.concatenate([item, 1000 * item])}
    alone = np.asarray(ask(folder, {name: item})["answers"]["logits"])
    together = open_session(work / "model", "onnxruntime-cpu", {}, 1).run(both)["logits"]
    assert not np.allclose(together[:1], alone, rtol=0.1)
    np.testing.assert_array_equal(np.asarray(ask(folder, both)["answers"]["logits"])[:1], alone)
