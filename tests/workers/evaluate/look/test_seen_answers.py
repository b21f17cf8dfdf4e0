"""Predictions for display: masks over their pictures, texts, and the names of nearest neighbors."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import answer_kinds as kinds
import numpy as np
import pytest
from evaluated import read_set, small_spec, write_noise
from PIL import Image
from recording import RecordingContext

from workers.contracts.data.fed import FedParams, FedResult
from workers.contracts.folder import write_model
from workers.contracts.pipeline import write_pipeline
from workers.evaluate.data.dataset import DataSet, Item, read_dataset, write_dataset
from workers.evaluate.look.fed import show_fed
from workers.evaluate.look.masks import laid_over, mask_words
from workers.evaluate.look.neighbors import Search
from workers.evaluate.proof.predictions import Predictions
from workers.pipeline.spec import (
    AudioSteps,
    ImageSteps,
    MaskSteps,
    PipelineInput,
    PipelineOutput,
    PipelineSpec,
    TranscriptSteps,
)

Make = Callable[..., Any]


def mask_model(folder: Path, **steps: Any) -> PipelineSpec:
    spec = small_spec(
        "image-segmentation", "image", (None, 3, 16, 16), (None, 3, 16, 16),
        ImageSteps(**{"resize": (16, 16), **steps}), "mask", classes=("ground", "cat", "dog"),
        postprocess=MaskSteps(output="output"),
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    write_pipeline(folder, spec)
    return spec


def masks(parts: list[Any]) -> Predictions:
    rows = [np.asarray(part, np.uint8) for part in parts]
    return Predictions(rows, None, np.ones(len(rows), np.bool_), {}, "mask", "logits", False, decoded=True)


def test_masks_are_overlays_of_their_pictures(shown: Make, tmp_path: Path) -> None:
    """Given wide pictures in a letterbox and both models' masks, then each mask is an overlay of the displayed picture,
    transparent where nothing is found, and described in words; a mask that is not finite is not shown."""
    mask_model(tmp_path / "model", letterbox=True)
    for number in range(12):
        values = np.random.default_rng(number).integers(0, 256, (100, 200, 3), dtype=np.uint8)
        (tmp_path / "pictures").mkdir(exist_ok=True)
        Image.fromarray(values).save(tmp_path / "pictures" / f"{number}.png")
    _, data = read_set(tmp_path / "model", tmp_path / "pictures", tmp_path / "work", max_calibration=0)
    mask = np.zeros((16, 16), np.uint8)
    mask[4:12, 8:] = 2  # the right half of the picture, which fills rows 4 to 11
    old, new = masks([mask] * 12), masks([np.zeros_like(mask)] * 12)
    new.finite[1] = False
    (first, second), place = shown(tmp_path / "model", data, (0, 1), old, new, side_px=40)
    assert (first.before, first.after) == ("dog 25.0 % of the picture", "nothing found") and second.after == "no answer"
    assert second.mask_before and second.mask_after is None
    with Image.open(place / first.picture) as picture, Image.open(place / first.mask_before) as overlay:
        assert picture.size == overlay.size == (40, 20)
        alpha = np.asarray(overlay.convert("RGBA"))[..., 3]
    assert (alpha[:, 21:] > 0).all() and (alpha[:, :19] == 0).all()
    with Image.open(place / first.mask_after) as overlay:
        assert not np.asarray(overlay.convert("RGBA"))[..., 3].any()


def test_mask_words_name_the_largest_classes(tmp_path: Path) -> None:
    """Given many classes, then the largest are named, or numbered if they have no names."""
    spec = mask_model(tmp_path / "model")
    mask = np.zeros((10, 10), np.uint8)
    mask[:3] = 1
    mask[9, :5] = 2
    assert mask_words(mask, spec) == "cat 30.0 %, dog 5.0 % of the picture"
    unnamed = replace(spec, classes=None)
    many = np.arange(100).reshape(10, 10) // 20
    assert mask_words(many, unnamed) == "class 4 20.0 %, class 3 20.0 %, class 2 20.0 % of the picture, and 1 more"
    assert laid_over(mask, spec, (30, 20)).size == (30, 20)


def test_texts_of_both_models_are_shown_with_the_reference(
    shown: Make, run_data: Make, model_dir: Make, tmp_path: Path
) -> None:
    """Given texts of both models, then they are shown with the right one, and an empty text in words."""
    path = tmp_path / "t.csv"
    lines = [f"the good film was really {word}" for word in ("bad", "very", "today", "weather", "good", "the", "was")]
    path.write_text("\n".join(["text", *lines]), encoding="utf-8")
    _, data = run_data("texts", path, max_calibration=0)
    found = read_dataset(data)
    items = tuple(Item(item.source, item.text, transcript="what was said") for item in found.test)
    write_dataset(data, DataSet("texts", "person", found.root, test=items))
    n = len(items)
    old, new = (
        Predictions(
            [np.zeros(3, np.float32)] * n, None, np.ones(n, np.bool_), {}, "tokens", "logits", False, texts=texts
        )
        for texts in (["what was said"] * n, ["what is said", *[""] * (n - 1)])
    )
    rows, _ = shown(model_dir("texts"), data, (0, 1), old, new)
    assert [(row.before, row.after, row.is_text, row.reference) for row in rows] == [
        ("what was said", "what is said", True, "what was said"),
        ("what was said", "(no word)", True, "what was said"),
    ]


@pytest.mark.parametrize("in_gallery", [True, False])
def test_nearest_neighbors_are_named(in_gallery: bool) -> None:
    """Given vectors on a circle, then the nearest items are named, those of the gallery if there is one, else the others
    without the item itself; a vector of NaN or of another width has none."""
    angles = np.linspace(0, np.pi, 30)
    vectors = [np.asarray([np.cos(a), np.sin(a)], np.float32) for a in angles]
    items = tuple(Item(f"item {k}") for k in range(30))
    answers = Predictions(
        vectors, None, np.ones(30, np.bool_), {}, "embedding", "logits", False, gallery=vectors if in_gallery else ()
    )
    data = DataSet("arrays", "person", test=items, calibration=items if in_gallery else ())
    search = Search.of(data, answers)
    nudged = np.asarray([np.cos(angles[9] + 0.001), np.sin(angles[9] + 0.001)], np.float32)
    names = search.names(nudged, 9)
    assert names == (("item 9", "item 10", "item 8") if in_gallery else ("item 10", "item 8", "item 11"))
    assert search.names(np.asarray([np.nan, 1], np.float32), 0) == () and search.names(vectors[0][:1], 0) == ()


WORDS = PipelineSpec(
    task="transcription",
    inputs=(PipelineInput(name="input_values", dtype="float32", shape=(None, kinds.SOUND_SAMPLES), source="audio"),),
    outputs=(PipelineOutput(name="logits", dtype="float32", shape=(None, 40, 12), answer=True),),
    preprocess=AudioSteps(sample_rate_hz=kinds.RATE_HZ, frame_samples=kinds.SOUND_SAMPLES, carry_state=False),
    answer_kind="transcript",
    classes=kinds.LETTERS,
    postprocess=TranscriptSteps(output="logits"),
)
GARDENS = PipelineSpec(
    task="image-segmentation",
    inputs=(PipelineInput(name="pixel_values", dtype="float32", shape=(None, 3, 64, 96), source="image"),),
    outputs=(PipelineOutput(name="logits", dtype="float32", shape=(None, 4, 64, 96), answer=True),),
    preprocess=ImageSteps(resize=(64, 96)),
    answer_kind="mask",
    classes=kinds.KINDS,
    postprocess=MaskSteps(output="logits"),
)


def fed(folder: Path, spec: PipelineSpec, data: Path) -> tuple[FedResult, Path]:
    write_pipeline(folder, spec)
    write_model(folder, "model.onnx", ["model.onnx"])
    work = folder / f"work of {data.name}"
    params = FedParams(model_dir=str(folder), data_dir=str(read_set(folder, data, work)[1]), seconds=600)
    return show_fed(params, RecordingContext(work)), work


def test_masks_of_the_original_are_shown(tmp_path: Path) -> None:
    """Given a model of masks and gardens with their masks, then each picture has the right mask and its classes in words;
    given pictures with nothing to find, then there is a finding."""
    kinds.colors(tmp_path / "model.onnx")
    result, work = fed(tmp_path, GARDENS, kinds.write_gardens(tmp_path / "gardens", 24))
    for example in result.examples:
        with Image.open(work / example.mask) as shown:
            marked = np.asarray(shown.convert("RGBA"))[..., 3] > 0
        right = np.asarray(Image.open(tmp_path / "gardens" / "masks" / Path(example.source).name)) > 0
        assert (marked == right).mean() > 0.98 and "%" in example.result
    assert "nothing_found" not in [finding.code for finding in result.findings]
    (tmp_path / "empty").mkdir()
    for number in range(12):
        gray = np.random.default_rng(number).integers(98, 102, (64, 96, 1), dtype=np.uint8).repeat(3, axis=2)
        Image.fromarray(gray).save(tmp_path / "empty" / f"{number}.png")
    result, _ = fed(tmp_path, GARDENS, tmp_path / "empty")
    assert [finding.code for finding in result.findings] == ["nothing_found"]
    assert "Nothing is found in" in result.findings[0].what


def test_transcripts_of_the_original_are_shown(tmp_path: Path) -> None:
    """Given a model that transcribes tones, and sounds with a manifest, then each example has its levels and the right
    transcript; given silence, then there is a finding."""
    kinds.tones(tmp_path / "model.onnx")
    result, _ = fed(tmp_path, WORDS, kinds.write_sayings(tmp_path / "sayings", 24))
    manifest = (tmp_path / "sayings" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    texts = {row["audio"]: row["text"] for row in map(json.loads, manifest)}
    assert [example.result for example in result.examples] == [texts[example.source] for example in result.examples]
    assert all(len(example.levels) == 64 and max(example.levels) > 0.1 for example in result.examples)
    for number in range(12):
        write_noise(tmp_path / "still" / f"{number}.wav", number, most=3, rate_hz=kinds.RATE_HZ)
    result, _ = fed(tmp_path, WORDS, tmp_path / "still")
    assert [finding.code for finding in result.findings] == ["nothing_found"]
    assert {example.result for example in result.examples} == {"(no word)"}
