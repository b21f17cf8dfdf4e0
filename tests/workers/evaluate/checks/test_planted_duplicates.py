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
from recording import RecordingContext

from workers.evaluate.checks.measuring import measure
from workers.evaluate.checks.near_pictures import near_pairs

Make = Callable[..., Any]
RECALL, FALSE_SHARE, SECONDS = 0.95, 0.001, 120.0


def pairs_of(arrays: list[Any], folder: Path) -> list[tuple[int, int]]:
    """Return the pairs of copies that are found among pictures."""
    small, hashes = zip(*(measure(array, "images").picture for array in arrays), strict=True)
    return near_pairs(np.stack(small), np.stack(hashes), RecordingContext(folder))


def planted(total: int, draw: Make, changes: Any) -> tuple[list[Any], dict[tuple[int, int], str]]:
    """Return `total` pictures, a fifth of them copies, and {(original, copy): name of the change}."""
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
    """Return the recall of each kind of copy, and the share of pairs that are no copies."""
    found = set(pairs)
    kinds = sorted(set(truth.values()))
    recall = {kind: float(np.mean([pair in found for pair, k in truth.items() if k == kind])) for kind in kinds}
    return recall, len(found - set(truth)) / max(1, len(found))


@contextmanager
def two_cores() -> Iterator[None]:
    """Limit this process to two cores where the system allows it."""
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
def test_copies_among_a_thousand_pictures_are_found(tmp_path: Path, drawn: Make, changes: Any) -> None:
    """Given 1,000 pictures, 200 of them resized, recompressed, cropped by 5 % or brightened copies, then 95 % of the copies
    are found, and hardly any other pair."""
    arrays, truth = planted(1000, drawn, changes)
    recall, false = scores(pairs_of(arrays, tmp_path), truth)
    assert np.mean(list(recall.values())) >= RECALL and min(recall.values()) >= 0.9, recall
    assert false <= FALSE_SHARE


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_job_finds_copies_among_ten_thousand_pictures_in_two_minutes(
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
    assert recall >= RECALL and false <= FALSE_SHARE
    assert seconds < SECONDS


def test_look_alikes_are_no_copies(tmp_path: Path, drawn: Make) -> None:
    """Given two products on white that differ in color, a picture and its mirror image, and pictures of one color each,
    then none is a copy."""
    random = np.random.default_rng(3)
    items = []
    for color in ((200, 30, 30), (30, 30, 200)):
        picture = np.full((96, 96, 3), 255, np.uint8)
        picture[30:70, 35:60] = color
        items.append(np.clip(picture + random.integers(-3, 3, picture.shape), 0, 255).astype(np.uint8))
    mirrored = np.asarray(drawn(3))
    items += [mirrored, np.ascontiguousarray(mirrored[:, ::-1])]
    items += [np.full((32, 32, 3), value, np.uint8) for value in (10, 120, 240)]
    assert pairs_of(items, tmp_path) == []
