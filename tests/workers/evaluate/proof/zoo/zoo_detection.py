"""Boxes: what detectors find in pictures, written as outputs of YOLO v8 and read by the code that bundles read it with.

The other forms of heads are tested where they are read.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from zoo import Array, Change, Rng, Zoo, decoded_answers, each, some

from workers.evaluate.proof.predictions import Predictions
from workers.pipeline.postprocess.boxes import decode
from workers.pipeline.spec import BoxesSteps

SIDE = 640
KINDS = 12
STEPS = BoxesSteps(form="yolo_v8", boxes="out", corners="cxcywh")
CELLS = 4
THRESHOLD = 0.25
SMALL_PX = 32


def read(output: Array) -> list[Array]:
    """Return boxes (k, 6) of each picture as a bundle reads them."""
    return [part[~(part[:, 4] <= 0)] for part in decode({"out": output}, STEPS, (SIDE, SIDE))]


def centers(rows: Array) -> Array:
    low, high = rows[..., :2], rows[..., 2:4]
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def written(parts: Sequence[Array]) -> Array:
    """Return the output of YOLO v8: it sees each thing by two cells, and gives a score of each class."""
    rows = np.zeros((len(parts), max(1, *map(len, parts)), 6), np.float32)
    for row, part in zip(rows, parts, strict=True):
        row[: len(part)] = part
    other = rows.copy()
    other[..., :4] += 2
    other[..., 4] *= 0.9
    rows = np.concatenate([rows, other], axis=1)
    scores = np.full((*rows.shape[:2], KINDS), 1e-4, np.float32)
    np.put_along_axis(scores, np.nan_to_num(rows[..., 5:]).astype(int), rows[..., 4:5], axis=2)
    return np.concatenate([centers(rows), scores], axis=2).transpose(0, 2, 1)


def scenes(n: int, rng: Rng) -> list[Array]:
    """(k, 6) each: up to five things of 14 to 150 pixels, seven of ten pictures hold two or more, a tenth none; a few
    weak boxes in addition. Classes are not equally frequent."""
    frequent = np.linspace(1, 3, KINDS) / np.linspace(1, 3, KINDS).sum()
    found = []
    for things in rng.choice([0, 1, 2, 3, 4, 5], n, p=[0.1, 0.2, 0.25, 0.2, 0.15, 0.1]):
        weak = rng.integers(0, 3)
        count = things + weak
        sides = np.exp(rng.uniform(np.log(14), np.log(150), (count, 2)))
        cells = rng.permutation(CELLS * CELLS)[:count]
        corner = np.stack([cells % CELLS, cells // CELLS], axis=1) * SIDE / CELLS
        low = corner + rng.random((count, 2)) * (SIDE / CELLS - sides)
        sure = np.where(rng.random(count) < 0.1, rng.uniform(0.27, 0.45, count), 0.45 + 0.53 * rng.beta(3, 1, count))
        score = np.where(np.arange(count) < things, sure, rng.uniform(0.02, 0.2, count))
        kind = rng.choice(KINDS, count, p=frequent)
        found.append(np.column_stack([low, low + sides, score, kind]).astype(np.float32))
    return found


def of_output(change: Callable[[Array, Rng], Array]) -> Change:
    """A change of the output as the model gives it."""
    return lambda parts, rng: read(change(written(parts), rng))


def scored(change: Callable[[Array, Rng], Array]) -> Change:
    """A change of all scores of a picture."""

    def changed(rows: Array, rng: Rng) -> Array:
        rows[:, 4] = change(rows[:, 4], rng)
        return rows

    return each(changed)


def without(lost: Callable[[Array], Array]) -> Change:
    return each(lambda rows, rng: rows[~lost(rows)])


def frequencies(parts: Sequence[Array]) -> Array:
    """In how many pictures each class is found."""
    sure = [np.unique(rows[rows[:, 4] >= THRESHOLD, 5]).astype(int) for rows in parts]
    return np.bincount(np.concatenate(sure), minlength=KINDS)


def one_class_lost(parts: list[Array], rng: Rng) -> Sequence[Array]:
    """The rarest one."""
    rare = int(np.argmin(frequencies(parts)))
    return [rows[rows[:, 5] != rare] for rows in parts]


def rare_swapped(parts: list[Array], rng: Rng) -> Sequence[Array]:
    first, second = np.argsort(frequencies(parts))[:2]
    other = np.arange(KINDS)
    other[[first, second]] = second, first
    for rows in parts:
        rows[:, 5] = other[rows[:, 5].astype(int)]
    return parts


def moved(share: float) -> Change:
    def shift(rows: Array, rng: Rng) -> Array:
        rows[:, [0, 2]] += share * (rows[:, 2:3] - rows[:, :1])
        return rows

    return each(shift)


def larger(rows: Array, rng: Rng) -> Array:
    sides = rows[:, 2:4] - rows[:, :2]
    rows[:, :2] -= 0.15 * sides
    rows[:, 2:4] += 0.15 * sides
    return rows


def twice(rows: Array, rng: Rng) -> Array:
    """Each thing a second time, so far aside that nothing takes both for one."""
    other = rows.copy()
    other[:, [0, 2]] += 0.5 * (rows[:, 2:3] - rows[:, :1])
    other[:, 4] *= 0.9
    return np.concatenate([rows, other])


def loose(rows: Array, rng: Rng) -> Array:
    """A seventh wider and higher, which labels show and the original's boxes do not."""
    middle, half = (rows[:, :2] + rows[:, 2:4]) / 2, (rows[:, 2:4] - rows[:, :2]) * (8 / 14)
    rows[:, :4] = np.concatenate([middle - half, middle + half], axis=1)
    return rows


def one_more(rows: Array, rng: Rng) -> Array:
    low = rng.uniform(0, SIDE - 60, 2)
    new = np.array([[*low, *(low + rng.uniform(30, 60, 2)), 0.8, rng.integers(KINDS)]], np.float32)
    return np.concatenate([rows, new])


def noise(rows: Array, rng: Rng) -> Array:
    made = scenes(1, rng)[0]
    return made if (made[:, 4:5] >= THRESHOLD).any() else one_more(made, rng)


def one_lost(rows: Array, rng: Rng) -> Array:
    """The surest thing; where there is none, one more."""
    return rows[np.argsort(-rows[:, 4])][1:] if (rows[:, 4] >= THRESHOLD).any() else one_more(rows, rng)


def no_number(rows: Array, rng: Rng) -> Array:
    return np.full((1, 6), np.nan, np.float32)


def squeezed(scores: Array, rng: Rng) -> Array:
    """Each stays on its side of the threshold, and nothing is sure any more."""
    return np.where(scores >= THRESHOLD, THRESHOLD + 0.1 * scores, scores)


def area(rows: Array) -> Array:
    return (rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])


HARM: dict[str, Change] = {
    "scores zeroed": scored(lambda scores, rng: scores * 0),
    "scores below the threshold": scored(lambda scores, rng: scores / 4),
    "nothing is sure any more": scored(squeezed),
    "one class of twelve lost": one_class_lost,
    "two rare classes swapped": rare_swapped,
    "classes shifted by one": each(lambda rows, rng: np.column_stack([rows[:, :5], (rows[:, 5] + 1) % KINDS])),
    "small things lost": without(lambda rows: area(rows) < SMALL_PX**2),
    "right half blind": without(lambda rows: rows[:, 0] > SIDE / 2),
    "only two things a picture": each(lambda rows, rng: rows[np.argsort(-rows[:, 4])][:2]),
    "moved by a third": moved(1 / 3),
    "larger by a third": each(larger),
    "each thing twice": each(twice),
    "something new in 5 %": some(0.05, one_more),
    "noise on 5 %": some(0.05, noise),
    "no number on 5 %": some(0.05, no_number),
    "boxes of other pictures": lambda parts, rng: [parts[i] for i in rng.permutation(len(parts))],
}


def jitter(rows: Array, rng: Rng) -> Array:
    rows[:, :4] += rng.uniform(-0.9, 0.9, (len(rows), 4))
    return rows


def weak_shuffled(rows: Array, rng: Rng) -> Array:
    weak = np.flatnonzero(rows[:, 4] < THRESHOLD * 0.9)
    rows[weak, 4] = rng.permutation(rows[weak, 4])
    return rows


def rounded(rows: Array, rng: Rng) -> Array:
    rows[:, :4] = np.round(rows[:, :4])
    return rows


HARMLESS: dict[str, Change] = {
    "the same": lambda parts, rng: parts,
    "another engine": of_output(lambda out, rng: (out * (1 + 3e-7 * rng.standard_normal(out.shape))).astype("f4")),
    "FP16": of_output(lambda out, rng: out.astype(np.float16).astype(np.float32)),
    "boxes off by less than a pixel": each(jitter),
    "whole pixels": each(rounded),
    "scores off by .02": scored(lambda scores, rng: np.clip(scores + rng.uniform(-0.02, 0.02, len(scores)), 0, 1)),
    "weak boxes in another order": each(weak_shuffled),
    "weak boxes lost": without(lambda rows: rows[:, 4] < THRESHOLD * 0.85),
    "boxes in another order": each(lambda rows, rng: rng.permutation(rows)),
}


def truths(old: list[Array], rng: Rng) -> Sequence[Mapping[str, Any]]:
    """The sure boxes of the original but one in twelve, two pixels aside, and one more in a picture of eight."""
    facts = {"input left": 0.0, "input top": 0.0, "input width": float(SIDE), "input height": float(SIDE)}
    found = []
    for rows in old:
        sure = rows[(rows[:, 4] >= THRESHOLD) & (rng.random(len(rows)) > 1 / 12)]
        if rng.random() < 1 / 8:
            sure = one_more(sure, rng)
        sure[:, :4] += rng.normal(0, 2, (len(sure), 4))  # people draw boxes by hand
        places = centers(sure) / SIDE
        boxes = [
            (x - w / 2, y - h / 2, w, h, int(kind))
            for (x, y, w, h), kind in zip(places.tolist(), sure[:, 5], strict=True)
        ]
        found.append({"boxes": tuple(boxes), "facts": facts})
    return found


def answers(zoo: Zoo, parts: Sequence[Array]) -> Predictions:
    """Through the output and back."""
    return decoded_answers(read(written(parts)), "detection", score_threshold=THRESHOLD)


LABELLED = (
    "scores zeroed", "one class of twelve lost", "small things lost", "moved by a third", "noise on 5 %",
    "no number on 5 %", "nothing is sure any more", "two rare classes swapped", "each thing twice",
    "boxes of other pictures",
)  # fmt: skip
LABELLED_HARMLESS = (
    "the same", "another engine", "FP16", "boxes off by less than a pixel", "whole pixels",
    "weak boxes in another order", "scores off by .02",
)  # fmt: skip
NAMES = tuple(f"kind {i}" for i in range(KINDS))

ZOOS = [
    Zoo("boxes", "detection", "detection", scenes, HARM, HARMLESS, noise, None, NAMES, answers=answers),
    Zoo(
        "boxes with labels", "detection", "detection", scenes,
        {how: HARM[how] for how in LABELLED} | {"boxes a seventh too large": each(loose)},
        {how: HARMLESS[how] for how in LABELLED_HARMLESS}, one_lost, truths, NAMES, answers=answers,
    ),
]  # fmt: skip
