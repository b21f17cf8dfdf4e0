"""Models that write down what was said or what stands in a picture: is it still the same text?"""

import numpy as np

from workers.evaluate.proof.case import Case
from workers.evaluate.proof.differences import Differences, Loss, ProofTask
from workers.evaluate.proof.wordings import (
    character_distance,
    edit_counts,
    part_missing,
    references,
    text_loss,
    tidy,
    turned_round,
)

MOST_OTHER = 0.05
"""Share of characters. One wrong letter in a sentence of 60 is .017; a wrong word in ten is .06 and more."""


def compare(case: Case) -> Differences:
    """Items are those where either reads anything: silence proves nothing.

    A transcript changed where more than a twentieth of its characters are others, or a number, a negation, two words in
    a row or the last word (a recording that is cut loses a small share only).
    """
    pairs = list(zip(case.texts("old"), case.texts("new"), strict=True))
    said = np.asarray([bool(tidy(old) or tidy(new)) for old, new in pairs], np.bool_)
    kept = [pair for pair, counts in zip(pairs, said, strict=True) if counts]
    severity = np.asarray([character_distance(old, new) for old, new in kept], np.float64)
    changed = np.asarray([tidy(old) != tidy(new) and is_other(old, new) for old, new in kept], np.bool_)
    same = sum(tidy(old) == tidy(new) for old, new in kept)
    unseen = ""
    if not any(tidy(old) for old, _ in pairs):
        unseen = f"No word in {len(pairs):,} inputs: these examples cannot prove a transcript."
    return Differences(
        case.items[said],
        changed,
        severity,
        similarity=1 - severity,
        loss=_loss(case),
        notes=[f"{same:,} of {len(kept):,} transcripts are the same letter for letter."] if same < len(kept) else [],
        unseen=unseen,
    )


def _loss(case: Case) -> Loss | None:
    """Word accuracy, 1 − WER, by what was said where it is known."""
    truth = references(case)
    if truth is None:
        return None
    counts = edit_counts(case.texts("old"), case.texts("new"), truth, by_word=True)
    counts[[not text for text in truth]] = np.nan
    return text_loss(case, counts, lambda sums: (1 - sums[:, 0] / sums[:, 2], 1 - sums[:, 1] / sums[:, 2]))


def is_other(old: str, new: str) -> bool:
    """Whether a reader would say that it is another text."""
    return character_distance(old, new) > MOST_OTHER or turned_round(old, new) or part_missing(old, new)


TASK = ProofTask(
    "transcript",
    "Transcripts",
    "more than a twentieth of its letters, a number, a negation or its end is another",
    order=11,
    fits=lambda case: (
        case.old.answer_kind == "transcript" and case.old.texts is not None and case.new.texts is not None
    ),
    compare=compare,
)
