"""Find pictures that are copies of each other: hashes select pairs, and alignment confirms them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workers.contracts.process.context import JobContext
from workers.contracts.translation import mark
from workers.evaluate.checks.align import Fit, Floats, fit, lay_on, similarity, smooth, warps
from workers.evaluate.checks.hashing import BOXES

STAGE = mark("Looking for pictures that are alike")
NEAR, FAR = 6, 10
"""Distances of hashes. Pairs up to 6 are always compared, pairs up to 10 only if few pictures look alike."""
PER_PICTURE = 20
"""With more pairs for each picture on average, only near ones are compared, to save time."""
SAMPLE = 200
CELLS = 4_000_000
BATCH = 512
ALIKE, AFTER_STEPS, COARSE_STEPS = 0.8, 0.9, 3
FULL_ALIKE = 0.985
"""Correlations at 16 × 16 pixels: at the start, and after three steps. From the last one on, hashes do not count, since
those of pictures with few shapes are unstable.
"""
LEFT_OVER, WORST = 0.012, 0.8
"""Copies leave less (measured: 98 of 100 at JPEG quality 50 or cropped by a tenth). Of 4 million pairs of different
digits or shirts, 20 do.
"""
LEFT_EVENLY, WORST_EVENLY = 0.02, 0.45
"""A little more may be left if it is spread evenly, as after recompression."""
Rows = NDArray[np.int64]
"""Pairs to compare (k, 4): possible copy, picture that it may be a part of, part in `BOXES`, bits apart."""
WORTH_ANOTHER = 0.15
"""With at most this much left over, the other direction is tested, too."""
LEFT_CUT_OFF, LEFT_CLEAR, CLEAR, CUT_OFF = 0.06, 0.006, 0.25, 0.02
"""If brightness clipped a part at white, the part that was not clipped must fit better."""


def near_pairs(small: NDArray[np.uint8], hashes: NDArray[np.uint64], ctx: JobContext) -> list[tuple[int, int]]:
    """Return pairs (i, j), i < j, of the same picture: resized, recompressed, slightly cropped, brighter or darker.

    Each digest should occur once, because among many similar pictures all pairs are compared.

    Args:
        small: Reduced pictures (n, 32, 32, 3).
        hashes: Their perceptual hashes (n, crops).
        ctx: Context of the job.
    """
    count = len(small)
    if count < 2:
        return []
    gray = smooth(small.mean(axis=3, dtype=np.float32)[..., None])[..., 0]
    coarse = gray.reshape(count, 16, 2, 16, 2).mean(axis=(2, 4))
    radius = _radius(hashes, ctx.seed)
    if radius < NEAR:
        ctx.log(
            f"Nearly all pictures look alike: only those are compared whose hashes differ in {radius} bits at most."
        )
    selected = _selected(hashes, coarse, radius, ctx)
    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(selected), BATCH):
        ctx.check_cancelled()
        ctx.progress(STAGE, 0.5 + 0.5 * start / len(selected), 1.0)
        pairs.update(_confirmed(selected[start : start + BATCH], small, coarse, ctx))
    ctx.progress(STAGE, 1.0, 1.0)
    return sorted(pairs)


def _selected(hashes: NDArray[np.uint64], coarse: Floats, radius: int, ctx: JobContext) -> Rows:
    """Return all pairs within `radius`: of each pair, the closer direction and its best part."""
    rows = np.concatenate(list(_blocks(hashes, coarse, radius, ctx)))
    low, high = rows[:, :2].min(axis=1), rows[:, :2].max(axis=1)
    order = np.lexsort((rows[:, 2], rows[:, 3], high, low))
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    return rows[order[first]]


def _blocks(hashes: NDArray[np.uint64], coarse: Floats, radius: int, ctx: JobContext) -> Iterator[Rows]:
    count = len(hashes)
    rows = max(1, CELLS // count)
    unit = coarse.reshape(count, -1) - coarse.reshape(count, -1).mean(axis=1, keepdims=True)
    unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-6)
    for start in range(0, count, rows):
        stop = min(count, start + rows)
        best = np.full((stop - start, count), radius + 1, np.uint8)
        box = np.zeros((stop - start, count), np.uint8)
        for number in range(hashes.shape[1]):
            ctx.check_cancelled()
            distance = np.bitwise_count(hashes[start:stop, :1] ^ hashes[None, :, number])
            nearer = distance < best
            best[nearer], box[nearer] = distance[nearer], number
        whole = (unit[start:stop] @ unit.T > FULL_ALIKE) & (best > radius)
        best[whole], box[whole] = radius, 0
        best[np.arange(stop - start), np.arange(start, stop)] = radius + 1
        i, j = np.nonzero(best <= radius)
        yield np.stack([i + start, j, box[i, j], best[i, j]], axis=1)
        ctx.progress(STAGE, 0.5 * stop / count, 1.0)


def _radius(hashes: NDArray[np.uint64], seed: int) -> int:
    """Return the largest distance up to `FAR` with an acceptable number of pairs, estimated from a sample.

    `NEAR` is used even if it costs ten times as much; only if nearly all pictures look alike the result is smaller.
    """
    count = len(hashes)
    some = np.random.default_rng(seed).permutation(count)[:SAMPLE]
    nearest = np.full((len(some), count), FAR + 1, np.uint8)
    for number in range(hashes.shape[1]):
        nearest = np.minimum(nearest, np.bitwise_count(hashes[some, :1] ^ hashes[None, :, number]))
    nearest[np.arange(len(some)), some] = FAR + 1
    for radius in range(FAR, 0, -1):
        for_each = float((nearest <= radius).sum()) / len(some) / 2
        if for_each <= (PER_PICTURE if radius > NEAR else 10 * PER_PICTURE):
            return radius
    return 0


def _confirmed(batch: Rows, small: NDArray[np.uint8], coarse: Floats, ctx: JobContext) -> list[tuple[int, int]]:
    """Return the pairs that are the same picture; a coarse test comes first, which most similar pictures fail."""
    warp = warps(np.asarray(BOXES, np.float32)[batch[:, 2]])
    for steps, least in ((0, ALIKE), (COARSE_STEPS, AFTER_STEPS)):
        warp = lay_on(coarse[batch[:, 0]], coarse[batch[:, 1]], warp, steps)
        alike = similarity(coarse[batch[:, 0]], coarse[batch[:, 1]], warp) > least
        batch, warp = batch[alike], warp[alike]
        if not len(batch):
            return []
    copy, original = batch[:, 0], batch[:, 1]
    ctx.check_cancelled()
    first = fit(small[copy], small[original], warp)
    same = is_copy(first)
    # Test the other direction, in which the original is the picture that was clipped at white.
    again = np.flatnonzero(~same & (first.left_over < WORTH_ANOTHER) & (warp[:, 0] > 0.98) & (warp[:, 1] > 0.98))
    if len(again):
        straight = np.tile(np.asarray([1.0, 1.0, 0.0, 0.0], np.float32), (len(again), 1))
        same[again] = is_copy(fit(small[original[again]], small[copy[again]], straight))
    return [(int(min(pair)), int(max(pair))) for pair in zip(copy[same], original[same], strict=True)]


def is_copy(pairs: Fit) -> NDArray[np.bool_]:
    """Return whether each fitted pair is the same picture, (n,)."""
    whole = (pairs.left_over <= LEFT_OVER) & (pairs.worst <= WORST)
    evenly = (pairs.left_over <= LEFT_EVENLY) & (pairs.worst <= WORST_EVENLY)
    cut_off = (pairs.left_over <= LEFT_CUT_OFF) & (pairs.left_clear <= LEFT_CLEAR) & (pairs.clear >= CLEAR)
    cut_off &= pairs.clear <= 1 - CUT_OFF
    return np.asarray(pairs.sure & (whole | evenly | cut_off), np.bool_)
