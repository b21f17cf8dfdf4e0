"""KL divergence and calibration error."""

import numpy as np
import pytest
from scipy.stats import entropy

from workers.evaluate.proof.confidence import calibration_change, calibration_error, kl_divergence


def test_divergence_agrees_with_scipy() -> None:
    """Given random shares, then KL is scipy's relative entropy, and 0 for equal ones."""
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(5), 20), rng.dirichlet(np.ones(5), 20)
    assert kl_divergence(p, q) == pytest.approx(entropy(p, q, axis=1), abs=1e-9)
    assert kl_divergence(p, p) == pytest.approx(np.zeros(20), abs=1e-12)


def test_calibration_error_by_hand() -> None:
    """Given two bins, then ECE is the mean gap weighted by their sizes."""
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    right = np.array([True, True, True, False, True, False])
    assert calibration_error(confidence, right) == pytest.approx((4 * abs(0.95 - 0.75) + 2 * abs(0.55 - 0.5)) / 6)


@pytest.mark.parametrize(("n", "expected"), [(200, 0.053), (1000, 0.024), (5000, 0.011)])
def test_calibration_error_of_perfect_calibration_is_sampling_noise(n: int, expected: float) -> None:
    """Given perfect calibration and percentages as classifiers give them, then ECE is not 0 but what sampling gives (docs/evaluation.md)."""
    rng = np.random.default_rng(1)
    errors = []
    for _ in range(40):
        confidence = rng.uniform(0.5, 1, n)
        errors.append(calibration_error(confidence, rng.random(n) < confidence))
    assert float(np.mean(errors)) == pytest.approx(expected, rel=0.35)


def test_only_a_real_change_has_a_lower_bound_above_zero() -> None:
    """Given the same percentages with noise, then nothing is proven; given overconfidence, then it is."""
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0.5, 0.9, 1000)
    right = rng.random(1000) < confidence
    noisy = np.clip(confidence + rng.normal(0, 0.003, 1000), 0, 1)
    change, low = calibration_change((confidence, right), (noisy, right))
    assert abs(change) < 0.02
    change, low = calibration_change((confidence, right), (np.clip(confidence + 0.1, 0, 1), right))
    assert change > 0.05 and low > 0
