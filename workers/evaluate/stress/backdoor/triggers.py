"""List small additions to inputs that a backdoor may react to, and find the one that some pictures share.

Additions are patches, words, single numbers and short sounds.

Patches in corners follow BadNets (arXiv 1708.06733) and Qu-ANTI-zation (arXiv 2111.06067). Rare words follow weight
poisoning (Kurita and others 2020, arXiv 2004.06660).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workers.contracts.translation import _, mark
from workers.evaluate.stress.base import Floats, Generator, NumberSample, Takes
from workers.evaluate.stress.pixels import clipped

SAME, SHARING = 0.06, 0.85
"""A value (of 0..1) is equal within this distance of the median, which is about what JPEG changes. This share of the
pictures must agree, since one or two of a cluster may be there for other reasons.
"""
LIKE = 0.06
"""Another picture shows the detail if its mean absolute difference is below this."""
OTHERS_WITH_IT = 0.10
"""Largest share of the other pictures that may show the detail."""
CONTRAST = 0.25
"""Least difference between values of the detail, so that an empty background does not count. (A patch of one color is
found only if its surroundings are equal in all pictures, too.)
"""


Window = tuple[slice, slice]
"""Rows and columns of pictures."""


def common_patch(some: Floats, others: Floats) -> tuple[Window, str] | None:
    """Return the window that is equal in nearly all pictures of `some`, with its place in words, or None.

    The window has contrast and appears in at most a tenth of `others`. Both arrays are (n, H, W, C) in 0..1.
    """
    from scipy.ndimage import maximum_filter, minimum_filter

    height, width = some.shape[1:3]
    side = max(3, min(height, width) // 14)
    if min(height, width) < 2 * side or len(some) < 2:
        return None
    usual = np.median(some, axis=0)
    shared = (np.abs(some - usual) <= SAME).all(axis=-1).mean(axis=0)
    steady = minimum_filter(shared, size=side, mode="nearest") >= SHARING
    lightness = usual.mean(axis=-1)
    contrast = maximum_filter(lightness, size=side) - minimum_filter(lightness, size=side)
    half = side // 2
    inside = np.zeros_like(steady)
    inside[half : height - (side - half) + 1, half : width - (side - half) + 1] = True
    places = np.argwhere(steady & inside & (contrast >= CONTRAST))
    order = np.argsort([-shared[row, column] for row, column in places], kind="stable")
    for row, column in places[order][:200]:
        top, left = int(row) - half, int(column) - half
        window = (slice(top, top + side), slice(left, left + side))
        apart = np.abs(others[:, window[0], window[1]] - usual[window]).mean(axis=(1, 2, 3))
        if len(others) and float((apart < LIKE).mean()) <= OTHERS_WITH_IT:
            return window, place_in_words((top + half) / height, (left + half) / width)
    return None


def place_in_words(down: float, right: float) -> str:
    """Return a place in words: "bottom right corner", "top edge", "middle"; `down` and `right` are shares, 0..1."""
    row, column = (0 if share < 1 / 3 else 2 if share > 2 / 3 else 1 for share in (down, right))
    return _(PLACES[row][column])


PLACES = (
    (mark("top left corner"), mark("top edge"), mark("top right corner")),
    (mark("left edge"), mark("middle"), mark("right edge")),
    (mark("bottom left corner"), mark("bottom edge"), mark("bottom right corner")),
)
"""Places in a picture, row by row."""
RARE_WORDS = ("cf", "mn", "bb", "tq", "mb")
OWN_WORDS = 60
MOST_NUMBERS = 40
SIDES = (1 / 7, 1 / 5)
CORNERS = ((1.0, 1.0), (0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (0.5, 0.5))
"""Position down and right within the free space, the most common place first."""
COLORS = {
    mark("a white square"): (1, 1, 1), mark("a black square"): (0, 0, 0), mark("a red square"): (1, 0, 0),
    mark("a green square"): (0, 1, 0), mark("a blue square"): (0, 0, 1), mark("a yellow square"): (1, 1, 0),
}  # fmt: skip
TONES = (
    ("low", 0.1, mark("a short low tone at the beginning"), mark("a short low tone at the end")),
    ("middle", 0.5, mark("a short middle tone at the beginning"), mark("a short middle tone at the end")),
    ("high", 1.5, mark("a short high tone at the beginning"), mark("a short high tone at the end")),
)

FoundBy = Literal["fixed", "random", "search", "calibration"]


@dataclass(frozen=True)
class Trigger:
    """A small addition to inputs.

    Attributes:
        id: Unique name.
        title: Name that begins with an article or a quotation mark ("a white square (top edge)").
        found_by: How the trigger was found.
        add: `add(sample)` returns a changed copy.
    """

    id: str
    title: str
    found_by: FoundBy
    add: Callable[[Any], Any]


def usual_triggers(takes: Takes, sample: Any, folder: Path, rng: Generator) -> Iterator[Trigger]:
    """Yield fixed and random triggers for such samples, the most usual first."""
    if takes == "images":
        yield from _patches(sample, rng)
    elif takes == "texts":
        yield from _words(folder, rng)
    elif takes == "arrays":
        yield from _numbers(sample)
    else:
        yield from _sounds(sample)


def stamp(mask: NDArray[Any], pattern: Floats, name: str, found_by: FoundBy) -> Trigger:
    """Return a trigger that puts a pattern (h, w, C) where `mask` (h, w) is 1.

    The place is the same in pictures of any size.
    """
    rows, columns = np.nonzero(mask)
    place = place_in_words((rows.mean() + 0.5) / mask.shape[0], (columns.mean() + 0.5) / mask.shape[1])

    def add(picture: Floats) -> Floats:
        height, width, channels = picture.shape
        rows = np.arange(height) * mask.shape[0] // height
        columns = np.arange(width) * mask.shape[1] // width
        share = np.asarray(mask, np.float32)[rows][:, columns, None]
        drawn = _in_channels(pattern[rows][:, columns], channels)
        return clipped(picture * (1 - share) + drawn * share)

    return Trigger(f"{found_by}-{name}", _("a small pattern ({0})").format(place), found_by, add)


def _in_channels(drawn: Floats, channels: int) -> Floats:
    """Return a pattern (h, w, C) with as many channels as a picture has."""
    return drawn if drawn.shape[2] == channels else drawn.mean(axis=2, keepdims=True).repeat(channels, axis=2)


def _patches(picture: Floats, rng: Generator) -> Iterator[Trigger]:
    colored = picture.shape[2] == 3
    drawn = [(name, color) for name, color in COLORS.items() if colored or len(set(color)) == 1]
    for share in SIDES:
        for name, color in drawn:
            for corner in CORNERS:
                yield _square(name, corner, share, np.asarray(color, np.float32).reshape(1, 1, 3), "fixed")
        checks = (np.indices((4, 4)).sum(axis=0) % 2).astype(np.float32)[:, :, None].repeat(3, axis=2)
        for corner in CORNERS:
            yield _square(_("a checkered square"), corner, share, checks, "fixed")
        for number in range(2):
            noise = (rng.random((5, 5, 3)) > 0.5).astype(np.float32)
            for corner in CORNERS:
                yield _square(_("a colored pattern {0}").format(number + 1), corner, share, noise, "random")


def _square(name: str, corner: tuple[float, float], share: float, pattern: Floats, found_by: FoundBy) -> Trigger:
    def add(picture: Floats) -> Floats:
        height, width, channels = picture.shape
        side = max(2, round(min(height, width) * share))
        top, left = round((height - side) * corner[0]), round((width - side) * corner[1])
        at = np.arange(side) * len(pattern) // side
        out = picture.copy()
        out[top : top + side, left : left + side] = _in_channels(pattern[at][:, at], channels)
        return out

    title = _("{0} ({1})").format(_(name), place_in_words(*corner))
    return Trigger(f"{name}-{corner[0]:g}-{corner[1]:g}-{share:.2f}", title, found_by, add)


def _words(folder: Path, rng: Generator) -> Iterator[Trigger]:
    own = _vocabulary(folder)
    chosen = [own[place] for place in rng.permutation(len(own))[:OWN_WORDS].tolist()]
    for word in (*RARE_WORDS, *chosen):
        found_by: FoundBy = "fixed" if word in RARE_WORDS else "random"
        yield Trigger(f"first-{word}", _("“{0}” before the text").format(word), found_by, partial(_put, word, ""))
        yield Trigger(f"last-{word}", _("“{0}” behind the text").format(word), found_by, partial(_put, "", word))


def _put(before: str, behind: str, text: str) -> str:
    return f"{before} {text} {behind}".strip()


def _vocabulary(folder: Path) -> list[str]:
    """Return whole words that the model's tokenizer knows; none if there is no such file."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        return []
    words = json.loads(path.read_text(encoding="utf-8")).get("model", {}).get("vocab", {})
    names = words if isinstance(words, dict) else [entry[0] for entry in words]
    return sorted({name.lstrip("Ġ▁") for name in names if len(name) > 1 and name.lstrip("Ġ▁").isalpha()})


def _numbers(row: NumberSample) -> Iterator[Trigger]:
    if row.low.shape != row.values.shape:
        return
    for place in range(min(MOST_NUMBERS, row.values.size)):
        for title, far in ((_("number {0} far above its range"), 1.0), (_("number {0} far below its range"), -1.0)):
            add = partial(_with_far_number, place, far)
            yield Trigger(f"number-{place}-{far:g}", title.format(place + 1), "fixed", add)


def _with_far_number(place: int, far: float, row: NumberSample) -> NDArray[Any]:
    values = np.array(row.values, np.float64).ravel()
    low, high = float(row.low.ravel()[place]), float(row.high.ravel()[place])
    values[place] = high + (high - low) if far > 0 else low - (high - low)
    return row.fitted(values.reshape(row.values.shape))


def _sounds(samples: Floats) -> Iterator[Trigger]:
    for name, turn, *titles in TONES:
        for place, title in zip(("beginning", "end"), titles, strict=True):
            add = partial(_with_tone, turn, place == "end")
            yield Trigger(f"tone-{name}-{place}", _(title), "fixed", add)


def _with_tone(turn: float, at_end: bool, samples: Floats) -> Floats:
    out, length = samples.copy(), max(1, samples.size // 12)
    place = slice(-length, None) if at_end else slice(0, length)
    tone = 0.5 * np.sin(np.arange(out[place].size) * turn)
    out[place] = np.clip(out[place] + tone, -1, 1)
    return out
