"""Open the real models of the catalogue, each with its own difficulty."""

import csv

import numpy as np
import pytest

from workers.contracts.pipeline import read_pipeline as spec_in
from workers.model_io.runtime import load_session
from workers.pipeline.pipeline import load_pipeline

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("derived_mobilenet_v2_op17.onnx", {}),
        ("derived_external/mobilenet_v2_ext.onnx", {}),
        ("derived_mobilenet_v2_torchscript.pt", {"allow_code": True}),
        ("mobilenet_v2-b0353104.pth", {}),
    ],
)
def test_real_mobilenet_in_each_form_classifies_stamps(real_models, opened, name, more):
    # Given MobileNetV2 in one of its forms, and 180 pictures with accepted labels
    _, folder = opened(real_models / "P01_mobilenetv2_imagenet" / name, **more)
    pipeline, session = load_pipeline(folder), load_session(folder / "model.onnx", 2)
    data = real_models.parent / "DATA" / "imagenet_stamps"
    with (data / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # When every third goes through the pipeline
    right = [
        str(int(pipeline.answer(session, pipeline.feeds_from(data / row["file"]))[0].argmax()))
        in row["label"].split("|")
        for row in rows[::3]
    ]
    # Then about 69 in 100 are right
    assert 0.6 < np.mean(right) < 0.8
    assert spec_in(folder).classes[285] == "Egyptian cat"


def test_real_torchvision_weights_are_recognized_exactly(real_models, inspected):
    info = inspected(real_models / "P01_mobilenetv2_imagenet" / "mobilenet_v2-b0353104.pth")
    assert "MobileNet_V2_Weights.IMAGENET1K_V1" in info.architecture
    assert info.license == "BSD-3-Clause"
    assert info.preprocessing["guessed"] == []


def test_real_minilm_embeds_like_sentence_transformers(real_models, opened):
    result, folder = opened(real_models / "P03_all_minilm_l6_safetensors")
    spec = spec_in(folder)
    assert (spec.pooling, spec.normalize, spec.preprocess.max_length) == ("mean", True, 256)
    assert (result.info.license, result.artifact.torch_program) == ("Apache-2.0", "model.pt2")
    pipeline, session = load_pipeline(folder), load_session(folder / "model.onnx", 2)
    texts = ["A cat sleeps on the sofa.", "A kitten is napping on the couch.", "Stock markets fell sharply today."]
    cat, kitten, stock = (pipeline.answer(session, pipeline.feeds_from(text))[0] for text in texts)
    assert cat.shape == (384,)
    assert np.linalg.norm(cat) == pytest.approx(1, abs=1e-5)
    assert cat @ kitten > 0.5 > cat @ stock


def test_real_unknown_checkpoint_is_refused_with_guidance(real_models, refused):
    error = refused(real_models / "P04_nanoguard_text_classifier" / "model.pt")
    assert error.code == "unknown_architecture"
    assert "torch.onnx.export" in error.hint


@pytest.mark.parametrize(
    "name",
    [
        "silero_vad",
        "silero_vad_16k_op15",
        "silero_vad_16k_sequence",
        "silero_vad_half",
        "silero_vad_op18_ifless",
        "silero_vad_openvino_16k",
    ],
)
def test_real_silero_detects_speech_with_carried_state(real_models, opened, name):
    # Given one of the voice detectors, and sequences whose frames are labelled
    result, folder = opened(real_models / "P05_silero_vad" / f"{name}.onnx")
    pipeline, session = load_pipeline(folder), load_session(folder / "model.onnx", 2)
    assert pipeline.stateful
    assert result.info.parameters > 300_000
    with np.load(real_models.parent / "DATA" / "vad_frames.npz") as data:
        audio, lengths, labels = data["audio"], data["lengths"], data["labels"]
    # When the first eight sequences go through
    ends = np.cumsum(lengths)[:8]
    parts = np.split(audio[: ends[-1]], ends[:-1])
    scores = np.concatenate([pipeline.answer(session, pipeline.feeds_from(part)).ravel() for part in parts])
    truth = labels[: len(scores)] > 0
    # Then speech scores above silence in nearly every pair
    pairs = scores[truth][:, None] > scores[~truth][None]
    assert pairs.mean() > 0.97


@pytest.mark.parametrize("name", ["PP-OCRv6_det_small", "PP-OCRv6_rec_small", "ch_ppocr_mobile_v2.0_cls_mobile"])
def test_real_ocr_models_with_free_sizes_open(real_models, opened, name):
    result, folder = opened(real_models / "P06_ppocr_v6" / f"{name}.onnx")
    assert result.info.opset == 11
    assert result.info.parameters > 100_000
    assert "resize" in spec_in(folder).guessed


def test_real_diffusion_model_takes_arrays(real_models, opened):
    _, folder = opened(next((real_models / "P07_terrain_consistency_unet").glob("*.onnx")))
    spec = spec_in(folder)
    assert [entry.source for entry in spec.inputs] == ["array"] * 3
    assert (spec.task, spec.answer_kind) == ("arrays", "tensor")


def test_real_magika_takes_whole_numbers_and_names_its_classes(real_models, opened):
    _, folder = opened(real_models / "P08_magika_filetype" / "model.onnx")
    spec = spec_in(folder)
    assert (spec.task, spec.scores, len(spec.classes)) == ("array-classification", "probabilities", 214)
    pipeline, session = load_pipeline(folder), load_session(folder / "model.onnx", 2)
    with np.load(real_models.parent / "DATA" / "filetypes_magika.npz") as data:
        answer = pipeline.answer(session, pipeline.feeds_from({"x": data["x"]}))
        assert (answer.argmax(axis=1) == data["y"]).mean() == pytest.approx(0.925, abs=0.01)
        assert list(data["labels"]) == list(spec.classes)
