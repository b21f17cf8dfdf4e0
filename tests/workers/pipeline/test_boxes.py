"""Decode boxes of raw heads: equal objects from every form, merged duplicates, and positions in the user's picture."""

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
    """Return (k, classes) scores of the objects, followed by rows without an object."""
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
TWO = {"form": "boxes_scores", "boxes": "boxes", "scores": "scores"}
V8 = BoxesSteps(form="yolo_v8", boxes="out", corners="cxcywh")
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
    "two outputs": (two(CORNERS, shares()), TWO),
    "classes first": (two(CORNERS, shares().T), TWO),
    "logits": (
        two(CORNERS, logit(shares())),
        {**TWO, "activation": "sigmoid"},
    ),
    "a background in front": (
        two(CORNERS, np.concatenate([1 - shares().sum(axis=1, keepdims=True), shares()], axis=1)),
        {**TWO, "background": "first"},
    ),
    "torchvision": (
        {"boxes": THINGS[:2, :4], "scores": THINGS[:2, 4], "labels": KINDS[:2]},
        {**TWO, "labels": "labels", "nms_iou": None},
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


@pytest.mark.parametrize("name", FORMS)
def test_decode_every_form_gives_the_same_objects(name):
    """Given the same two objects in a form, Then they are decoded in pixels, best first."""
    outputs, more = FORMS[name]
    found = decode(outputs, BoxesSteps(**more), SIZE)
    assert found.shape[0] == 1 and found.dtype == np.float32
    np.testing.assert_allclose(found[0][found[0, :, 4] > 0.25], SEEN, atol=1e-3)


def test_decode_one_box_without_a_batch_axis():
    """Given torchvision's outputs with a single box, whose axis could be the batch, Then one box is decoded."""
    outputs = {"boxes": THINGS[:1, :4], "scores": THINGS[:1, 4], "labels": KINDS[:1]}
    np.testing.assert_allclose(
        decode(outputs, BoxesSteps(**TWO, labels="labels", nms_iou=None), SIZE), THINGS[None, :1], atol=1e-5
    )


def test_decode_overlapping_boxes_of_two_classes_keeps_both():
    """Given two boxes in one place, When their classes differ, Then both stay."""
    outputs, more = FORMS["two outputs"]
    other = {**outputs, "scores": outputs["scores"].copy()}
    other["scores"][0, 2] = [0.001, 0.001, 0.5]
    assert (decode(other, BoxesSteps(**more), SIZE)[0, :, 4] > 0.25).sum() == 3


def test_decode_suppression_equals_torchvision():
    """Given random boxes, Then torchvision's batched_nms keeps the same ones."""
    import torch
    from torchvision.ops import batched_nms

    rng = np.random.default_rng(3)
    corners = rng.uniform(0, 60, (400, 4)).astype(np.float32)
    corners[:, 2:] = corners[:, :2] + rng.uniform(5, 30, (400, 2))
    scores = rng.uniform(0.02, 1, (400, 4)).astype(np.float32)
    steps = BoxesSteps(**TWO, nms_iou=0.5)
    found = decode({"boxes": corners[None], "scores": scores[None]}, steps, SIZE)[0]
    kept = batched_nms(*(torch.from_numpy(v) for v in (corners, scores.max(1), scores.argmax(1))), 0.5)[:300]
    np.testing.assert_allclose(found[:, :4], corners[kept.numpy()], atol=1e-5)


def test_decode_keeps_weak_boxes_up_to_a_limit():
    """Given scores from .001 to .2, Then those from .01 on stay, at most as many as the limit."""
    count = MOST_CANDIDATES + 500
    outputs = two(
        np.tile(CORNERS[:1], (count, 1)) + 200 * np.arange(count)[:, None], np.full((count, 1), 0.2, np.float32)
    )
    outputs["scores"][0, :10] = 0.005
    steps = BoxesSteps(**TWO)
    assert decode(outputs, steps, SIZE).shape == (1, 300, 6)
    outputs["scores"][0, 10:] = 0.005
    assert decode(outputs, steps, SIZE).shape == (1, 0, 6)


@pytest.mark.parametrize(("where", "value"), [((0, 6, 1), np.nan), ((0, 0, 0), np.nan), ((0, 2, -1), np.inf)])
def test_decode_not_finite_output_gives_nan_where_it_is_relevant(where, value):
    """Given NaN in any score or in the coordinates of a relevant box, Then the prediction is NaN; an infinite width where
    the score is .001 changes nothing."""
    outputs = {"out": v8()["out"].copy()}
    outputs["out"][where] = value
    wanted = SEEN if np.isinf(value) else np.full((1, 6), np.nan)
    np.testing.assert_allclose(decode(outputs, V8, SIZE)[0], wanted, atol=1e-3)


def test_decode_pads_pictures_with_fewer_boxes():
    """Given a batch of a picture with two objects and one without, Then rows of score 0 are added."""
    outputs = {"out": np.concatenate([v8()["out"], v8()["out"] * 0])}
    found = decode(outputs, V8, SIZE)
    assert found.shape == (2, 2, 6) and not found[1].any()
    assert same_boxes(found[1], np.empty((0, 6)), 0.25) and not same_boxes(found[0], found[1], 0.25)


def test_pipeline_of_a_detector_predicts_boxes(make, session):
    """Given a detector's description on disk, Then rows of six are predicted, in pixels of its input."""
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
def test_letterbox_keeps_proportions_and_is_inverted_exactly(size):
    """Given a white mark in a picture, Then the letterbox adds gray, and the mark's position is converted back."""
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
def test_positions_are_converted_back_through_resize_and_crop(steps):
    """Given a mark in the middle of a picture, When it is resized and cropped, Then its position is converted back."""
    picture = Image.new("RGB", (100, 80))
    picture.paste((255, 255, 255), (45, 30, 55, 50))
    rows, columns = np.nonzero(to_pixels(picture, replace(steps))[0, :, :, 0] > 128)
    seen = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])
    np.testing.assert_allclose(placing_of((100, 80), steps).back(seen)[0], (45, 30, 55, 50), atol=1.5)
