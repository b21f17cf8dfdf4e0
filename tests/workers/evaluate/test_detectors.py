"""A detector from the file to the bundle: opened, prepared, judged by its boxes, shown, exported, run on a photo."""

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import squares_detector as squares
from bundle_facts import card_facts
from evaluated import answers_for, data_for, judged
from onnx import helper
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from recording import RecordingContext

from workers.contracts.after.trying import TryRequest
from workers.contracts.bundles import ExportParams
from workers.contracts.data.fed import FedParams
from workers.contracts.errors import InputRefused
from workers.contracts.jobs import ExamplesParams, OpenParams
from workers.contracts.specs import BOXES_UNKNOWN, DeviceFacts
from workers.evaluate.data.dataset import read_dataset
from workers.evaluate.look.fed import NOTHING_FOUND
from workers.evaluate.proof.comparing.mean_precision import truth_of
from workers.evaluate.proof.predictions import load_predictions
from workers.export.python_folder import fill
from workers.jobs.try_it import LoadedModel
from workers.measure.opening import find_runtime, open_session
from workers.model_io.opening import open_model
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.postprocess.matching import boxes_of, ious
from workers.pipeline.prepared import Prepared
from workers.quantize.calibrating.similarity import HeldOutExamples

Make = Callable[..., Any]
N = 420


def opened(work: Path, path: Path, **options: Any) -> Path:
    work.mkdir(parents=True, exist_ok=True)
    return work / open_model(OpenParams(path=str(path), **options), RecordingContext(work_dir=work)).model_dir


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("squares")
    squares.write_scenes(root / "pictures", N)
    squares.build(root / "model.onnx")
    opened(root / "original", root / "model.onnx")
    return root


@pytest.fixture
def model(place: Path) -> Path:
    return place / "original" / "model"


def test_metadata_of_ultralytics_define_the_pipeline(model: Path) -> None:
    """Given what Ultralytics writes into a file, Then colors go in from 0 to 1 in a letterbox, nothing is guessed, and
    the head is read as boxes of its classes."""
    spec = load_pipeline(model).spec
    steps = spec.preprocess
    assert (steps.mean, steps.std, steps.range, steps.letterbox) == ((0.0,), (1.0,), "0..1", True)
    assert steps.resize == (64, 64) and spec.guessed == () and spec.classes == squares.NAMES
    assert (spec.postprocess.form, spec.postprocess.unit, spec.postprocess.classes) == ("yolo_v8", "pixels", 3)


def test_predicted_boxes_are_the_labelled_ones(job: Make, model: Path, place: Path) -> None:
    """Given pictures in a letterbox with labels, Then predictions are decoded boxes over the labels, and few bytes."""
    data = data_for(job, model, place / "pictures")
    answers = load_predictions(answers_for(job, model, data))
    assert answers.decoded and answers.score_threshold == 0.25 and not answers.others
    for item, values in zip(read_dataset(data).test, answers.answer, strict=True):
        found, truth = boxes_of(values), truth_of(item)
        sure = found.where(found.scores >= 0.25)
        assert sorted(sure.classes) == sorted(truth.classes)
        assert (ious(sure.corners, truth.corners).max(axis=1) > 0.95).all()
    assert sum(values.nbytes for values in answers.answer) < 40_000


HARM: dict[str, dict[str, Any]] = {
    "class scores zeroed in the graph": {"scores": 0.0},
    "one class lost": {"lost": (1,)},
    "boxes shifted": {"shift_px": 3.0},
    "weak class scores": {"scores": 0.3},
}


@pytest.mark.whole
@pytest.mark.parametrize("labels", [True, False])
def test_harmed_detectors_are_regressed(job: Make, model: Path, place: Path, tmp_path: Path, labels: bool) -> None:
    """Given the same file with its graph changed, with labels and without, Then what finds other things regressed and
    a version that is a little off is safe."""
    pictures = place / "pictures"
    if not labels:
        pictures = tmp_path / "unlabelled"
        pictures.mkdir()
        for path in (place / "pictures").glob("*.png"):
            (pictures / path.name).write_bytes(path.read_bytes())
    data = data_for(job, model, pictures, max_calibration=0)
    old = answers_for(job, model, data)
    for name, how in HARM.items():
        other = opened(tmp_path / name, squares.build(tmp_path / f"{name}.onnx", **how))
        found = judged(job, data, old, answers_for(job, other, data), 2.0)
        assert found.verdict == "regressed" and found.task == "detection", (name, found.notes)
        assert found.labelled is labels
    nearly = opened(tmp_path / "nearly", squares.build(tmp_path / "nearly.onnx", scores=0.99, shift_px=0.1))
    found = judged(job, data, old, answers_for(job, nearly, data))
    assert (found.verdict, found.changed_count) == ("safe", 0), found.notes


def test_boxes_are_shown_on_the_pictures(job: Make, model: Path, place: Path, tmp_path: Path) -> None:
    """Given predictions of both, Then examples hold both boxes in shares of the photo, and so do Try it and Data."""
    data = data_for(job, model, place / "pictures")
    blind = opened(tmp_path / "blind", squares.build(tmp_path / "blind.onnx", scores=0.0))
    files = {
        "original_answers": str(answers_for(job, model, data)),
        "variant_answers": str(answers_for(job, blind, data)),
    }
    rows = job("examples", ExamplesParams(data_dir=str(data), model_dir=str(model), items=(0,), **files))[0].rows
    item = read_dataset(data).test[0]
    wanted = sorted((round(x, 2), round(y, 2), round(x + w, 2), round(y + h, 2)) for x, y, w, h, _ in item.boxes)
    assert sorted(tuple(round(edge, 2) for edge in box.box) for box in rows[0].boxes_before) == wanted
    assert rows[0].boxes_after == () and rows[0].after == "nothing found" and f"{len(wanted)} found" in rows[0].before
    fed, _ = job("fed", FedParams(model_dir=str(model), data_dir=str(data), seconds=600))
    assert len(fed.examples[0].boxes) == len(wanted) and fed.examples[0].result == ""
    session, pipeline = open_session(model, "onnxruntime-cpu", {}, 1), load_pipeline(model)
    (tmp_path / "tried").mkdir()
    ctx = RecordingContext(tmp_path / "tried")
    loaded = LoadedModel(pipeline, session, Prepared(data / "test"), read_dataset(data).test, ctx)
    for request in (TryRequest(item=0, calls=1), TryRequest(path=str(place / "pictures" / item.source), calls=1)):
        tried = loaded.predict(0, request)
        assert tried.kind == "boxes" and tried.size == len(wanted)
        assert sorted(tuple(round(edge, 2) for edge in box.box) for box in tried.boxes) == wanted


def test_pictures_of_nothing_are_told(job: Make, model: Path, tmp_path: Path) -> None:
    """Given pictures without anything, Then a finding for the page Data reports "0 objects in 12 pictures"."""
    (tmp_path / "empty").mkdir()
    for number in range(15):
        Image.new("RGB", (64, 64), (number, 0, 0)).save(tmp_path / "empty" / f"{number}.png")
    data = data_for(job, model, tmp_path / "empty")
    fed, _ = job("fed", FedParams(model_dir=str(model), data_dir=str(data), seconds=600))
    (report,) = [finding for finding in fed.findings if finding.code == "nothing_found"]
    assert {(one.result, one.boxes) for one in fed.examples} == {(NOTHING_FOUND, ())}
    assert report.what == "0 objects in 12 pictures (scores from 0.25 on)." and report.n == 12


def test_task_and_threshold_options_are_stored_or_refused(place: Path, tmp_path: Path) -> None:
    """Given --task and --score-threshold, Then they stand in pipeline.json; what cannot be is refused in words."""
    path = place / "model.onnx"
    spec = load_pipeline(opened(tmp_path / "a", path, score_threshold=0.75)).spec
    assert spec.postprocess is not None and spec.postprocess.score_threshold == 0.75
    spec = load_pipeline(opened(tmp_path / "b", path, task="numbers")).spec
    assert spec.postprocess is None and spec.answer_kind == "tensor"
    for wrong in ({"task": "class"}, {"task": "numbers", "score_threshold": 0.5}):
        with pytest.raises(InputRefused) as refused:
            opened(tmp_path / "c", path, **wrong)
        assert refused.value.exit_code == 3


def test_unknown_form_of_boxes_is_reported(tmp_path: Path) -> None:
    """Given a file that declares a detector, with places relative to anchors, Then a typed finding reports that its numbers
    are judged, and no boxes are made up."""
    proto = onnx.load(str(squares.build(tmp_path / "model.onnx")))
    proto.graph.node.append(helper.make_node("Identity", ["scores"], ["cls"]))
    proto.graph.node.append(helper.make_node("Identity", ["places"], ["bbox_deltas"]))
    del proto.graph.output[:]
    proto.graph.output.append(helper.make_tensor_value_info("bbox_deltas", 1, [1, 4, 84]))
    proto.graph.output.append(helper.make_tensor_value_info("cls", 1, [1, 3, 84]))
    onnx.save(proto, str(tmp_path / "model.onnx"))
    (tmp_path / "job").mkdir()
    result = open_model(OpenParams(path=str(tmp_path / "model.onnx")), RecordingContext(work_dir=tmp_path / "job"))
    assert BOXES_UNKNOWN in [finding.code for finding in result.info.findings]
    spec = load_pipeline(tmp_path / "job" / result.model_dir).spec
    assert spec.answer_kind == "detection" and spec.postprocess is None


def test_zeroed_scores_are_a_large_error_for_quantization(model: Path, place: Path, tmp_path: Path) -> None:
    """Given class scores zeroed, Then the error that quantization uses is large, though places are much larger numbers."""
    pipeline = load_pipeline(model)
    items = [pipeline.feeds_from(path) for path in sorted((place / "pictures").glob("*.png"))[:8]]
    blind = opened(tmp_path / "blind", squares.build(tmp_path / "blind.onnx", scores=0.0))
    sessions = [open_session(folder, "onnxruntime-cpu", {}, 1) for folder in (model, blind)]
    held = HeldOutExamples(
        pipeline, items, HeldOutExamples(pipeline, items, [], lambda: None).predict(sessions[0]), lambda: None
    )
    assert held.judge(held.predict(sessions[0])).cosine == pytest.approx(1.0)
    assert held.judge(held.predict(sessions[1])).cosine < 0.9 and held.error(held.predict(sessions[1])) > 0.3


def exported(model: Path, data: Path, place: Path) -> Path:
    """A bundle's folder."""
    folder = place / "bundle"
    folder.mkdir()
    device = DeviceFacts(processor="This", cores=2, memory_bytes=1 << 30, features=())
    params = ExportParams(
        target="python", model_dir=str(model), original_dir=str(model), data_dir=str(data), runtime="onnxruntime-cpu",
        settings={}, facts=card_facts("onnxruntime-cpu", device),
    )  # fmt: skip
    fill(folder, params, find_runtime("onnxruntime-cpu"), RecordingContext(place / "export", threads=1))
    return folder


@pytest.mark.whole
def test_bundle_reports_and_draws_boxes(job: Make, model: Path, place: Path, tmp_path: Path) -> None:
    """Given the bundle, When run.py is given a photo, Then class, score and place in the photo's own pixels come, the
    picture is written with them, and verify.py judges by boxes."""
    data = data_for(job, model, place / "pictures")
    folder = exported(model, data, tmp_path)
    item = read_dataset(data).test[0]
    photo, drawn = place / "pictures" / item.source, tmp_path / "drawn.png"

    def run(*words: str) -> str:
        done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (answer,) = json.loads(run("run.py", str(photo), "--json", "--out", str(drawn)))["answers"]
    width, height = squares.SIZE
    wanted = {
        (squares.NAMES[k], (x * width, y * height, (x + w) * width, (y + h) * height)) for x, y, w, h, k in item.boxes
    }
    assert {(one["class"], tuple(one["box"])) for one in answer["boxes"]} == wanted
    assert answer["answer"] == f"{len(wanted)} found"
    assert np.any(np.asarray(Image.open(drawn)) != np.asarray(Image.open(photo)))
    lines = run("run.py", str(photo)).splitlines()
    assert len(lines) == 1 + len(wanted) and "% at" in lines[1]
    assert "0 problems" in run("verify.py")


@pytest.mark.whole
def test_map_of_the_judgement_is_pycocotools_on_the_bundle(job: Make, model: Path, place: Path, tmp_path: Path) -> None:
    """Given a version that lost a class and shifts boxes, in a bundle, When its boxes are put back into the photos by
    hand and pycocotools evaluates them as a whole, Then mAP is the judgement's to a thousandth."""
    data = data_for(job, model, place / "pictures")
    other = opened(tmp_path / "other", squares.build(tmp_path / "other.onnx", lost=(2,), shift_px=0.7))
    found = judged(job, data, answers_for(job, model, data), answers_for(job, other, data))
    figures = {score.id: score.optimized for score in found.scores}
    folder = exported(other, data, tmp_path)
    names = [item.source for item in read_dataset(data).test]
    report = "import json, sys; from pathlib import Path; from bundle import load; model = load(1)\n"
    report += "print(json.dumps([model.answer(Path(name))[0].tolist() for name in sys.argv[1:]]))"
    paths = [str(place / "pictures" / name) for name in names]
    done = subprocess.run(
        [sys.executable, "-c", report, *paths], cwd=folder, capture_output=True, text=True, check=True
    )
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(place / "pictures" / "instances.json"))
        numbers = {row["file_name"]: number for number, row in truth.imgs.items()}
        for row in truth.anns.values():
            row.update(area=row["bbox"][2] * row["bbox"][3], iscrowd=0)
        rows = [
            # half as large, sixteen rows of gray above
            {"image_id": numbers[name], "category_id": int(kind), "score": score,
             "bbox": [2 * a, 2 * (b - 16), 2 * (c - a), 2 * (d - b)]}
            for name, boxes in zip(names, json.loads(done.stdout), strict=True)
            for a, b, c, d, score, kind in boxes
        ]  # fmt: skip
        work = COCOeval(truth, truth.loadRes(rows), "bbox")
        work.params.imgIds = [numbers[name] for name in names]
        work.evaluate()
        work.accumulate()
        work.summarize()
    assert 0.1 < work.stats[0] < 0.9
    assert figures["map"] == pytest.approx(work.stats[0], abs=1e-3)
    assert figures["map50"] == pytest.approx(work.stats[1], abs=1e-3)
