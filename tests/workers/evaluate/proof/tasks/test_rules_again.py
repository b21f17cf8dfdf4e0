"""Changed items compared with the same rules in plain loops."""

from collections.abc import Callable
from typing import Any

import changed
import numpy as np
import pytest
from zoo import Zoo, all_zoos, decoded_answers

from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.proof.case import case_of
from workers.evaluate.proof.predictions import Predictions
from workers.evaluate.proof.tasks import detection, segmentation

Rows = np.ndarray[Any, np.dtype[Any]]
N = 150
MASKS = [zoo for zoo in all_zoos().values() if zoo.task == "segmentation"]


def same_flags(
    compare: Callable[..., Any], old: Predictions, new: Predictions, is_changed: Callable[[Any, Any], bool | None]
) -> int:
    """How many items changed, once both agree on each of them."""
    data = DataSet("images", "person", None, None, test=tuple(Item(f"item {i}", None) for i in range(old.n)))
    found = compare(case_of(data, old, new, 0))
    report = dict(zip(found.items.tolist(), found.changed.tolist(), strict=True))
    mine = {at: is_changed(old.answer[at], new.answer[at]) for at in range(old.n)}
    assert report == {at: one for at, one in mine.items() if one is not None}
    return sum(report.values())


def boxes(rng: np.random.Generator) -> Rows:
    """Up to six boxes of three classes, small ones among them, scores around the threshold."""
    count = int(rng.integers(0, 7))
    corner, size = (
        rng.uniform(0, 100, (count, 2)),
        rng.choice([8.0, 14.0, 40.0], (count, 1)) * rng.uniform(0.8, 1.2, (count, 2)),
    )
    return np.column_stack([corner, corner + size, rng.uniform(0.15, 0.6, count), rng.integers(0, 3, count)])


def moved(rows: Rows, rng: np.random.Generator) -> Rows:
    """Nudged, some left out, some of another class, some scores a little different."""
    rows = rows[rng.random(len(rows)) > 0.1].copy()
    rows[:, :4] += rng.normal(0, rng.choice([0.3, 1.5, 4.0]), (len(rows), 4))
    rows[:, 4] *= rng.uniform(0.9, 1.1, len(rows))
    rows[:, 5] = np.where(rng.random(len(rows)) < 0.05, 2 - rows[:, 5], rows[:, 5])
    return rows


def test_detection_flags_are_those_of_plain_loops() -> None:
    """Given boxes that were nudged, lost, renamed or reordered, then each picture is changed or not by both."""
    rng = np.random.default_rng(0)
    old = [boxes(rng) for _ in range(N)]
    pairs = (decoded_answers(part, "detection") for part in (old, [moved(rows, rng) for rows in old]))
    assert 10 < same_flags(detection.compare, *pairs, changed.things) < N - 10


@pytest.mark.parametrize("zoo", MASKS, ids=[zoo.name for zoo in MASKS])
@pytest.mark.parametrize("kind", ["harm", "harmless"])
def test_segmentation_flags_are_those_of_plain_loops(zoo: Zoo, kind: str) -> None:
    """Given every harmful and harmless change of masks in the zoo, Then each picture is changed or not
    by both."""
    total = 0
    for number, how in enumerate(getattr(zoo, kind).values()):
        rng = np.random.default_rng([number, 5])
        old = zoo.make(8, rng)
        new = how([part.copy() for part in old], rng)
        total += same_flags(segmentation.compare, zoo.answers_of(old), zoo.answers_of(list(new)), changed.masks)
    assert (total > 0) is (kind == "harm")
