"""Our attacks beside those of the Adversarial Robustness Toolbox: the same success within three points.

Same inputs, eps and queries (or steps); what differs are the random numbers.
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
    """The oracle's imports warn about their own environment."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def pictures(count: int) -> tuple[np.ndarray, np.ndarray]:
    with np.load(sample_paths().data) as stored:
        x = stored["x"][:count].astype(np.float32) / 255
        return x[:, None], stored["y"][:count].astype(np.int64)


@pytest.fixture(scope="module")
def small_model() -> Any:
    """A small torch model taught on the sample's pictures."""
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


def square_shares(scores: Scores, count: int, eps: float, queries: int, seeds: int) -> tuple[float, float]:
    """(ours, ART's) mean share that is fooled, over some seeds, of at most `count` pictures that are answered rightly."""
    from art.attacks.evasion import SquareAttack
    from art.estimators.classification import BlackBoxClassifierNeuralNetwork

    x, y = pictures(1400)
    right = scores(x).argmax(axis=1) == y
    x, y = x[right][:count], y[right][:count]
    oracle = BlackBoxClassifierNeuralNetwork(scores, (1, 28, 28), 10, clip_values=(0.0, 1.0))
    shares = []
    for seed in range(seeds):
        ours, fooled = square_attack(lambda units, _rows: scores(units), x, y, eps, queries, seed, lambda: None)
        assert np.abs(ours - x).max() <= eps + 1e-6 and ours.min() >= 0 and ours.max() <= 1
        assert np.array_equal(scores(ours).argmax(axis=1) != y, fooled)
        np.random.seed(seed)
        attack = SquareAttack(  # its first request is not counted as an iteration
            oracle, norm=np.inf, eps=eps, max_iter=queries - 1, nb_restarts=1, batch_size=len(x), verbose=False
        )
        theirs = attack.generate(x, np.eye(10, dtype=np.float32)[y])
        shares.append((fooled.mean(), (scores(theirs).argmax(axis=1) != y).mean()))
    mean = np.mean(shares, axis=0)
    return float(mean[0]), float(mean[1])


@pytest.mark.whole
def test_square_attack_succeeds_as_often_as_arts(small_model: Any) -> None:
    """Given pictures that a small model answers rightly, When both attack with the same eps and queries, Then the shares
    that are fooled differ by three points at most, and every change stays within eps."""
    ours, arts = square_shares(scores_of(small_model), 600, 0.1, 60, 2)
    assert 0.1 < arts < 0.9, "the budget tells attacks apart"
    assert abs(ours - arts) <= POINTS, (ours, arts)


def test_gradient_attack_succeeds_as_often_as_arts(small_model: Any) -> None:
    """Given a small torch model, When both run PGD with the same eps and steps, Then the shares that are fooled differ by
    three points at most."""
    import torch
    from art.attacks.evasion import ProjectedGradientDescent
    from art.estimators.classification import PyTorchClassifier

    scores = scores_of(small_model)
    x, y = pictures(1400)
    right = scores(x).argmax(axis=1) == y
    x, y = x[right][:500], y[right][:500]
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
    assert 0.1 < art_share < 0.95, "the budget tells attacks apart"
    assert abs(share - art_share) <= POINTS, (share, art_share)
    assert np.abs(ours - x).max() <= eps + 1e-6 and ours.min() >= 0 and ours.max() <= 1


def test_queries_are_counted_and_the_squares_shrink() -> None:
    """Given a model that nothing fools, Then each input is asked as often as the budget says, and once unchanged; the share
    of the picture follows the paper's schedule; and a wish to stop is asked for between requests."""
    requested: list[int] = []
    stopped: list[int] = []

    def stubborn(units: np.ndarray, rows: np.ndarray) -> np.ndarray:
        requested.append(len(units))
        return np.tile(np.asarray([1.0, 0.0], np.float32), (len(units), 1))

    x = np.full((3, 1, 8, 8), 0.5, np.float32)
    _, fooled = square_attack(stubborn, x, np.zeros(3, np.int64), 0.1, 40, 0, lambda: stopped.append(1))
    assert not fooled.any() and sum(requested) == 3 * 41 and len(stopped) == 41
    assert share_at(0, 10_000) == 0.8 and share_at(60, 10_000) == 0.2 and share_at(9_000, 10_000) == 0.8 / 512


def test_a_fooled_input_is_not_asked_again_and_restarts_take_the_others() -> None:
    """Given inputs of which one falls at once, Then only the others go on; a second start takes those that are left."""
    counts = np.zeros(2, int)

    def scores(units: np.ndarray, rows: np.ndarray) -> np.ndarray:
        counts[rows] += 1
        won = np.where(rows == 0, -1.0, 1.0)
        return np.stack([won, np.zeros(len(rows))], axis=1).astype(np.float32)

    x = np.full((2, 1, 6, 6), 0.5, np.float32)
    _, fooled = square_attack(scores, x, np.zeros(2, np.int64), 0.1, 10, 0, lambda: None, restarts=2)
    assert fooled.tolist() == [True, False] and counts.tolist() == [1, 22]


def test_no_number_counts_as_fooled() -> None:
    """Given scores that are no numbers, Then the input is not called answered."""
    scores: Any = np.asarray([[np.nan, 1.0], [2.0, 1.0]], np.float32)
    assert (margin_of(scores, np.zeros(2, np.int64)) <= 0).tolist() == [True, False]
