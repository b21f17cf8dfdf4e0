"""Judge models that produce texts (translations, summaries): would a reader notice a different text?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import _
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.chrf import chrf, chrf_counts, chrf_of
from workers.evaluate.proof.comparing.wordings import (
    compare_texts,
    form_lost,
    meaning_changed,
    text_loss,
    tidy,
    word_distance,
)
from workers.evaluate.proof.differences import Differences, Loss, ProofTask

END_MARKS = " .!?…。！？"
"""These marks at the end are one letter of forty in each text. A version that lost them left six of 100 draws undecided
by chrF alone.
"""

LEAST_CHRF = 85.0
MOST_OTHER_WORDS = 0.05
"""Every tenth word wrong leaves chrF at about 85, so half of such texts would pass by chrF alone. Different white space
or another form of the same letters is 0 by both measures.
"""


def compare(case: Case) -> Differences:
    """Return the differences of two models that produce texts.

    A text changed if its chrF against the original's text is below 85, if more than a twentieth of its words differ, if
    a number, a negation or a name differs, or if all capitals or marks are lost. If texts are unknown (older
    predictions), every different token is a change.
    """
    if case.old.texts is None or case.new.texts is None:
        return _by_tokens(case)
    return compare_texts(
        case, severity_of, is_other, _("{0:,} of {1:,} texts are the same word for word."),
        _("No text in {0:,} answers: these cannot prove it."), _loss(case),
    )  # fmt: skip


def _loss(case: Case) -> tuple[Loss | None, list[str]]:
    """Return the loss of chrF of all texts together, by the references, if known."""

    def count(truth: Sequence[str]) -> NDArray[np.float64]:
        right = _without_end(truth)
        return np.hstack([chrf_counts(_without_end(case.texts(which)), right) for which in ("old", "new")])

    return text_loss(case, count, lambda sums: (chrf_of(sums[:, :18]) / 100, chrf_of(sums[:, 18:]) / 100))


def _without_end(texts: Sequence[str]) -> list[str]:
    """Return the texts without punctuation at the end, which all texts have or lack alike."""
    return [tidy(text).rstrip(END_MARKS) for text in texts]


def severity_of(old: Sequence[str], new: Sequence[str]) -> NDArray[np.float64]:
    """Return the distance of each text from a chrF of 100, (n,), 0..1."""
    return 1 - chrf(new, old) / 100


def is_other(old: str, new: str, severity: float) -> bool:
    """Return whether a reader would call it a different text; `severity` is the distance of the two texts."""
    far = 100 * (1 - severity) < LEAST_CHRF or word_distance(old, new) > MOST_OTHER_WORDS
    return far or meaning_changed(old, new) or form_lost(old, new)


def _by_tokens(case: Case) -> Differences:
    severity = np.asarray([_other_tokens(old, new) for old, new in case.pairs], np.float64)
    return Differences(case.items, severity > 0, severity, similarity=1 - severity)


def _other_tokens(old: NDArray[np.float32], new: NDArray[np.float32]) -> float:
    """Return the normalized edit distance of two rows of tokens, 0..1; 1 if the new one is not finite."""
    from rapidfuzz.distance import Levenshtein

    if not np.isfinite(new).all():
        return 1.0
    return float(Levenshtein.normalized_distance(old.ravel().tolist(), new.ravel().tolist()))


TASK = ProofTask("text", order=10, fits=lambda case: case.old.answer_kind == "tokens", compare=compare)
