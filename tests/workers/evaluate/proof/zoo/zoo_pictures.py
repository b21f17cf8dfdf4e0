"""Pictures that a model draws: smooth scenes with edges."""

import numpy as np
from scipy.ndimage import gaussian_filter
from zoo import ROUNDED, Array, Change, Rng, Zoo, each, no_number, some, stacked

SIDE = 36


def scenes(n: int, rng: Rng) -> list[Array]:
    """(3, 36, 36) each in 0..1: soft colors, a disk, fine grain."""
    rough = rng.standard_normal((n, 3, SIDE, SIDE)).astype(np.float32)
    soft = gaussian_filter(rough, sigma=(0, 0, 8, 8)) * 6
    rows, columns = np.mgrid[:SIDE, :SIDE]
    place = rng.uniform(10, 26, (n, 2, 1, 1))
    disk = ((rows - place[:, 0]) ** 2 + (columns - place[:, 1]) ** 2 < 64)[:, None]
    color = rng.uniform(-0.4, 0.4, (n, 3, 1, 1))
    return list(np.clip(0.5 + 0.2 * soft + disk * color + 0.03 * rough, 0, 1).astype(np.float32))


def blot(row: Array, rng: Rng) -> Array:
    """Sixteen by sixteen pixels are another color."""
    top, left = rng.integers(0, SIDE - 16, 2)
    part = row[:, top : top + 16, left : left + 16]
    part[:] = np.where(part.mean() > 0.5, part - 0.35, part + 0.35)
    return row


def small_blot(row: Array, rng: Rng) -> Array:
    top, left = rng.integers(0, SIDE - 7, 2)
    part = row[:, top : top + 7, left : left + 7]
    part[:] = np.where(part.mean() > 0.5, part - 0.35, part + 0.35)
    return row


def faint_tint(row: Array, rng: Rng) -> Array:
    row[2] = row[2] + np.float32(0.05)
    return row


def noise(row: Array, rng: Rng) -> Array:
    return np.clip(row + rng.normal(0, 0.3, row.shape), 0, 1).astype(np.float32)


def spread(amount: float) -> Change:
    return each(lambda row, rng: (row + rng.normal(0, amount, row.shape)).astype(np.float32))


def tint(row: Array, rng: Rng) -> Array:
    row[0] = row[0] + np.float32(0.12)
    return row


def dead(row: Array, rng: Rng) -> Array:
    row[1] = row[1].mean()
    return row


def stripe(row: Array, rng: Rng) -> Array:
    row[:, :, 20:23] = 0
    return row


HARM: dict[str, Change] = {
    "a blot in each": each(blot),
    "a small blot in each": each(small_blot),
    "a faint cast of one color": each(faint_tint),
    "flipped": each(lambda row, rng: row[:, :, ::-1]),
    "colors in another order": each(lambda row, rng: row[[1, 2, 0]]),
    "infinity in 5 %": some(0.05, lambda row, rng: np.where(rng.random(row.shape) < 0.001, np.inf, row)),
    "blurred": each(lambda row, rng: gaussian_filter(row, sigma=(0, 1.5, 1.5))),
    "one color dead": each(dead),
    "tinted": each(tint),
    "noise": spread(0.06),
    "noise on 5 %": some(0.05, noise),
    "no number on 5 %": some(0.05, no_number),
    "moved by two pixels": each(lambda row, rng: np.roll(row, 2, axis=2)),
    "a dead stripe": each(stripe),
    "darker by a quarter": each(lambda row, rng: row * np.float32(0.75)),
    "pictures of other items": stacked(lambda rows, rng: rows[rng.permutation(len(rows))]),
}
HARMLESS: dict[str, Change] = {
    **ROUNDED,
    "8 bits": each(lambda row, rng: np.round(row * 255) / np.float32(255)), "faint noise": spread(0.004),
    "brighter by half a percent": each(lambda row, rng: row * np.float32(1.005)),
}  # fmt: skip
ZOOS = [Zoo("pictures", "picture", "picture", scenes, HARM, HARMLESS, noise)]
