"""Numbers of unknown meaning: channel by channel, each by its own spread."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.judge import judge
from workers.pipeline.alike.channels import by_channel, channel_errors, channel_spreads

Make = Callable[..., Any]
N = 400


def rows(size: int = 8, n: int = N) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, size)).astype(np.float32)


def with_targets(targets: np.ndarray) -> DataSet:
    """Items with these reference numbers (n, channels)."""
    return DataSet("arrays", "person", test=tuple(Item("", target=tuple(row)) for row in targets.tolist()))


def test_rounding_is_safe(judged: Make) -> None:
    """Given values that are off by a thousandth of their spread, Then no result changed and 400 prove it at 1 %."""
    old = rows()
    found = judged(old, old + np.float32(0.001), "tensor")
    assert (found.verdict, found.task, found.changed_count, found.agreement) == ("safe", "numbers", 0, 1.0)
    assert found.similarity == pytest.approx(0.999, abs=2e-4)


def test_the_worst_output_counts(labelled: Make, answers_of: Make) -> None:
    """Given an equal answer and another output that changed, Then that output decides and is named."""
    old = rows(n=40)
    before, after = answers_of(old, "tensor", boxes=list(old)), answers_of(old, "tensor", boxes=list(-old))
    found = judge(labelled([None] * 40), before, after, 1.0)
    assert found.verdict == "regressed"
    assert any("“boxes”" in note for note in found.notes)


def test_labels_of_the_main_output_do_not_cover_other_outputs(answers_of: Make) -> None:
    """Given reference numbers for the main output, and another output that is dead, Then it regressed; with all outputs the same
    it is safe."""
    old, other = rows(1, 400), rows(4, 400)
    data = with_targets(old + 0.1)
    before, dead = (answers_of(old, "tensor", more=list(part)) for part in (other, 0 * other))
    found = judge(data, before, dead, 1.0)
    assert found.verdict == "regressed" and any("“more”" in note for note in found.notes)
    assert judge(data, before, before, 1.0).verdict == "safe"


def test_tiny_channel_among_many_must_hold(answers_of: Make) -> None:
    """Given right numbers for twenty channels of which one is tiny, and a version in which that one is dead, Then it
    regressed, though the mean error is as before; the same one is safe."""
    old = rows(20, 400) * np.where(np.arange(20) == 7, 1e-3, 100)
    noise = np.random.default_rng(4).normal(0, 0.3, old.shape) * old.std(axis=0)
    data = with_targets(old + noise)
    dead = np.where(np.arange(20) == 7, 0, old)
    assert judge(data, answers_of(old, "tensor"), answers_of(dead, "tensor"), 1.0).verdict == "regressed"
    assert judge(data, answers_of(old, "tensor"), answers_of(old, "tensor"), 1.0).verdict == "safe"


def test_further_outputs_of_classes_are_noted_and_not_judged(labelled: Make, answers_of: Make) -> None:
    """Given the same classes and a further output of other numbers, Then only the main output is judged, with a note; plain
    numbers have no such note."""
    scores = list(np.eye(3)[np.arange(400) % 3])
    before = answers_of(scores, "class", features=[np.ones(4)] * 400)
    after = answers_of(scores, "class", features=[np.full(4, -1.0)] * 400)
    found = judge(labelled([None] * 400), before, after, 1.0)
    assert found.verdict == "safe"
    assert found.notes[-1] == "The further output “features” was not judged: only the answer was."
    old = rows(n=400)
    numbers = answers_of(old, "tensor", boxes=list(old))
    assert not any("not judged" in note for note in judge(labelled([None] * 400), numbers, numbers, 1.0).notes)


@pytest.mark.parametrize(("share", "verdict"), [(1.0, "regressed"), (0.05, "regressed"), (0.0025, "safe")])
def test_nan_in_a_further_output_is_regressed_above_the_limit(
    labelled: Make, answers_of: Make, share: float, verdict: str
) -> None:
    """Given the same classes and a further output that is no number in more than the limit allows, Then it regressed and
    the output is named; in one of 400 only a note names it."""
    scores = list(np.eye(3)[np.arange(400) % 3])
    before = answers_of(scores, "class", features=[np.ones(4)] * 400)
    lost = [np.full(4, np.nan if i < 400 * share else 1.0) for i in range(400)]
    found = judge(labelled([None] * 400), before, answers_of(scores, "class", features=lost), 1.0)
    assert found.verdict == verdict
    assert any("“features” gives no number (NaN)" in note for note in found.notes)


def test_other_shapes_and_nan_are_changed(judged: Make) -> None:
    """Given predictions of other sizes or no numbers, Then they count as changed, in words."""
    old = rows(n=30)
    assert judged(old, [row[:4] for row in old], "tensor").verdict == "regressed"
    broken = old.copy()
    broken[:20] = np.nan
    found = judged(old, broken, "tensor")
    assert found.verdict == "regressed" and "NaN" in found.notes[0]


@pytest.mark.parametrize("kind", ["tensor", "embedding"])
@pytest.mark.parametrize("n", [3, 10, 200])
def test_few_items_prove_nothing(judged: Make, kind: str, n: int) -> None:
    """Given equal predictions on fewer items than the limit takes, Then no kind of result has a softer minimum."""
    old = rows(n=n)
    found = judged(old, old, kind)
    assert found.verdict == "not_enough_data" and found.missing_examples is not None
    assert 321 <= found.n + found.missing_examples <= 360


def test_a_share_changed_above_the_limit_regressed(judged: Make) -> None:
    """Given noise on 5 % of 400 items and a limit of 1 %, Then it regressed; the worst items come first."""
    old = rows()
    new = old.copy()
    new[:20] += np.linspace(1, 3, 20, dtype=np.float32)[:, None]
    found = judged(old, new, "tensor")
    assert found.verdict == "regressed" and found.changed_count == 20
    assert found.changed[0] == 19


def test_constant_channel_is_compared_with_its_size() -> None:
    """Given a channel that never changes, Then rounding of it is small and another value large."""
    old = [np.array([5.0, float(i)], np.float32) for i in range(10)]
    assert channel_spreads([by_channel(row) for row in old])[1][0] == pytest.approx(5.0)
    near = [row * np.float32(1.001) for row in old]
    far = [row + np.array([3, 0], np.float32) for row in old]
    assert channel_errors(old, near).max() < 0.01 and channel_errors(old, far).min() > 0.5


@pytest.mark.parametrize(("shape", "channels"), [((7,), 7), ((20, 3), 3), ((3, 8, 9), 3), ((8, 9, 3), 3), ((), 1)])
def test_channels_by_shape(shape: tuple[int, ...], channels: int) -> None:
    """Given one item's values, Then the channel is the shorter outer axis, of rows the last one."""
    assert len(by_channel(np.zeros(shape, np.float32))) == channels


def test_items_without_stored_outputs_are_not_judged(labelled: Make, answers_of: Make) -> None:
    """Given another output that was kept of the first 100 of 400 items, Then 100 are judged and prove nothing at 1 %."""
    old = rows()
    answers = answers_of(old, "tensor", map=list(old[:100]))
    found = judge(labelled([None] * N), answers, answers, 1.0)
    assert (found.verdict, found.n) == ("not_enough_data", 100)


def test_a_few_right_numbers_prove_nothing(answers_of: Make) -> None:
    """Given equal answers to 12 items whose right numbers are known, Then resampling them proves nothing; 400 do."""
    for n, verdict in ((12, "not_enough_data"), (400, "safe")):
        old = rows(1, n)
        answers = answers_of(old, "tensor")
        assert judge(with_targets(old + 0.1), answers, answers, 1.0).verdict == verdict


@pytest.mark.parametrize("far", [1e3, 1e12, 1e30])
@pytest.mark.parametrize("often", [1.0, 0.2])
def test_one_value_far_outside_hides_no_change(judged: Make, far: float, often: float) -> None:
    """Given one item with a huge value, and other items that are all halved, also where most of them are 0, Then it
    regressed; rounding is safe."""
    rng = np.random.default_rng(6)
    old = (np.exp(rng.standard_normal((N, 1))) * (rng.random((N, 1)) < often)).astype(np.float32)
    old[7] = far
    halved = np.where(old < far, old / 2, old)
    assert judged(old, halved, "tensor").verdict == "regressed"
    assert judged(old, old * np.float32(1.001), "tensor").verdict == "safe"


@pytest.mark.parametrize("change", ["one wrong", "other unit", "of other items"])
def test_reference_numbers_that_do_not_fit_hide_no_change(answers_of: Make, change: str) -> None:
    """Given one huge reference number, all in another unit, or those of other items, and a version that always gives
    the mean, Then it regressed; the same one is safe."""
    old = rows(3, N)
    right = old + np.random.default_rng(7).normal(0, 0.3, old.shape)
    if change == "one wrong":
        right[7] = 1e9
    else:
        right = 1000 * right if change == "other unit" else np.roll(right, 1, axis=0)
    answers = answers_of(old, "tensor")
    mean = answers_of(np.broadcast_to(old.mean(axis=0), old.shape), "tensor")
    assert judge(with_targets(right), answers, mean, 1.0).verdict == "regressed"
    assert judge(with_targets(right), answers, answers, 1.0).verdict == "safe"


@pytest.mark.parametrize("error", [0.0, 1e-6])
def test_results_of_the_original_as_references_do_not_decide(answers_of: Make, error: float) -> None:
    """Given the original's own results, also rounded, as reference numbers, Then rounding is safe and halved regressed; by
    numbers that it only fits closely, a version with twice the error regressed."""
    old = rows(3, N)
    data = with_targets(old + error * np.random.default_rng(7).standard_normal(old.shape))
    before, rounded, halved = (answers_of(old * np.float32(by), "tensor") for by in (1, 1.001, 0.5))
    assert judge(data, before, rounded, 1.0).verdict == "safe"
    assert judge(data, before, halved, 1.0).verdict == "regressed"
    close = with_targets(old + 1e-3 * np.random.default_rng(7).standard_normal(old.shape))
    assert judge(close, before, rounded, 1.0).verdict == "regressed"


def test_references_of_different_sizes_decide_by_their_mean(answers_of: Make) -> None:
    """Given right numbers for answers of three to eight numbers, Then the same version is safe and a halved one regressed;
    a version with other sizes regressed as well."""
    rng = np.random.default_rng(0)
    old = [rng.normal(size=size).astype(np.float32) for size in rng.integers(3, 9, N)]
    right = tuple(Item("", target=tuple((part + 0.1 * rng.normal(size=part.shape)).tolist())) for part in old)
    data, before = DataSet("arrays", "person", test=right), answers_of(old, "tensor")
    for change, verdict in (
        (lambda part: part, "safe"),
        (lambda part: part / 2, "regressed"),
        (lambda part: part[1:], "regressed"),
    ):
        assert judge(data, before, answers_of([change(part) for part in old], "tensor"), 1.0).verdict == verdict
