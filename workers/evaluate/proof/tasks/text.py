"""Models that answer with texts: each text as a whole is the same as before, or another one."""

import numpy as np
from numpy.typing import NDArray

from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, ProofTask


def compare(case: Case) -> Differences:
    """Every text that is not the same token by token is a changed result. `severity` is the share of other tokens."""
    pairs = list(zip(case.answers("old"), case.answers("new"), strict=True))
    severity = np.asarray([_other_tokens(old, new) for old, new in pairs], np.float64)
    return Differences(case.items, severity > 0, severity, similarity=1 - severity)


def _other_tokens(old: NDArray[np.float32], new: NDArray[np.float32]) -> float:
    """Normalized edit distance of two rows of token numbers, 0..1; 1 where the new one is no answer."""
    from rapidfuzz.distance import Levenshtein

    if not np.isfinite(new).all():
        return 1.0
    return float(Levenshtein.normalized_distance(old.ravel().tolist(), new.ravel().tolist()))


TASK = ProofTask(
    "text",
    "Texts",
    "the text is not the same, word for word",
    10,
    lambda case: case.old.answer_kind == "tokens",
    compare,
)
