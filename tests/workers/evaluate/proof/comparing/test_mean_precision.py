"""Mean average precision over resampled pictures compared with COCO's sums over copies of them."""

from typing import Any

import numpy as np
import pytest
from coco_oracle import coco

from workers.evaluate.proof.comparing.mean_precision import SETTLED_PX, Matched, settle
from workers.pipeline.postprocess.matching import Boxes

CLOSE = 1e-12
Side = list[Boxes]


def scenes(pictures: int, rng: np.random.Generator) -> tuple[Side, Side, Side]:
    """The labelled boxes, and those of two models: shaken boxes of three classes, some lost, some made up. Scores are equal
    across pictures, but not within one."""
    truths: Side = []
    found: tuple[Side, Side] = ([], [])
    for _ in range(pictures):
        count = int(rng.integers(0, 6))
        low = rng.uniform(0, 400, (count, 2))
        corners = np.concatenate([low, low + rng.uniform(60, 120, (count, 2))], axis=1)
        classes = rng.integers(0, 3, count)
        truths.append(Boxes(corners, np.ones(count), classes))
        for side, shake in zip(found, (2.0, 8.0), strict=True):
            kept = rng.random(count) < 0.85
            given = np.concatenate([corners[kept] + rng.normal(0, shake, (int(kept.sum()), 4)), [[5, 5, 40, 40]]])
            kinds = np.append(classes[kept], rng.integers(0, 3))
            side.append(Boxes(given, rng.permutation(10)[: len(given)] / 10, kinds))
    return truths, *found


def test_resampled_map_is_cocos_for_copies() -> None:
    """Given draws of pictures, When both models share the cache, Then each value is COCO's for a set of copies, and
    the same to the bit as of each model by itself."""
    rng = np.random.default_rng(5)
    truths, *found = scenes(25, rng)
    times = np.stack([np.bincount(rng.integers(25, size=25), minlength=25) for _ in range(8)]).astype(np.float64)
    seen: dict[Any, Any] = {}
    for side in (*found, found[0]):
        model = Matched(truths, side)
        shared = model.values(times, seen)
        assert (shared == model.values(times)).all()
        for draw, value in zip(times.astype(int), shared.tolist(), strict=True):
            at = np.repeat(np.arange(25), draw)
            assert value == pytest.approx(coco([truths[i] for i in at], [side[i] for i in at]), abs=CLOSE)


def test_f1_counts_boxes_from_the_threshold_on() -> None:
    """Given one box that is right, one below the threshold, one of a class that no truth has and a truth that is missed,
    Then F1 is 2 · 1 ÷ (2 + 2)."""
    corners = np.array([[0, 0, 50, 50], [100, 100, 150, 150], [200, 200, 250, 250]], np.float64)
    truths = [Boxes(corners[:2], np.ones(2), np.array([0, 0]))]
    found = [Boxes(corners, np.array([0.9, 0.2, 0.8]), np.array([0, 0, 7]))]
    assert Matched(truths, found, threshold=0.5).f1(np.ones((1, 1))).tolist() == [0.5]


def test_settle_moves_boxes_back_within_a_pixel() -> None:
    """Given boxes that moved by half a pixel, by two, and one of another class, Then only the first counts as unmoved,
    each with its own score."""
    corners = np.array([[10, 10, 24, 24], [100, 100, 120, 130], [300, 40, 340, 60]], np.float64)
    old = Boxes(corners, np.array([0.9, 0.8, 0.7]), np.array([0, 1, 2]))
    moved = corners + np.array([[SETTLED_PX / 2], [2 * SETTLED_PX], [SETTLED_PX / 2]])
    new = Boxes(moved, np.array([0.85, 0.75, 0.65]), np.array([0, 1, 0]))
    found = settle(old, new)
    assert (found.corners == [corners[0], moved[1], moved[2]]).all()
    assert (found.scores == new.scores).all() and (found.classes == new.classes).all()


@pytest.mark.parametrize("which", [0, 1])
def test_settle_without_boxes_changes_nothing(which: int) -> None:
    none = Boxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))
    some = Boxes(np.array([[0.0, 0, 9, 9]]), np.ones(1), np.zeros(1, np.int64))
    assert settle(*((none, some) if which else (some, none))).corners.shape == (which, 4)
