"""Every kind of stress: reproducible by seed, of the same shape and dtype, and unlike the unchanged input."""

import numpy as np
import pytest

from workers.evaluate.stress.base import NumberSample, Stress
from workers.evaluate.stress.changes import KINDS as ALL
from workers.evaluate.stress.changes import planned, rng_of

KINDS = {stress.id: stress for stress in ALL}
TEXT = "The weather was really good today, and I liked the film about Oxen a lot; it was very special."


def sample_for(stress: Stress, side: int = 64, channels: int = 3) -> object:
    rng = np.random.default_rng(5)
    if stress.takes == "images":
        rows, columns = np.mgrid[0:side, 0:side] / side
        picture = np.stack([rows, columns, 0.5 + 0.4 * np.sin(12 * rows * columns)], axis=2)[..., 3 - channels :]
        return np.clip(0.1 + 0.8 * picture, 0, 1).astype(np.float32)
    if stress.takes == "texts":
        return TEXT
    if stress.takes == "audio":
        return (0.3 * np.sin(np.arange(4000) / 7)).astype(np.float32)
    values = rng.normal(3, 2, (1, 30)).astype(np.float32)
    one = np.ones((1, 30), np.float32)
    return NumberSample(values, 3 * one, 2 * one, -5 * one, 11 * one)


def original_of(sample: object) -> object:
    return sample.values if isinstance(sample, NumberSample) else sample


@pytest.mark.parametrize("kind", list(KINDS))
def test_change_is_reproducible_and_keeps_shape_and_dtype(kind: str) -> None:
    """Given one sample, when it is changed twice by one seed, then both are equal, unlike the sample, and of its shape and
    dtype."""
    stress = KINDS[kind]
    sample = sample_for(stress)
    before = np.array(original_of(sample)) if stress.takes != "texts" else TEXT
    for severity in range(1, len(stress.levels) + 1):
        first = stress.apply(sample, severity, rng_of(0, 3, kind, severity))
        again = stress.apply(sample, severity, rng_of(0, 3, kind, severity))
        if isinstance(first, str):
            assert first == again != TEXT
            continue
        assert np.array_equal(first, again) and not np.array_equal(first, before)
        assert first.shape == before.shape and first.dtype == before.dtype
        if stress.takes in ("images", "audio"):
            assert float(first.min()) >= -1 and float(first.max()) <= 1 and np.isfinite(first).all()
    assert np.array_equal(np.array(original_of(sample)), before), "the sample itself stays as it is"


@pytest.mark.parametrize("kind", [k for k, s in KINDS.items() if s.takes == "images" and not s.needs_color])
@pytest.mark.parametrize(("side", "channels"), [(28, 1), (40, 3)])
def test_small_and_gray_pictures_are_changed(kind: str, side: int, channels: int) -> None:
    """Given a picture of 28 or 40 pixels, then every kind changes it at severity 1."""
    stress = KINDS[kind]
    sample = sample_for(stress, side, channels)
    changed = stress.apply(sample, 1, rng_of(0, 0, kind, 1))
    assert changed.shape == (side, side, channels) and changed.dtype == np.float32
    assert float(np.abs(changed - sample).max()) > 0.01


@pytest.mark.parametrize("kind", [k for k, s in KINDS.items() if s.group in ("corruption", "drift")])
def test_severity_five_changes_more_than_one(kind: str) -> None:
    """Given severities 1 and 5, then the mean change over several seeds is larger at 5. Elastic is ImageNet-C's exception:
    its severities differ in smoothness."""
    stress = KINDS[kind]
    sample = sample_for(stress, side=224)
    assert isinstance(sample, np.ndarray)
    sizes = [
        np.mean([np.abs(stress.apply(sample, level, rng_of(s, 0, kind, level)) - sample).mean() for s in range(4)])
        for level in (1, 5)
    ]
    assert sizes[1] > sizes[0] or kind == "elastic"


def test_tables_of_kinds_are_consistent() -> None:
    """Given the tables, then ids are unique, strengths, words and quick severities fit each other, and quick and full
    plans have their corruptions; gray models have no change of hue."""
    assert len(KINDS) == len(ALL) == 29
    assert {stress.takes for stress in ALL} == {"images", "texts", "audio", "arrays"}
    for stress in ALL:
        assert len(stress.strengths) == len(stress.levels)
        assert set(stress.quick) <= set(range(1, len(stress.levels) + 1))
    quick = {stress.id: severities for stress, severities in planned("images", False)}
    corruptions = [stress for stress, _ in planned("images", True) if stress.group == "corruption"]
    assert (sum(severities == (1, 3, 5) for severities in quick.values()), len(corruptions)) == (5, 15)
    assert all(severities == (1, 2, 3, 4, 5) for _, severities in planned("images", True))
    assert "hue_drift" in quick and "hue_drift" not in {s.id for s, _ in planned("images", True, color=False)}


def test_severities_in_words_are_measured_in_the_changes() -> None:
    """Given severities in words, then that share of letters and words changes, and the hiss has the stated ratio."""
    changed = KINDS["text_case"].apply(TEXT, 3, rng_of(0, 0, "text_case", 3))
    letters = [i for i, letter in enumerate(TEXT) if letter.swapcase() != letter]
    assert sum(changed[i] != TEXT[i] for i in letters) == round(0.2 * len(letters))
    sound = (0.2 * np.sin(np.arange(50_000) / 9)).astype(np.float32)
    hiss = KINDS["sound_noise"].apply(sound, 2, rng_of(0, 0, "sound_noise", 2)) - sound
    assert 10 * np.log10((sound**2).mean() / (hiss**2).mean()) == pytest.approx(10, abs=0.2)
    kept = KINDS["text_dropped"].apply(TEXT, 3, rng_of(0, 0, "x", 1)).split()
    assert len(kept) == len(TEXT.split()) - round(0.2 * len(TEXT.split()))


def test_integers_stay_integers_within_their_range() -> None:
    """Given a row of integers, when it is changed, then its dtype stays and no value leaves the range."""
    values = np.arange(20, dtype=np.int64).reshape(1, 20) % 7
    low, high = np.zeros((1, 20), np.float32), np.full((1, 20), 6, np.float32)
    row = NumberSample(values, low + 3, low + 2, low, high)
    for kind in ("numbers_noise", "numbers_missing"):
        changed = KINDS[kind].apply(row, 3, rng_of(0, 0, kind, 3))
        assert changed.dtype == np.int64 and changed.min() >= 0 and changed.max() <= 6
        assert not np.array_equal(changed, values)
