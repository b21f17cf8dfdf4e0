"""mIoU, IoU by class and pixel accuracy compared with scikit-learn, and verdicts by label masks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import accuracy_score, jaccard_score
from zoo import decoded_answers

from workers.contracts.specs import Judgement
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.judge import judge

CLASSES = 5
Judge = Callable[..., Judgement]


@pytest.fixture
def judged(tmp_path: Path) -> Judge:
    """The judgement of two models' masks by right ones (255 is left out; None: unlabelled); the version gives no numbers
    for the first `lost` pictures."""

    def run(truths: Any, old: Any, new: Any, lost: int = 0) -> Judgement:
        items = []
        for number, truth in enumerate(truths):
            name = "" if truth is None else str(tmp_path / f"{number}.png")
            if truth is not None:
                Image.fromarray(np.asarray(truth, np.uint8)).save(name)
            items.append(Item(f"item {number}", mask=name))
        before, after = (decoded_answers(masks, "mask", np.uint8) for masks in (old, new))
        after.finite[:lost] = False
        return judge(DataSet("images", "person", test=tuple(items)), before, after, 1.0)

    return run


def noisy(masks: Any, share: float, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(masks.shape) < share, rng.integers(0, CLASSES, masks.shape), masks).astype(np.uint8)


def test_scores_of_masks_are_scikit_learns(judged: Judge) -> None:
    """Given random masks with parts to ignore, Then mIoU, each class and pixel accuracy are scikit-learn's, and the
    interval holds the difference."""
    truth = np.random.default_rng(0).integers(0, CLASSES, (30, 12, 14)).astype(np.uint8)
    old, new = noisy(truth, 0.2, 1), noisy(truth, 0.5, 2)
    left_out = truth.copy()
    left_out[np.random.default_rng(3).random(truth.shape) < 0.1] = 255
    scores = {score.id: score for score in judged(left_out, old, new).scores}
    kept = left_out.ravel() != 255
    for rows, field in ((old, "original"), (new, "optimized")):
        each = jaccard_score(left_out.ravel()[kept], rows.ravel()[kept], average=None)
        assert [getattr(part, field) for part in scores["miou"].parts] == pytest.approx(each.tolist(), abs=1e-9)
        assert getattr(scores["miou"], field) == pytest.approx(each.mean(), abs=1e-9)
        right = accuracy_score(left_out.ravel()[kept], rows.ravel()[kept])
        assert getattr(scores["pixel_accuracy"], field) == pytest.approx(right, abs=1e-9)
    miou = scores["miou"]
    assert miou.low is not None and miou.high is not None and miou.original is not None
    assert miou.low <= miou.optimized - miou.original <= miou.high < 0


def test_classes_that_are_nowhere_right_do_not_count(judged: Judge) -> None:
    """Given predictions of a class that no right mask has, Then the mean is over the classes that are there, as
    scikit-learn's over these."""
    truth = np.random.default_rng(0).integers(0, 3, (12, 9, 9)).astype(np.uint8)
    new = noisy(truth, 0.3, 4)
    miou = next(score for score in judged(truth, truth, new).scores if score.id == "miou")
    wanted = jaccard_score(truth.ravel(), new.ravel(), labels=[0, 1, 2], average="macro")
    assert miou.optimized == pytest.approx(wanted, abs=1e-9) and miou.original == 1.0


def scenes(n: int, classes: int = 4, side: int = 40) -> Any:
    """(n, side, side): a large thing of a class in each, a small one in a corner of each."""
    rng = np.random.default_rng(5)
    masks = np.zeros((n, side, side), np.uint8)
    masks[:, 8:34, 8:34] = rng.integers(1, classes, n)[:, None, None]
    masks[:, 1:5, 1:5] = rng.integers(1, classes, n)[:, None, None]
    return masks


def filled(value: int, *place: slice) -> Callable[[Any], Any]:
    """A change that sets this part of each mask to a class."""

    def change(masks: Any) -> Any:
        new = masks.copy()
        new[:, *place] = value
        return new

    return change


HARMS: dict[str, Callable[[Any], Any]] = {
    "small things lost": filled(0, slice(6), slice(6)), "one class lost": lambda masks: np.where(masks == 3, 0, masks),
    "nothing found": np.zeros_like, "moved": lambda masks: np.roll(masks, 6, axis=2),
}  # fmt: skip


@pytest.mark.whole
@pytest.mark.parametrize("harm", HARMS.values(), ids=list(HARMS))
def test_harm_is_never_safe_by_labels(judged: Judge, harm: Callable[[Any], Any]) -> None:
    """Given right masks and a version that loses small things, a class, all, or the place, Then it is refused, although
    small things hardly change mIoU."""
    truth = scenes(400)
    old = np.where(np.random.default_rng(1).random(truth.shape) < 0.01, 0, truth)
    found = judged(truth, old, harm(old))
    assert found.labelled and found.verdict == "regressed"


@pytest.mark.whole
def test_a_lost_class_among_many_is_seen(judged: Judge) -> None:
    """Given 110 classes of which one is lost, Then the mean hardly notices, and the version is refused by that class."""
    rng = np.random.default_rng(2)
    truth = np.zeros((220, 24, 24), np.uint8)
    for mask in truth:
        for at, kind in enumerate(rng.integers(1, 111, 9)):
            mask[8 * (at // 3) : 8 * (at // 3) + 6, 8 * (at % 3) : 8 * (at % 3) + 6] = kind
    found = judged(truth, truth, np.where(truth == 7, 0, truth))
    assert found.verdict == "regressed" and any("class 7" in note for note in found.notes)
    assert next(score for score in found.scores if score.id == "miou").optimized > 0.99


@pytest.mark.whole
@pytest.mark.parametrize(
    "harm",
    [filled(2, slice(60, 68), slice(48, 51)), filled(0, slice(80, 92), slice(40, 42))],
    ids=["joined", "cut"],
)
def test_things_that_are_joined_or_cut_are_seen_by_labels(judged: Judge, harm: Callable[[Any], Any]) -> None:
    """Given right masks of large pictures, and a version that joins two words by a bridge or cuts one in two, of which
    mIoU loses less than 1 %, Then it regressed; as it is it is safe."""
    truth = np.zeros((400, 96, 96), np.uint8)
    truth[:, 4:28, 4:90], truth[:, 30:54, 4:90] = 1, 2
    truth[:, 60:68, 20:48], truth[:, 60:68, 51:79], truth[:, 80:92, 20:62] = 2, 2, 2
    truth[0, 4:28, 89] = 0  # pictures that are all the same prove nothing
    found = judged(truth, truth, harm(truth))
    assert next(score for score in found.scores if score.id == "miou").optimized > 0.99
    assert found.verdict == "regressed"
    assert judged(truth, truth, truth).verdict == "safe"


@pytest.mark.whole
def test_unmarked_class_must_hold(judged: Judge) -> None:
    """Given right masks of some classes only, Then a version that lost another one regressed, though by the masks it
    makes fewer mistakes; the same version is safe, with a note on the class."""
    whole = scenes(400)
    kinds = [int(kind) for kind in np.unique(whole) if kind]
    marked = np.where(whole == kinds[-1], 0, whole)
    lost = judged(marked, whole, marked)
    assert lost.verdict == "regressed" and lost.drop is not None and lost.drop <= 0
    same = judged(marked, whole, whole)
    assert same.verdict == "safe" and any(f"class {kinds[-1]}" in note for note in same.notes)


def test_equal_quality_is_safe_although_edges_move(judged: Judge) -> None:
    """Given a version whose pixels differ in a few per mille, as often right as the original's, Then it is safe."""
    truth = scenes(400)
    flicker = [np.where(np.random.default_rng(k).random(truth.shape) < 0.002, 0, truth) for k in (1, 2)]
    found = judged(truth, *flicker)
    assert found.verdict == "safe" and found.n_labelled == 400


def test_masks_that_do_not_fit_do_not_decide(judged: Judge) -> None:
    """Given masks by which the original is nearly all wrong, Then a note reports it, and changed results decide."""
    truth = scenes(400)
    found = judged(np.where(truth == 0, 9, 0), truth, truth)
    assert not found.labelled and any("probably do not fit" in note for note in found.notes)


def test_masks_at_another_size_are_read_at_the_centers(judged: Judge) -> None:
    """Given a model whose masks are half as large, Then equal ones are all right."""
    truth = scenes(30)
    half = truth[:, ::2, ::2]
    scores = {score.id: score.optimized for score in judged(half.repeat(2, 1).repeat(2, 2), half, half).scores}
    assert scores == {"miou": 1.0, "pixel_accuracy": 1.0, "object_f1": 1.0}


def test_unlabelled_pictures_are_judged_by_changes(judged: Judge) -> None:
    """Given masks for a quarter only and an unchanged version, Then both halves of the proof hold and it is safe; with
    things lost where no mask is, it is not."""
    truth = scenes(800)
    part = [mask if at % 4 == 0 else None for at, mask in enumerate(truth)]
    assert judged(part, truth, truth).verdict == "safe"
    worse = truth.copy()
    worse[1::4] = 0
    assert judged(part, truth, worse).verdict != "safe"


def test_nothing_found_proves_nothing(judged: Judge) -> None:
    """Given an original that marks nothing, Then there is no verdict, with the reason."""
    empty = np.zeros((40, 9, 9), np.uint8)
    found = judged([None] * 40, empty, empty)
    assert (found.verdict, found.n) == ("not_enough_data", 0)
    assert found.notes == ("Nothing is found in 40 pictures: these examples cannot prove masks.",)


def test_nan_is_no_right_mask(judged: Judge) -> None:
    """Given a version that gives no numbers for some pictures, Then it is not safe, and these count as wrong."""
    truth = scenes(100)
    found = judged(truth, truth, truth, lost=20)
    assert found.verdict == "regressed"
    accuracy = next(score for score in found.scores if score.id == "pixel_accuracy")
    assert accuracy.optimized == pytest.approx(0.8, abs=1e-9)
