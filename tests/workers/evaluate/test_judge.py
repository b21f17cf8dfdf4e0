"""The verdict on a version: outputs that its task does not judge."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from zoo import all_zoos, draw

from workers.evaluate.judge import judge

Make = Callable[..., Any]
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


@pytest.mark.parametrize("kind", ["class", "tensor", "embedding"])
def test_an_original_that_always_gives_the_same_proves_nothing(labelled: Make, answers_of: Make, kind: str) -> None:
    """Given an original that gives the same for every input, Then the same version is not safe; if it gives something else
    for one input, it is."""
    rows = np.tile(np.asarray([0.1, 0.6, 0.3], np.float32), (N, 1))
    for last, verdict in ((0.1, "not_enough_data"), (0.12, "safe")):
        rows[-1, 0] = last
        answers = answers_of(rows, kind)
        found = judge(labelled([None] * N), answers, answers, 2.0)
        assert (found.verdict, len(found.reasons)) == (verdict, int(verdict != "safe"))
