"""Read forms of heads with more than boxes, or with boxes in cells, and compare them completely."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from workers.contracts.specs import TensorSpec
from workers.model_io.facts import ModelFacts
from workers.model_io.guess.boxes_seen import corrected_boxes
from workers.model_io.guess.detection import boxes_steps, gives_boxes
from workers.pipeline.postprocess.boxes import decode, grid_of
from workers.pipeline.postprocess.instances import unpacked_masks
from workers.pipeline.postprocess.matching import same_boxes
from workers.pipeline.postprocess.things import drawn_on, things_of
from workers.pipeline.postprocess.turned import likely_ious, turned_ious
from workers.pipeline.spec import BoxesSteps, ImageSteps, PipelineInput, PipelineSpec

SIZE = (64, 96)
GRID = grid_of(SIZE, 126)
THINGS = np.array([[10, 20, 30, 40, 0.9, 1], [50, 10, 90, 50, 0.6, 0]])
NAMES = ("a", "b", "c")


def read(outputs: dict[str, np.ndarray], steps: BoxesSteps) -> np.ndarray:
    found = decode(outputs, steps, SIZE)[0]
    return found[found[:, 4] >= 0.25]


def guessed(shapes: dict[str, tuple[Any, ...]], found: ModelFacts) -> BoxesSteps | None:
    outputs = [TensorSpec(name=name, shape=shape, dtype="float32") for name, shape in shapes.items()]
    entry = PipelineInput(name="images", dtype="float32", shape=(1, 3, *SIZE), source="image")
    return boxes_steps(outputs, [entry], ImageSteps(resize=SIZE), found)


def recognized(outputs: dict[str, np.ndarray], found: ModelFacts) -> BoxesSteps:
    steps = guessed({name: values.shape for name, values in outputs.items()}, found)
    assert steps is not None
    return corrected_boxes(steps, [outputs], SIZE)


def cells(width: int) -> tuple[np.ndarray, list[int]]:
    """Return (126, width) rows with one box per cell and no scores, and the cells that hold the two objects."""
    assert GRID is not None
    rows = np.full((len(GRID), width), 0.001)
    rows[:, :2], rows[:, 2:4] = (GRID[:, :2] + 0.5) * GRID[:, 2:], GRID[:, 2:]
    at = [int(np.argmin(np.abs(rows[:, :2] - (thing[:2] + thing[2:4]) / 2).sum(axis=1))) for thing in THINGS]
    for one, (a, b, c, d, score, kind) in zip(at, THINGS, strict=True):
        rows[one, :4] = (a + c) / 2, (b + d) / 2, c - a, d - b
        rows[one, 4 + int(kind)] = score
    return rows, at


def in_cells(rows: np.ndarray) -> np.ndarray:
    assert GRID is not None
    middle = rows[:, :2] / GRID[:, 2:] - GRID[:, :2]
    return np.concatenate([middle, np.log(rows[:, 2:4] / GRID[:, 2:]), np.ones((len(rows), 1)), rows[:, 4:]], axis=1)


def as_output(rows: np.ndarray) -> dict[str, np.ndarray]:
    return {"out": rows[None].astype(np.float32)}


@pytest.mark.parametrize("found", [ModelFacts(classes=NAMES), ModelFacts()])
def test_yolox_is_distinguished_from_v5_by_its_coordinates(found: ModelFacts) -> None:
    """Given coordinates in cells, Then they are decoded through the grid; pixels or shares of the same shape are v5."""
    rows, _ = cells(7)
    steps = recognized(as_output(in_cells(rows)), found)
    assert (steps.form, steps.unit) == ("yolox", "pixels")
    np.testing.assert_allclose(read(as_output(in_cells(rows)), steps), THINGS, atol=1e-3)
    pixels = np.insert(rows, 4, 1.0, axis=1)
    steps = recognized(as_output(pixels), found)
    assert steps.form == "yolo_v5"
    np.testing.assert_allclose(read(as_output(pixels), steps), THINGS, atol=1e-3)
    shares = pixels / np.array([96, 64, 96, 64, 1, 1, 1, 1])
    steps = recognized(as_output(shares), found)
    assert (steps.form, steps.unit) == ("yolo_v5", "shares")


def test_v8_with_channels_last_is_recognized_by_class_names() -> None:
    """Given rows of 4 + classes columns, Then the class names show that no column is an objectness."""
    rows, _ = cells(7)
    steps = recognized(as_output(rows), ModelFacts(classes=NAMES))
    assert (steps.form, steps.channels) == ("yolo_v8", "last")
    np.testing.assert_allclose(read(as_output(rows), steps), THINGS, atol=1e-3)


def with_angles(turn: float) -> dict[str, np.ndarray]:
    rows, at = cells(8)
    rows[:, 7] = 0.1
    rows[at[0], 7] = 0.3 + turn
    return {"out": rows.T[None].astype(np.float32)}


@pytest.mark.parametrize("found", [ModelFacts(classes=NAMES, behind="angle"), ModelFacts()])
def test_rotated_boxes_are_compared_with_their_angle(found: ModelFacts) -> None:
    """Given 4 + classes + 1 rows, Then the last is an angle; half a radian is a change where the box is long, and the
    same box in another notation is none."""
    old = with_angles(0.0)
    old["out"][0, 7, :] -= np.where(np.arange(126) % 2 == 0, 0.5, 0)  # angles may be below 0, which shares are not
    steps = recognized(old, found)
    assert (steps.form, steps.behind, steps.classes) == ("yolo_v8", "angle", 3)
    rows = read(old, steps)
    assert rows.shape == (2, 7) and rows[:, 5].tolist() == [1, 0]
    other = rows.copy()
    rows[0, :4] = other[0, :4] = 10, 20, 70, 30
    other[0, 6] += 0.5
    assert same_boxes(rows, rows, 0.25) and not same_boxes(rows, other, 0.25)
    swapped = rows.copy()  # width and height exchanged and a quarter more is the same box
    swapped[0, :4], swapped[0, 6] = (35, -5, 45, 55), rows[0, 6] + np.pi / 2
    assert same_boxes(rows, swapped, 0.25)


def test_overlap_of_rotated_boxes_equals_values_by_hand() -> None:
    """Given a square and its rotation by 45 degrees, Then they share an octagon of 2 (√2 − 1); upright boxes overlap as
    usual."""
    square, zero = np.array([[0.0, 0, 10, 10]]), np.zeros(1)
    octagon = 2 * (np.sqrt(2) - 1)
    found = turned_ious(square, zero, square, np.array([np.pi / 4]))[0, 0]
    assert found == pytest.approx(octagon / (2 - octagon))
    assert turned_ious(square, zero, np.array([[5.0, 0, 15, 10]]), zero)[0, 0] == pytest.approx(1 / 3)
    assert turned_ious(square, zero, square + 20, zero)[0, 0] == 0
    assert likely_ious(square, zero, square, np.array([np.pi / 4]))[0, 0] == pytest.approx(1, abs=1e-3)
    assert likely_ious(square, zero, square + 20, zero)[0, 0] < 0.1


def poses(off: float = 0.0, unseen: bool = False) -> dict[str, np.ndarray]:
    """Return an output with one class and four points (x, y, visibility)."""
    rows, at = cells(5 + 12)
    rows[:, 4] = 0.001
    rows[at, 4] = 0.9
    points = np.array([[12, 22, 0.9], [28, 22, 0.9], [12, 38, 0.9], [28 + off, 38, 0.0 if unseen else 0.9]])
    rows[:, 5:] = points.ravel()
    return {"out": rows.T[None].astype(np.float32)}


@pytest.mark.parametrize("found", [ModelFacts(classes=("person",), behind="seen_points", points=4), ModelFacts()])
def test_moved_or_hidden_key_point_is_a_change(found: ModelFacts) -> None:
    """Given a point that moved by half the person or is hidden, Then it is a change; one pixel is none."""
    steps = recognized(poses(), found)
    assert (steps.form, steps.behind, steps.classes) == ("yolo_v8", "seen_points", 1)
    old = read(poses(), steps)
    assert old.shape[1] == 18
    assert same_boxes(old, read(poses(1.0), steps), 0.25)
    assert not same_boxes(old, read(poses(-10.0), steps), 0.25)
    assert not same_boxes(old, read(poses(unseen=True), steps), 0.25)


def with_masks(second: float = 1.0) -> dict[str, np.ndarray]:
    """Return an output whose first object fills its box and whose second is left of x = 70, and prototypes of a quarter
    of the input's size."""
    rows, at = cells(7 + 3)
    rows[:, 7:] = 0.01
    rows[at[0], 7:], rows[at[1], 7:] = (0, 0.5, 0), (second, 0, 0)
    planes = np.ones((1, 3, 16, 24), np.float32)
    planes[0, 0, :, 18:], planes[0, 0, :, 17] = -1, 0  # x = 70 is the middle of the eighteenth column
    return {"out": rows.T[None].astype(np.float32), "planes": planes}


@pytest.mark.parametrize("found", [ModelFacts(classes=NAMES), ModelFacts()])
def test_lost_inverted_or_moved_object_mask_is_a_change(found: ModelFacts) -> None:
    """Given prototypes and their coefficients, Then each box has its mask; a lost, inverted or moved mask is a change,
    and rounding to 16 bits is none."""
    steps = recognized(with_masks(), found)
    assert (steps.form, steps.behind, steps.masks, steps.classes) == ("yolo_v8", "mask", "planes", 3)
    old = read(with_masks(), steps)
    np.testing.assert_allclose(old[:, :6], THINGS, atol=1e-3)
    first, second = unpacked_masks(old[:, 6:])
    assert first.all()
    assert second[:, :11].all() and not second[:, 13:].any()
    assert same_boxes(old, read({k: v.astype(np.float16) for k, v in with_masks().items()}, steps), 0.25)
    moved = with_masks()
    moved["planes"] = np.roll(moved["planes"], -3, axis=3)
    for other in (with_masks(-1.0), with_masks(0.0), moved):
        assert not same_boxes(old, read(other, steps), 0.25)
    broken = with_masks()
    broken["planes"][0, 1, 3, 3] = np.nan
    assert np.isnan(decode(broken, steps, SIZE)).all()


def test_object_masks_are_drawn_into_their_boxes() -> None:
    """Given a mask of the left half of a box, Then only that half is colored; without prototypes there is no mask."""
    steps = recognized(with_masks(), ModelFacts(classes=NAMES))
    read_as = {"answer_kind": "detection", "classes": NAMES, "postprocess": steps}
    spec = PipelineSpec(task="object-detection", inputs=(), outputs=(), preprocess=ImageSteps(), **read_as)
    things = things_of(read(with_masks(), steps), spec)
    drawn = np.asarray(drawn_on(Image.new("RGB", (96, 64), "white"), things))
    assert (drawn[45, 55] != 255).any() and (drawn[45, 85] == 255).all()
    without = {"out": with_masks()["out"]}
    assert recognized(without, ModelFacts(classes=NAMES)).behind == "nothing"


def test_rows_after_the_count_are_ignored() -> None:
    """Given TensorFlow's outputs, Then rows after num_detections are ignored, and one score per box is used."""
    outputs = {
        "detection_boxes": (THINGS[None][..., [1, 0, 3, 2]] / [64, 96, 64, 96]).astype(np.float32),
        "detection_multiclass_scores": np.full((1, 2, 4), 0.99, np.float32),
        "detection_scores": THINGS[None, :, 4].astype(np.float32),
        "detection_classes": (THINGS[None, :, 5] + 1).astype(np.float32),
        "num_detections": np.array([1], np.float32),
    }
    steps = recognized(outputs, ModelFacts())
    assert (steps.scores, steps.counts, steps.labels) == ("detection_scores", "num_detections", "detection_classes")
    np.testing.assert_allclose(read(outputs, steps), THINGS[:1], atol=1e-3)


def end_to_end(rows: np.ndarray) -> dict[str, np.ndarray]:
    return as_output(np.concatenate([rows, np.zeros((18, rows.shape[1]))]))


def test_order_of_columns_is_derived_from_outputs_or_refused() -> None:
    """Given rows of six in Paddle's order, Then they are read; rows without a score or class column are refused."""
    paddle = end_to_end(THINGS[:, [5, 4, 0, 1, 2, 3]])
    steps = recognized(paddle, ModelFacts())
    assert steps.columns == "class_score_box"
    np.testing.assert_allclose(read(paddle, steps), THINGS, atol=1e-3)
    with pytest.raises(ValueError, match="no column"):
        recognized(as_output(np.random.default_rng(0).standard_normal((20, 6))), ModelFacts())
    assert recognized(end_to_end(np.zeros((2, 6))), ModelFacts()).unit == "pixels"
    turned = np.column_stack([THINGS, [0.2, 0.3]])
    steps = recognized(end_to_end(turned), ModelFacts(behind="angle"))
    assert (steps.form, steps.corners, steps.behind) == ("end_to_end", "cxcywh", "angle")


@pytest.mark.parametrize(
    "shapes",
    [
        {"output": (1, 1000)},
        {"sigmoid_0.tmp_0": (None, 1, None, None)},
        {"last_hidden_state": (None, None, 384), "pooler_output": (None, 384)},
        {"sample": (1, 3, 64, 64)},
        {"target_label": (None, 214)},
        {"softmax_5.tmp_0": (None, None, 6625)},
        {"out0": (1, 255, 8, 12), "out1": (1, 255, 4, 6), "out2": (1, 255, 2, 3)},
        {"a": (1, 3, 8, 12, 85), "b": (1, 3, 4, 6, 85), "c": (1, 3, 2, 3, 85)},
    ],
)
def test_other_models_are_no_detectors(shapes: dict[str, tuple[Any, ...]]) -> None:
    """Given outputs of classifiers, text readers, embeddings, U-Nets and heads with anchors, Then none is read as
    boxes; only a model whose files call it a detector is one of an unknown form."""
    assert guessed(shapes, ModelFacts()) is None
    outputs = [TensorSpec(name=name, shape=shape, dtype="float32") for name, shape in shapes.items()]
    entry = PipelineInput(name="images", dtype="float32", shape=(1, 3, *SIZE), source="image")
    assert not gives_boxes(outputs, [entry], ImageSteps(resize=SIZE), ModelFacts())
    assert gives_boxes(outputs, [entry], ImageSteps(resize=SIZE), ModelFacts(task="object-detection"))
