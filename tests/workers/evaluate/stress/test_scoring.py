"""Similarity of both versions' predictions for a changed input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import small_spec

from workers.evaluate.stress.scoring import similarity
from workers.pipeline.pipeline import Pipeline
from workers.pipeline.spec import ArraySteps


@pytest.mark.parametrize(
    ("kind", "old", "new", "alike"),
    [
        ("tensor", [640.0, 320.0, 0.9], [640.0, 320.0, 0.02], 0.0),
        ("tensor", [640.0, 320.0, 0.9], [641.0, 320.0, 0.9], 1.0),
        ("labels", [0.9, 0.1, 0.1, 0.1], [0.9, 0.1, 0.1, 0.3], 0.0),
        ("mask", np.zeros((8, 8)), np.pad(np.ones((4, 4)), 2), 0.0), ("tokens", [5.0, 6.0], [5.0, 7.0], 0.0),
        ("embedding", [1.0, 0.0], [1.0, 0.05], 1.0), ("tensor", [np.nan, 1.0], [1.0, 1.0], None),
        ("tensor", [1.0, 1.0], [np.nan, 1.0], 0.0),
    ],
    ids=["a score of a box", "a pixel", "a label", "a thing", "a word", "a vector", "no original", "no number"],
)  # fmt: skip
def test_similarity_follows_the_rule_of_the_proof(kind: str, old: Any, new: Any, alike: float | None) -> None:
    """Given predictions that are no classes, then they are alike if the proof does not call them changed."""
    pipeline = Pipeline(
        small_spec("arrays", "array", (None, 1), (None,), ArraySteps(), kind, scores="probabilities"), Path()
    )
    found = similarity(pipeline, np.asarray(old, np.float32), np.asarray(new, np.float32))
    assert found == (None if alike is None else (1.0, alike))
