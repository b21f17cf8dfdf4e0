"""Masks: large and small objects of three classes, and the map of a text detector."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion
from zoo import Array, Change, Rng, Zoo, decoded_answers, each, same, some, stacked

from workers.evaluate.proof.predictions import Predictions

SIDE = 48


def masks(n: int, rng: Rng, classes: int) -> list[Array]:
    """(48, 48) class numbers: up to four things of 4 to 15 pixels, apart from each other; a tenth hold nothing."""
    found = []
    for _ in range(n):
        mask = np.zeros((SIDE, SIDE), np.uint8)
        for place in rng.permutation(9)[: 0 if rng.random() < 0.1 else rng.integers(1, 5)]:
            height, width = rng.integers(4, 15, 2)
            top, left = 16 * (place // 3) + 1, 16 * (place % 3) + 1
            rows, columns = np.mgrid[:height, :width]
            shape = ((rows - (height - 1) / 2) / height) ** 2 + ((columns - (width - 1) / 2) / width) ** 2 <= 0.25
            part = mask[top : top + height, left : left + width]
            part[shape | (rng.random() < 0.5)] = rng.integers(1, classes)
        found.append(mask)
    return found


def text_map(n: int, rng: Rng) -> list[Array]:
    """(48, 48) of 0 and 1: three lines of words six pixels high and three apart, a thin line below each third."""
    found = []
    for _ in range(n):
        mask = np.zeros((SIDE, SIDE), np.uint8)
        for top in (4, 19, 34):
            left = int(rng.integers(1, 6))
            while left < SIDE - 12:
                width = int(rng.integers(8, 16))
                mask[top : top + 6, left : min(left + width, SIDE - 1)] = 1
                left += width + 3
            if rng.random() < 1 / 3:
                mask[top + 9 : top + 11, 4:44] = 1
        found.append(mask)
    return found


def words_joined(mask: Array, rng: Rng) -> Array:
    from scipy.ndimage import binary_closing

    return (binary_closing(mask > 0, np.ones((1, 5))) | (mask > 0)).astype(mask.dtype)


def lines_broken(mask: Array, rng: Rng) -> Array:
    """Of thin lines the last third is missing."""
    mask[[13, 14, 28, 29, 43, 44], 31:] = 0
    return mask


def words_cut(mask: Array, rng: Rng) -> Array:
    mask[:, [11, 12, 13, 14]] = 0
    return mask


def edges(mask: Array, rng: Rng) -> Array:
    """Each object's edge flickers by a pixel, as rounding does near a tie."""
    thing = mask > 0
    inner, outer = thing & ~binary_erosion(thing), binary_dilation(thing) & ~thing
    spread = mask.copy()
    for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
        moved = np.roll(mask, shift, axis)
        spread = np.where(spread == 0, moved, spread)
    flicker = rng.random(mask.shape) < 0.2
    return np.where(inner & flicker, 0, np.where(outer & flicker, spread, mask)).astype(mask.dtype)


def specks(mask: Array, rng: Rng) -> Array:
    """Two single pixels that belong to nothing."""
    for top, left in rng.integers(0, SIDE, (2, 2)):
        mask[top, left] = 1
    return mask


def small_lost(mask: Array, rng: Rng) -> Array:
    from scipy.ndimage import label

    numbers, count = label(mask > 0, np.ones((3, 3)))
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)
    return np.where((sizes < 50)[numbers], 0, mask).astype(mask.dtype)


def one_lost(mask: Array, rng: Rng) -> Array:
    from scipy.ndimage import label

    numbers, count = label(mask > 0, np.ones((3, 3)))
    return np.where(numbers == rng.integers(1, count + 1), 0, mask).astype(mask.dtype) if count else mask


def one_new(mask: Array, rng: Rng) -> Array:
    top, left = rng.integers(0, SIDE - 8, 2)
    mask[top : top + 8, left : left + 8] = 1
    return mask


def class_lost(one: int) -> Change:
    return each(lambda mask, rng: np.where(mask == one, 0, mask).astype(mask.dtype))


def halved(mask: Array, rng: Rng) -> Array:
    """The right half is not seen."""
    mask[:, SIDE // 2 :] = 0
    return mask


def holes(mask: Array, rng: Rng) -> Array:
    """Five by five pixels in the middle of each thing large enough to hold them."""
    from scipy.ndimage import binary_erosion

    middle = binary_erosion(mask > 0, np.ones((9, 9)))
    middle = binary_dilation(middle, np.ones((5, 5))) & (mask > 0) if middle.any() else middle
    return np.where(middle, 0, mask).astype(mask.dtype)


def one_pixel(mask: Array, rng: Rng) -> Array:
    inside = np.argwhere(mask > 0)
    if len(inside):
        mask[tuple(inside[rng.integers(len(inside))])] = 0
    return mask


def corners_off(mask: Array, rng: Rng) -> Array:
    """Pixels that have three neighbors or fewer."""
    from scipy.ndimage import convolve

    around = convolve((mask > 0).astype(np.int8), np.ones((3, 3), np.int8), mode="constant") - 1
    return np.where(around <= 3, 0, mask).astype(mask.dtype)


HARM: dict[str, Change] = {
    "nothing found": each(lambda mask, rng: np.zeros_like(mask)),
    "small things lost": each(small_lost),
    "one thing lost in 5 %": some(0.05, one_lost),
    "something new in 5 %": some(0.05, one_new),
    "moved by a third": each(lambda mask, rng: np.roll(mask, 4, axis=1)),
    "masks of other items": stacked(lambda rows, rng: rows[rng.permutation(len(rows))]),
    "smaller by two pixels": each(lambda mask, rng: np.where(binary_erosion(mask > 0, iterations=2), mask, 0)),
    "larger by two pixels": each(lambda mask, rng: np.where(binary_dilation(mask > 0, iterations=2), 1, 0)),
    "half of the picture blind": each(halved),
    "class one lost": class_lost(1),
    "moved by three pixels": each(lambda mask, rng: np.roll(mask, 3, axis=1)),
}
HARMLESS: dict[str, Change] = {
    "the same": same, "edges flicker by a pixel": each(edges),
    "moved by a pixel": each(lambda mask, rng: np.roll(mask, 1, axis=1)), "single pixels": each(specks),
    "one pixel of each mask": each(one_pixel), "corners off": each(corners_off),
}  # fmt: skip


def answers(zoo: Zoo, parts: Sequence[Array]) -> Predictions:
    return decoded_answers(parts, "mask", np.uint8)


def other_mask(mask: Array, rng: Rng) -> Array:
    return one_new(np.zeros_like(mask), rng) if mask.any() else mask


def _zoo(name: str, make: Callable[[int, Rng], list[Array]], harm: dict[str, Change]) -> Zoo:
    return Zoo(name, "segmentation", "mask", make, harm, HARMLESS, other_mask, answers=answers)


CLASSES_HARM = HARM | {
    "holes in things": each(holes),
    "two classes swapped": each(lambda mask, rng: np.array([0, 2, 1, 3], np.uint8)[mask]),
    "one class of three lost": class_lost(3),
}
TEXT_HARM = {name: how for name, how in HARM.items() if name != "small things lost"} | {
    "words joined": each(words_joined),
    "words cut in two": each(words_cut),
    "thin lines broken": each(lines_broken),
}
ZOOS = [
    _zoo("masks of three classes", partial(masks, classes=4), CLASSES_HARM),
    _zoo("map of a text detector", text_map, TEXT_HARM),
]
