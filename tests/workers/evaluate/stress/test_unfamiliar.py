"""AUROC and FPR95 as OpenOOD defines them, held-out classes, and the verdicts that follow."""

import numpy as np
import pytest

from workers.contracts.after.stress import UnfamiliarRow
from workers.evaluate.stress.kinds.strangers import STRANGERS
from workers.evaluate.stress.unfamiliar import confidence, judged, row_of, separation


def drawn(seed: int, n: int, before: float, after: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw confidences for real inputs, and lower ones for strangers, by so many standard deviations for each version."""
    rng = np.random.default_rng(seed)
    shared, other = rng.normal(0, 1, (n, 1)), rng.normal(0, 1, (n, 1))
    real = shared + rng.normal(0, 0.05, (n, 2))
    return real, other + rng.normal(0, 0.05, (n, 2)) - [before, after]


def row(real: np.ndarray, made: np.ndarray, seed: int = 0) -> UnfamiliarRow:
    return row_of(real, made, np.arange(len(real)), np.arange(len(made)), seed, id="x", title="Strangers")


def test_separation_is_auroc_and_fpr95_of_openood() -> None:
    """Given confidences, then AUROC counts pairs (half for ties), and FPR95 is the share of real inputs that are rejected
    when 95 % of the strangers are."""
    rng = np.random.default_rng(0)
    real, made = np.round(rng.normal(1, 1, 300), 1), np.round(rng.normal(0, 1, 200), 1)
    result = separation(real, made)
    above = (real[:, None] > made).mean() + 0.5 * (real[:, None] == made).mean()
    assert result.auroc == pytest.approx(above)
    limit = min(value for value in np.unique(made) if (made <= value).mean() >= 0.95)
    assert result.fpr95 == pytest.approx((real <= limit).mean())


def test_verdicts_need_proof_of_loss_and_of_equality() -> None:
    """Given equal recognition with many and with few examples, and a version that recognizes strangers worse, then the
    verdicts are even, unclear and worse, and the interval holds the difference."""
    many, few, worse = judged([row(*drawn(1, 400, 2, 2)), row(*drawn(2, 25, 2, 2)), row(*drawn(3, 300, 2, 0.7))])
    assert (many.verdict, few.verdict, worse.verdict) == ("even", "unclear", "worse")
    assert worse.auroc_low is not None and worse.auroc_high is not None and worse.fpr95_low is not None
    lost = worse.original_separation.auroc - worse.optimized_separation.auroc
    assert 0.02 < worse.auroc_low <= lost <= worse.auroc_high and worse.fpr95_low > 0
    assert "recognizes it less well" in worse.words and "(AUROC)" in worse.words and "cannot rule out" in few.words


def test_more_rejected_real_inputs_are_not_even() -> None:
    """Given a version that misses a tenth of the strangers and recognizes the others better, then the verdict is unclear,
    because more real inputs would be rejected."""
    real, made = drawn(5, 400, 1.5, 3.0)
    made[:40, 1] += 4.5
    (result,) = judged([row(real, made)])
    assert result.optimized_separation.auroc > result.original_separation.auroc - 0.02
    assert result.fpr95_low is not None and result.fpr95_low > 0.02
    assert result.verdict == "unclear" and "(FPR95)" in result.words


def test_equal_versions_are_not_called_worse() -> None:
    """Given forty pairs of equal versions, then none is worse."""
    assert "worse" not in {judged([row(*drawn(seed, 40, 1, 1), seed)])[0].verdict for seed in range(40)}


def test_confidence_of_nan_is_the_lowest() -> None:
    """Given a prediction with NaN, then its confidence is −inf; that of a sequence is the mean of its moments."""
    assert confidence(np.asarray([np.nan, 1], np.float32), "logits") == -np.inf
    assert confidence(np.asarray([[0.9], [0.4]], np.float32), "probabilities") == pytest.approx(0.75)
    assert separation(np.asarray([1.0, 2.0]), np.asarray([-np.inf, 0.5])).auroc == 1.0


def test_all_kinds_of_input_have_near_and_far_strangers() -> None:
    """Given the table, then each kind of input has both, with unique ids."""
    for takes in ("images", "texts", "audio", "arrays"):
        mine = [stranger for stranger in STRANGERS if stranger.takes == takes]
        assert {stranger.near for stranger in mine} == {True, False}
        assert len({stranger.id for stranger in mine}) == len(mine)
