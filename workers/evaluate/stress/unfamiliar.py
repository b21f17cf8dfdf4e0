"""Inputs that no person would give the model: how often is each version sure of its answer all the same?

Confidence is the energy of the answer, logsumexp of its scores (Liu and others 2020, arXiv 2010.03759), or the largest
share where the model gives shares (arXiv 1610.02136). "Sure" means: as sure as of 95 % of the real inputs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.process.context import JobContext
from workers.contracts.stress import UnfamiliarRow
from workers.evaluate.proof.stats import holm, mcnemar_p
from workers.evaluate.stress.base import Floats, Generator, Row
from workers.evaluate.stress.changes import Changed, draw, rng_of
from workers.evaluate.stress.samples import Samples
from workers.evaluate.stress.scoring import Values
from workers.evaluate.stress.verdicts import unfamiliar_row
from workers.evaluate.stress.versions import Version

STAGE = "Asking both versions about nonsense"
LET_THROUGH = 0.95
MOST, FEWEST = 40, 20
CUTS = 4


def confidence(answer: Values, scores: str) -> float:
    """Larger is surer. A single logit counts by its distance from 0."""
    values = answer.astype(np.float64).ravel()
    if not np.isfinite(values).all():
        return -np.inf
    if scores == "probabilities":
        return float(max(values[0], 1 - values[0]) if values.size == 1 else values.max())
    if values.size == 1:
        return float(abs(values[0]))
    return float(values.max() + np.log(np.exp(values - values.max()).sum()))


def noise_picture(sample: Floats, rng: Generator) -> Floats:
    """Each value by chance."""
    return rng.random(sample.shape, dtype=np.float32)


def pattern_picture(sample: Floats, rng: Generator) -> Floats:
    """Stripes, checks or rings of a size by chance."""
    height, width, channels = sample.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    period = rng.uniform(2, max(4, min(height, width) / 2))
    kind = int(rng.integers(3))
    angle = rng.uniform(0, np.pi)
    wave = np.sin(2 * np.pi * (rows * np.sin(angle) + columns * np.cos(angle)) / period)
    if kind == 1:
        wave = np.sign(np.sin(2 * np.pi * rows / period) * np.sin(2 * np.pi * columns / period))
    elif kind == 2:
        wave = np.sin(2 * np.pi * np.hypot(rows - height / 2, columns - width / 2) / period)
    share = ((wave + 1) / 2)[:, :, None].astype(np.float32)
    first, second = rng.random((2, channels)).astype(np.float32)
    return np.asarray(share * first + (1 - share) * second, np.float32)


def shuffled_picture(sample: Floats, rng: Generator) -> Floats:
    """A real picture cut into 4 × 4 parts that change places."""
    height, width = sample.shape[0] // CUTS, sample.shape[1] // CUTS
    if not height or not width:
        return np.ascontiguousarray(sample[::-1, ::-1])
    out = sample.copy()
    places = [(row * height, column * width) for row in range(CUTS) for column in range(CUTS)]
    for (down, right), at in zip(places, rng.permutation(len(places)).tolist(), strict=True):
        top, left = places[at]
        out[down : down + height, right : right + width] = sample[top : top + height, left : left + width]
    return out


def noise_row(row: Row, rng: Generator) -> NDArray[Any]:
    """Each feature by chance, within its range."""
    return row.fitted(row.low + rng.random(row.values.shape) * (row.high - row.low))


def far_row(row: Row, rng: Generator) -> NDArray[Any]:
    """Each feature five times its spread away from its center; whole numbers stay within their range."""
    return row.fitted(row.center + row.spread * 5 * rng.choice([-1.0, 1.0], row.values.shape))


Make = Callable[[Any, Generator], Any]
KINDS: dict[str, tuple[tuple[str, str, Make], ...]] = {
    "images": (
        ("noise", "Nothing but noise", noise_picture),
        ("patterns", "Stripes, checks and rings", pattern_picture),
        ("shuffled", "Pictures with their parts shuffled", shuffled_picture),
    ),
    "arrays": (("noise", "Numbers by chance", noise_row), ("far", "Numbers far from the usual", far_row)),
}


def unfamiliar_rows(
    old: Version, new: Version, samples: Samples, changed: Changed, ctx: JobContext, left: Callable[[], float]
) -> tuple[UnfamiliarRow, ...]:
    """One row for each kind; none for models without classes, for texts and sounds, or with fewer than 20 examples."""
    kinds = KINDS.get(samples.takes, ())
    if changed.measure == "likeness" or len(changed.items) < FEWEST or old.pipeline.stateful:
        return ()
    limits = [_limit([pair[side] for pair in changed.references], old.pipeline.spec.scores) for side in (0, 1)]
    found: list[tuple[tuple[str, str], NDArray[np.bool_], str | None]] = []
    for place, (id_, title, make) in enumerate(kinds):
        ctx.progress(STAGE, place, len(kinds), "kinds")
        sure, picture = [], None
        for number, given in enumerate(changed.items[:MOST]):
            ctx.check_cancelled()
            if number >= FEWEST and left() <= 0:
                break
            nonsense = make(samples.open(given), rng_of(ctx.seed, number, id_, 0))
            if number == 0 and samples.takes == "images":
                picture = draw(nonsense, f"unfamiliar-{id_}", ctx.work_dir)
            feeds = [samples.feeds(version.pipeline, given, nonsense) for version in (old, new)]
            answers = [version.answer(one) for version, one in zip((old, new), feeds, strict=True)]
            sure.append(
                [
                    confidence(answer, old.pipeline.spec.scores) >= limit
                    for answer, limit in zip(answers, limits, strict=True)
                ]
            )
        found.append(((id_, title), np.asarray(sure, bool), picture))
    return _rows(found)


def _limit(answers: Sequence[Values], scores: str) -> float:
    """What 95 % of the real inputs reach."""
    return float(np.quantile([confidence(answer, scores) for answer in answers], 1 - LET_THROUGH))


def _rows(found: Sequence[tuple[tuple[str, str], NDArray[np.bool_], str | None]]) -> tuple[UnfamiliarRow, ...]:
    p_values = [
        mcnemar_p(int((sure[:, 1] & ~sure[:, 0]).sum()), int((sure[:, 0] & ~sure[:, 1]).sum())) for _, sure, _ in found
    ]
    adjusted = holm(p_values)
    return tuple(
        unfamiliar_row(kind, sure, p, picture) for (kind, sure, picture), p in zip(found, adjusted, strict=True)
    )
