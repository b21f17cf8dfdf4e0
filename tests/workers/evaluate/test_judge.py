"""The verdict on a version as a whole: what its task does not look at."""

from dataclasses import replace

import numpy as np
import pytest
from zoo import all_zoos, draw

from workers.evaluate.judge import judge

N = 400


@pytest.mark.parametrize(
    ("shape", "off", "verdict"),
    [
        ((5, 1, 8, 8), 0.0, "safe"), ((5, 1, 8, 8), 1.0, "not_enough_data"), ((5, 17, 3), None, "not_enough_data"),
        ((3, 4, 6, 8), 1.0, "safe"), ((5,), 1.0, "safe"),
    ],
    ids=["the same", "other masks", "points not given any more", "YOLO's own grids", "a number each"],
)  # fmt: skip
def test_what_stands_beside_boxes_is_seen_too(shape: tuple[int, ...], off: float | None, verdict: str) -> None:
    """Given a detector whose boxes are alike, When masks or key points beside them are others or gone, Then it is not
    called safe, and that is told; of what boxes were made of, or of single numbers, nobody is warned."""
    found = draw(all_zoos()["boxes"], N, 1)
    rng = np.random.default_rng(2)
    beside = [rng.normal(size=shape).astype(np.float32) for _ in range(N)]
    old = replace(found.before, others={"beside": beside})
    others = {} if off is None else {"beside": [part + np.float32(off) for part in beside]}
    data = replace(found.data, classes=("a", "b", "c"))
    judged = judge(data, old, replace(found.before, others=others), 2.0)
    assert judged.task == "detection"
    assert judged.verdict == verdict
    assert any("“beside”" in note for note in judged.notes)
