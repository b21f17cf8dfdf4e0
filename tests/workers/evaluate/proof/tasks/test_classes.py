"""The verdict rules of docs/evaluation.md for models that name a class."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workers.contracts.specs import Judgement
from workers.evaluate.judge import judge
from workers.evaluate.proof.predictions import Predictions

Make = Callable[..., Any]


@pytest.fixture
def verdict_of(labelled: Make, class_answers: Make) -> Callable[..., Judgement]:
    """Judge predictions of an original and a variant against labels."""

    def run(labels: Any, old: Any, new: Any, limit: float = 1.0, **more: Any) -> Judgement:
        return judge(labelled(labels, **more), class_answers(old), class_answers(new), limit)

    return run


def some(n: int, wrong: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels in turn, and an original that errs on `wrong` of them, evenly spread."""
    labels = np.arange(n) % 3
    old = labels.copy()
    at = np.linspace(0, n - 1, wrong).astype(int)
    old[at] = (old[at] + 1) % 3
    return labels, old


def test_no_change_on_enough_examples_is_safe(verdict_of: Make) -> None:
    """Given 400 labelled items and no change, when judged at 1 %, then it is safe, by the 3/n bound."""
    labels, old = some(400, 40)
    judgement = verdict_of(labels, old, old)
    assert judgement.verdict == "safe"
    assert judgement.agreement == 1.0 and judgement.flips == 0.0
    assert judgement.margin == pytest.approx(0.01 * 0.9)
    assert judgement.drop_high == pytest.approx(1 - 0.04 ** (1 / 400))
    assert judgement.missing_examples is None


def test_no_change_on_few_examples_is_not_proven(verdict_of: Make) -> None:
    """Given 100 items and no change, Then 1 % cannot be proven, and the judgement holds the missing number."""
    labels, old = some(100, 10)
    judgement = verdict_of(labels, old, old)
    assert judgement.verdict == "not_enough_data"
    assert 100 + (judgement.missing_examples or 0) == pytest.approx(1.1 * -math.log(0.04) / judgement.margin, rel=0.02)


def test_lucky_gains_on_few_examples_prove_nothing(verdict_of: Make) -> None:
    """Given 96 items of which four became right and six wrong ones changed, then it is no proof of 1 %: no change is none."""
    labels, old = some(96, 28)
    new = old.copy()
    wrong = np.flatnonzero(old != labels)
    new[wrong[:4]] = labels[wrong[:4]]
    new[wrong[4:10]] = (old[wrong[4:10]] + 1) % 3  # the third class: neither the label nor what it was
    assert (new[wrong[4:10]] != labels[wrong[4:10]]).all()
    judgement = verdict_of(labels, old, new)
    assert judgement.verdict == "not_enough_data" and judgement.drop_high == pytest.approx(1 - 0.04 ** (1 / 96))
    assert judgement.missing_examples


def test_a_clear_loss_is_regressed(verdict_of: Make) -> None:
    """Given 30 of 600 answers lost and none gained, then it is regressed and the lost ones are listed first."""
    labels, old = some(600, 60)
    new = old.copy()
    right = np.flatnonzero(old == labels)[:30]
    wrong = np.flatnonzero(old != labels)[:5]
    new[right] = (new[right] + 1) % 3
    new[wrong] = (old[wrong] + 1) % 3
    judgement = verdict_of(labels, old, new)
    assert judgement.verdict == "regressed"
    assert judgement.negative_flips == pytest.approx(30 / 600)
    assert set(judgement.changed[:30]) == set(right.tolist())
    assert judgement.changed_count == 35
    assert any("that is a lot" in note for note in judgement.notes)


def test_as_many_gained_as_lost_is_no_loss(verdict_of: Make) -> None:
    """Given 5 lost and 5 gained of 3,000, then the drop is 0 and it is safe, although answers changed."""
    labels, old = some(3000, 300)
    new = old.copy()
    right, wrong = np.flatnonzero(old == labels)[10:15], np.flatnonzero(old != labels)[10:15]
    new[right], new[wrong] = (new[right] + 1) % 3, labels[wrong]
    judgement = verdict_of(labels, old, new)
    assert judgement.verdict == "safe"
    assert judgement.drop == 0 and judgement.flips == pytest.approx(10 / 3000)
    assert judgement.agreement == pytest.approx(1 - 10 / 3000)


def test_a_broken_class_is_found_although_the_average_holds(verdict_of: Make) -> None:
    """Given a class of 60 among 6,000 that loses 20 while others gain 20, then it is regressed by that class."""
    labels = np.array([2] * 60 + [0, 1] * 2970)
    old = labels.copy()
    old[60:100] = 1 - old[60:100]
    new = old.copy()
    new[:20], new[60:80] = 0, labels[60:80]
    judgement = verdict_of(labels, old, new)
    assert judgement.drop == 0
    assert judgement.verdict == "regressed"
    assert judgement.worst_slice == "bird" and judgement.worst_slice_drop == pytest.approx(1 / 3)
    assert judgement.slices[0].p_holm is not None and judgement.slices[0].p_holm < 0.001
    assert any("“bird” got clearly worse" in note for note in judgement.notes)


def test_worst_slice_is_shown_when_nothing_is_significant(verdict_of: Make) -> None:
    """Given one lost answer, then its class is shown as the worst, and that it is too few to judge."""
    labels, old = some(300, 30)
    new = old.copy()
    lost = int(np.flatnonzero((old == labels) & (labels == 1))[0])
    new[lost] = 2
    judgement = verdict_of(labels, old, new)
    assert judgement.worst_slice == "dog" and not judgement.slices[0].judged
    assert judgement.verdict == "not_enough_data"


def test_change_between_accepted_labels_is_no_loss(verdict_of: Make) -> None:
    """Given two accepted labels, when the answer moves from one to the other, then nothing was lost."""
    labels = [(0, 1)] * 300 + [2] * 300
    old, new = [0] * 300 + [2] * 300, [1] * 300 + [2] * 300
    judgement = verdict_of(labels, old, new)
    assert judgement.drop == 0 and judgement.accuracy == 1.0
    assert judgement.agreement == pytest.approx(0.5)
    assert judgement.verdict == "safe"


def test_without_labels_every_change_counts(verdict_of: Make) -> None:
    """Given no labels, then 1 change in 1,000 is safe at 1 %, 10 in 1,000 are not proven, 60 are regressed."""
    none = [None] * 1000
    old = (np.arange(1000) == 999).astype(int)
    results = {}
    for count in (1, 10, 60):
        new = old.copy()
        new[:count] = 1
        results[count] = verdict_of(none, old, new)
    assert [results[c].verdict for c in (1, 10, 60)] == ["safe", "not_enough_data", "regressed"]
    assert results[1].labelled is False and results[1].accuracy is None
    assert results[10].missing_examples and any("With labels" in note for note in results[10].notes)
    assert results[60].changed_count == 60 and results[60].worst_slice == "cat, tabby cat"


def test_unlabelled_items_help_a_small_labelled_set(verdict_of: Make) -> None:
    """Given 50 labelled and 450 unlabelled items without a change, then the share of changes proves it."""
    labels, old = some(500)
    mixed = [*labels[:50].tolist(), *[None] * 450]
    assert verdict_of(labels[:50], old[:50], old[:50]).verdict == "not_enough_data"
    judgement = verdict_of(mixed, old, old)
    assert judgement.verdict == "safe" and judgement.labelled
    assert judgement.accuracy == 1.0


def test_labels_on_a_part_count_as_that_part(verdict_of: Make) -> None:
    """Given 20 labelled items of 120, one of them lost, and 30 others changed, then counts of labels are of 20, and
    counts of predictions of 120: no count is larger than its total."""
    labels, old = some(120)
    new = old.copy()
    new[0] = (old[0] + 1) % 3
    new[50:80] = (old[50:80] + 1) % 3
    judgement = verdict_of([*labels[:20].tolist(), *[None] * 100], old, new)
    assert (judgement.n, judgement.n_labelled) == (120, 20)
    assert (judgement.n_accuracy, judgement.n_drop) == (20, 20)
    assert judgement.accuracy == pytest.approx(19 / 20)
    assert judgement.negative_flips == judgement.drop == pytest.approx(1 / 20)
    assert judgement.changed_count == 31 <= judgement.n
    assert judgement.agreement == pytest.approx(89 / 120)


def test_unlabelled_items_do_not_hide_a_labelled_loss(verdict_of: Make) -> None:
    """Given 20 labelled items of which one is lost, and 2,000 others that all stayed, then a limit of 1 % is not kept
    for sure, and the bound is not less than the loss that was seen."""
    labels, old = some(2020)
    new = old.copy()
    new[0] = (old[0] + 1) % 3
    judgement = verdict_of([*labels[:20].tolist(), *[None] * 2000], old, new)
    assert judgement.verdict == "not_enough_data"
    assert judgement.drop_low <= judgement.drop <= judgement.drop_high


@pytest.mark.parametrize("known", [100, 600])
def test_labels_that_do_not_fit_the_original_do_not_decide(verdict_of: Make, known: int) -> None:
    """Given labels that do not fit the original, of a part or of all items, Then changed predictions decide with a note,
    and accuracies are those of the labelled items."""
    labels, _ = some(600)
    old = (labels + 1) % 3
    judgement = verdict_of([*labels[:known].tolist(), *[None] * (600 - known)], old, old)
    assert any("no better than guessing" in note for note in judgement.notes)
    assert judgement.verdict == "safe" and not judgement.labelled and judgement.original_accuracy == 0.0
    assert (judgement.n, judgement.n_accuracy, judgement.n_drop) == (600, known, 600)


@pytest.mark.parametrize(("hits", "guesses"), [(2, False), (0, True)])
def test_guessing_on_three_examples_takes_no_hit(verdict_of: Make, hits: int, guesses: bool) -> None:
    """Given three items, then two hits are no guessing and none is."""
    labels = np.array([0, 1, 2])
    old = np.where(np.arange(3) < hits, labels, (labels + 1) % 3)
    notes = verdict_of(labels, old, old).notes
    assert any("guessing" in note for note in notes) is guesses


def test_made_inputs_prove_nothing(verdict_of: Make) -> None:
    """Given inputs that Fettle made and no change, then the best verdict is that data are missing."""
    old = (np.arange(1000) == 999).astype(int)
    judgement = verdict_of([None] * 1000, old, old, origin="made")
    assert judgement.verdict == "not_enough_data"
    assert judgement.missing_examples == pytest.approx(353, abs=5)
    assert any("Fettle made" in note for note in judgement.notes)


def test_nan_of_the_version_is_a_wrong_prediction(verdict_of: Make) -> None:
    """Given NaN from the variant, Then these predictions count as changed, and a note counts them."""
    labels, old = some(600)
    new = old.copy()
    new[:100] = -1
    judgement = verdict_of(labels, old, new)
    assert judgement.verdict == "regressed"
    assert judgement.notes[0].startswith("For 100 of 600 inputs the variant gives no number")


def test_nan_of_the_original_is_left_out_or_unmeasured(verdict_of: Make) -> None:
    """Given NaN from the original everywhere, then nothing is measured; somewhere, then these are left out."""
    labels, old = some(400)
    everywhere = verdict_of(labels, np.full(400, -1), old)
    assert everywhere.verdict == "unmeasured" and "NaN" in everywhere.notes[0]
    partly = old.copy()
    partly[:10] = -1
    judgement = verdict_of(labels, partly, old)
    assert judgement.agreement == 1.0 and any("left out" in note for note in judgement.notes)


def test_overconfident_version_is_regressed(labelled: Make, class_answers: Make) -> None:
    """Given the same classes but far too sure percentages, Then the calibration gate rejects the version."""
    labels, old = some(900, 180)
    judgement = judge(labelled(labels), class_answers(old, sure=0.8), class_answers(old, sure=0.999), 1.0)
    assert judgement.agreement == 1.0
    assert judgement.ece_change is not None and judgement.ece_change > 0.15
    assert judgement.verdict == "regressed"
    assert any("calibration error grew" in note for note in judgement.notes)


def test_small_change_of_confidence_is_only_a_warning(labelled: Make, class_answers: Make) -> None:
    """Given a large KL divergence and no labels, then it is noted and the verdict stays."""
    old = (np.arange(400) == 399).astype(int)
    judgement = judge(labelled([None] * 400), class_answers(old, sure=0.99), class_answers(old, sure=0.9), 1.0)
    assert judgement.verdict == "safe"
    assert judgement.kl_mean is not None and judgement.kl_mean > 0.05
    assert any("KL" in note for note in judgement.notes)


@pytest.mark.parametrize(
    ("before", "after"), [((0.99, 0.99), (0.5, 0.5)), ((0.5, 0.5), (0.99, 0.99)), ((0.5, 0.99), (0.99, 0.5))]
)
def test_large_change_of_confidence_is_regressed(
    labelled: Make, class_answers: Make, before: tuple[float, float], after: tuple[float, float]
) -> None:
    """Given the same classes, half as sure, twice, or each in one half of the items, Then it regressed with a reason: people
    set thresholds."""
    halves = [np.zeros(200, int)] * 2

    def answers(sure: tuple[float, float]) -> Predictions:
        parts = [class_answers(half, sure=part) for half, part in zip(halves, sure, strict=True)]
        return replace(class_answers(np.zeros(400, int)), answer=[*parts[0].answer, *parts[1].answer])

    judgement = judge(labelled([None] * 400), answers(before), answers(after), 1.0)
    assert judgement.verdict == "regressed" and judgement.agreement == 1.0
    assert any("How sure it is differs" in reason for reason in judgement.reasons)


def test_limit_of_zero_is_never_proven(verdict_of: Make) -> None:
    """Given a limit of 0 and no change, then no number of examples proves it."""
    labels, old = some(400, 40)
    judgement = verdict_of(labels, old, old, limit=0.0)
    assert judgement.verdict == "not_enough_data" and judgement.missing_examples is None
    assert judgement.drop == 0.0 and judgement.agreement == 1.0


def test_judgement_uses_items_that_both_predicted(labelled: Make, class_answers: Make) -> None:
    """Given a variant that was stopped early, then only items that both answered are compared."""
    labels, old = some(400)
    judgement = judge(labelled(labels), class_answers(old), class_answers(old[:120]), 1.0)
    assert judgement.n == 120
