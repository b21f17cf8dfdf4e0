"""Each kind of result is scored as what it is, on its whole way through a judgement."""

import dataclasses

import numpy as np
import pytest
from zoo import Zoo, all_zoos

from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.judge import judge

ITEMS = 40
SCORED = {"detection": "detection", "segmentation": "segmentation", "transcript": "transcripts"}


@pytest.mark.parametrize("zoo", all_zoos().values(), ids=list(all_zoos()))
def test_an_unchanged_version_is_scored_as_its_kind(zoo: Zoo) -> None:
    """Given a version that answers the same, then nothing fails, no score of another kind is told, and none moved."""
    rng = np.random.default_rng(3)
    parts = zoo.make(ITEMS + zoo.gallery, rng)
    labels = zoo.labels(parts, rng) if zoo.labels is not None else [()] * ITEMS
    answers = dataclasses.replace(
        zoo.answers_of(parts[:ITEMS]), gallery=[np.asarray(part, np.float32) for part in parts[ITEMS:]]
    )
    items = tuple(Item(f"item {number}", None, labels[number]) for number in range(ITEMS))
    found = judge(DataSet("arrays", "person", None, zoo.classes, test=items), answers, answers, 5.0)
    assert found.changed_count == 0 and found.verdict != "regressed"
    assert {row.task for row in found.scores} <= {SCORED.get(zoo.task, row.task) for row in found.scores}
    assert all(row.original in (None, pytest.approx(row.optimized)) for row in found.scores)
