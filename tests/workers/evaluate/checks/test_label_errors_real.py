"""Label errors planted in real digits (FETTLE_MODELS_DIR): the check finds as many as cleanlab itself."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording import RecordingContext

from workers.evaluate.checks.base import Material
from workers.evaluate.checks.kinds.label_errors import cross_validated
from workers.evaluate.checks.learnable import rows_of
from workers.evaluate.checks.measuring import measure

pytestmark = pytest.mark.models


@pytest.mark.timeout(600)
def test_label_errors_in_digits_are_found_as_by_cleanlab(tmp_path: Path, check: Callable[..., Any]) -> None:
    """Given 5,000 digits of which 150 have a wrong label, when the check and cleanlab itself (on the same
    probabilities) look for them, then the check's recall is cleanlab's, and above nine in ten."""
    from cleanlab.filter import find_label_issues

    with np.load(Path(os.environ["FETTLE_MODELS_DIR"]) / "DATA" / "mnist_10k.npz") as stored:
        x, truth = stored["x_train"][:5000], stored["y_train"][:5000]
    random = np.random.default_rng(4)
    wrong = np.sort(random.choice(len(truth), 150, replace=False))
    given = truth.copy()
    given[wrong] = (truth[wrong] + random.integers(1, 10, len(wrong))) % 10
    np.savez(tmp_path / "digits.npz", x=x, y=given)
    result = check(tmp_path / "digits.npz")
    (finding,) = [f for f in result.findings if f.check == "label_errors"]
    doubted = {int(name.split()[1]) - 1 for name in finding.items}
    recall = len(doubted & set(wrong.tolist())) / len(wrong)

    small = np.stack([measure(digit, "images").picture[0] for digit in x])
    pictures = small, np.zeros((len(x), 1), np.uint64)
    digits = Material("images", ("digits",), (), np.zeros(len(x), np.int64), (), pictures=pictures)
    rows = rows_of(digits, np.arange(len(x)))
    probabilities = cross_validated(rows, given.astype(np.int64), RecordingContext(tmp_path))
    own = find_label_issues(given, probabilities.astype(np.float64), n_jobs=1)
    assert recall >= own[wrong].mean() and recall >= 0.9
    assert len(doubted) < 4 * len(wrong)
