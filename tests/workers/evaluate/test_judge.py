"""The verdict on a version: outputs that its task does not judge."""

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
def test_changed_outputs_of_a_detector_are_not_safe(shape: tuple[int, ...], off: float | None, verdict: str) -> None:
    """Given a detector whose boxes are alike, When its masks or key points changed or are missing, Then it is not
    safe, with a note; the grids that boxes are made from, and single numbers, do not matter."""
    found = draw(all_zoos()["boxes"], N, 1)
    rng = np.random.default_rng(2)
    further = [rng.normal(size=shape).astype(np.float32) for _ in range(N)]
    old = replace(found.before, others={"further": further})
    others = {} if off is None else {"further": [part + np.float32(off) for part in further]}
    data = replace(found.data, classes=("a", "b", "c"))
    judged = judge(data, old, replace(found.before, others=others), 2.0)
    assert judged.task == "detection"
    assert judged.verdict == verdict
    assert any("“further”" in note for note in judged.notes)
