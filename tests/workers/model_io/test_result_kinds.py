"""Recognize masks, pictures, transcripts and several labels by shapes, names, files and predictions."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_models import floats, save, weights
from onnx import helper, numpy_helper
from recording import RecordingContext
from small_models import nodes_of

from workers.contracts.errors import InputRefused
from workers.contracts.proof.results import read_as
from workers.contracts.specs import GUESSED, TensorSpec
from workers.evaluate.proof.predictions import collect_predictions, load_predictions, save_predictions
from workers.measure.opening import open_session
from workers.model_io.guess.image import reader_image
from workers.model_io.guess.transcripts import transcript_of
from workers.model_io.readers.neighbors import characters_of, companions_sha256, facts_of_folder
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared, write_prepared
from workers.pipeline.spec import ImageSteps, PipelineInput
from workers.pipeline.spec_file import parse_spec

SIDE = 32


def planes(path: Path, count: int, last: str, output: str = "output", factor: int = 1, **meta: str) -> Path:
    """Write a model of 32×32 pictures that outputs `count` planes of that size (times `factor`) after a last
    operator."""
    nodes = [helper.make_node("Conv", ["images", "w"], ["c"], pads=[1, 1, 1, 1])]
    tensors = [weights("w", count, 3, 3, 3)]
    before = "c"
    if factor > 1:
        tensors.append(helper.make_tensor("scales", 1, [4], [1.0, 1.0, float(factor), float(factor)]))
        nodes.append(helper.make_node("Resize", ["c", "", "scales"], ["r"], mode="nearest"))
        before = "r"
    if last == "Sharp":
        tensors.append(helper.make_tensor("much", 1, [1], [1000.0]))
        nodes += [helper.make_node("Mul", [before, "much"], ["m"]), helper.make_node("Sigmoid", ["m"], [output])]
    else:
        nodes.append(helper.make_node(last, [before], [output], **({"axis": 1} if last == "Softmax" else {})))
    ends = [floats("images", ["b", 3, SIDE, SIDE])], [floats(output, ["b", count, *[SIDE * factor] * 2])]
    return save(path, nodes, *ends, tensors, **meta)


def spec_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "pipeline.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    ("given", "kind", "steps"),
    [
        ({"count": 5, "last": "Identity", "output": "mask_logits"}, "mask", {"planes": "first", "threshold": None}),
        ({"count": 5, "last": "Identity", "output": "logits"}, "mask", {"planes": "first", "threshold": None}),
        ({"count": 5, "last": "Identity", "output": "logits", "factor": 2}, "tensor", None),
        ({"count": 5, "last": "Identity", "output": "out"}, "tensor", None),
        ({"count": 5, "last": "Softmax"}, "mask", {"planes": "first", "threshold": None}),
        ({"count": 3, "last": "Softmax"}, "mask", {"planes": "first", "threshold": None}),
        ({"count": 1, "last": "Sharp"}, "mask", {"threshold": 0.3, "activation": "none"}),
        (
            {"count": 1, "last": "Identity", "output": "segmentation"},
            "mask",
            {"threshold": 0.5, "activation": "sigmoid"},
        ),
        ({"count": 4, "last": "Identity", "classes": '["a", "b", "c", "d"]'}, "mask", {"threshold": None}),
        ({"count": 3, "last": "Identity"}, "picture", None),
        ({"count": 3, "last": "Identity", "factor": 2}, "picture", None),
        ({"count": 8, "last": "Identity"}, "tensor", None),
        ({"count": 1, "last": "Sigmoid"}, "tensor", None),
    ],
)
def test_planes_over_a_picture_become_mask_picture_or_tensor(
    tmp_path: Path, opened: Any, given: dict[str, Any], kind: str, steps: dict[str, Any] | None
) -> None:
    """Given planes over a picture, Then names, classes or predictions decide between mask, picture and tensor."""
    _, folder = opened(planes(tmp_path / "model.onnx", **given))
    spec = spec_in(folder)
    assert spec["answer_kind"] == kind
    assert spec["postprocess"] is None if steps is None else steps.items() <= spec["postprocess"].items()


def test_planes_without_a_stated_meaning_are_listed_as_guess(tmp_path: Path, inspected: Any) -> None:
    """Given torchvision's two outputs of a segmentation model, Then a mask is guessed from "out", and listed as a guess."""
    nodes = [helper.make_node("Conv", ["images", "w"], [name], pads=[1, 1, 1, 1]) for name in ("out", "aux")]
    given = [floats("images", ["b", 3, SIDE, SIDE])], [floats(name, ["b", 5, SIDE, SIDE]) for name in ("out", "aux")]
    info = inspected(save(tmp_path / "model.onnx", nodes, *given, [weights("w", 5, 3, 3, 3)]))
    assert info.task == "image-segmentation"
    assert [entry.name for entry in info.outputs if entry.meaning == "the class of each pixel"] == ["out"]
    assert "task" in next(finding.what for finding in info.findings if finding.code == GUESSED)


@pytest.mark.parametrize(("output", "columns", "task"), [
    ("probabilities", 1, "array-classification"), ("prices", 1, "arrays"), ("scores", None, "arrays"),
])  # fmt: skip
def test_scores_of_a_table_in_several_inputs_are_classes(
    tmp_path: Path, inspected: Any, output: str, columns: int | None, task: str
) -> None:
    """Given a column in each input, as scikit-learn's tables come, and rows of three scores, Then they are classes, unless
    the name says nothing or an input is more than a column; one number is called so."""
    names = ("age", "fare")
    nodes = [helper.make_node("Concat", list(names), ["c"], axis=-1), helper.make_node("MatMul", ["c", "w"], ["m"])]
    sizes = ["b", columns] if columns else ["b", 7, 1]
    nodes.append(helper.make_node("Identity" if columns else "Flatten", ["m"], [output]))
    given = [floats(name, sizes) for name in names], [floats(output, ["b", 3])]
    info = inspected(save(tmp_path / "model.onnx", nodes, *given, [weights("w", 2, 3)]))
    assert info.task == task
    assert not columns or [entry.meaning for entry in info.inputs] == ["one number"] * 2


def scores(path: Path, count: int, last: str) -> Path:
    nodes = [helper.make_node("Gemm", ["x", "w"], ["g"]), helper.make_node(last, ["g"], ["output"])]
    return save(path, nodes, [floats("x", ["b", 6])], [floats("output", ["b", count])], [weights("w", 6, count)])


@pytest.mark.parametrize(
    ("last", "count", "kind"), [("Sigmoid", 6, "labels"), ("Softmax", 6, "class"), ("Identity", 6, "class")]
)
def test_shares_that_do_not_add_up_to_one_are_labels(
    tmp_path: Path, opened: Any, last: str, count: int, kind: str
) -> None:
    """Given shares that do not add up to 1, Then several labels may be true; of a softmax exactly one is."""
    _, folder = opened(scores(tmp_path / "model.onnx", count, last))
    spec = spec_in(folder)
    assert spec["answer_kind"] == kind
    assert last == "Identity" or spec["scores"] == "probabilities"


CHARACTERS = "abcdefghijklmnopqrstuvwxyz'"


@pytest.mark.parametrize(("extra", "blank", "last"), [(1, 0, "'"), (2, 0, " ")])
def test_scores_of_characters_become_transcripts(
    tmp_path: Path, opened: Any, extra: int, blank: int, last: str
) -> None:
    """Given character scores whose list lacks the blank (and the space), Then the predictions are texts."""
    count = len(CHARACTERS) + extra
    nodes = [helper.make_node("MatMul", ["mel", "w"], ["output"])]
    ends = [floats("mel", ["b", "t", 20])], [floats("output", ["b", "t", count])]
    path = save(tmp_path / "model.onnx", nodes, *ends, [weights("w", 20, count)], character="\n".join(CHARACTERS))
    _, folder = opened(path)
    spec = spec_in(folder)
    assert (spec["answer_kind"], spec["task"]) == ("transcript", "transcription")
    assert spec["postprocess"]["blank"] == blank and spec["classes"][-1] == last and len(spec["classes"]) == count
    rng = np.random.default_rng(0)
    write_prepared(tmp_path / "test", [{"mel": rng.standard_normal((1, 9, 20)).astype(np.float32)} for _ in range(12)])
    session = open_session(folder, "onnxruntime-cpu", {}, 1)
    found = collect_predictions(load_pipeline(folder), session, Prepared(tmp_path / "test"), RecordingContext(tmp_path))
    save_predictions(tmp_path / "a.npz", found)
    kept = load_predictions(tmp_path / "a.npz")
    assert kept.texts is not None and kept.decoded and len(kept.texts) == 12 and any(kept.texts)


PADDLE = "PostProcess:\n  name: CTCLabelDecode\n  character_dict:\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ppocr_keys.txt", "\n".join(CHARACTERS) + "\n"),
        ("en_dict.txt", "\ufeff" + "\r\n".join(CHARACTERS)),
        ("inference.yml", PADDLE + "".join(f"  - {json.dumps(letter)}\n" for letter in CHARACTERS)),
    ],
)
def test_list_of_characters_beside_a_recognizer_is_read(tmp_path: Path, opened: Any, name: str, text: str) -> None:
    """Given a text recognizer with its list of characters in a file beside it, Then it predicts texts from colors of −1
    to 1 and lines of any width; another list gives another digest, and a list of another length is not used."""
    count = len(CHARACTERS) + 2
    nodes = nodes_of("""
        columns = ReduceMean <axes = [2], keepdims = 0> (x); moments = Transpose <perm = [0, 2, 1]> (columns)
        output = MatMul (moments, w)
    """)
    ends = [floats("x", ["b", 3, 48, "width"])], [floats("output", ["b", "t", count])]
    path = save(tmp_path / "rec.onnx", nodes, *ends, [weights("w", 3, count)])
    alone = companions_sha256(path)
    beside = tmp_path / name
    beside.write_bytes(text.encode("utf-8"))
    _, folder = opened(path)
    spec = spec_in(folder)
    assert (spec["answer_kind"], spec["task"]) == ("transcript", "transcription")
    assert spec["classes"] == ["<blank>", *CHARACTERS, " "] and spec["postprocess"]["blank"] == 0
    assert (spec["preprocess"]["mean"], spec["preprocess"]["std"]) == ([0.5] * 3, [0.5] * 3)
    assert spec["preprocess"]["resize"] == [48, None]
    assert companions_sha256(path) != alone
    shorter = TensorSpec(name="output", shape=("b", "t", 9), dtype="float32")
    assert transcript_of(shorter, facts_of_folder(tmp_path)) is None


@pytest.mark.parametrize(
    ("shape", "resize"),
    [
        ((None, 3, 48, None), (48, None)),
        ((1, 3, 32, None), (32, None)),
        ((), (48, None)),
        ((4, 3, 48, None), (48, 320)),
        ((None, 3, 48, 320), (48, 320)),
    ],
)
def test_lines_keep_their_proportions_where_one_line_goes_in_at_a_time(shape: Any, resize: Any) -> None:
    """Given recognizers of any width, of one width, and of four lines at once, Then only the first keep proportions."""
    entry = PipelineInput(name="x", dtype="float32", shape=shape, source="image")
    assert reader_image(ImageSteps(resize=(48, 320)), entry).resize == resize


def test_masks_are_stored_as_one_byte_per_pixel(tmp_path: Path, opened: Any) -> None:
    """Given planes of classes, Then one byte per pixel is stored; a picture with NaN is marked."""
    _, folder = opened(planes(tmp_path / "model.onnx", 5, "Identity", "mask"))
    rng = np.random.default_rng(0)
    items = [{"images": rng.standard_normal((1, 3, SIDE, SIDE)).astype(np.float32)} for _ in range(12)]
    items[3]["images"][:] = np.nan
    write_prepared(tmp_path / "test", items)
    session = open_session(folder, "onnxruntime-cpu", {}, 1)
    pipeline = load_pipeline(folder)
    found = collect_predictions(pipeline, session, Prepared(tmp_path / "test"), RecordingContext(tmp_path))
    assert {part.dtype for part in found.answer} == {np.dtype(np.uint8)} and found.answer[0].shape == (SIDE, SIDE)
    assert np.flatnonzero(~found.finite).tolist() == [3]
    raw = session.run(items[0])["mask"]
    assert np.array_equal(found.answer[0], raw[0].argmax(axis=0))


@pytest.mark.parametrize(
    ("requested", "kind"), [("segmentation", "mask"), ("picture", "picture"), ("numbers", "tensor"), ("labels", None)]
)
def test_results_are_read_as_requested_or_refused(
    tmp_path: Path, opened: Any, requested: str, kind: str | None
) -> None:
    """Given planes that look like masks, Then they are read as requested, or the request is refused."""
    path = planes(tmp_path / "model.onnx", 3, "Softmax")
    if kind is None:
        with pytest.raises(InputRefused):
            opened(path, task=requested)
        return
    _, folder = opened(path, task=requested)
    spec = parse_spec(spec_in(folder))
    assert spec.answer_kind == kind and (spec.postprocess is not None) is (kind == "mask")
    assert read_as(spec).id == requested


def test_vocabulary_beside_a_speech_model_names_its_characters(tmp_path: Path, opened: Any) -> None:
    """Given a speech model with Wav2Vec2's vocab.json, Then it predicts texts; a vocabulary of word pieces names no
    characters."""
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *CHARACTERS]
    nodes = nodes_of("parts = Reshape (input_values, shape); logits = MatMul (parts, w)")
    ends = [floats("input_values", ["b", 400])], [floats("logits", ["b", 20, len(letters)])]
    tensors = [weights("w", 20, len(letters)), numpy_helper.from_array(np.array([-1, 20, 20]), "shape")]
    path = save(tmp_path / "model.onnx", nodes, *ends, tensors)
    beside = tmp_path / "vocab.json"
    beside.write_text(json.dumps({letter: number for number, letter in enumerate(letters)}), encoding="utf-8")
    _, folder = opened(path)
    spec = spec_in(folder)
    assert (spec["answer_kind"], spec["postprocess"]["blank"]) == ("transcript", 0)
    assert spec["classes"] == letters and spec["preprocess"]["frame_samples"] == 400
    beside.write_text(json.dumps({f"piece{number}": number for number in range(len(letters))}), encoding="utf-8")
    assert characters_of(json.loads(beside.read_text(encoding="utf-8"))) is None


def test_speech_model_of_any_length_reads_whole_sounds(tmp_path: Path, opened: Any) -> None:
    """Given a stateless model for sounds of any length, Then each sound is one input, and its text is that of the
    whole."""
    letters = ["<pad>", "|", *CHARACTERS]
    nodes = nodes_of("""
        channel = Unsqueeze (input_values, one); scores = Conv <strides = [20]> (channel, w)
        logits = Transpose <perm = [0, 2, 1]> (scores)
    """)
    ends = [floats("input_values", ["b", "n"])], [floats("logits", ["b", "t", len(letters)])]
    tensors = [weights("w", len(letters), 1, 20), numpy_helper.from_array(np.array([1]), "one")]
    path = save(tmp_path / "model.onnx", nodes, *ends, tensors)
    numbers = {letter: number for number, letter in enumerate(letters)}
    (tmp_path / "vocab.json").write_text(json.dumps(numbers), encoding="utf-8")
    _, folder = opened(path)
    assert (spec_in(folder)["preprocess"]["frame_samples"], spec_in(folder)["answer_kind"]) == (0, "transcript")
    pipeline, session = load_pipeline(folder), open_session(folder, "onnxruntime-cpu", {}, 1)
    rng = np.random.default_rng(0)
    for count in (900, 1300, 16000):
        sound = rng.uniform(-1, 1, count).astype(np.float32)
        feeds = pipeline.feeds_from(sound)
        assert feeds["input_values"].shape == (1, count)
        best = session.run({"input_values": sound[None]})["logits"][0].argmax(axis=1)
        kept = [letters[now] for now, before in zip(best, [0, *best], strict=False) if now != before and now]
        text = "".join(" " if letter == "|" else letter for letter in kept)
        assert pipeline.text_of(pipeline.answer(session, feeds)) == " ".join(text.split())
