"""Detectors: whether the same things are found. A blind one is never safe."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workers.contracts.specs import Judgement
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.judge import judge
from workers.pipeline.postprocess.instances import MASK_SIDE

Make = Callable[..., Any]
N = 400


def scenes(n: int = N, classes: int = 3) -> list[np.ndarray]:
    """One to four boxes of 12 to 80 pixels in each picture, all well apart, one of them in every third picture weak."""
    rng = np.random.default_rng(3)
    found = []
    for number in range(n):
        rows = []
        for place in rng.permutation(9)[: rng.integers(1, 5)]:
            left, top = 100 * (place % 3) + 5, 100 * (place // 3) + 5
            width, height = rng.integers(12, 80, 2)
            score = rng.uniform(0.4, 0.98)
            rows.append([left, top, left + width, top + height, score, rng.integers(0, classes)])
        if number % 3 == 0:
            rows.append([300, 300, 340, 340, 0.1, 0])
        found.append(np.asarray(rows, np.float32))
    return found


def _with(rows: np.ndarray, columns: Any, values: Any) -> np.ndarray:
    rows[:, columns] = values
    return rows


@pytest.fixture
def judged(labelled: Make, answers_of: Make) -> Callable[..., Judgement]:
    def run(old: Sequence[np.ndarray], new: Sequence[np.ndarray], limit_pct: float = 1.0) -> Judgement:
        before, after = (replace(answers_of(part, "detection"), decoded=True) for part in (old, new))
        return judge(labelled([None] * len(old)), before, after, limit_pct)

    return run


def test_empty_pictures_do_not_count(judged: Make) -> None:
    """Given things in 5 of 400 pictures and a detector that is blind, Then those five decide, and a note counts the others."""
    old = [rows if i % 80 == 0 else rows[:0] for i, rows in enumerate(scenes())]
    found = judged(old, [rows[:0] for rows in old])
    assert found.verdict == "regressed" and found.n == 5 and found.changed_count == 5
    assert any("395 of 400 examples do not count: neither model finds a thing" in note for note in found.notes)


def test_an_original_that_finds_nothing_proves_nothing(judged: Make) -> None:
    """Given pictures in which the original finds nothing, Then a note reports it and nothing is safe."""
    old = [rows[:0] for rows in scenes(200)]
    found = judged(old, old)
    assert found.verdict == "not_enough_data" and found.n == 0
    assert found.notes[0] == "0 objects in 200 pictures: these examples cannot prove a detector."


def test_broken_class_of_a_detector_is_named(judged: Make) -> None:
    """Given one class of twenty that is lost, at a limit of 25 %, Then that class is named and refused."""
    old = scenes(classes=20)
    new = [rows[rows[:, 5] != 4] for rows in old]
    found = judged(old, new, 25.0)
    assert found.verdict == "regressed"
    assert found.worst_slice is not None and found.slices[0].drop == 1.0


SIDE = 400.0


def with_truth(rows: Sequence[np.ndarray], known: int = N) -> DataSet:
    """The originals' sure boxes as labels of the first `known` pictures, each shifted a little, in a letterbox."""
    items = []
    for number, part in enumerate(rows):
        sure = part[part[:, 4] > 0.25]
        boxes = tuple(
            ((a + 1 - 20) / SIDE, (b - 40) / SIDE, (c - a) / SIDE, (d - b) / SIDE, int(kind))
            for a, b, c, d, _, kind in sure.tolist()
        )
        facts = {"input left": 20.0, "input top": 40.0, "input width": SIDE, "input height": SIDE}
        items.append(Item(f"{number}.png", boxes=boxes if number < known else None, facts=facts))
    return DataSet("images", "person", classes=("a", "b", "c"), test=tuple(items))


def by_labels(
    data: DataSet, answers_of: Make, old: Sequence[np.ndarray], new: Sequence[np.ndarray], limit: float = 1.0
):
    before, after = (replace(answers_of(part, "detection"), decoded=True) for part in (old, new))
    return judge(data, before, after, limit)


def test_with_labels_the_mean_average_precision_decides(answers_of: Make) -> None:
    """Given right boxes for all pictures, and one class lost, Then the version regressed by mAP."""
    old = scenes(N // 2)
    found = by_labels(with_truth(old), answers_of, old, [rows[rows[:, 5] != 1] for rows in old])
    assert found.verdict == "regressed" and found.labelled and found.n_labelled == N // 2
    (score,) = [score for score in found.scores if score.id == "map"]
    # the boxes that people see count as well as the order of scores
    assert score.against == "labels" and found.drop >= score.original - score.optimized - 1e-9


def test_a_lost_class_of_many_is_refused_by_labels(answers_of: Make) -> None:
    """Given twenty classes with labels and a limit of 25 %, of which the mean is far, When one class is lost, Then it is
    refused, and when the version is as before, it is safe."""
    old = scenes(classes=20)
    data = with_truth(old)
    found = by_labels(data, answers_of, old, [rows[rows[:, 5] != 4] for rows in old], 25.0)
    assert found.verdict == "regressed" and found.labelled and found.drop_high < 0.25
    assert any("F1 1.000" not in note and "F1 0.000" in note for note in found.reasons)
    assert by_labels(data, answers_of, old, old, 25.0).verdict == "safe"


def test_scores_below_the_threshold_keep_map_and_are_regressed(answers_of: Make) -> None:
    """Given all scores at a quarter, so that mean average precision is as before, Then nothing is seen and it
    regressed."""
    old = scenes()
    found = by_labels(with_truth(old), answers_of, old, [_with(rows.copy(), 4, rows[:, 4] / 4) for rows in old])
    whole = {score.id: (score.original, score.optimized) for score in found.scores}
    assert whole["map"][0] == pytest.approx(whole["map"][1]) and whole["f1"] == (pytest.approx(1.0), 0.0)
    assert found.verdict == "regressed" and "F1 1.000, now 0.000" in " ".join(found.notes)


def test_gains_by_labels_are_safe_despite_many_changes(answers_of: Make) -> None:
    """Given an original that is blind in each third picture, and a version that is not, Then it is safe, and changes are counted."""
    new = scenes()
    old = [rows[:0] if i % 3 == 0 else rows for i, rows in enumerate(new)]
    found = by_labels(with_truth(new), answers_of, old, new)
    assert found.verdict == "safe" and found.changed_count == len(new[::3]) and found.drop < 0


def _angles(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(-0.7, 0.7, (len(rows), 1))


def _points(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Five key points in each box, all of them seen."""
    places = rows[:, None, :2] + rng.random((len(rows), 5, 2)) * (rows[:, None, 2:4] - rows[:, None, :2])
    return np.concatenate([places, np.ones((len(rows), 5, 1))], axis=2).reshape(len(rows), -1)


def _masks(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The left half of each box."""
    return np.full((len(rows), MASK_SIDE), 2.0 ** (MASK_SIDE // 2) - 1)


def _frames(rows: np.ndarray) -> np.ndarray:
    """The upright boxes around turned ones, by hand: half a side along each axis is |cos| of one and |sin| of the other."""
    half, cos, sin = (rows[:, 2:4] - rows[:, :2]) / 2, np.abs(np.cos(rows[:, 6])), np.abs(np.sin(rows[:, 6]))
    middle, (wide, high) = (rows[:, 2:4] + rows[:, :2]) / 2, half.T
    reach = np.stack([wide * cos + high * sin, wide * sin + high * cos], axis=1)
    return np.hstack([middle - reach, middle + reach, rows[:, 4:6]])


def test_labels_of_turned_boxes_are_the_frames_around_them(answers_of: Make) -> None:
    """Given boxes turned by up to a quarter, and labels that hold the upright frames around them, Then the original finds
    them all, and a version whose angles are lost regressed by the labels."""
    rng = np.random.default_rng(3)
    old = [np.hstack([rows, rng.uniform(-1.5, 1.5, (len(rows), 1))]).astype(np.float32) for rows in scenes()]
    data = with_truth([_frames(rows) for rows in old])
    lost = by_labels(data, answers_of, old, [_with(rows.copy(), 6, 0.0) for rows in old])
    (score,) = [score for score in lost.scores if score.id == "map"]
    assert score.original > 0.8 and lost.verdict == "regressed" and lost.drop is not None and lost.drop > 0.2


def _quarter(rows: np.ndarray) -> np.ndarray:
    """The same boxes in another form: turned by a quarter more, with their sides exchanged."""
    middle, half = (rows[:, 2:4] + rows[:, :2]) / 2, (rows[:, 2:4] - rows[:, :2])[:, ::-1] / 2
    turned = rows[:, [6]] + np.pi / 2
    return np.hstack([middle - half, middle + half, rows[:, 4:6], turned]).astype(np.float32)


@pytest.mark.parametrize(
    ("change", "verdict"), [(lambda rows: _with(rows.copy(), 6, -rows[:, 6]), "regressed"), (_quarter, "safe")]
)
def test_frames_do_not_hide_how_boxes_are_turned(answers_of: Make, change: Any, verdict: str) -> None:
    """Given boxes that are mirrored in their frames, which are the same, Then by labels nothing is lost, and the version
    regressed all the same; the same boxes in another form are safe."""
    rng = np.random.default_rng(3)
    old = [np.hstack([rows, rng.uniform(-1.5, 1.5, (len(rows), 1))]).astype(np.float32) for rows in scenes()]
    found = by_labels(with_truth([_frames(rows) for rows in old]), answers_of, old, [change(rows) for rows in old])
    (score,) = [score for score in found.scores if score.id == "map"]
    assert found.verdict == verdict and score.optimized == pytest.approx(score.original, abs=1e-6)


@pytest.mark.parametrize("behind", [_angles, _points, _masks])
def test_unlabelled_masks_points_and_angles_must_hold(answers_of: Make, behind: Any) -> None:
    """Given angles, key points or masks behind the boxes, and labels of boxes alone, Then a version that lost them
    regressed though its boxes are right, and the same one is safe."""
    rng, plain = np.random.default_rng(11), scenes()
    old = [np.hstack([rows, behind(rows, rng)]).astype(np.float32) for rows in plain]
    lost = [np.hstack([rows, 0 * behind(rows, rng)]).astype(np.float32) for rows in plain]
    assert by_labels(with_truth(plain), answers_of, old, lost).verdict == "regressed"
    assert by_labels(with_truth(plain), answers_of, old, old).verdict == "safe"


def test_unlabelled_classes_of_a_detector_must_hold(answers_of: Make) -> None:
    """Given labels of one class of three, Then a version that lost another one regressed, though by the labels it makes
    fewer mistakes; the same one is safe, with a note on the classes."""
    old = scenes()
    known = with_truth(old)
    only = tuple(replace(i, boxes=tuple(box for box in i.boxes or () if box[4] == 0)) for i in known.test)
    data = replace(known, test=only)
    blind = by_labels(data, answers_of, old, [rows[rows[:, 5] != 1] for rows in old])
    assert blind.verdict == "regressed" and blind.drop is not None and blind.drop <= 0
    same = by_labels(data, answers_of, old, old)
    assert same.verdict == "safe" and any("No label is of b, c" in note for note in same.notes)


def test_boxes_rounded_to_pixels_are_safe(answers_of: Make) -> None:
    """Given a version that rounds its boxes to whole pixels, Then mAP is reported as COCO counts it, a loss by its strict
    overlaps, and the version is safe; a seventh wider and higher it regressed."""
    rng = np.random.default_rng(5)
    old = [rows + np.pad(rng.uniform(-0.5, 0.5, (len(rows), 4)), ((0, 0), (0, 2))) for rows in scenes(600)]
    data = with_truth(old)
    rounded = by_labels(data, answers_of, old, [_with(rows.copy(), slice(0, 4), rows[:, :4].round()) for rows in old])
    (score,) = [score for score in rounded.scores if score.id == "map"]
    assert rounded.verdict == "safe" and abs(rounded.drop) < 1e-9 and score.original > score.optimized
    loose = [_with(rows.copy(), [2, 3], rows[:, [2, 3]] + (rows[:, [2, 3]] - rows[:, [0, 1]]) / 7) for rows in old]
    assert by_labels(data, answers_of, old, loose).verdict == "regressed"


def test_order_of_examples_does_not_change_scores(answers_of: Make) -> None:
    """Given a version whose scores are all the same, as INT8 may give, and pictures in another order, Then its mean
    average precision is that of their names' order: with ties it hangs on the order."""
    old = scenes(120)
    blur = [np.vstack([rows, *[[205, 205, 260, 260, 0.9, i % 3]] * (i % 2)]) for i, rows in enumerate(old)]
    new = [_with(rows.astype(np.float32), 4, 0.5) for rows in blur]
    data, order = with_truth(old), np.random.default_rng(5).permutation(len(old)).tolist()
    mixed = replace(data, test=tuple(data.test[at] for at in order))
    first = by_labels(data, answers_of, old, new)
    second = by_labels(mixed, answers_of, [old[at] for at in order], [new[at] for at in order])
    assert [(one.id, one.optimized) for one in first.scores] == [(one.id, one.optimized) for one in second.scores]


def test_partial_labels_and_changes_are_both_tested(answers_of: Make) -> None:
    """Given labels on a quarter, Then the same answers are safe, by mAP and by what changed, and blindness is not."""
    old = scenes()
    data = with_truth(old, known=N // 4)
    assert by_labels(data, answers_of, old, old).verdict == "safe"
    assert by_labels(data, answers_of, old, [rows[:0] for rows in old]).verdict == "regressed"


def test_labels_of_other_classes_do_not_decide(answers_of: Make) -> None:
    """Given labels whose classes are others, Then a note reports it, and changed results decide."""
    old = scenes()
    data = with_truth([_with(rows.copy(), 5, (rows[:, 5] + 1) % 3) for rows in old])
    found = by_labels(data, answers_of, old, old)
    assert found.verdict == "safe" and not found.labelled
    assert "finds hardly anything (mAP 0.000)" in " ".join(found.notes)


def test_nan_in_an_empty_picture_is_a_change(answers_of: Make) -> None:
    """Given a version that gives NaN for empty pictures only, Then these count, and it is not safe."""
    old = [rows if i % 2 else rows[:0] for i, rows in enumerate(scenes())]
    new = [rows if i % 2 else np.full((1, 6), np.nan, np.float32) for i, rows in enumerate(old)]
    data = DataSet("images", "person", test=tuple(Item(str(i)) for i in range(N)))
    found = by_labels(data, answers_of, old, new)
    assert found.verdict == "regressed" and found.changed_count == N // 2
