"""Score embeddings: do vectors point in the same direction, and does a search find the same (or the right) items?"""

import numpy as np
from numpy.typing import NDArray

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.similarity import cosine
from workers.evaluate.scores.base import Floats, Score, alone, beside, mean_draws, metric, stacked

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
    old, new = stacked(case.answers("old")), stacked(case.answers("new"))
    if old is None or new is None or old.shape != new.shape or not len(old) or not np.isfinite(new).all():
        return []
    alike = np.asarray([cosine(a, b) for a, b in zip(case.answers("old"), case.answers("new"), strict=True)])
    direction = alone(COSINE, "embeddings", len(alike), float(alike.mean()), mean_draws(alike, case.seed))
    return [*_searches(case, old[:MOST_ITEMS], new[:MOST_ITEMS]), direction]


def _searches(case: Case, old: Floats, new: Floats) -> list[TaskScore]:
    n = len(old)
    if n < LEAST_ITEMS:
        return []
    k = min(K, n - 1)
    found_old, found_new = nearest(old, k), nearest(new, k)
    groups = np.asarray([item.group for item in case.facts[:n]])
    recall_old, recall_new = recall_at(found_old, groups), recall_at(found_new, groups)
    counts = ~np.isnan(recall_old)
    scores = []
    if counts.sum() >= LEAST_ITEMS:
        gains = (ndcg_at(found_old, groups), ndcg_at(found_new, groups))
        for words, pair in ((RECALL, (recall_old, recall_new)), (NDCG, gains)):
            a, b = (part[counts] for part in pair)
            values = (float(a.mean()), float(b.mean()))
            scores.append(beside(words, "embeddings", len(a), values, mean_draws(b - a, case.seed)))
    shared = np.asarray([len(set(a) & set(b)) / k for a, b in zip(found_old.tolist(), found_new.tolist(), strict=True)])
    scores.append(alone(NEIGHBOURS, "embeddings", n, float(shared.mean()), mean_draws(shared, case.seed)))
    return scores


def nearest(vectors: Floats, k: int) -> NDArray[np.int64]:
    """Return for each item the `k` items with the highest cosine, (n, k), the nearest first.

    The item itself is left out. Of equal ones the first counts first.
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(norms > 0, norms, 1.0)
    rows = []
    for start in range(0, len(unit), 256):
        similarity = unit[start : start + 256] @ unit.T
        similarity[np.arange(len(similarity)), np.arange(start, start + len(similarity))] = -np.inf
        rows.append(np.argsort(-similarity, axis=1, kind="stable")[:, :k])
    return np.concatenate(rows)


def recall_at(found: NDArray[np.int64], groups: NDArray[np.str_]) -> Floats:
    """Return for each item which share of the others in its group was found, (n,).

    All count as found if k of them were found. NaN for items without a group, alone in their group, or in a group that
    holds all items.
    """
    shares = np.full(len(groups), np.nan)
    for index, group in enumerate(groups.tolist()):
        others = int((groups == group).sum()) - 1
        if not group or others < 1 or others == len(groups) - 1:
            continue
        hits = int((groups[found[index]] == group).sum())
        shares[index] = hits / min(others, found.shape[1])
    return shares


def ndcg_at(found: NDArray[np.int64], groups: NDArray[np.str_]) -> Floats:
    """Return nDCG (n,): the discounted gain of the group members that were found, as a share of the best order's.

    Method: Järvelin and Kekäläinen 2002. NaN for the same items as in `recall_at`.
    """
    gains = 1 / np.log2(np.arange(2, found.shape[1] + 2))
    values = np.full(len(groups), np.nan)
    for index, group in enumerate(groups.tolist()):
        others = int((groups == group).sum()) - 1
        if group and 1 <= others < len(groups) - 1:
            best = gains[: min(others, len(gains))].sum()
            values[index] = gains[groups[found[index]] == group].sum() / best
    return values


SCORE = Score("embedding", "Embeddings", "numpy", 20, fits, measure, gate=True)
