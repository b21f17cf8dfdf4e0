"""Recognize the kind of predictions: vectors, boxes, classes, and classes of tokens."""

import json
from pathlib import Path

import numpy as np
import pytest
from odd_models import PLACES, VOCABULARY, floats, reader, save, weights
from onnx import TensorProto, helper, numpy_helper
from recording import RecordingContext
from small_models import nodes_of

from workers.contracts.jobs import DataParams
from workers.contracts.specs import GUESSED, TensorSpec
from workers.evaluate.data.build import build_data
from workers.model_io.facts import ModelFacts
from workers.model_io.guess.detection import boxes_steps, gives_boxes
from workers.model_io.readers.onnx_graph import table_sizes
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared
from workers.pipeline.spec import ImageSteps, PipelineInput

SIDE = 64
CELLS = 64 + 16 + 4
TOKENIZER = {
    "version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": None, "decoder": None, "truncation": None, "padding": None,
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "b": 2, "film": 3}, "unk_token": "[UNK]"},
}  # fmt: skip


def kind_of(folder: Path) -> tuple[str, str, int]:
    spec = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))
    return spec["task"], spec["answer_kind"], len(spec["classes"] or ())


def detector(path: Path, shape: tuple[int, int], **meta: str) -> Path:
    """Write a model of 64×64 pictures with one output of `shape`."""
    rows, columns = shape
    nodes = nodes_of("""
        c = Conv <strides = [8, 8]> (images, w); p = GlobalAveragePool (c); f = Flatten (p); g = Gemm (f, head)
        output0 = Reshape (g, size)
    """)
    size = numpy_helper.from_array(np.array([-1, rows, columns]), "size")
    tensors = [weights("w", 8, 3, 8, 8), weights("head", 8, rows * columns, seed=2), size]
    ends = [floats("images", ["b", 3, SIDE, SIDE])], [floats("output0", ["b", *shape])]
    return save(path, nodes, *ends, tensors, **meta)


def texts(
    path: Path, output: str, width: int, *, tokens: bool = False, unit: bool = False, open_width: bool = False
) -> Path:
    """A text model with a tokenizer beside it: mean over its tokens, or one row for each of them. `open_width`: the file
    does not state the width of the output."""
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["e"])]
    if not tokens:
        nodes.append(helper.make_node("ReduceMean", ["e"], ["m"], axes=[1], keepdims=0))
    last = "e" if tokens else "m"
    nodes.append(helper.make_node("MatMul", [last, "head"], ["h" if unit else output]))
    if unit:
        nodes.append(helper.make_node("LpNormalization", ["h"], [output], axis=-1, p=2))
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    shape = ["batch", "tokens", width] if tokens else ["batch", "dim" if open_width else width]
    save(path, nodes, [ids], [floats(output, shape)], [weights("table", 4, 32), weights("head", 32, width, seed=2)])
    path.with_name("tokenizer.json").write_text(json.dumps(TOKENIZER), encoding="utf-8")
    return path


EMBEDDING, CLASSES, TOKENS = (
    ("text-embedding", "embedding"),
    ("text-classification", "class"),
    ("token-classification", "tensor"),
)
SEQUENCES, EACH_TOKEN = (
    {"architectures": [f"Bert{name}"]} for name in ("ForSequenceClassification", "ForTokenClassification")
)


@pytest.mark.parametrize(
    ("output", "width", "more", "beside", "options", "wanted", "is_guess"),
    [
        ("output", 384, {}, {}, {}, EMBEDDING, True),
        ("1234", 96, {}, {"config.json": {"hidden_size": 96}}, {}, EMBEDDING, False),
        ("output", 32, {}, {"1_Pooling/config.json": {"pooling_mode_mean_tokens": True}}, {}, EMBEDDING, False),
        ("output", 32, {"unit": True}, {}, {}, EMBEDDING, True),
        ("output", 3, {}, {}, {}, CLASSES, True),
        ("output", 384, {}, {}, {"task": "embedding"}, EMBEDDING, False),
        ("output", 384, {}, {}, {"task": "class"}, CLASSES, False),
        ("output", 3, {}, {}, {"task": "labels"}, ("text-classification", "labels"), False),
        ("output", 3, {}, {}, {"task": "embedding"}, EMBEDDING, False),
        ("logits", 150, {}, {}, {}, CLASSES, False),
        ("sentence_embedding", 384, {}, {}, {}, EMBEDDING, False),
        ("output", 150, {}, {"config.json": {**SEQUENCES, "hidden_size": 32}}, {}, CLASSES, False),
        ("last_hidden_state", 32, {"tokens": True}, {}, {}, EMBEDDING, False),
        ("logits", 9, {"tokens": True}, {}, {}, TOKENS, False),
        ("output", 9, {"tokens": True}, {"config.json": EACH_TOKEN}, {}, TOKENS, False),
    ],
)
def test_task_of_texts_is_listed_as_guess_where_only_width_decides(
    tmp_path, opened, output, width, more, beside, options, wanted, is_guess
):
    """Given a text model, Then the name of its output, its files or the user's choice decide what it predicts; the task is
    listed as a guess where only the width of the output does."""
    path = texts(tmp_path / "given" / "model.onnx", output, width, **more)
    for name, content in beside.items():
        place = path.parent / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps(content), encoding="utf-8")
    result, folder = opened(path, **options)
    spec = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))
    assert (spec["task"], spec["answer_kind"]) == wanted and result.info.task == wanted[0]
    assert spec["outputs"][0]["shape"][-1] == width
    listed = [spec["guessed"], result.info.preprocessing["guessed"]]
    listed += [finding.what for finding in result.info.findings if finding.code == GUESSED]
    assert {"task" in guesses for guesses in listed} == {is_guess}


@pytest.mark.parametrize(("width", "wanted"), [(384, EMBEDDING), (3, CLASSES)])
def test_open_width_is_learned_from_trial_run(tmp_path, opened, width, wanted):
    """Given a text model whose file does not state the width of its output, Then the width that the trial run shows decides
    between vectors and scores of classes, and the task is listed as a guess."""
    _, folder = opened(texts(tmp_path / "given" / "model.onnx", "output", width, open_width=True))
    spec = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))
    assert (spec["task"], spec["answer_kind"], spec["outputs"][0]["shape"]) == (*wanted, [None, width])
    assert "task" in spec["guessed"]


@pytest.mark.parametrize(
    ("shape", "meta", "names"),
    [
        ((3 * CELLS, 5 + 18), {}, 0),
        ((4 + 18, CELLS), {}, 0),
        ((4 + 2, 77), {"names": "{0: 'cat', 1: 'dog'}"}, 2),
        ((300, 6), {}, 0),
        ((7, 9), {"task": "detect", "names": "{0: 'cat', 1: 'dog'}"}, 2),
    ],
)
def test_detector_of_one_output_gives_boxes(tmp_path, opened, shape, meta, names):
    """Given each form of a raw YOLO head, Then its predictions are boxes of the classes that its file names."""
    result, folder = opened(detector(tmp_path / "model.onnx", shape, **meta))
    assert kind_of(folder) == ("object-detection", "detection", names)
    answer = next(output for output in result.info.outputs if output.name == "output0")
    assert answer.meaning == ("boxes around things of 2 classes" if names else "boxes around things")


@pytest.mark.parametrize(
    ("outputs", "wanted"),
    [
        ({"boxes": (1, 100, 4), "scores": (1, 100), "labels": (1, 100)}, ("boxes_scores", "none")),
        ({"dets": (1, None, 5), "labels": (1, None)}, ("boxes_labels", "none")),
        ({"logits": (1, 100, 92), "pred_boxes": (1, 100, 4)}, ("detr", "softmax")),
        ({"bbox_regression": (1, 3000, 4), "cls_logits": (1, 3000, 91)}, ()),
        ({"features": (1, 100, 4), "scores": (1, 50)}, None),
        ({"depth": (1, 1, 64, 64)}, None),
        ({"hidden": (1, 50, 768)}, None),
    ],
)
def test_boxes_with_scores_in_another_output_are_recognized(outputs, wanted):
    """Given the outputs of SSD, RetinaNet, DETR and mmdetection, and of models without boxes, Then only the former are
    detectors; positions relative to unknown anchors are not read."""
    entry = PipelineInput(name="x", dtype="float32", shape=(None, 3, SIDE, SIDE), source="image")
    specs = [TensorSpec(name=name, shape=shape, dtype="float32") for name, shape in outputs.items()]
    assert gives_boxes(specs, [entry], ImageSteps(), ModelFacts()) is (wanted is not None)
    steps = boxes_steps(specs, [entry], ImageSteps(), ModelFacts())
    assert (steps and (steps.form, steps.activation)) == (wanted or None)


def test_picture_classifier_stays_a_classifier(tmp_path, opened):
    """Given a picture classifier with class names of another number, Then it gives classes, and a finding reports the
    difference."""
    nodes = nodes_of("""
        c = Conv <strides = [8, 8]> (images, w); p = GlobalAveragePool (c); f = Flatten (p); y = Gemm (f, head)
    """)
    tensors = [weights("w", 8, 3, 8, 8), weights("head", 8, 10, seed=2)]
    path = save(tmp_path / "m.onnx", nodes, [floats("images", ["b", 3, SIDE, SIDE])], [floats("y", ["b", 10])], tensors,
                names=json.dumps(["a", "b", "c"]))  # fmt: skip
    result, folder = opened(path)
    assert kind_of(folder) == ("image-classification", "class", 0)
    (mismatch,) = [finding for finding in result.info.findings if finding.level == "warning"]
    assert "3 classes" in mismatch.what and "10 scores" in mismatch.what


@pytest.mark.parametrize("dtype", [TensorProto.INT64, TensorProto.INT32])
def test_text_model_opens_and_its_generated_inputs_fit_its_tables(tmp_path, opened, dtype):
    # Given a text model that predicts NaN for a mask of zeros and fails at numbers beyond its tables
    path = reader(tmp_path / "m.onnx", dtype)
    # When it is opened / Then it runs, and only the tokens are required
    result, folder = opened(path)
    pipeline = load_pipeline(folder)
    assert result.info.task == "text-classification" and pipeline.spec.answer_kind == "class"
    assert {entry.name: entry.optional for entry in pipeline.spec.inputs} == {
        "input_ids": False, "attention_mask": True, "token_type_ids": True, "position_ids": True
    }  # fmt: skip
    # When inputs are generated / Then tokens are of its vocabulary, and no text is longer than its positions
    (tmp_path / "run").mkdir()
    build_data(DataParams(model_dir=str(folder)), RecordingContext(work_dir=tmp_path / "run"))
    items = [dict(item) for item in Prepared(tmp_path / "run" / "data" / "test")]
    tokens = np.concatenate([item["input_ids"].ravel() for item in items])
    assert table_sizes(path)["input_ids"] == VOCABULARY
    assert len(np.unique(tokens)) > 40 and tokens.min() >= 0 and tokens.max() < VOCABULARY
    assert max(item["input_ids"].shape[1] for item in items) <= PLACES
    for item in items:
        length = item["input_ids"].shape[1]
        assert (item["attention_mask"] == 1).all() and (item["token_type_ids"] == 0).all()
        assert item["position_ids"].tolist() == [list(range(length))] and item["position_ids"].dtype.kind == "i"


def test_given_mask_is_used_and_missing_inputs_are_filled_in(tmp_path, opened):
    # Given tokens with a mask / Then that mask is used, and the other inputs are filled in
    _, folder = opened(reader(tmp_path / "m.onnx"))
    feeds = load_pipeline(folder).feeds_from({"input_ids": np.array([5, 6, 0]), "attention_mask": np.array([1, 1, 0])})
    assert feeds["attention_mask"].tolist() == [[1, 1, 0]] and feeds["position_ids"].tolist() == [[0, 1, 2]]
