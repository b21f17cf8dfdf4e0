"""Correlation of similarities with ratings compared with SciPy, and verdicts by it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.judge import judge
from workers.evaluate.proof.case import case_of
from workers.evaluate.scores.kinds import sentence_pairs

Make = Callable[..., Any]
Array = np.ndarray[Any, Any]


def pairs(n: int, noise: float, seed: int = 0) -> tuple[list[Item], Array, Array, Array]:
    """Items of n pairs, their vectors, the similarity of each pair, and the ratings of people (similarity with noise, in
    whole numbers, so that there are ties)."""
    rng = np.random.default_rng(seed)
    first, other = rng.normal(size=(2, n, 24))
    share = rng.random((n, 1))
    second = share * first + (1 - share) * other
    alike = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    ratings = np.round(5 * (alike + noise * rng.normal(size=n)))
    items = [Item(f"{k}.{h}", "x", pairs=((f"row {k}", float(ratings[k])),)) for h in range(2) for k in range(n)]
    return items, np.concatenate([first, second]).astype(np.float32), alike, ratings


def data_of(items: list[Item]) -> DataSet:
    return DataSet("texts", "person", test=tuple(items))


def test_correlations_are_scipys(answers_of: Make) -> None:
    """Given pairs with ties, Then both correlations are SciPy's; pairs with a half missing are left out."""
    items, vectors, alike, ratings = pairs(200, 0.2)
    worse = vectors + np.random.default_rng(1).normal(0, 0.7, vectors.shape).astype(np.float32)
    items = [*items, Item("alone", "x", pairs=(("row 999", 3.0),))]
    old, new = (answers_of([*rows, np.ones(24)], "embedding") for rows in (vectors, worse))
    spearman, pearson = sentence_pairs.measure(case_of(data_of(items), old, new))
    assert spearman.n == 200
    assert spearman.original == pytest.approx(spearmanr(alike, ratings).statistic, abs=1e-6)
    assert pearson.original == pytest.approx(pearsonr(alike, ratings).statistic, abs=1e-6)
    assert spearman.low is not None and spearman.high is not None
    assert spearman.low <= spearman.optimized - spearman.original <= spearman.high < 0


def test_proven_loss_of_correlation_is_regressed(answers_of: Make) -> None:
    """Given vectors that lost their order, Then the judgement is regressed and names the correlation; the same vectors
    lose nothing."""
    items, vectors, _, _ = pairs(400, 0.1)
    data = data_of(items)
    worse = vectors + np.random.default_rng(1).normal(0, 0.7, vectors.shape).astype(np.float32)
    old, bad = (answers_of(list(rows), "embedding") for rows in (vectors, worse))
    found = judge(data, old, bad, 1.0)
    assert found.verdict == "regressed" and any("Spearman" in note for note in found.notes)
    same = judge(data, old, old, 1.0)
    assert same.verdict == "safe" and same.scores[0].id == "spearman" and same.scores[0].low == same.scores[0].high == 0


def test_few_or_equal_ratings_give_no_score(answers_of: Make) -> None:
    """Given nine pairs, or ratings that are all the same, Then there is no score."""
    items, vectors, _, _ = pairs(9, 0.1)
    answers = answers_of(list(vectors), "embedding")
    assert sentence_pairs.measure(case_of(data_of(items), answers, answers)) == []
    items, vectors, _, _ = pairs(30, 0.1)
    flat = [Item(item.source, "x", pairs=((item.pairs[0][0], 2.0),)) for item in items]
    answers = answers_of(list(vectors), "embedding")
    assert sentence_pairs.measure(case_of(data_of(flat), answers, answers)) == []
