"""Vectors to search with: whether a search finds the same, and whether each vector points the same way once what all
have in common is taken away (anisotropy, arXiv 1909.00512)."""

import numpy as np

from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, Floats, ProofTask
from workers.evaluate.proof.predictions import Values
from workers.evaluate.proof.tasks.numbers import class_names

CENTERED_COSINE = 0.98
NEAREST_WITHIN = 3
NEIGHBORS, OVERLAP = 10, 0.7
GALLERY_SHARE, MOST_GALLERY, LEAST_GALLERY = 0.25, 500, 20
"""Items that are searched in and not judged, so that those that are judged stay independent."""


def compare(case: Case) -> Differences:
    """Calibrated on 600 texts (EVALUATION.md): BF16 changes 0, careful INT8 .003 to .008, noise of a tenth of the
    spread .002, of .3 of it .99, static INT8 1."""
    old, new = _stacked(case.answers("old")), _stacked(case.answers("new"), like=case.answers("old"))
    count = min(int(len(old) * GALLERY_SHARE), MOST_GALLERY)
    count = count if count >= LEAST_GALLERY else 0
    judged = slice(count, None)
    old, new = _unit(old), _unit(new)  # a search looks at directions
    center = old.mean(axis=0)
    a, b = _unit(old - center), _unit(new - center)
    cosine = (a * b).sum(axis=1)[judged]
    changed = ~(cosine >= CENTERED_COSINE)
    if count:
        before, after = a[judged] @ a[:count].T, b[judged] @ b[:count].T
        changed |= _finds_others(before, after)
    severity = np.nan_to_num(1 - cosine, nan=2.0)
    items = case.items[judged]
    names = class_names([case.data.test[i] for i in items])
    return Differences(items, changed, severity, similarity=np.clip(1 - severity, 0.0, 1.0), classes=names)


def _finds_others(before: Floats, after: Floats) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    """(n,) of similarities (n, gallery): the nearest is not among the three nearest now, or fewer than seven of the ten
    nearest are found again."""
    k = min(NEIGHBORS, before.shape[1])
    old, new = (np.argsort(-np.nan_to_num(part, nan=-2.0), axis=1, kind="stable")[:, :k] for part in (before, after))
    lost = ~(old[:, :1] == new[:, :NEAREST_WITHIN]).any(axis=1)
    shared = (old[:, :, None] == new[:, None, :]).any(axis=2).sum(axis=1)
    return np.asarray(lost | (shared < OVERLAP * k - 1e-9), np.bool_)


def _unit(values: Floats) -> Floats:
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(norms > 0, norms, 1.0), np.float64)


def _stacked(values: list[Values], like: list[Values] | None = None) -> Floats:
    """(n, width); rows of another shape, or without finite numbers, are NaN."""
    width = (like or values)[0].size
    rows = np.full((len(values), width), np.nan)
    for at, row in enumerate(values):
        if row.size == width and np.isfinite(row).all():
            rows[at] = row.reshape(-1)
    return rows


def _fits(case: Case) -> bool:
    shapes = {part.size for part in case.answers("old")}
    return case.old.answer_kind == "embedding" and len(shapes) == 1


TASK = ProofTask(
    "embedding",
    "Vectors to search with",
    "a search finds others, or the vector points elsewhere",
    order=40,
    fits=_fits,
    compare=compare,
)
