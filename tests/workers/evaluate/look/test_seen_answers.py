"""What people see of masks, texts and vectors: a mask where the model saw the picture, texts whole, neighbors by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workers.contracts.jobs import DataParams, ExamplesParams
from workers.contracts.pipeline import ImageSteps, MaskSteps, PipelineInput, PipelineOutput, PipelineSpec
from workers.evaluate.data.build import build_data
from workers.evaluate.data.dataset import DataSet, Item, read_dataset, write_dataset
from workers.evaluate.look.masks import laid_over, mask_words
from workers.evaluate.look.neighbors import Search
from workers.evaluate.proof.predictions import Answers, save_answers
from workers.pipeline.spec import parse_spec
from workers.runtime.recording import RecordingContext

Make = Callable[..., Any]


def mask_model(folder: Path, **steps: Any) -> PipelineSpec:
    spec = PipelineSpec(
        task="image-segmentation",
        inputs=(PipelineInput(name="x", dtype="float32", shape=(None, 3, 16, 16), source="image"),),
        outputs=(PipelineOutput(name="y", dtype="float32", shape=(None, 3, 16, 16), answer=True),),
        preprocess=ImageSteps(**{"resize": (16, 16), **steps}),
        answer_kind="mask",
        classes=("ground", "cat", "dog"),
        postprocess=MaskSteps(output="y"),
    )
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.json").write_text(spec.model_dump_json(), encoding="utf-8")
    return spec


def masks(parts: list[Any]) -> Answers:
    rows = [np.asarray(part, np.uint8) for part in parts]
    return Answers(rows, None, np.ones(len(rows), np.bool_), {}, "mask", "logits", False, decoded=True)


def test_masks_lie_over_the_picture(job: Make, tmp_path: Path) -> None:
    """Given wide pictures in a letterbox and both models' masks, Then each lies over the picture as it is shown: in color
    where something is found, clear elsewhere, and told in words; a mask that is no number is not shown."""
    mask_model(tmp_path / "model", letterbox=True)
    for number in range(12):
        values = np.random.default_rng(number).integers(0, 256, (100, 200, 3), dtype=np.uint8)
        (tmp_path / "pictures").mkdir(exist_ok=True)
        Image.fromarray(values).save(tmp_path / "pictures" / f"{number}.png")
    work = tmp_path / "work"
    work.mkdir()
    params = DataParams(model_dir=str(tmp_path / "model"), path=str(tmp_path / "pictures"), max_calibration=0)
    data = work / build_data(params, RecordingContext(work)).data_dir
    mask = np.zeros((16, 16), np.uint8)
    mask[4:12, 8:] = 2  # the right half of the picture, which fills rows 4 to 11
    old, new = masks([mask] * 12), masks([np.zeros_like(mask)] * 12)
    new.finite[1] = False
    for name, answers in (("old", old), ("new", new)):
        save_answers(tmp_path / f"{name}.npz", answers)
    files = {"original_answers": str(tmp_path / "old.npz"), "variant_answers": str(tmp_path / "new.npz")}
    result, place = job(
        "examples",
        ExamplesParams(data_dir=str(data), model_dir=str(tmp_path / "model"), items=(0, 1), side_px=40, **files),
    )
    first, second = result.rows
    assert (first.before, first.after) == ("dog 25.0 % of the picture", "nothing found") and second.after == "no answer"
    assert second.mask_before and second.mask_after is None
    with Image.open(place / first.picture) as picture, Image.open(place / first.mask_before) as shown:
        assert picture.size == shown.size == (40, 20)
        alpha = np.asarray(shown.convert("RGBA"))[..., 3]
    assert (alpha[:, 21:] > 0).all() and (alpha[:, :19] == 0).all()
    with Image.open(place / first.mask_after) as shown:
        assert not np.asarray(shown.convert("RGBA"))[..., 3].any()


def test_masks_in_words(tmp_path: Path) -> None:
    """Given many classes, Then the largest are named; classes without names by number."""
    spec = mask_model(tmp_path / "model")
    mask = np.zeros((10, 10), np.uint8)
    mask[:3] = 1
    mask[9, :5] = 2
    plain = parse_spec(spec.model_dump(mode="json"))
    assert mask_words(mask, plain) == "cat 30.0 %, dog 5.0 % of the picture"
    unnamed = parse_spec({**spec.model_dump(mode="json"), "classes": None})
    many = np.arange(100).reshape(10, 10) // 20
    assert mask_words(many, unnamed) == "class 4 20.0 %, class 3 20.0 %, class 2 20.0 % and 1 more of the picture"
    assert laid_over(mask, plain, (30, 20)).size == (30, 20)


def test_texts_are_shown_as_they_were_judged(job: Make, run_data: Make, model_dir: Make, tmp_path: Path) -> None:
    """Given texts that both models wrote, Then they are shown whole with the right one, and silence is told."""
    path = tmp_path / "t.csv"
    lines = [f"the good film was really {word}" for word in ("bad", "very", "today", "weather", "good", "the", "was")]
    path.write_text("\n".join(["text", *lines]), encoding="utf-8")
    _, data = run_data("texts", path, max_calibration=0)
    found = read_dataset(data)
    items = tuple(Item(item.source, item.text, transcript="what was said") for item in found.test)
    write_dataset(data, DataSet("texts", "person", found.root, test=items))
    n = len(items)
    for name, texts in (("old", ["what was said"] * n), ("new", ["what is said", *[""] * (n - 1)])):
        rows = [np.zeros(3, np.float32)] * n
        answers = Answers(rows, None, np.ones(n, np.bool_), {}, "tokens", "logits", False, texts=texts)
        save_answers(tmp_path / f"{name}.npz", answers)
    files = {"original_answers": str(tmp_path / "old.npz"), "variant_answers": str(tmp_path / "new.npz")}
    result, _ = job(
        "examples", ExamplesParams(data_dir=str(data), model_dir=str(model_dir("texts")), items=(0, 1), **files)
    )
    assert [(row.before, row.after, row.is_text, row.reference) for row in result.rows] == [
        ("what was said", "what is said", True, "what was said"),
        ("what was said", "(no word)", True, "what was said"),
    ]


@pytest.mark.parametrize("in_gallery", [True, False])
def test_neighbors_by_name(in_gallery: bool) -> None:
    """Given vectors on a circle, Then the nearest are named, the nearest first: among calibration items where the verdict
    searches there, else among the others, never the item itself; a vector of no numbers finds nothing."""
    angles = np.linspace(0, np.pi, 30)
    vectors = [np.asarray([np.cos(a), np.sin(a)], np.float32) for a in angles]
    items = tuple(Item(f"item {k}") for k in range(30))
    answers = Answers(
        vectors, None, np.ones(30, np.bool_), {}, "embedding", "logits", False, gallery=vectors if in_gallery else ()
    )
    data = DataSet("arrays", "person", test=items, calibration=items if in_gallery else ())
    search = Search.of(data, answers)
    nudged = np.asarray([np.cos(angles[9] + 0.001), np.sin(angles[9] + 0.001)], np.float32)
    names = search.names(nudged, 9)
    assert names == (("item 9", "item 10", "item 8") if in_gallery else ("item 10", "item 8", "item 11"))
    assert search.names(np.asarray([np.nan, 1], np.float32), 0) == () and search.names(vectors[0][:1], 0) == ()
