"""Score generated pictures: how similar they are to the original's (PSNR, SSIM)."""

import numpy as np

from workers.contracts.specs import TaskScore
from workers.evaluate.proof.case import Case
from workers.evaluate.proof.predictions import Values
from workers.evaluate.scores.base import Floats, Score, mean_draws, metric, score_by_original
from workers.pipeline.alike.pictures import SMALLEST_SIDE, psnr, ranges_of, ssim

MOST_ITEMS = 200
PSNR = metric(
    "psnr",
    "PSNR",
    "peak signal-to-noise ratio: how faint the difference to the original’s pictures is; above 40 dB nobody sees it",
    "dB",
)
SSIM = metric("ssim", "Same structure", "how alike edges and patterns are (SSIM); 1 is the same")


def fits(case: Case) -> bool:
    """Return whether predictions are pictures (channels, height, width)."""
    if case.old.answer_kind not in ("tensor", "picture"):
        return False
    shape = case.old.answer[int(case.items[0])].shape
    return len(shape) == 3 and shape[0] in (1, 3, 4) and min(shape[1:]) >= SMALLEST_SIDE


def measure(case: Case) -> list[TaskScore]:
    """Return mean PSNR and SSIM over pictures.

    The range of values is that of the verdict, see `ranges_of`.
    """
    pairs = case.pairs[:MOST_ITEMS]
    if any(a.shape != b.shape or not np.isfinite(b).all() for a, b in pairs):
        return []
    spans = ranges_of([a for a, _ in pairs])[:, 1]
    if not spans.any():
        return []
    values = np.asarray([nearness(a, b, span) for (a, b), span in zip(pairs, spans.tolist(), strict=True)])
    draws: Floats = mean_draws(values, case.seed)
    n = len(values)
    return [
        score_by_original(kind, "generated pictures", n, float(values[:, k].mean()), draws[:, k])
        for k, kind in enumerate((PSNR, SSIM))
    ]


def nearness(old: Values, new: Values, span: float) -> tuple[float, float]:
    """Return PSNR in dB (at most 120) and SSIM of two pictures.

    Both are (channels, height, width), and `span` is the range of their values.
    """
    a, b = (np.asarray(values, np.float64) / span for values in (old, new))
    return psnr(a, b), ssim(a, b)


SCORE = Score("generated-pictures", 60, fits, measure)
