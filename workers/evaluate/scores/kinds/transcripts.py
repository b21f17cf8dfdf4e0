"""Score transcripts of speech and writing: how many characters and words are wrong."""

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.wordings import edit_counts, scored_texts
from workers.evaluate.scores.base import Score, mean_draws, metric, score_by_reference

CER = metric(
    "cer", "Character error rate", "share of the characters that are wrong, missing or too many", higher_is_better=False
)
WER = metric("wer", "Word error rate", "share of the words that are wrong, missing or too many", higher_is_better=False)


def fits(case: Case) -> bool:
    """Return whether predictions are transcripts with decoded texts."""
    return case.old.answer_kind == "transcript" and case.old.texts is not None


def measure(case: Case) -> list[TaskScore]:
    """Return word and character error rates.

    The reference texts are the labels if known, otherwise the texts of the original. Texts are compared as they are
    written (jiwer's default). Items without a reference are left out.
    """
    old, new, right, against_labels = scored_texts(case)
    scores = []
    for kind, by_word in ((WER, True), (CER, False)) if right else ():
        counts = edit_counts(old, new, right, by_word=by_word)
        sums, draws = counts.sum(axis=0), mean_draws(counts, case.seed)
        values = float(sums[0] / sums[2]), float(sums[1] / sums[2])
        drawn = draws[:, 0] / draws[:, 2], draws[:, 1] / draws[:, 2]
        scores.append(score_by_reference(kind, "transcripts", len(right), values, drawn, against_labels))
    return scores


SCORE = Score("transcripts", 50, fits, measure)
