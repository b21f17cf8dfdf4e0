"""Each kind of result is scored by its kind in a whole judgement."""

import pytest
from zoo import Zoo, all_zoos, draw

from workers.evaluate.judge import judge

ITEMS = 40
SCORED = {"detection": "detection", "segmentation": "segmentation", "transcript": "transcripts"}


@pytest.mark.parametrize("zoo", all_zoos().values(), ids=list(all_zoos()))
def test_unchanged_version_is_scored_by_its_kind(zoo: Zoo) -> None:
    """Given a version that answers the same, Then nothing fails, no score of another kind is reported, and none changed."""
    drawn = draw(zoo, ITEMS, seed=3)
    found = judge(drawn.data, drawn.before, drawn.before, 5.0)
    assert found.changed_count == 0 and found.verdict != "regressed"
    assert {row.task for row in found.scores} <= {SCORED.get(zoo.task, row.task) for row in found.scores}
    assert all(row.original in (None, pytest.approx(row.optimized)) for row in found.scores)
