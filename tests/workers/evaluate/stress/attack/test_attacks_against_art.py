"""Our attacks and those of the Adversarial Robustness Toolbox succeed equally often, within three points.

Inputs, eps and queries (or steps) are the same; only the random numbers differ.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from presets.sample import sample_paths
from workers.evaluate.stress.attack.attacks import pgd_attack
from workers.evaluate.stress.attack.square import margin_of, share_at, square_attack

POINTS = 0.03
Scores = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Ignore the warnings of the toolbox's imports about their environment."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def pictures(count: int) -> tuple[np.ndarray, np.ndarray]:
    with np.load(sample_paths().data) as stored:
        x = stored["x"][:count].astype(np.float32) / 255
        return x[:, None], stored["y"][:count].astype(np.int64)


@pytest.fixture(scope="module")
def small_model() -> Any:
    """Train a small torch model on the sample's pictures."""
    import torch

    torch.manual_seed(0)
    x, y = pictures(1400)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 48), torch.nn.ReLU(), torch.nn.Linear(48, 10))
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for _ in range(120):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y)).backward()
        optimizer.step()
    return model.eval()


def scores_of(model: Any) -> Scores:
    import torch

    def scores(values: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(model(torch.from_numpy(np.asarray(values, np.float32))).numpy())

    return scores


def right_pictures(scores: Scores, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return at most `count` pictures that the model predicts rightly, and their classes."""
    x, y = pictures(1400)
    right = scores(x).argmax(axis=1) == y
    return x[right][:count], y[right][:count]


@pytest.mark.whole
def test_square_attack_succeeds_as_often_as_arts(small_model: Any) -> None:
    """Given pictures that a small model predicts rightly, when both attack with the same eps and queries, then the shares
    of fooled inputs differ by at most three points, and every change stays within eps."""
    from art.attacks.evasion import SquareAttack
    from art.estimators.classification import BlackBoxClassifierNeuralNetwork

    scores, eps, queries = scores_of(small_model), 0.1, 60
    x, y = right_pictures(scores, 600)
    oracle = BlackBoxClassifierNeuralNetwork(scores, (1, 28, 28), 10, clip_values=(0.0, 1.0))
    shares = []
    for seed in range(2):
        ours, fooled = square_attack(lambda units, _rows: scores(units), x, y, eps, queries, seed, lambda: None)
        assert np.abs(ours - x).max() <= eps + 1e-6 and ours.min() >= 0 and ours.max() <= 1
        assert np.array_equal(scores(ours).argmax(axis=1) != y, fooled)
        np.random.seed(seed)
        attack = SquareAttack(  # its first request is not counted as an iteration
            oracle, norm=np.inf, eps=eps, max_iter=queries - 1, nb_restarts=1, batch_size=len(x), verbose=False
        )
        theirs = attack.generate(x, np.eye(10, dtype=np.float32)[y])
        shares.append((fooled.mean(), (scores(theirs).argmax(axis=1) != y).mean()))
    share, art_share = np.mean(shares, axis=0)
    assert 0.1 < art_share < 0.9, "the budget separates attacks"
    assert abs(share - art_share) <= POINTS, (share, art_share)


def test_gradient_attack_succeeds_as_often_as_arts(small_model: Any) -> None:
    """Given a small torch model, when both run PGD with the same eps and steps, then the shares of fooled inputs differ by
    at most three points."""
    import torch
    from art.attacks.evasion import ProjectedGradientDescent
    from art.estimators.classification import PyTorchClassifier

    scores = scores_of(small_model)
    x, y = right_pictures(scores, 500)
    eps, steps = 0.03, 10
    ours = pgd_attack(small_model, x, y, eps, steps, 0, lambda: None)
    loss = torch.nn.CrossEntropyLoss()
    classifier = PyTorchClassifier(small_model, loss, (1, 28, 28), 10, clip_values=(0.0, 1.0), device_type="cpu")
    np.random.seed(0)
    attack = ProjectedGradientDescent(
        classifier, np.inf, eps, eps_step=2.5 * eps / steps, max_iter=steps, num_random_init=1, batch_size=500,
        verbose=False,
    )  # fmt: skip
    theirs = attack.generate(x, np.eye(10, dtype=np.float32)[y])
    share = (margin_of(scores(ours), y) <= 0).mean()
    art_share = (scores(theirs).argmax(axis=1) != y).mean()
    assert 0.1 < art_share < 0.95, "the budget separates attacks"
    assert abs(share - art_share) <= POINTS, (share, art_share)
    assert np.abs(ours - x).max() <= eps + 1e-6 and ours.min() >= 0 and ours.max() <= 1


def test_square_attack_keeps_its_budget_and_schedule() -> None:
    """Given a model that nothing fools, then each input is predicted once unchanged and once for each query, squares shrink
    by the paper's schedule, and cancellation is checked between requests."""
    requested: list[int] = []
    stopped: list[int] = []

    def stubborn(units: np.ndarray, rows: np.ndarray) -> np.ndarray:
        requested.append(len(units))
        return np.tile(np.asarray([1.0, 0.0], np.float32), (len(units), 1))

    x = np.full((3, 1, 8, 8), 0.5, np.float32)
    _, fooled = square_attack(stubborn, x, np.zeros(3, np.int64), 0.1, 40, 0, lambda: stopped.append(1))
    assert not fooled.any() and sum(requested) == 3 * 41 and len(stopped) == 41
    assert share_at(0, 10_000) == 0.8 and share_at(60, 10_000) == 0.2 and share_at(9_000, 10_000) == 0.8 / 512


def test_square_attack_stops_at_fooled_inputs_and_restarts_others() -> None:
    """Given inputs of which one is fooled at once, then only the other gets further queries and a second start."""
    counts = np.zeros(2, int)

    def scores(units: np.ndarray, rows: np.ndarray) -> np.ndarray:
        counts[rows] += 1
        won = np.where(rows == 0, -1.0, 1.0)
        return np.stack([won, np.zeros(len(rows))], axis=1).astype(np.float32)

    x = np.full((2, 1, 6, 6), 0.5, np.float32)
    _, fooled = square_attack(scores, x, np.zeros(2, np.int64), 0.1, 10, 0, lambda: None, restarts=2)
    assert fooled.tolist() == [True, False] and counts.tolist() == [1, 22]


def test_margin_of_nan_counts_as_fooled() -> None:
    """Given scores with NaN, then the input counts as fooled."""
    scores: Any = np.asarray([[np.nan, 1.0], [2.0, 1.0]], np.float32)
    assert (margin_of(scores, np.zeros(2, np.int64)) <= 0).tolist() == [True, False]
