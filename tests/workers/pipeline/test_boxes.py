"""Boxes out of raw heads: every form tells the same things, overlapping ones are one, and the photo's own places."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from workers.pipeline.images import placing_of, to_pixels
from workers.pipeline.postprocess.boxes import MOST_CANDIDATES, decode
from workers.pipeline.postprocess.matching import same_boxes
from workers.pipeline.spec import BoxesSteps, ImageSteps

SIZE = (64, 96)
THINGS = np.array([[10, 20, 30, 40, 0.9, 1], [50, 10, 90, 50, 0.6, 0], [12, 21, 31, 41, 0.5, 1]], np.float32)
"""The third is the first once more; in pixels of an input 64 high and 96 wide."""

SEEN = THINGS[:2]
FILL = 5


def centered(corners):
    a, b, c, d = corners.T
    return np.stack([(a + c) / 2, (b + d) / 2, c - a, d - b], axis=1)


def shares(width=3):
    """(k, classes) of each thing, and rows of nothing behind."""
    rows = np.full((len(THINGS) + FILL, width), 0.001, np.float32)
    rows[np.arange(len(THINGS)), THINGS[:, 5].astype(int)] = THINGS[:, 4]
    return rows


def padded(rows):
    return np.concatenate([rows, np.tile([[4, 4, 8, 8]], (FILL, 1))]).astype(np.float32)


def logit(values):
    return np.log(values / (1 - values))


def v8():
    return {"out": np.concatenate([padded(centered(THINGS[:, :4])), shares()], axis=1).T[None]}


def v5():
    sure = shares().max(axis=1, keepdims=True)
    return {"out": np.concatenate([padded(centered(THINGS[:, :4])), sure, shares() / sure], axis=1)[None]}


def two(places, scores, **more):
    return {"boxes": places[None], "scores": scores[None], **more}


CORNERS = padded(THINGS[:, :4])
RELATIVE = padded(centered(THINGS[:, :4] / np.array([96, 64, 96, 64])))
KINDS = np.array([1, 0, 1, 0, 0, 0, 0, 0])
FORMS = {
    "v8": (v8(), {"form": "yolo_v8", "boxes": "out", "corners": "cxcywh"}),
    "v8 with masks behind": (
        {"out": np.concatenate([v8()["out"], np.full((1, 32, 8), 3, np.float32)], axis=1)},
        {"form": "yolo_v8", "boxes": "out", "corners": "cxcywh", "classes": 3},
    ),
    "v5": (v5(), {"form": "yolo_v5", "boxes": "out", "corners": "cxcywh"}),
    "end to end": ({"out": SEEN[None]}, {"form": "end_to_end", "boxes": "out", "nms_iou": None}),
    "Paddle": (
        {"out": SEEN[:, [5, 4, 0, 1, 2, 3]]},
        {"form": "end_to_end", "boxes": "out", "columns": "class_score_box", "nms_iou": None},
    ),
    "two outputs": (two(CORNERS, shares()), {"form": "boxes_scores", "boxes": "boxes", "scores": "scores"}),
    "classes first": (two(CORNERS, shares().T), {"form": "boxes_scores", "boxes": "boxes", "scores": "scores"}),
    "logits": (
        two(CORNERS, logit(shares())),
        {"form": "boxes_scores", "boxes": "boxes", "scores": "scores", "activation": "sigmoid"},
    ),
    "a background in front": (
        two(CORNERS, np.concatenate([1 - shares().sum(axis=1, keepdims=True), shares()], axis=1)),
        {"form": "boxes_scores", "boxes": "boxes", "scores": "scores", "background": "first"},
    ),
    "torchvision": (
        {"boxes": THINGS[:2, :4], "scores": THINGS[:2, 4], "labels": KINDS[:2]},
        {"form": "boxes_scores", "boxes": "boxes", "scores": "scores", "labels": "labels", "nms_iou": None},
    ),
    "TensorFlow": (
        {
            "b": (THINGS[None, :2, [1, 0, 3, 2]] / np.array([64, 96, 64, 96])).astype(np.float32),
            "s": THINGS[None, :2, 4],
            "c": KINDS[None, :2] + 1.0,
        },
        {
            "form": "boxes_scores", "boxes": "b", "scores": "s", "labels": "c", "corners": "yxyx", "unit": "shares",
            "background": "first", "nms_iou": None,
        },
    ),
    "DETR": (
        two(
            RELATIVE[:2],
            np.log(np.concatenate([shares()[:2], 1 - shares()[:2].sum(axis=1, keepdims=True)], axis=1)),
        ),
        {
            "form": "detr", "boxes": "boxes", "scores": "scores", "corners": "cxcywh", "unit": "shares",
            "activation": "softmax", "background": "last", "nms_iou": None,
        },
    ),
    "mmdet": (
        {"boxes": SEEN[None, :, :5], "labels": KINDS[None, :2]},
        {"form": "boxes_labels", "boxes": "boxes", "labels": "labels", "nms_iou": None},
    ),
}  # fmt: skip


def steps_of(more):
    checked = BoxesSteps(**more)
    return checked


@pytest.mark.parametrize("name", FORMS)
def test_every_form_tells_the_same_things(name):
    """Given the same two things in a form's own way, then they are what comes out, in pixels, the surest first."""
    outputs, more = FORMS[name]
    found = decode(outputs, steps_of(more), SIZE)
    assert found.shape[0] == 1 and found.dtype == np.float32
    np.testing.assert_allclose(found[0][found[0, :, 4] > 0.25], SEEN, atol=1e-3)


def test_one_box_without_an_axis_of_pictures_is_one_box():
    """Given torchvision's outputs with a single box, whose axis could be the pictures', then one box comes out."""
    outputs = {"boxes": THINGS[:1, :4], "scores": THINGS[:1, 4], "labels": KINDS[:1]}
    more = {"form": "boxes_scores", "boxes": "boxes", "scores": "scores", "labels": "labels", "nms_iou": None}
    np.testing.assert_allclose(decode(outputs, steps_of(more), SIZE), THINGS[None, :1], atol=1e-5)


def test_overlapping_boxes_of_other_classes_are_other_things():
    """Given two boxes in one place, when their classes differ, then both stay, else the surer one."""
    outputs, more = FORMS["two outputs"]
    other = {**outputs, "scores": outputs["scores"].copy()}
    other["scores"][0, 2] = [0.001, 0.001, 0.5]
    assert (decode(other, steps_of(more), SIZE)[0, :, 4] > 0.25).sum() == 3


def test_suppression_is_torchvision_s():
    """Given random boxes, when those that overlap are dropped, then torchvision's batched_nms keeps the same ones."""
    import torch
    from torchvision.ops import batched_nms

    rng = np.random.default_rng(3)
    corners = rng.uniform(0, 60, (400, 4)).astype(np.float32)
    corners[:, 2:] = corners[:, :2] + rng.uniform(5, 30, (400, 2))
    scores = rng.uniform(0.02, 1, (400, 4)).astype(np.float32)
    steps = steps_of({"form": "boxes_scores", "boxes": "boxes", "scores": "scores", "nms_iou": 0.5})
    found = decode({"boxes": corners[None], "scores": scores[None]}, steps, SIZE)[0]
    kept = batched_nms(*(torch.from_numpy(v) for v in (corners, scores.max(1), scores.argmax(1))), 0.5)[:300]
    np.testing.assert_allclose(found[:, :4], corners[kept.numpy()], atol=1e-5)


def test_weak_boxes_stay_for_the_mean_average_precision_and_noise_does_not():
    """Given scores from .001 to .2, then those from .01 on stay, at most as many as are wanted."""
    count = MOST_CANDIDATES + 500
    outputs = two(
        np.tile(CORNERS[:1], (count, 1)) + 200 * np.arange(count)[:, None], np.full((count, 1), 0.2, np.float32)
    )
    outputs["scores"][0, :10] = 0.005
    steps = steps_of({"form": "boxes_scores", "boxes": "boxes", "scores": "scores"})
    assert decode(outputs, steps, SIZE).shape == (1, 300, 6)
    outputs["scores"][0, 10:] = 0.005
    assert decode(outputs, steps, SIZE).shape == (1, 0, 6)


@pytest.mark.parametrize("where", [(0, 6, 1), (0, 0, 0)])
def test_what_is_no_number_is_told(where):
    """Given NaN in a score of any box, or in the place of one that counts, then the answer is no number."""
    outputs = {"out": v8()["out"].copy()}
    outputs["out"][where] = np.nan
    assert not np.isfinite(decode(outputs, steps_of(FORMS["v8"][1]), SIZE)).any()


def test_infinity_in_the_place_of_a_box_that_nobody_sees_is_no_harm():
    """Given an endless width where the score is .001, then the boxes are as before."""
    outputs = {"out": v8()["out"].copy()}
    outputs["out"][0, 2, -1] = np.inf
    np.testing.assert_allclose(decode(outputs, steps_of(FORMS["v8"][1]), SIZE)[0], SEEN, atol=1e-3)


def test_several_pictures_are_filled_up_by_nothing():
    """Given a batch of a picture with two things and one with none, then rows of score 0 fill up."""
    outputs = {"out": np.concatenate([v8()["out"], v8()["out"] * 0])}
    found = decode(outputs, steps_of(FORMS["v8"][1]), SIZE)
    assert found.shape == (2, 2, 6) and not found[1].any()
    assert same_boxes(found[1], np.empty((0, 6)), 0.25) and not same_boxes(found[0], found[1], 0.25)


def test_the_pipeline_answers_boxes_and_reads_its_description_back(make, session):
    """Given a detector's description on disk, when it answers, then rows of six come, in pixels of its input."""
    entry = {"name": "x", "dtype": "float32", "shape": (None, 3, *SIZE), "source": "image"}
    relative = {"out": v8()["out"] / np.array([96, 64, 96, 64, 1, 1, 1], np.float32)[:, None]}
    steps = BoxesSteps(form="yolo_v8", boxes="out", corners="cxcywh", unit="shares", score_threshold=0.3)
    outputs = [{"name": "out", "dtype": "float32", "answer": True}]
    pipeline = make([entry], ImageSteps(resize=SIZE), outputs, answer_kind="detection", postprocess=steps)
    found = pipeline.answer(session(lambda feeds: relative), {"x": np.zeros((1, 3, *SIZE), np.float32)})
    np.testing.assert_allclose(found[0], SEEN, atol=1e-3)
    assert pipeline.spec.postprocess.score_threshold == 0.3
    assert pipeline.raw_of(relative, {}).shape == relative["out"].shape


@pytest.mark.parametrize("size", [(640, 480), (33, 100), (96, 64), (50, 50), (101, 67)])
def test_a_letterbox_keeps_proportions_and_finds_back(size):
    """Given a white mark in a picture of any size, when it goes through a letterbox, then gray is around it and the
    mark's place leads back to where it was."""
    width, height = size
    picture = Image.new("RGB", size, (255, 0, 0))
    box = (width // 4, height // 4, width // 2, height // 2)
    picture.paste((255, 255, 255), box)
    steps = ImageSteps(resize=SIZE, letterbox=True)
    pixels = to_pixels(picture, steps)[0]
    assert pixels.shape == (*SIZE, 3)
    scale = min(96 / width, 64 / height)
    inside = (pixels != 114).any(axis=2)
    assert inside.sum() == round(width * scale) * round(height * scale)
    rows, columns = np.nonzero(pixels[:, :, 1] > 200)
    seen = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])
    np.testing.assert_allclose(placing_of(size, steps).back(seen)[0], box, atol=1.5 / scale + 0.5)


@pytest.mark.parametrize(
    "steps",
    [
        ImageSteps(resize=(40, 60)),
        ImageSteps(resize=48, crop=(40, 40)),
        ImageSteps(crop=(200, 20)),
        ImageSteps(resize=(40, 60), crop=(30, 30)),
    ],
)
def test_places_lead_back_through_any_resize_and_crop(steps):
    """Given a mark in the middle of a picture, when it is resized and cropped, then its place leads back."""
    picture = Image.new("RGB", (100, 80))
    picture.paste((255, 255, 255), (45, 30, 55, 50))
    rows, columns = np.nonzero(to_pixels(picture, replace(steps))[0, :, :, 0] > 128)
    seen = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])
    np.testing.assert_allclose(placing_of((100, 80), steps).back(seen)[0], (45, 30, 55, 50), atol=1.5)
