"""Score translations and summaries: how similar they are to the reference texts, or to the original's texts.

sacrebleu and torchmetrics give no counts by item, which the paired bootstrap needs. Tests compare the values with them.
"""

import numpy as np

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.bleu import BLEU_ORDER, bleu_counts, bleu_of
from workers.evaluate.proof.comparing.chrf import chrf_counts, chrf_of
from workers.evaluate.proof.comparing.wordings import references, rouge_l
from workers.evaluate.scores.base import Score, Words, alone, beside, mean_draws

CHRF = Words("chrf", "chrF", "characters in common with the right texts, 0 to 100", "number")
BLEU = Words("bleu", "BLEU", "runs of words in common with the right texts, 0 to 100", "number")
ROUGE_L = Words("rouge_l", "ROUGE-L", "words in common with the right texts, in their order")


def fits(case: Case) -> bool:
    """Return whether predictions are decoded texts."""
    return case.old.answer_kind == "tokens" and case.old.texts is not None and bool(len(case.items))


def measure(case: Case) -> list[TaskScore]:
    """Return chrF and BLEU of all texts together (sacrebleu's corpus scores), and ROUGE-L as the mean over texts.

    BLEU is left out if no reference has a run of four words, because it is 0 then for every prediction.
    """
    truth = references(case)
    at = [i for i, text in enumerate(truth or case.texts("old")) if text.strip()]
    if not at:
        return []
    right = [(truth or case.texts("old"))[i] for i in at]
    old, new = ([case.texts(which)[i] for i in at] for which in ("old", "new"))
    counts = np.hstack([chrf_counts(texts, right) for texts in (old, new)])
    half = counts.shape[1] // 2
    draws = mean_draws(counts, case.seed)
    drawn = chrf_of(draws[:, :half]), chrf_of(draws[:, half:])
    whole = [float(chrf_of(part)) for part in np.split(counts.sum(axis=0), 2)]
    runs = np.hstack([bleu_counts(texts, right) for texts in (old, new)])
    width = runs.shape[1] // 2
    resampled = mean_draws(runs, case.seed) * len(at)  # sums, since zero counts are smoothed by the size of a corpus
    drawn_runs = bleu_of(resampled[:, :width]), bleu_of(resampled[:, width:])
    bleus = [float(bleu_of(part)) for part in np.split(runs.sum(axis=0), 2)]
    has_bleu = bool((runs[:, width - 1] >= BLEU_ORDER).any())
    shares = np.asarray([[rouge_l(a, r), rouge_l(b, r)] for a, b, r in zip(old, new, right, strict=True)])
    mean, means = shares.mean(axis=0), mean_draws(shares, case.seed)
    if truth is None:
        first = alone(CHRF, "texts", len(at), whole[1], drawn[1])
        second = alone(BLEU, "texts", len(at), bleus[1], drawn_runs[1])
        third = alone(ROUGE_L, "texts", len(at), float(mean[1]), means[:, 1])
        return [first, second, third] if has_bleu else [first, third]
    first = beside(CHRF, "texts", len(at), (whole[0], whole[1]), drawn[1] - drawn[0])
    second = beside(BLEU, "texts", len(at), (bleus[0], bleus[1]), drawn_runs[1] - drawn_runs[0])
    pair = float(mean[0]), float(mean[1])
    third = beside(ROUGE_L, "texts", len(at), pair, means[:, 1] - means[:, 0])
    return [first, second, third] if has_bleu else [first, third]


SCORE = Score("generated-texts", "Generated texts", "numpy and rapidfuzz", 55, fits, measure)
