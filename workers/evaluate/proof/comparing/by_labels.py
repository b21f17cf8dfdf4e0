"""Figures of two models that are compared with the same labels: for the whole, and for each class."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MOST_CLASS_LOST, CLASS_LEVEL = 0.1, 0.01
LEAST_PICTURES, LEAST_SCORE = 10, 0.1
"""A class in at least ten labelled pictures, which the original finds at all, is broken if it lost more than a tenth of
its score for sure (Bonferroni over classes). Among 150 classes the mean hardly changes because of one.
"""


@dataclass(frozen=True)
class LabelledPair:
    """Both models compared with the same labels.

    Attributes:
        original: Scores (3,) of the original.
        optimized: The same of the version.
        draws: Resampled differences (k, 3), version − original.
        pictures: Number of pictures with labels.
        classes: Numbers (c,) of the classes in the labels.
        class_original: Score (c,) of each class for the original, 0..1.
        class_optimized: The same of the version.
        class_pictures: How many pictures have each class (c,).
        class_losses: Resampled shares (k, c) of the score that are lost.
    """

    original: Floats
    optimized: Floats
    draws: Floats
    pictures: int
    classes: Counts
    class_original: Floats
    class_optimized: Floats
    class_pictures: Counts
    class_losses: Floats

    def lost_classes(self) -> Iterator[tuple[int, float, float]]:
        """Yield each class that is broken by labels, with its score for the original and for the version."""
        judged = np.flatnonzero((self.class_pictures >= LEAST_PICTURES) & (self.class_original >= LEAST_SCORE))
        for at in judged.tolist():
            if float(np.nanquantile(self.class_losses[:, at], CLASS_LEVEL / len(judged))) > MOST_CLASS_LOST:
                yield int(self.classes[at]), float(self.class_original[at]), float(self.class_optimized[at])


def ratio(part: Floats, whole: Floats) -> Floats:
    """Return part ÷ whole, NaN where `whole` is not above 0."""
    return np.asarray(np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0), np.float64)
