"""Facts of a judgement in addition to its verdict: identical predictions, examples that do not count, few examples."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.judge import judge
from workers.evaluate.proof.engine import LEAST_TO_REFUSE

Make = Callable[..., Any]
SILENT_SCORES = [np.asarray([value], np.float32) for value in np.linspace(0, 4e-4, 300)]


def items(n: int, target: tuple[float, ...] = ()) -> DataSet:
    return DataSet("arrays", "person", None, test=tuple(Item(str(i), target=target) for i in range(n)))


@pytest.mark.parametrize(("n", "verdict"), [(330, "safe"), (50, "not_enough_data")])
def test_judgement_of_identical_predictions_says_so(class_answers: Make, n: int, verdict: str) -> None:
    """Given predictions that are equal to the last bit, Then that is a fact of the judgement and a note; a last bit
    that differs is not."""
    same = class_answers(np.arange(n) % 3)
    found = judge(items(n), same, class_answers(np.arange(n) % 3), 1.0)
    assert (found.identical, found.verdict) == (True, verdict)
    assert found.notes[0] == f"All {n} predictions are the same to the last bit."
    one = judge(items(1), class_answers(np.arange(1)), class_answers(np.arange(1)), 1.0)
    assert one.notes[0] == "The 1 prediction is the same to the last bit."
    other = class_answers(np.arange(n) % 3)
    other.answer[0][0] = np.nextafter(other.answer[0][0], np.float32(2))
    assert not judge(items(n), same, other, 1.0).identical


def test_judgement_says_how_many_examples_do_not_count(answers_of: Make) -> None:
    """Given 250 examples of which 44 get a label, Then the judgement counts 44, and a note names 206."""
    rows = [np.asarray([0.9 if i < 44 else 0.1, 0.2], np.float32) for i in range(250)]
    found = judge(items(250), answers_of(rows, "labels"), answers_of(rows, "labels"), 1.0)
    assert found.n == 44 and any(note.startswith("206 of 250 examples do not count") for note in found.notes)


@pytest.mark.parametrize(("n", "verdict"), [(1, "not_enough_data"), (4, "not_enough_data"), (5, "regressed")])
def test_judgement_of_too_few_changed_examples_is_no_verdict(class_answers: Make, n: int, verdict: str) -> None:
    """Given one to four examples that all changed, Then they are counted and reject nothing; five do."""
    found = judge(items(n), class_answers(np.zeros(n, int)), class_answers(np.ones(n, int)), 1.0)
    assert (found.verdict, found.changed_count, found.n) == (verdict, n, n)
    assert (n >= LEAST_TO_REFUSE) or any(reason.startswith(f"{n} of {n} result") for reason in found.reasons)


@pytest.mark.parametrize(("n", "verdict"), [(1, "not_enough_data"), (4, "not_enough_data"), (5, "regressed")])
def test_judgement_of_too_few_worse_examples_is_no_verdict(answers_of: Make, n: int, verdict: str) -> None:
    """Given one to four examples with reference numbers whose error grew, Then that rejects nothing."""
    right, rng = 5.0, np.random.default_rng(n)
    old = [np.asarray([right + error], np.float32) for error in rng.uniform(0.4, 0.6, n)]
    found = judge(
        items(n, (right,)), answers_of(old, "tensor", "none"), answers_of([r + 2 for r in old], "tensor", "none"), 1.0
    )
    assert found.verdict == verdict


def test_judgement_of_scores_that_cross_no_threshold_is_no_verdict(answers_of: Make) -> None:
    """Given scores of at most .0004 that grew by a tenth, Then nothing fires; larger ones, and such with right numbers,
    regressed."""
    before, after = answers_of(SILENT_SCORES, "tensor"), answers_of([1.1 * row for row in SILENT_SCORES], "tensor")
    found = judge(items(300), before, after, 1.0)
    assert found.verdict == "not_enough_data" and "nothing fires in these 300" in found.notes[0]
    assert judge(items(300, (2e-4,)), before, after, 1.0).verdict != "not_enough_data" or not found.n
    before, after = (answers_of([size * row for row in SILENT_SCORES], "tensor") for size in (2000, 2200))
    assert judge(items(300), before, after, 1.0).verdict == "regressed"


@pytest.mark.parametrize(("changed", "is_far"), [(8, False), (12, False), (40, True), (400, True)])
def test_judgement_far_beyond_the_limit_is_a_fact(class_answers: Make, changed: int, is_far: bool) -> None:
    """Given 400 examples and a limit of 1 %, Then 40 changed are far beyond it, and 12 are only beyond it."""
    new = np.zeros(400, int)
    new[:changed] = 1
    found = judge(items(400), class_answers(np.zeros(400, int)), class_answers(new), 1.0)
    assert found.far_beyond is is_far
