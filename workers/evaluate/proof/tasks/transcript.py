"""Judge models that transcribe speech or read text in pictures: is it still the same text?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import _, mark
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.wordings import (
    character_distance,
    compare_texts,
    edit_counts,
    form_lost,
    meaning_changed,
    text_loss,
    tidy,
    words_missing,
)
from workers.evaluate.proof.differences import Differences, Loss, ProofTask

MOST_OTHER = 0.05
"""Share of characters that may differ. One wrong letter in a sentence of 60 is .017; a wrong word in ten is .06 and
more.
"""


def compare(case: Case) -> Differences:
    """Return the differences of two models.

    Items are those where either reads any text, because silence proves nothing. A transcript changed if more than a
    twentieth of its characters differ. It also changed if a number, a negation, a name, two words in a row, or the
    first or the last word differ, because a cut recording loses a small share only.
    """
    return compare_texts(
        case, severity_of, is_other, _("{0:,} of {1:,} transcripts are the same letter for letter."),
        _("No word in {0:,} inputs: these examples cannot prove a transcript."), _loss(case),
    )  # fmt: skip


def _loss(case: Case) -> tuple[Loss | None, list[str]]:
    """Return the loss of word accuracy, 1 − WER, by the references, if known."""

    def count(truth: Sequence[str]) -> NDArray[np.float64]:
        old, new, right = ([tidy(text) for text in texts] for texts in (case.texts("old"), case.texts("new"), truth))
        return edit_counts(old, new, right, by_word=True)

    return text_loss(case, count, lambda sums: (1 - sums[:, 0] / sums[:, 2], 1 - sums[:, 1] / sums[:, 2]))


def severity_of(old: Sequence[str], new: Sequence[str]) -> NDArray[np.float64]:
    """Return the share of characters that differ, (n,), 0..1."""
    return np.asarray([*map(character_distance, old, new)], np.float64)


def is_other(old: str, new: str, severity: float) -> bool:
    """Return whether a reader would call it a different text; `severity` is the share of characters that differ."""
    return severity > MOST_OTHER or meaning_changed(old, new) or words_missing(old, new) or form_lost(old, new)


def _fits(case: Case) -> bool:
    return case.old.answer_kind == "transcript" and case.old.texts is not None and case.new.texts is not None


TASK = ProofTask(
    "transcript", order=11, fits=_fits, compare=compare,
    empty=mark("{0:,} of {1:,} examples do not count: neither model reads anything in them."),
)  # fmt: skip
