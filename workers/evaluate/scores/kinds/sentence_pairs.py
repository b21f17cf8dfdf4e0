"""Score embeddings by pairs of texts that people rated: do similarities of vectors follow the ratings?

Spearman's correlation of cosine similarities is the usual comparison of sentence embedders (Cer et al. 2017, S17-2001;
Reimers et al. 2016, C16-1009, on why rank correlation). Pearson's correlation is reported as well.
"""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.similarity import cosine
from workers.evaluate.scores.base import DRAWS, Floats, Score, metric, score_by_labels

LEAST_PAIRS = 10
SPEARMAN = metric(
    "spearman", "Alike as people say (Spearman)", "how well similarities order the pairs as people do; 1 is the same"
)
PEARSON = metric("pearson", "Alike as people say (Pearson)", "the same for the sizes of the similarities")


def fits(case: Case) -> bool:
    """Return whether the model predicts embeddings and items have rated pairs."""
    return case.old.answer_kind == "embedding" and any(item.pairs for item in case.facts)


def measure(case: Case) -> list[TaskScore]:
    """Return both correlations over all pairs of which both texts are in the test set. Pairs are resampled."""
    members: dict[str, list[int]] = defaultdict(list)
    ratings: dict[str, float] = {}
    for at, item in enumerate(case.facts):
        for row, value in item.pairs:
            members[row].append(at)
            ratings[row] = value
    rows = [row for row, both in members.items() if len(both) == 2]
    if len(rows) < LEAST_PAIRS:
        return []
    truth = np.asarray([ratings[row] for row in rows], np.float64)
    alike = [
        np.asarray([cosine(values[members[row][0]], values[members[row][1]]) for row in rows], np.float64)
        for values in (case.answers("old"), case.answers("new"))
    ]
    drawn_rows = np.random.default_rng(case.seed).integers(len(rows), size=(DRAWS, len(rows)))
    scores = []
    for kind, prepared in ((SPEARMAN, _ranks), (PEARSON, np.asarray)):
        old, new = (correlation(prepared(part[None]), prepared(truth[None])) for part in alike)
        drawn = [correlation(prepared(part[drawn_rows]), prepared(truth[drawn_rows])) for part in alike]
        if np.isfinite([old[0], new[0]]).all():
            pair = float(old[0]), float(new[0])
            scores.append(score_by_labels(kind, "embeddings", len(rows), pair, drawn[1] - drawn[0]))
    return scores


def _ranks(values: Floats) -> Floats:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, axis=1), np.float64)


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> Floats:
    """Return Pearson's correlation of rows (k, n), (k,); NaN where one has no spread."""
    a, b = (part - part.mean(axis=1, keepdims=True) for part in (a, b))
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.asarray(np.divide((a * b).sum(axis=1), scale, out=np.full(len(a), np.nan), where=scale > 1e-12))


SCORE = Score("sentence-pairs", 19, fits, measure, gate=True)
