"""Pictures as results: would a person see the difference, anywhere in the picture?"""

import math

import numpy as np

from workers.evaluate.proof.case import Case
from workers.evaluate.proof.comparing.pictures import SMALLEST_SIDE, psnr, ssim_map, worst_tile
from workers.evaluate.proof.differences import Differences, Floats, ProofTask
from workers.evaluate.proof.predictions import Values
from workers.evaluate.proof.tasks.numbers import class_names

LEAST_PSNR_DB, LEAST_SSIM = 30.0, 0.95
LEAST_CHANNEL_DB = 28.0
"""Of each color by itself: a cast of one color is a third of the error only."""

TILE_PX = 16
LEAST_TILE_DB = 20.0
"""A blot of 16 by 16 pixels in a picture of 256 by 256 leaves PSNR above 30 and SSIM above .99: the worst tile of that
size counts by itself, at ten times the error."""


def compare(case: Case) -> Differences:
    """Values are taken to span what the original's span over all items. Other sizes, and what is no number, changed."""
    old, new = case.answers("old"), case.answers("new")
    low, high = min(float(a.min()) for a in old), max(float(a.max()) for a in old)
    span = high - low
    if span <= 0:
        return Differences(case.items, np.ones(len(old), np.bool_), np.ones(len(old)), unseen=CONSTANT)
    rows = np.asarray(
        [nearness(channels_first(a), channels_first(b), low, span) for a, b in zip(old, new, strict=True)]
    )
    loud, structure, blot, color = rows.T
    changed = ~((loud >= LEAST_PSNR_DB) & (structure >= LEAST_SSIM) & (blot >= LEAST_TILE_DB))
    changed |= ~(color >= LEAST_CHANNEL_DB)
    severity = np.nan_to_num(10 ** (-loud / 20), nan=1.0)
    notes = [f"PSNR is {np.nanmin(loud):.1f} dB at least, SSIM {np.nanmin(structure):.3f}."] if len(rows) else []
    names = class_names(case.facts)
    return Differences(case.items, changed, severity, np.clip(structure, 0.0, 1.0), names, notes=notes)


CONSTANT = "The original gives the same value everywhere: these examples cannot prove pictures."


def nearness(old: Floats, new: Floats, low: float, span: float) -> tuple[float, float, float, float]:
    """PSNR in dB, SSIM, and PSNR of the worst tile and of the worst channel; −inf and 0 for other sizes and no
    numbers."""
    if old.shape != new.shape or not np.isfinite(new).all():
        return -math.inf, 0.0, -math.inf, -math.inf
    a, b = ((values - low) / span for values in (old, new))
    errors = np.square(a - b)
    worst = worst_tile(errors.mean(axis=0), TILE_PX)
    structure = float(ssim_map(a, b).mean()) if min(a.shape[1:]) >= SMALLEST_SIDE else 1.0
    color = float(errors.mean(axis=(1, 2)).max())
    return psnr(a, b), structure, _decibels(worst), _decibels(color)


def _decibels(error: float) -> float:
    return -10 * math.log10(error) if error > 0 else math.inf


def channels_first(values: Values) -> Floats:
    """(channels, height, width) of one picture; the shorter of the first and last axis is that of channels."""
    numbers = np.asarray(values, np.float64)
    if numbers.ndim == 2:
        return numbers[None]
    return numbers if numbers.shape[0] <= numbers.shape[-1] else np.moveaxis(numbers, -1, 0)


TASK = ProofTask(
    "picture",
    "Pictures",
    "PSNR is below 30 dB, SSIM below .95, or a spot differs clearly",
    order=17,
    fits=lambda case: case.old.answer_kind == "picture" and bool(len(case.items)),
    compare=compare,
)
