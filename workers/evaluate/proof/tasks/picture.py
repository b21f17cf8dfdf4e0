"""Judge pictures as results: would a person see the difference, anywhere in the picture?"""

import numpy as np

from workers.contracts.translation import _, mark
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, ProofTask
from workers.evaluate.proof.tasks.numbers import class_names
from workers.pipeline.alike.pictures import changed_pictures, ranges_of

CONSTANT = mark("The original gives the same value everywhere: these examples cannot prove pictures.")


def compare(case: Case) -> Differences:
    """Return the differences of two models that produce pictures.

    A picture changed if PSNR is below 30 dB, SSIM below .95, or a spot differs clearly. The range of values is the
    usual one of the original, or the picture's own if that is wider. Pictures of another size, or with NaN, changed.
    """
    old, new = case.answers("old"), case.answers("new")
    if not ranges_of(old)[:, 1].any():
        return Differences(case.items, np.ones(len(old), np.bool_), np.ones(len(old)), unseen=CONSTANT)
    changed, nearness = changed_pictures(old, new)
    loud, structure = nearness[:, 0], nearness[:, 1]
    severity = np.nan_to_num(10 ** (-loud / 20), nan=1.0)
    notes = [
        _("PSNR is {0:.1f} dB at least, SSIM {1:.3f}.").format(float(np.nanmin(loud)), float(np.nanmin(structure)))
    ]
    names = class_names(case.facts)
    return Differences(case.items, changed, severity, np.clip(structure, 0.0, 1.0), names, notes=notes)


TASK = ProofTask(
    "picture", order=17, fits=lambda case: case.old.answer_kind == "picture" and bool(len(case.items)), compare=compare
)
