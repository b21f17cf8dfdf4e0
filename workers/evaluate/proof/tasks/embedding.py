"""Judge embeddings: does a search find the same, and does each vector point in the same direction?

Directions are compared after the common part of all vectors is removed (anisotropy, arXiv 1909.00512).
"""

import numpy as np

from workers.contracts.translation import _, mark
from workers.evaluate.proof.case import Case, stacked
from workers.evaluate.proof.differences import Differences, Floats, ProofTask
from workers.evaluate.proof.tasks.numbers import class_names
from workers.pipeline.alike.vectors import CENTERED_COSINE, centered, finds_others, other_length, unit

LEAST_GALLERY = 20
GALLERY_SHARE, MOST_GALLERY = 0.25, 500
"""Without calibration items, this share of the test items is the gallery of the search and is not judged, so that the
judged items stay independent.
"""

SEARCHED = mark("{0:,} of the {1:,} examples were searched in, so that the other {2:,} could be judged.")


def compare(case: Case) -> Differences:
    """Return the differences of two embedders: a search finds others, or a vector points elsewhere.

    The gallery are the calibration items, so that all test items are judged. Calibrated on MiniLM-L6 with 1,000 short
    texts and a gallery of 200. Share changed / centered cosine: FP32 in another engine, BF16 and FP16 0 / 1.0000; INT8
    by NNCF for transformers .005 to .007 / .9960; dynamic INT8 .027 / .9912; noise of a tenth of the spread .003 /
    .9950, of .3 of it 1 / .9576; static INT8 1 / .78, with SmoothQuant 1 / .77.
    """
    old, new = case.stacked("old"), case.stacked("new")
    gallery_old, gallery_new, judged = _gallery(case, old, new)
    center = unit(np.concatenate([gallery_old, old])).mean(axis=0)  # A search compares directions only.
    a, b = centered(old[judged], center), centered(new[judged], center)
    cosine = (a * b).sum(axis=1)
    changed = ~(cosine >= CENTERED_COSINE) | other_length(old[judged], new[judged])
    if len(gallery_old):
        before, after = a @ centered(gallery_old, center).T, b @ centered(gallery_new, center).T
        changed |= finds_others(before, after)
    severity = np.nan_to_num(1 - cosine, nan=2.0)
    items = case.items[judged]
    names = class_names(case.facts[judged])
    similarity = np.clip(1 - severity, 0.0, 1.0)
    searched = tuple(case.items[: len(case.items) - len(items)].tolist())
    notes = (_(SEARCHED).format(len(searched), len(case.items), len(items)),) if searched else ()
    return Differences(items, changed, severity, similarity, names, notes=notes, searched=searched)


def _gallery(case: Case, old: Floats, new: Floats) -> tuple[Floats, Floats, slice]:
    """Return both models' gallery vectors (k, width), and which of the items are judged."""
    kept = min(len(case.old.gallery), len(case.new.gallery))
    if kept >= LEAST_GALLERY:
        before, after = (stacked(one.gallery[:kept], old.shape[1]) for one in (case.old, case.new))
        whole = np.isfinite(before).all(axis=1)
        return before[whole], after[whole], slice(0, None)
    count = min(int(len(old) * GALLERY_SHARE), MOST_GALLERY)
    count = count if count >= LEAST_GALLERY else 0
    return old[:count], new[:count], slice(count, None)


def _fits(case: Case) -> bool:
    shapes = {part.size for part in case.answers("old")}
    return case.old.answer_kind == "embedding" and len(shapes) == 1


TASK = ProofTask("embedding", order=40, fits=_fits, compare=compare)
