"""Measure how the probabilities of the classes changed: KL divergence and calibration error."""

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.proof.stats import CONFIDENCE, bootstrap_sums

BINS = 15
ECE_LIMIT = 0.02
"""Limit for the change of the calibration error. Smaller changes are noise on test sets of ordinary size."""

FLOOR = 1e-12
DRAWS = 1000
"""Number of bootstrap samples."""


def kl_divergence(old: NDArray[np.floating], new: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return KL(old ‖ new) in nats for each row.

    Args:
        old: Probabilities (n, classes) of the original.
        new: Probabilities (n, classes) of the version.

    Returns:
        Array (n,) of float64, at least 0.
    """
    p = np.clip(np.asarray(old, np.float64), FLOOR, 1.0)
    q = np.clip(np.asarray(new, np.float64), FLOOR, 1.0)
    return np.asarray(np.maximum((p * (np.log(p) - np.log(q))).sum(axis=1), 0.0), dtype=np.float64)


def bin_gaps(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the gap between confidence and correctness of each item, in the column of its bin.

    Bins are equally wide and open at their lower edge (arXiv 1706.04599).

    Args:
        confidence: Probabilities (n,) of the predicted class, 0..1.
        right: Whether each prediction is right (n,).

    Returns:
        Array (n, 15) of confidence − right. The expected calibration error (ECE) is sum(|column sums|)/n.
    """
    column = np.clip(np.ceil(np.asarray(confidence, np.float64) * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = np.zeros((len(column), BINS))
    gaps[np.arange(len(column)), column] = confidence - right
    return gaps


def calibration_error(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error with 15 bins (arXiv 1706.04599), 0..1."""
    return float(np.abs(bin_gaps(confidence, right).sum(axis=0)).sum() / max(len(right), 1))


def calibration_change(
    old: tuple[NDArray[np.floating], NDArray[np.bool_]],
    new: tuple[NDArray[np.floating], NDArray[np.bool_]],
    seed: int = 0,
) -> tuple[float, float]:
    """Return the change of the calibration error and its lower bound.

    Args:
        old: Confidence (n,) and correctness (n,) of the original.
        new: The same of the version.
        seed: Seed of the bootstrap.

    Returns:
        ECE(new) − ECE(old) and its one-sided 95 % lower bound (paired bootstrap).
    """
    gaps = np.hstack([bin_gaps(*old), bin_gaps(*new)])
    sums = np.abs(bootstrap_sums(gaps, seed, DRAWS)) / len(gaps)
    changes = sums[:, BINS:].sum(axis=1) - sums[:, :BINS].sum(axis=1)
    return calibration_error(*new) - calibration_error(*old), float(np.quantile(changes, 1 - CONFIDENCE))
