"""Copies that were planted among pictures: how many are found, and how many others are taken for copies."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workers.evaluate.checks.base import Pictures
from workers.evaluate.checks.measuring import measure
from workers.evaluate.checks.near_pictures import near_pairs
from workers.runtime.recording import RecordingContext

Make = Callable[..., Any]
RECALL, FALSE_SHARE, SECONDS = 0.95, 0.001, 120.0


def pictures_of(arrays: list[Any]) -> Pictures:
    measured = [measure(array, "images") for array in arrays]
    small = np.stack([m.small for m in measured if m.small is not None])
    hashes = np.stack([m.hashes for m in measured if m.hashes is not None])
    return Pictures(small, hashes, np.zeros((len(arrays), 2), np.int64), ("",) * len(arrays))


def planted(total: int, draw: Make, changes: Any) -> tuple[list[Any], dict[tuple[int, int], str]]:
    """`total` pictures, a fifth of them copies; {(original, copy): how it was made}."""
    originals = total * 4 // 5
    pictures = [np.asarray(draw(seed)) for seed in range(originals)]
    truth = {}
    for number in range(total - originals):
        change = changes[number % len(changes)]
        source = number * 3
        copy = change(Image.fromarray(pictures[source]), np.random.default_rng([7, number]))
        truth[source, len(pictures)] = change.__name__
        pictures.append(np.asarray(copy))
    return pictures, truth


def scores(pairs: list[tuple[int, int]], truth: dict[tuple[int, int], str]) -> tuple[dict[str, float], float]:
    """(recall of each kind of copy, share of found pairs that are none)."""
    got = set(pairs)
    kinds = sorted(set(truth.values()))
    recall = {kind: float(np.mean([pair in got for pair, k in truth.items() if k == kind])) for kind in kinds}
    return recall, len(got - set(truth)) / max(1, len(got))


@contextmanager
def two_cores() -> Iterator[None]:
    """No more than two of them meanwhile, where the system can be told."""
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:2])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.whole
def test_a_thousand_pictures(tmp_path: Path, drawn: Make, changes: Any) -> None:
    """Given 1,000 pictures, 200 of them resized, recompressed, cropped by 5 % or brightened copies, then 95 % of them are
    found and no other pair is."""
    arrays, truth = planted(1000, drawn, changes)
    recall, false = scores(near_pairs(pictures_of(arrays), RecordingContext(tmp_path)), truth)
    assert np.mean(list(recall.values())) >= RECALL and min(recall.values()) >= 0.9, recall
    assert false <= FALSE_SHARE


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_pictures_by_the_job(
    tmp_path: Path, drawn: Make, changes: Any, check: Make, record_property: Callable[[str, object], None]
) -> None:
    """Given 10,000 files, 2,000 of them copies, when the whole job checks the folder, then 95 % are found, at most
    0.1 % of the pairs are none, and it takes less than two minutes on two cores."""
    arrays, truth = planted(10_000, drawn, changes)
    folder = tmp_path / "many"
    folder.mkdir()
    for number, array in enumerate(arrays):
        Image.fromarray(array).save(folder / f"{number:05d}.png", compress_level=1)
    with two_cores():
        started = time.monotonic()
        result = check(folder)
        seconds = time.monotonic() - started
    groups = next(f.groups for f in result.findings if f.check == "duplicates" and "nearly" in f.what)
    recall = result.counts["near_duplicates"] / len(truth)
    named = {tuple(sorted(int(name[:5]) for name in group)) for group in groups}
    false = len(named - set(truth)) / len(named)
    for name, value in (("seconds", seconds), ("recall", recall), ("false", false)):
        record_property(name, value)
    print(f"{seconds:.0f} s, recall {recall:.3f}, false pairs {false:.4f}")  # noqa: T201
    assert recall >= RECALL and false <= FALSE_SHARE
    assert seconds < SECONDS


def test_look_alikes_are_no_copies(tmp_path: Path, drawn: Make) -> None:
    """Given two products on white that differ in color, and a picture beside its mirror image, then none is a copy."""
    random = np.random.default_rng(3)
    items = []
    for color in ((200, 30, 30), (30, 30, 200)):
        picture = np.full((96, 96, 3), 255, np.uint8)
        picture[30:70, 35:60] = color
        items.append(np.clip(picture + random.integers(-3, 3, picture.shape), 0, 255).astype(np.uint8))
    mirrored = np.asarray(drawn(3))
    items += [mirrored, np.ascontiguousarray(mirrored[:, ::-1])]
    assert near_pairs(pictures_of(items), RecordingContext(tmp_path)) == []


def test_flat_pictures_are_no_copies_of_each_other(tmp_path: Path) -> None:
    """Given pictures of one color each, then nothing says that they are the same picture."""
    flat = [np.full((32, 32, 3), value, np.uint8) for value in (10, 120, 240)]
    assert near_pairs(pictures_of(flat), RecordingContext(tmp_path)) == []
