"""Score translations and summaries: how similar they are to the reference texts, or to the original's texts.

sacrebleu and torchmetrics give no counts by item, which the paired bootstrap needs. Tests compare the values with them.
"""

import numpy as np

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.bleu import BLEU_ORDER, bleu_counts, bleu_of
from workers.evaluate.proof.comparing.chrf import chrf_counts, chrf_of
from workers.evaluate.proof.comparing.wordings import rouge_l, scored_texts
from workers.evaluate.scores.base import Score, mean_draws, metric, score_by_reference

CHRF = metric("chrf", "chrF", "characters in common with the right texts, 0 to 100", "number")
BLEU = metric("bleu", "BLEU", "runs of words in common with the right texts, 0 to 100", "number")
ROUGE_L = metric("rouge_l", "ROUGE-L", "words in common with the right texts, in their order")


def fits(case: Case) -> bool:
    """Return whether predictions are decoded texts."""
    return case.old.answer_kind == "tokens" and case.old.texts is not None


def measure(case: Case) -> list[TaskScore]:
    """Return chrF and BLEU of all texts together (sacrebleu's corpus scores), and ROUGE-L as the mean over texts.

    BLEU is left out if no reference has a run of four words, because it is 0 then for every prediction.
    """
    old, new, right, against_labels = scored_texts(case)
    if not right:
        return []
    found = []
    for kind, counted, of in ((CHRF, chrf_counts, chrf_of), (BLEU, bleu_counts, bleu_of)):
        counts = np.hstack([counted(texts, right) for texts in (old, new)])
        if kind is BLEU and not (counts[:, counts.shape[1] // 2 - 1] >= BLEU_ORDER).any():
            continue
        sums = mean_draws(counts, case.seed) * len(right)  # zero counts are smoothed by the size of a corpus
        whole, drawn = np.split(counts.sum(axis=0), 2), np.split(sums, 2, axis=1)
        found.append((kind, (float(of(whole[0])), float(of(whole[1]))), (of(drawn[0]), of(drawn[1]))))
    shares = np.asarray([[rouge_l(a, r), rouge_l(b, r)] for a, b, r in zip(old, new, right, strict=True)])
    mean, means = shares.mean(axis=0), mean_draws(shares, case.seed)
    found.append((ROUGE_L, (float(mean[0]), float(mean[1])), (means[:, 0], means[:, 1])))
    return [
        score_by_reference(kind, "texts", len(right), values, drawn, against_labels) for kind, values, drawn in found
    ]


SCORE = Score("generated-texts", 55, fits, measure)
