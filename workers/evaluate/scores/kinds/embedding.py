"""Score embeddings: do vectors point in the same direction, and does a search find the same (or the right) items?"""

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.similarity import cosine
from workers.evaluate.scores.base import Floats, Score, mean_draws, metric, score_by_labels, score_by_original
from workers.pipeline.alike.vectors import unit

K = 10
MOST_ITEMS = 2000
"""Each item is compared with every other one. If there are more items, only the first ones are used."""

LEAST_ITEMS = 3

COSINE = metric("cosine", "Same direction", "how alike both versions’ vectors are (cosine)")
NEIGHBOURS = metric("neighbours", "Same neighbors", "finds what a search with the original finds, among the first ten")
RECALL = metric("recall", "Finds the right ones", "finds what a search should find, among the first ten")


NDCG = metric("ndcg", "Right ones first", "how far up the right ones stand among the first ten (nDCG); 1 is all first")


def fits(case: Case) -> bool:
    """Return whether the model predicts embeddings."""
    return case.old.answer_kind == "embedding"


def measure(case: Case) -> list[TaskScore]:
    """Return the scores of a search, then the mean cosine.

    The search is scored by labels if items share some, and by what the original finds.
    """
    old, new = case.stacked("old"), case.stacked("new")
    if not np.isfinite([old, new]).all():
        return []
    alike = np.asarray([cosine(a, b) for a, b in case.pairs])
    direction = score_by_original(COSINE, "embeddings", len(alike), float(alike.mean()), mean_draws(alike, case.seed))
    return [*_searches(case, old[:MOST_ITEMS], new[:MOST_ITEMS]), direction]


def _searches(case: Case, old: Floats, new: Floats) -> list[TaskScore]:
    n = len(old)
    if n < LEAST_ITEMS:
        return []
    k = min(K, n - 1)
    found_old, found_new = nearest(old, k), nearest(new, k)
    groups = np.asarray([item.group for item in case.facts[:n]])
    by_old, by_new = search_scores(found_old, groups), search_scores(found_new, groups)
    counts = ~np.isnan(by_old[:, 0])
    scores = []
    if counts.sum() >= LEAST_ITEMS:
        for column, kind in enumerate((RECALL, NDCG)):
            a, b = by_old[counts, column], by_new[counts, column]
            values = (float(a.mean()), float(b.mean()))
            scores.append(score_by_labels(kind, "embeddings", len(a), values, mean_draws(b - a, case.seed)))
    shared = np.asarray([len(set(a) & set(b)) / k for a, b in zip(found_old.tolist(), found_new.tolist(), strict=True)])
    scores.append(score_by_original(NEIGHBOURS, "embeddings", n, float(shared.mean()), mean_draws(shared, case.seed)))
    return scores


def nearest(vectors: Floats, k: int) -> NDArray[np.int64]:
    """Return for each item the `k` items with the highest cosine, (n, k), the nearest first.

    The item itself is left out. Of equal ones the first counts first.
    """
    directions = unit(vectors)
    rows = []
    for start in range(0, len(directions), 256):
        similarity = directions[start : start + 256] @ directions.T
        similarity[np.arange(len(similarity)), np.arange(start, start + len(similarity))] = -np.inf
        rows.append(np.argsort(-similarity, axis=1, kind="stable")[:, :k])
    return np.concatenate(rows)


def search_scores(found: NDArray[np.int64], groups: NDArray[np.str_]) -> Floats:
    """Return recall and nDCG of each search, (n, 2).

    Recall is the share of the others in the item's group that was found; all count as found if k of them were found.
    nDCG is the discounted gain of the group members that were found, as a share of the best order's (Järvelin and
    Kekäläinen 2002). Both are NaN for items without a group, alone in their group, or in a group that holds all items.

    Args:
        found: The items that the search for each item finds (n, k), the nearest first.
        groups: Group of each item (n,); "" for none.
    """
    n, k = found.shape
    _, at, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    others = sizes[at] - 1
    hits = at[found] == at[:, None]
    best = np.clip(others, 1, k)  # at most k of the others can be found
    gains = 1 / np.log2(np.arange(2, k + 2))
    scores = np.stack([hits.sum(axis=1) / best, hits @ gains / np.cumsum(gains)[best - 1]], axis=1)
    known = (groups != "") & (others >= 1) & (others < n - 1)
    return np.where(known[:, None], scores, np.nan)


SCORE = Score("embedding", 20, fits, measure, gate=True)
