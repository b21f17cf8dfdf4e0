"""Score regression: how far predictions are from the reference numbers."""

import math

import numpy as np

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.tasks.numbers import are_own_results, has_target
from workers.evaluate.scores.base import DRAWS, Floats, Score, mean_draws, metric, score_by_labels

TAIL = 0.9

MAE = metric("mae", "Mean error", "how far answers are from the right number", "number", higher_is_better=False)
RMSE = metric("rmse", "Error, large ones count more", "the root of the mean squared error", "number", False)
P90 = metric("p90_error", "Error of the worst tenth", "the size that nine of ten errors stay below", "number", False)
R2 = metric("r2", "Explained spread (R²)", "how much of the spread of the right numbers is met; 1 is all", "number")


def fits(case: Case) -> bool:
    """Return whether reference numbers are known, as many as the model predicts, and not its own results."""
    return case.old.answer_kind == "tensor" and bool(has_target(case).any()) and not are_own_results(case)


def measure(case: Case) -> list[TaskScore]:
    """Return MAE, then RMSE, R² and the error of the worst tenth."""
    case = case.only(has_target(case))
    targets = [item.target for item in case.facts]
    old, new = case.stacked("old"), case.stacked("new")
    if len(set(map(len, targets))) != 1 or not np.isfinite([old, new]).all():
        return []
    truth = np.asarray(targets, np.float64)
    before, after = errors_of(truth, old), errors_of(truth, new)
    rows = zip((MAE, RMSE, R2), before, after, _draws(truth, old, new, case.seed), strict=True)
    scores = [
        score_by_labels(kind, "regression", len(truth), (a, b), draws)
        for kind, a, b, draws in rows
        if math.isfinite(a) and math.isfinite(b)
    ]
    sizes = [np.abs(answers - truth).max(axis=1) for answers in (old, new)]
    value, draws = _quantiles(sizes[0], sizes[1], case.seed)
    return [*scores, score_by_labels(P90, "regression", len(truth), value, draws)]


def _quantiles(old: Floats, new: Floats, seed: int) -> tuple[tuple[float, float], Floats]:
    """Return the 90th percentile of both models' errors (n,), and resampled differences of it."""
    rng, n = np.random.default_rng(seed), len(old)
    draws = [np.diff(np.quantile([old[at], new[at]], TAIL, axis=1))[0] for at in rng.integers(n, size=(DRAWS, n))]
    before, after = np.quantile([old, new], TAIL, axis=1)
    return (float(before), float(after)), np.asarray(draws, np.float64)


def errors_of(truth: Floats, answers: Floats) -> tuple[float, float, float]:
    """Return MAE, RMSE and R² of arrays (n, columns), each the mean over columns.

    R² is NaN if a column of `truth` has no spread.
    """
    difference, spread = answers - truth, truth.var(axis=0)
    square = np.square(difference).mean(axis=0)
    explained = float((1 - square / spread).mean()) if len(truth) >= 2 and (spread > 0).all() else math.nan
    return float(np.abs(difference).mean()), float(np.sqrt(square).mean()), explained


def _draws(truth: Floats, old: Floats, new: Floats, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return resampled differences of MAE, RMSE and R² (means over columns, as in scikit-learn), from sums of items."""
    k = truth.shape[1]
    centered = truth - truth.mean(axis=0)  # the squares of large numbers leave no digits for their spread
    columns = [np.abs(old - truth), np.abs(new - truth), (old - truth) ** 2, (new - truth) ** 2]
    columns += [centered, centered**2]
    means = mean_draws(np.hstack(columns), seed).reshape(-1, 6, k)
    absolute = (means[:, 1] - means[:, 0]).mean(axis=1)
    root = np.sqrt(means[:, 3]).mean(axis=1) - np.sqrt(means[:, 2]).mean(axis=1)
    spread = means[:, 5] - means[:, 4] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = ((means[:, 2] - means[:, 3]) / np.where(spread > 0, spread, np.nan)).mean(axis=1)
    return absolute, root, explained


SCORE = Score("regression", 30, fits, measure, gate=True)
