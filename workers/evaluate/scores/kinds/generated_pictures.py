"""Pictures as answers: how near they are to the original's (PSNR, SSIM). torchmetrics works the values out."""

import math

import numpy as np

from workers.contracts.specs import TaskScore
from workers.evaluate.answers import Values
from workers.evaluate.scores.base import Case, Floats, Score, Words, alone, mean_draws

SMALLEST_SIDE = 11
"""SSIM looks through a window of this size (Wang et al., IEEE TIP 13:600, 2004)."""

MOST_ITEMS = 200
SAME_DB = 120.0
"""Stands for "no difference at all", whose PSNR is infinite."""

PSNR = Words(
    "psnr", "Noise", "how faint the difference to the original’s pictures is; above 40 dB nobody sees it", "dB"
)
SSIM = Words("ssim", "Same structure", "how alike edges and patterns are (SSIM); 1 is the same")


def fits(case: Case) -> bool:
    if case.old.answer_kind != "tensor" or not len(case.items):
        return False
    shape = case.old.answer[int(case.items[0])].shape
    return len(shape) == 3 and shape[0] in (1, 3, 4) and min(shape[1:]) >= SMALLEST_SIDE


def measure(case: Case) -> list[TaskScore]:
    """The mean over pictures; the range is that of the original's values over all of them."""
    pairs = list(zip(case.answers("old"), case.answers("new"), strict=True))[:MOST_ITEMS]
    if any(a.shape != b.shape or not np.isfinite(b).all() for a, b in pairs):
        return []
    span = max(float(a.max()) for a, _ in pairs) - min(float(a.min()) for a, _ in pairs)
    if span <= 0:
        return []
    values = np.asarray([nearness(a, b, span) for a, b in pairs])
    draws: Floats = mean_draws(values, case.seed)
    n = len(values)
    return [
        alone(words, "generated pictures", n, float(values[:, k].mean()), draws[:, k])
        for k, words in enumerate((PSNR, SSIM))
    ]


def nearness(old: Values, new: Values, span: float) -> tuple[float, float]:
    """PSNR in dB (at most 120) and SSIM of two pictures (channels, height, width) whose values span `span`."""
    import torch
    from torchmetrics.functional.image import structural_similarity_index_measure
    from torchmetrics.functional.regression import mean_squared_error

    # the library keeps ranges and logarithms in 32 bits: a range of 1 loses nothing, and dB are made here
    a, b = (torch.from_numpy(np.asarray(values, np.float64) / span)[None] for values in (old, new))
    error = float(mean_squared_error(b, a))
    noise = min(-10 * math.log10(error), SAME_DB) if error > 0 else SAME_DB
    _, whole = structural_similarity_index_measure(b, a, data_range=1.0, return_full_image=True)
    edge = SMALLEST_SIDE // 2  # only windows that lie within the picture, as the authors and scikit-image do
    return noise, float(whole[..., edge:-edge, edge:-edge].mean())


SCORE = Score("generated-pictures", "Generated pictures", "torchmetrics", 60, fits, measure)
