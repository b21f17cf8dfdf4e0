"""What models answer, and how right it is, by scikit-learn. No formula of Fettle's is imported here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]


def said(answer: Values, letters: Sequence[str]) -> str:
    """(moments, letters) of a CTC model → a text: the best of each moment, without repetitions and blanks (letter 0)."""
    text, before = "", 0
    for best in answer.argmax(axis=1).tolist():
        if best not in (before, 0):
            text += " " if letters[best] == "|" and " " not in letters else letters[best]
        before = best
    return " ".join(text.split())


def letters_in(model: Path) -> list[str]:
    """Of a text recognizer of PaddleOCR, whose file names one a line: the blank comes first, the space last."""
    import onnx

    told = {entry.key: entry.value for entry in onnx.load(str(model)).metadata_props}
    return ["", *told["character"].split("\n"), " "]


def right_classes(answers: Sequence[Values], labels: Sequence[tuple[int, ...]]) -> float:
    """Accuracy, where an example may have several right classes."""
    from sklearn.metrics import accuracy_score

    named = [int(answer.argmax()) for answer in answers]
    truth = [one if one in accepted else accepted[0] for one, accepted in zip(named, labels, strict=True)]
    return float(accuracy_score(truth, named))


def area_under_curve(answers: Sequence[Values], labels: Sequence[tuple[int, ...]]) -> float:
    """Over the moments (steps, 1) of all recordings that have a label (not −1)."""
    from sklearn.metrics import roc_auc_score

    scores, truth = np.concatenate([one[:, 0] for one in answers]), np.concatenate(labels)
    return float(roc_auc_score(truth[truth >= 0] > 0, scores[truth >= 0]))


def same_neighbors(old: Sequence[Values], new: Sequence[Values], count: int = 10) -> float:
    """Of the ten nearest of each vector among all others, the share that both models find."""
    from sklearn.neighbors import NearestNeighbors

    found = [
        NearestNeighbors(n_neighbors=count, metric="cosine").fit(np.stack(part)).kneighbors(return_distance=False)
        for part in (old, new)
    ]
    return float(np.mean([len({*a} & {*b}) / count for a, b in zip(*(rows.tolist() for rows in found), strict=True)]))


def cosine(old: Sequence[Values], new: Sequence[Values]) -> float:
    """The mean over vectors."""
    from sklearn.metrics.pairwise import paired_cosine_distances

    return float(1 - paired_cosine_distances(np.stack(old), np.stack(new)).mean())
